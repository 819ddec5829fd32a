"""Frames to staff: the queue and its agents."""

from __future__ import annotations

from typing import Literal

import msgspec

from idcontact.live.messages.values import AgentStatus, ConversationId, Frame, Millis


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


class QueueSnapshot(Frame, tag="queue", frozen=True, kw_only=True):
    """The whole queue and its agents, as this console may see them, at `version`."""

    version: int
    entries: list[QueueEntry]
    agents: list[QueueAgent]


class QueueDelta(Frame, tag="queue_delta", frozen=True, kw_only=True):
    """What changed between version `after` and `version`. Members carry the whole entry or agent."""

    after: int
    version: int
    entries: list[QueueEntry] = msgspec.field(default_factory=list)
    entries_gone: list[str] = msgspec.field(default_factory=list)
    agents: list[QueueAgent] = msgspec.field(default_factory=list)
    agents_gone: list[str] = msgspec.field(default_factory=list)
