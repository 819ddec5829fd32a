"""Frames to end users and staff alike, and the parts that their views have in common."""

from __future__ import annotations

import msgspec

from idcontact.live.messages.values import AuthStatus, CommandId, ConversationId, ErrorCode, Frame, Millis, Sender, Seq


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What this server accepts from this socket."""

    max_frame_bytes: int
    max_text_characters: int
    frames_per_10_seconds: int


class AuthView(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How the end user identified. `given` is the only status that means verified; no values here."""

    status: AuthStatus
    method: str | None = None
    method_label: str | None = None
    level: str | None = None
    at: Millis | None = None


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


class SeenBy(Frame, tag="seen_by", frozen=True, kw_only=True):
    """The other participant has been shown everything up to `seq`."""

    conversation: ConversationId
    by: Sender
    seq: Seq


class TypingBy(Frame, tag="typing_by", frozen=True, kw_only=True):
    """The other participant is typing, or has stopped. Good for 6 seconds, and until their next message."""

    conversation: ConversationId
    by: Sender
    on: bool
