"""Frames to end users: the conversation as they may see it, and their place in the queue."""

from __future__ import annotations

from typing import Literal

import msgspec

from idcontact.live.messages.answers import AuthView, Limits
from idcontact.live.messages.values import PROTOCOL, ConversationId, EndReason, Frame, Millis, Phase


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


class EndUserWelcome(Frame, tag="welcome", frozen=True, kw_only=True):
    """The answer to an end user's `hello`. Missing events follow, then live ones."""

    protocol: Literal["idcontact.live.v1"] = PROTOCOL
    server_time: Millis
    limits: Limits
    participant: str
    conversation: EndUserConversation


class ConversationView(Frame, tag="conversation", frozen=True, kw_only=True):
    """The state of a conversation, for its end user. Replaces an earlier one of a lower version."""

    conversation: EndUserConversation


class Position(Frame, tag="position", frozen=True, kw_only=True):
    """Where a waiting end user is in the queue: 1 is next. `expected_wait`: seconds yet to wait; absent: not known."""

    conversation: ConversationId
    position: int
    agents_present: int
    expected_wait: int | None = None
