"""Frames to staff: themselves, their conversations, what is offered to them, and verified attributes."""

from __future__ import annotations

from typing import Literal

import msgspec

from idcontact.live.messages.answers import AuthView, Limits
from idcontact.live.messages.values import PROTOCOL, AgentStatus, ConversationId, EndReason, Frame, Millis, Phase, Role


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


class StaffWelcome(Frame, tag="welcome", frozen=True, kw_only=True):
    """The answer to a console's `hello`. Missing events of its conversations follow, then live ones."""

    protocol: Literal["idcontact.live.v1"] = PROTOCOL
    server_time: Millis
    limits: Limits
    me: StaffMember
    conversations: list[StaffConversation]
    offers: list[OfferView]


class StaffConversationView(Frame, tag="conversation", frozen=True, kw_only=True):
    """The state of a conversation, for its agent. Replaces an earlier one of a lower version."""

    conversation: StaffConversation


class ConversationGone(Frame, tag="conversation_gone", frozen=True, kw_only=True):
    """This console no longer has part in the conversation."""

    conversation: ConversationId


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
