"""What frames are made of: names, limits, the words that the protocol knows, and the base of every frame."""

from __future__ import annotations

from typing import Annotated, Final, Literal, TypeAlias

import msgspec
from msgspec import Meta

PROTOCOL: Final = "idcontact.live.v1"
MAX_FRAME_BYTES = 32 * 1024
MAX_TEXT_CHARACTERS = 4000

CommandId: TypeAlias = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{1,64}$", description="made by the client")]
PageId: TypeAlias = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{1,64}$", description="made by the client, by chance")]
ConversationId: TypeAlias = Annotated[str, Meta(pattern=r"^[a-z2-7]{26}$", description="public id of a conversation")]
Text: TypeAlias = Annotated[str, Meta(min_length=1, max_length=MAX_TEXT_CHARACTERS)]
Attempt: TypeAlias = Annotated[int, Meta(ge=0, le=2**53 - 1)]
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
