"""Every frame of the socket protocol `idcontact.live.v1`, once.

JSON text frames. Each struct is one frame or a part of one; its `type` tag is the frame's name. JSON Schema and the
TypeScript types of the front ends are generated from these structs (`make generate`).

- command (client → server): has an `id`; answered by exactly one `ack` or `error` with that `id`.
- event (server → client): has `seq`; part of one of a conversation's two logs, `public` and `staff`.
- view (server → client): the state of a conversation, the queue or an offer, as this client may see it. A later one
  replaces an earlier one.

Times are milliseconds UTC, by the clock of the store.
"""

from __future__ import annotations

from typing import TypeAlias

from idcontact.live.messages.answers import Ack, AuthView, Error, Limits, Pong, SeenBy, TypingBy
from idcontact.live.messages.commands import (
    AcceptOffer,
    Command,
    ContinueUnverified,
    DeclineOffer,
    EndConversation,
    FinishWrapUp,
    Have,
    Hello,
    Ping,
    Seen,
    SendMessage,
    SetStatus,
    Typing,
)
from idcontact.live.messages.end_user import AgentView, ConversationView, EndUserConversation, EndUserWelcome, Position
from idcontact.live.messages.events import (
    DisclosedEvent,
    EndedEvent,
    Event,
    IdentifiedEvent,
    JoinedEvent,
    LeftEvent,
    MaybeLostEvent,
    MessageEvent,
    NotIdentifiedEvent,
    QueuedEvent,
    StillThereEvent,
    UnverifiedEvent,
)
from idcontact.live.messages.queue import QueueAgent, QueueDelta, QueueEntry, QueueSnapshot
from idcontact.live.messages.staff import (
    Attributes,
    AttributesGone,
    ConversationGone,
    Me,
    Offer,
    OfferGone,
    OfferView,
    StaffConversation,
    StaffConversationView,
    StaffMember,
    StaffWelcome,
    VerifiedAttribute,
)
from idcontact.live.messages.values import (
    MAX_FRAME_BYTES,
    MAX_TEXT_CHARACTERS,
    PROTOCOL,
    AgentStatus,
    AuthStatus,
    CommandId,
    ConversationId,
    EndReason,
    ErrorCode,
    Frame,
    LogName,
    Millis,
    Phase,
    Role,
    Sender,
    Seq,
    Text,
)

__all__ = [
    "MAX_FRAME_BYTES",
    "MAX_TEXT_CHARACTERS",
    "PROTOCOL",
    "AcceptOffer",
    "Ack",
    "AgentStatus",
    "AgentView",
    "AnyEvent",
    "Attributes",
    "AttributesGone",
    "AuthStatus",
    "AuthView",
    "Command",
    "CommandId",
    "ContinueUnverified",
    "ConversationGone",
    "ConversationId",
    "ConversationView",
    "DeclineOffer",
    "DisclosedEvent",
    "EndConversation",
    "EndReason",
    "EndUserConversation",
    "EndUserFrame",
    "EndUserWelcome",
    "EndedEvent",
    "Error",
    "ErrorCode",
    "Event",
    "FinishWrapUp",
    "Frame",
    "Have",
    "Hello",
    "IdentifiedEvent",
    "JoinedEvent",
    "LeftEvent",
    "Limits",
    "LogName",
    "MaybeLostEvent",
    "Me",
    "MessageEvent",
    "Millis",
    "NotIdentifiedEvent",
    "Offer",
    "OfferGone",
    "OfferView",
    "Phase",
    "Ping",
    "Pong",
    "Position",
    "QueueAgent",
    "QueueDelta",
    "QueueEntry",
    "QueueSnapshot",
    "QueuedEvent",
    "Role",
    "Seen",
    "SeenBy",
    "SendMessage",
    "Sender",
    "Seq",
    "SetStatus",
    "StaffConversation",
    "StaffConversationView",
    "StaffFrame",
    "StaffMember",
    "StaffWelcome",
    "StillThereEvent",
    "Text",
    "ToEndUser",
    "ToStaff",
    "Typing",
    "TypingBy",
    "UnverifiedEvent",
    "VerifiedAttribute",
]

EndUserFrame: TypeAlias = Hello | SendMessage | Seen | Typing | EndConversation | ContinueUnverified | Ping
StaffFrame: TypeAlias = (
    Hello | SendMessage | Seen | Typing | EndConversation | SetStatus | AcceptOffer | DeclineOffer | FinishWrapUp | Ping
)
AnyEvent: TypeAlias = (
    MessageEvent
    | QueuedEvent
    | IdentifiedEvent
    | NotIdentifiedEvent
    | UnverifiedEvent
    | JoinedEvent
    | LeftEvent
    | StillThereEvent
    | MaybeLostEvent
    | EndedEvent
    | DisclosedEvent
)
ToEndUser: TypeAlias = (
    EndUserWelcome
    | Ack
    | Error
    | Pong
    | MessageEvent
    | QueuedEvent
    | IdentifiedEvent
    | NotIdentifiedEvent
    | UnverifiedEvent
    | JoinedEvent
    | LeftEvent
    | StillThereEvent
    | MaybeLostEvent
    | EndedEvent
    | ConversationView
    | Position
    | SeenBy
    | TypingBy
)
ToStaff: TypeAlias = (
    StaffWelcome
    | Ack
    | Error
    | Pong
    | MessageEvent
    | QueuedEvent
    | IdentifiedEvent
    | NotIdentifiedEvent
    | UnverifiedEvent
    | JoinedEvent
    | LeftEvent
    | StillThereEvent
    | MaybeLostEvent
    | EndedEvent
    | DisclosedEvent
    | StaffConversationView
    | ConversationGone
    | SeenBy
    | TypingBy
    | Attributes
    | AttributesGone
    | Offer
    | OfferGone
    | Me
    | QueueSnapshot
    | QueueDelta
)
