"""Settings of live conversations: `[live]` in the configuration."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from idcontact.limits import Limit
from idcontact.live.conversation_state import Rules
from idcontact.live.routing_store import RoutingSettings
from idcontact.pem import PrivatePem
from idcontact.results import ResultMethod
from idcontact.settings_values import Duration, Period


class LivePurpose(msgspec.Struct, frozen=True, kw_only=True):
    """What live conversations need to know of a purpose: `[live.purposes.<tag>]`."""

    unverified: bool = False
    """Whether an end user may go on when the identification failed or never came."""


class LiveSettings(msgspec.Struct, frozen=True, kw_only=True):
    """All of `[live]`."""

    decrypt_key: PrivatePem
    """Private key that auth results are encrypted to."""
    auth_methods: list[ResultMethod]
    purposes: dict[str, LivePurpose] = {}
    other_browser: Literal["mark", "refuse"] = "mark"
    """A landing in another browser than the one that started: shown to the agent, or refused. `refuse` also refuses one
    of which the core did not say which browser started: it needs starts by the form of our own core."""
    preparing: Period = Period(60 * 60)
    """How long the end user may take to arrive after starting."""
    auth_wait: Period = Period(2 * 60)
    """How long someone who has arrived waits for an announced auth result."""
    waiting_grace: Period = Period(10 * 60)
    """How long a place in the queue is kept for someone who is not connected."""
    user_grace: Period = Period(5 * 60)
    """How long a conversation waits for an end user whose connection was lost."""
    agent_grace: Period = Period(60)
    """How long it waits for an agent; then it goes back to the queue."""
    idle: Period = Period(15 * 60)
    """Silence of both, after which they are asked."""
    asked: Period = Period(60)
    """How long they have to answer."""
    hard_limit: Period = Period(2 * 60 * 60)
    """How long somebody may wait in the queue without being helped, and how long an agent may talk with them."""
    wrap_up: Duration = Duration(60)
    """How long an agent may finish after the end."""
    retention: Duration = Duration(15 * 60)
    """How long an ended conversation is kept for its participants to read; 0: not at all."""
    offer_timeout: Period = Period(20)
    """How long an offer stands."""
    decline_pause: Duration = Duration(60)
    """How long an agent is not offered again what they declined."""
    landing_limit: Limit = Limit(60, 600)
    """Landings per address."""
    socket_limit: Limit = Limit(120, 60)
    """How often one end user or member of staff may connect; from one address, how often those who may not come in."""
    frames_per_10_seconds: Annotated[int, msgspec.Meta(ge=10)] = 100
    """Frames that one socket may send, and messages that one side of a conversation may say on however many sockets."""

    def rules(self, purpose: str) -> Rules:
        """The rules of a conversation about `purpose`, in milliseconds."""
        known = self.purposes.get(purpose, LivePurpose())
        return Rules(
            unverified=known.unverified,
            preparing=_ms(self.preparing),
            auth_wait=_ms(self.auth_wait),
            waiting_grace=_ms(self.waiting_grace),
            user_grace=_ms(self.user_grace),
            agent_grace=_ms(self.agent_grace),
            idle=_ms(self.idle),
            asked=_ms(self.asked),
            hard_limit=_ms(self.hard_limit),
            wrap_up=_ms(self.wrap_up),
            retention=_ms(self.retention),
        )

    @property
    def longest(self) -> int:
        """Seconds from the landing to the purge of a conversation that takes all its time, and loses its agent once."""
        waits_and_talks = 2 * (self.hard_limit + self.hard_limit + self.agent_grace)
        return int(self.preparing + waits_and_talks + self.wrap_up + self.retention)

    @property
    def routing(self) -> RoutingSettings:
        """The times of routing, in milliseconds."""
        return RoutingSettings(offer_timeout=_ms(self.offer_timeout), decline_pause=_ms(self.decline_pause))


def _ms(duration: float) -> int:
    return int(duration * 1000)
