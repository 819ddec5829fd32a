"""Live's part of the metrics and of the health: of this node, and of what is in the store, which every node sees alike.

Labels are purposes, phases, roles and names of connections: never who, from where, or which conversation.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

from idcontact.errors import Unavailable
from idcontact.live.conversation_state import Phase
from idcontact.live.socket import CODES

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from prometheus_client import Metric

    from idcontact.live.board import Board
    from idcontact.live.handover import OpenSockets
    from idcontact.live.inspection import Inspection
    from idcontact.pipe import Line
    from idcontact.subscriber import Subscription

LATE: Final = 5.0
"""Seconds that a deadline may be late before this node is not well: they are met within one."""
DEAF: Final = 10.0
"""Seconds that the subscription may be down: it is back within one or two when the store is."""
_PATIENCE: Final = 2.0
_PHASES: Final = tuple(phase.value for phase in Phase if phase is not Phase.PURGED)


@dataclass(frozen=True, kw_only=True)
class _Look:
    """What was asked of the store for one page of metrics. `now` in milliseconds, `overdue` in seconds."""

    now: int
    overdue: float


@dataclass(kw_only=True)
class LiveMeasures:
    """See the module."""

    purposes: Collection[str]
    inspection: Inspection
    board: Board
    sockets: OpenSockets
    append: Line
    subscription: Subscription
    _look: _Look | None = field(default=None, init=False)

    # --- health ---------------------------------------------------------------------------------------------------

    async def wrong_with_deadlines(self) -> str | None:
        """Whether one is late that nobody has met."""
        late = await self.inspection.overdue()
        return "deadlines are late" if late > LATE else None

    async def wrong_with_attributes(self) -> str | None:
        """Whether any are kept that should have gone."""
        return "attributes are kept longer than allowed" if self.inspection.kept.overstayed else None

    async def wrong_with_subscription(self) -> str | None:
        """Whether this node does not hear what others do: its people get it only when they come again."""
        return "other nodes are not heard" if self.subscription.up.down_for > DEAF else None

    # --- metrics --------------------------------------------------------------------------------------------------

    async def look(self) -> None:
        """Ask the store."""
        try:
            async with asyncio.timeout(_PATIENCE):
                overdue = await self.inspection.overdue()
                self._look = _Look(now=await self.inspection.now(), overdue=overdue)
        except (Unavailable, TimeoutError):
            self._look = None

    def measured(self) -> Iterable[Metric]:
        """All of it; without what only the store knows while that is away."""
        yield from self._kept()
        yield from self._queues()
        yield _gauge("idcontact_sockets", "Open sockets and streams at this node.", "role", self._by_role())
        yield self._closed()
        yield GaugeMetricFamily(
            "idcontact_subscription_up",
            "Whether this node hears what the others do.",
            value=self.subscription.up.is_set(),
        )
        broken = {"append": self.append.interruptions, "subscription": self.subscription.interruptions}
        reconnects = CounterMetricFamily(
            "idcontact_reconnects",
            "How often a connection to the store broke that is always open.",
            labels=["connection"],
        )
        for connection, times in broken.items():
            reconnects.add_metric([connection], times)
        yield reconnects

    def _closed(self) -> Metric:
        closed = CounterMetricFamily(
            "idcontact_sockets_closed",
            "Sockets and streams that this node closed or refused, by close code.",
            labels=["code"],
        )
        for code in CODES:
            closed.add_metric([str(code)], self.sockets.closed[code])
        return closed

    def _by_role(self) -> dict[str, float]:
        counted = self.sockets.by_role()
        return {"end_user": counted["end_user"], "agent": counted["agent"], "supervisor": counted["supervisor"]}

    def _kept(self) -> Iterable[Metric]:
        if self._look is not None:
            yield GaugeMetricFamily(
                "idcontact_deadline_overdue_seconds",
                "By how much the oldest deadline is late that nobody has met.",
                value=self._look.overdue,
            )
        kept = self.inspection.kept
        yield GaugeMetricFamily(
            "idcontact_attributes_oldest_seconds",
            "Age of the oldest attributes in store.",
            value=kept.oldest_attributes,
        )
        yield GaugeMetricFamily(
            "idcontact_attributes_overstayed_seconds",
            "Age of the oldest attributes that are kept though their conversation has left active; 0: there are none.",
            value=kept.overstayed,
        )
        phases = {phase: kept.phases[phase] for phase in _PHASES}
        yield _gauge("idcontact_conversations", "Conversations in store.", "phase", phases)

    def _queues(self) -> Iterable[Metric]:
        queues = {purpose: self.board.queue(purpose) for purpose in self.purposes}
        waiting = {purpose: queue.waiting for purpose, queue in queues.items()}
        yield _gauge("idcontact_queue_length", "People who wait for an agent.", "purpose", waiting)
        if self._look is not None:
            now = self._look.now
            waits = {
                purpose: 0.0 if queue.oldest is None else max(0.0, (now - queue.oldest) / 1000)
                for purpose, queue in queues.items()
            }
            yield _gauge("idcontact_queue_longest_wait_seconds", "How long the first has waited.", "purpose", waits)
        offers = {purpose: queue.offered for purpose, queue in queues.items()}
        yield _gauge("idcontact_offers", "Offers that stand.", "purpose", offers)
        agents = {purpose: queue.agents for purpose, queue in queues.items()}
        yield _gauge("idcontact_agents_available", "Agents who are there, busy ones included.", "purpose", agents)


def _gauge(name: str, said: str, label: str, values: Mapping[str, float]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, said, labels=[label])
    for value, measure in values.items():
        family.add_metric([value], measure)
    return family
