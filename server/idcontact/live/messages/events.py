"""What happened in a conversation: frames of its two logs."""

from __future__ import annotations

from typing import Literal

from idcontact.live.messages.values import ConversationId, EndReason, Frame, LogName, Millis, Sender, Seq


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


class MaybeLostEvent(Event, tag="maybe_lost", frozen=True, kw_only=True):
    """The store fell back to an earlier copy of itself: what was said last before this may be missing."""


class EndedEvent(Event, tag="ended", frozen=True, kw_only=True):
    """The conversation is over."""

    reason: EndReason


class DisclosedEvent(Event, tag="disclosed", frozen=True, kw_only=True):
    """Staff log: attributes were shown to `name`; which, and why; never values."""

    name: str
    tags: list[str]
    reason: str
