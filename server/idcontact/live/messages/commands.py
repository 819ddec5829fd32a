"""Frames from participants: `hello`, commands, and what is not answered."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from idcontact.live.messages.values import (
    AgentStatus,
    Attempt,
    CommandId,
    ConversationId,
    Frame,
    LogName,
    Millis,
    PageId,
    Seq,
    Text,
)


class Have(msgspec.Struct, frozen=True, kw_only=True):
    """What a client already has of one log of one conversation."""

    conversation: ConversationId
    log: LogName
    log_id: str
    seq: Seq
    at: Millis | None = None
    """Of the event `seq`: tells it from another one that took its place."""


class Hello(Frame, tag="hello", frozen=True, kw_only=True):
    """The first frame of a socket. `have` is empty on a first load."""

    have: list[Have] = msgspec.field(default_factory=list)
    page: PageId | None = None
    """Of this load of the page, and another one for each."""
    attempt: Attempt = 0
    """The how manieth connection of this page it is: a `hello` that comes late does not count against a later one."""


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


class Typing(Frame, tag="typing", frozen=True, kw_only=True):
    """This participant is typing a message, or (`on` false) has stopped before there was one. Not answered."""

    conversation: ConversationId
    on: bool = True


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
