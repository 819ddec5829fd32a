"""What is known of one conversation: its phase and the facts beside it, and how long things may take.

Phases: preparing → waiting → active → wrapping_up → closed → (purged: nothing is left). The rules that lead from one
state to the next are in `conversation.py`. All times are milliseconds UTC, by the clock of the store.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

import msgspec

MINUTE = 60_000


class Phase(StrEnum):
    """Where a conversation is. LIVE: see the module."""

    PREPARING = "preparing"
    WAITING = "waiting"
    ACTIVE = "active"
    WRAPPING_UP = "wrapping_up"
    CLOSED = "closed"
    PURGED = "purged"


class AuthStatus(StrEnum):
    """What is known of the end user's identity. Only GIVEN means verified."""

    NONE = "none"
    PENDING = "pending"
    GIVEN = "given"
    FAILED = "failed"
    MISSING = "missing"


EndReason = Literal[
    "ended_by_end_user",
    "ended_by_agent",
    "abandoned",
    "left_the_queue",
    "idle",
    "time_limit",
    "not_identified",
    "unavailable",
]


class Auth(msgspec.Struct, frozen=True, omit_defaults=True):
    """The identification. `digest` is that of the accepted result, so that the same one may be delivered again."""

    status: AuthStatus
    method: str | None = None
    level: str | None = None
    at: int | None = None
    tags: tuple[str, ...] = ()
    digest: str | None = None
    waived: bool = False
    """The end user chose to go on without."""


class AgentPart(msgspec.Struct, frozen=True, omit_defaults=True):
    """The agent who has the conversation, under `Conversation.generation`."""

    id: str
    name: str
    accepted_at: int
    absent_since: int | None = None


class Conversation(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The whole state of one conversation, but for its logs and the attributes."""

    id: str
    purpose: str
    channel: str
    language: str
    created_at: int
    auth: Auth
    phase: Phase = Phase.PREPARING
    version: int = 0
    browser: str | None = None
    """base64url of SHA-256 of the cookie of the browser that started; None when unknown."""
    return_url: str | None = None
    other_device: bool = False
    landed_at: int | None = None
    conn: str | None = None
    """The socket that the end user has now."""
    absent_since: int | None = None
    entered_at: int | None = None
    """When it first entered the queue: that is its place there, also when it comes back."""
    queued_at: int | None = None
    """When it entered the queue this time."""
    generation: int = 0
    agent: AgentPart | None = None
    asked_until: int | None = None
    """Both were asked whether they are still there, and have until then."""
    ended_at: int | None = None
    end_reason: EndReason | None = None


@dataclass(frozen=True)
class Rules:
    """How long things may take, in milliseconds, and whether the purpose goes on without identification."""

    unverified: bool = False
    preparing: int = 60 * MINUTE
    auth_wait: int = 2 * MINUTE
    waiting_grace: int = 10 * MINUTE
    user_grace: int = 5 * MINUTE
    agent_grace: int = MINUTE
    idle: int = 15 * MINUTE
    asked: int = MINUTE
    hard_limit: int = 120 * MINUTE
    wrap_up: int = MINUTE
    retention: int = 15 * MINUTE
    lease: int = 45_000
