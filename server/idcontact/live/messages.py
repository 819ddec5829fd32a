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

from typing import Annotated, Final, Literal, TypeAlias

import msgspec
from msgspec import Meta

PROTOCOL: Final = "idcontact.live.v1"
MAX_FRAME_BYTES = 32 * 1024
MAX_TEXT_CHARACTERS = 4000

CommandId: TypeAlias = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{1,64}$", description="made by the client")]
ConversationId: TypeAlias = Annotated[str, Meta(pattern=r"^[a-z2-7]{26}$", description="public id of a conversation")]
Text: TypeAlias = Annotated[str, Meta(min_length=1, max_length=MAX_TEXT_CHARACTERS)]
Seq: TypeAlias = Annotated[int, Meta(ge=0)]
Millis: TypeAlias = Annotated[int, Meta(ge=0, description="milliseconds since 1970, UTC")]

LogName: TypeAlias = Literal["public", "staff"]
Phase: TypeAlias = Literal["preparing", "waiting", "active", "wrapping_up", "closed", "purged"]
AuthStatus: TypeAlias = Literal["none", "pending", "given", "failed", "missing"]
EndReason: TypeAlias = Literal[
    "ended_by_end_user",
    "ended_by_agent",
    "abandoned",
    "left_the_queue",
    "idle",
    "time_limit",
    "not_identified",
    "unavailable",
]
Role: TypeAlias = Literal["agent", "supervisor", "administrator"]
AgentStatus: TypeAlias = Literal["available", "away"]
Sender: TypeAlias = Literal["end_user", "agent", "system"]
ErrorCode: TypeAlias = Literal[
    "malformed",
    "unknown_type",
    "too_large",
    "not_allowed",
    "not_found",
    "conflict",
    "rate_limited",
    "unavailable",
    "hello_expected",
]


class Frame(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Base of every frame."""


# --- client → server ------------------------------------------------------------------------------------------------


class Have(msgspec.Struct, frozen=True, kw_only=True):
    """What a client already has of one log of one conversation."""

    conversation: ConversationId
    log: LogName
    log_id: str
    seq: Seq


class Hello(Frame, tag="hello", frozen=True, kw_only=True):
    """The first frame of a socket. `have` is empty on a first load."""

    have: list[Have] = []


class Command(Frame, frozen=True, kw_only=True):
    """Base of every command."""

    id: CommandId


class SendMessage(Command, tag="send", frozen=True, kw_only=True):
    """Say something in an active conversation."""

    conversation: ConversationId
    text: Text


class Seen(Frame, tag="seen", frozen=True, kw_only=True):
    """Everything of the public log up to `seq` has been shown to this participant. Not answered."""

    conversation: ConversationId
    seq: Seq


class EndConversation(Command, tag="end", frozen=True, kw_only=True):
    """End the conversation; for a waiting end user: leave the queue."""

    conversation: ConversationId


class ContinueUnverified(Command, tag="continue_unverified", frozen=True, kw_only=True):
    """End user: go on although the identification failed or never came, where the purpose allows it."""

    conversation: ConversationId


class SetStatus(Command, tag="set_status", frozen=True, kw_only=True):
    """Agent: take conversations, or not."""

    status: AgentStatus


class AcceptOffer(Command, tag="accept", frozen=True, kw_only=True):
    """Agent: take the conversation that is offered."""

    conversation: ConversationId
    offer: str


class DeclineOffer(Command, tag="decline", frozen=True, kw_only=True):
    """Agent: leave the offered conversation to somebody else. It keeps its place."""

    conversation: ConversationId
    offer: str


class FinishWrapUp(Command, tag="finish", frozen=True, kw_only=True):
    """Agent: the work after the conversation is done."""

    conversation: ConversationId


class Ping(Frame, tag="ping", frozen=True, kw_only=True):
    """Is anybody there? Answered by `pong` with the same `nonce`. For clients that cannot see WebSocket pings."""

    nonce: Annotated[str, Meta(max_length=64)] = ""


EndUserFrame: TypeAlias = Hello | SendMessage | Seen | EndConversation | ContinueUnverified | Ping
StaffFrame: TypeAlias = (
    Hello | SendMessage | Seen | EndConversation | SetStatus | AcceptOffer | DeclineOffer | FinishWrapUp | Ping
)

# --- parts of what the server sends ---------------------------------------------------------------------------------


class AuthView(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How the end user identified. `given` is the only status that means verified; no values here."""

    status: AuthStatus
    method: str | None = None
    method_label: str | None = None
    level: str | None = None
    at: Millis | None = None


class AgentView(msgspec.Struct, frozen=True, kw_only=True):
    """The agent of a conversation, as the end user may know them."""

    name: str
    present: bool


class EndUserConversation(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A conversation as its end user sees it."""

    id: ConversationId
    version: int
    phase: Phase
    purpose: str
    purpose_label: str
    auth: AuthView
    agent: AgentView | None = None
    can_continue_unverified: bool = False
    end_reason: EndReason | None = None
    return_url: str | None = None


class StaffConversation(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A conversation as its agent sees it."""

    id: ConversationId
    version: int
    phase: Phase
    purpose: str
    purpose_label: str
    auth: AuthView
    agent: str
    language: str
    channel: str
    entered_at: Millis
    accepted_at: Millis
    end_user_present: bool
    end_user_absent_since: Millis | None = None
    other_device: bool = False
    end_reason: EndReason | None = None
    wrap_up_until: Millis | None = None


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What this server accepts from this socket."""

    max_frame_bytes: int
    max_text_characters: int
    frames_per_10_seconds: int


class StaffMember(msgspec.Struct, frozen=True, kw_only=True):
    """Who is logged in at a console."""

    id: str
    name: str
    roles: list[Role]
    purposes: dict[str, str]
    """Tag of each purpose this person serves (or watches), and its label in their language."""
    capacity: int
    status: AgentStatus
    load: int


class QueueEntry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One waiting conversation, for staff. Nothing here says who the end user is."""

    conversation: ConversationId
    purpose: str
    channel: str
    language: str
    priority: int
    arrival: int
    """Order within a priority: lower came first."""
    entered_at: Millis
    state: Literal["waiting", "offered", "absent", "assigned"]
    agent: str | None = None


class QueueAgent(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One agent, for staff."""

    id: str
    name: str
    status: AgentStatus
    present: bool
    load: int
    capacity: int
    purposes: list[str]
    since: Millis | None = None
    """Since when in this status."""


class OfferView(msgspec.Struct, frozen=True, kw_only=True):
    """A conversation offered to this agent until `until`."""

    id: str
    conversation: ConversationId
    purpose: str
    purpose_label: str
    channel: str
    language: str
    entered_at: Millis
    until: Millis
    auth: AuthView


class VerifiedAttribute(msgspec.Struct, frozen=True, kw_only=True):
    """One verified attribute, with its label in the agent's language."""

    tag: str
    label: str
    value: str


# --- server → client ------------------------------------------------------------------------------------------------


class EndUserWelcome(Frame, tag="welcome", frozen=True, kw_only=True):
    """The answer to an end user's `hello`. Missing events follow, then live ones."""

    protocol: Literal["idcontact.live.v1"] = PROTOCOL
    server_time: Millis
    limits: Limits
    participant: str
    conversation: EndUserConversation


class StaffWelcome(Frame, tag="welcome", frozen=True, kw_only=True):
    """The answer to a console's `hello`. Missing events of its conversations follow, then live ones."""

    protocol: Literal["idcontact.live.v1"] = PROTOCOL
    server_time: Millis
    limits: Limits
    me: StaffMember
    conversations: list[StaffConversation]
    offers: list[OfferView]


class Ack(Frame, tag="ack", frozen=True, kw_only=True):
    """The command is done and stored. `seq` and `at` are those of the event it made, where it made one."""

    id: CommandId
    seq: Seq | None = None
    at: Millis | None = None


class Error(Frame, tag="error", frozen=True, kw_only=True):
    """A frame was refused. `id` is the command's, where it could be read; `field` names the member at fault."""

    code: ErrorCode
    message: str
    id: str | None = None
    field: str | None = None
    retry_after_ms: int | None = None


class Pong(Frame, tag="pong", frozen=True, kw_only=True):
    """The answer to `ping`."""

    nonce: str


class Event(Frame, frozen=True, kw_only=True):
    """Base of every event. `by` is `end_user`, `agent` or `system`."""

    conversation: ConversationId
    log: LogName
    log_id: str
    seq: Seq
    at: Millis
    by: Sender


class MessageEvent(Event, tag="message", frozen=True, kw_only=True):
    """Somebody said something. `name`: the agent's display name, if an agent did. `command`: its id then."""

    text: str
    name: str | None = None
    command: str | None = None


class QueuedEvent(Event, tag="queued", frozen=True, kw_only=True):
    """The end user is in the queue (again, when `again`)."""

    again: bool = False


class IdentifiedEvent(Event, tag="identified", frozen=True, kw_only=True):
    """The end user's identity was verified; which attributes, but no values."""

    method: str
    method_label: str
    tags: list[str]
    level: str | None = None


class NotIdentifiedEvent(Event, tag="not_identified", frozen=True, kw_only=True):
    """The identification failed or was cancelled (`failed`), or its result never came (`missing`)."""

    status: Literal["failed", "missing"]


class UnverifiedEvent(Event, tag="unverified", frozen=True, kw_only=True):
    """The end user chose to go on without identification."""


class JoinedEvent(Event, tag="joined", frozen=True, kw_only=True):
    """An agent accepted."""

    name: str


class LeftEvent(Event, tag="left", frozen=True, kw_only=True):
    """The agent is gone and the conversation went back to the queue."""

    name: str


class StillThereEvent(Event, tag="still_there", frozen=True, kw_only=True):
    """Both are asked whether they are still there: somebody says something before `until`, or it ends."""

    until: Millis


class EndedEvent(Event, tag="ended", frozen=True, kw_only=True):
    """The conversation is over."""

    reason: EndReason


class DisclosedEvent(Event, tag="disclosed", frozen=True, kw_only=True):
    """Staff log: attributes were shown to `name`; which, and why; never values."""

    name: str
    tags: list[str]
    reason: str


class ConversationView(Frame, tag="conversation", frozen=True, kw_only=True):
    """The state of a conversation, for its end user. Replaces an earlier one of a lower version."""

    conversation: EndUserConversation


class StaffConversationView(Frame, tag="conversation", frozen=True, kw_only=True):
    """The state of a conversation, for its agent. Replaces an earlier one of a lower version."""

    conversation: StaffConversation


class ConversationGone(Frame, tag="conversation_gone", frozen=True, kw_only=True):
    """This console no longer has part in the conversation."""

    conversation: ConversationId


class Position(Frame, tag="position", frozen=True, kw_only=True):
    """Where a waiting end user is in the queue: 1 is next."""

    conversation: ConversationId
    position: int
    agents_present: int


class SeenBy(Frame, tag="seen_by", frozen=True, kw_only=True):
    """The other participant has been shown everything up to `seq`."""

    conversation: ConversationId
    by: Sender
    seq: Seq


class Attributes(Frame, tag="attributes", frozen=True, kw_only=True):
    """The verified attributes, for the agent who accepted, from acceptance to the end."""

    conversation: ConversationId
    method_label: str
    verified_at: Millis
    attributes: list[VerifiedAttribute]
    level: str | None = None


class AttributesGone(Frame, tag="attributes_gone", frozen=True, kw_only=True):
    """Forget the attributes of this conversation now."""

    conversation: ConversationId


class Offer(Frame, tag="offer", frozen=True, kw_only=True):
    """A conversation is offered to this agent."""

    offer: OfferView


class OfferGone(Frame, tag="offer_gone", frozen=True, kw_only=True):
    """An offer is over."""

    id: str
    conversation: ConversationId
    reason: Literal["accepted", "declined", "lapsed", "withdrawn"]


class Me(Frame, tag="me", frozen=True, kw_only=True):
    """The state of the person at this console."""

    me: StaffMember
    reason: Literal["missed_offers"] | None = None


class QueueSnapshot(Frame, tag="queue", frozen=True, kw_only=True):
    """The whole queue and its agents, as this console may see them, at `version`."""

    version: int
    entries: list[QueueEntry]
    agents: list[QueueAgent]


class QueueDelta(Frame, tag="queue_delta", frozen=True, kw_only=True):
    """What changed between version `after` and `version`. Members carry the whole entry or agent."""

    after: int
    version: int
    entries: list[QueueEntry] = []
    entries_gone: list[str] = []
    agents: list[QueueAgent] = []
    agents_gone: list[str] = []


AnyEvent: TypeAlias = (
    MessageEvent
    | QueuedEvent
    | IdentifiedEvent
    | NotIdentifiedEvent
    | UnverifiedEvent
    | JoinedEvent
    | LeftEvent
    | StillThereEvent
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
    | EndedEvent
    | ConversationView
    | Position
    | SeenBy
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
    | EndedEvent
    | DisclosedEvent
    | StaffConversationView
    | ConversationGone
    | SeenBy
    | Attributes
    | AttributesGone
    | Offer
    | OfferGone
    | Me
    | QueueSnapshot
    | QueueDelta
)
