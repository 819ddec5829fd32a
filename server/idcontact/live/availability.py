"""Whether somebody is there for a purpose: its opening hours, its agents, its queue, and how long one will wait."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from idcontact.errors import NotFound, Unavailable
from idcontact.live.expected_wait import Pace, pace
from idcontact.opening_hours import ALWAYS
from idcontact.protocol import Availability

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from idcontact.live.board import Board
    from idcontact.live.routing_store import RoutingStore
    from idcontact.opening_hours import OpeningHours

READY_WITHIN: Final = 1.0
"""Seconds that a node that has just started gets to read the queue."""


@dataclass(frozen=True, kw_only=True)
class Reception:
    """See the module. `clock` is in seconds UTC; a purpose without `opening_hours` is always open."""

    purposes: Collection[str]
    opening_hours: Mapping[str, OpeningHours]
    board: Board
    routing: RoutingStore
    clock: Callable[[], float]

    async def availability(self, purpose: str) -> Availability:
        """Of one purpose. Raises NotFound when there is none by that tag, Unavailable while the store is away."""
        if purpose not in self.purposes:
            raise NotFound("there is no such purpose", field="purpose")
        now = self.clock()
        hours = self.opening_hours.get(purpose)
        opening = ALWAYS if hours is None else hours.at(now)
        now_helped = await self.pace(purpose)
        wait = now_helped.wait_of_newcomer() if opening.open else None
        queue = now_helped.queue
        return Availability(
            open=opening.open,
            until=None if opening.until is None else opening.until.isoformat(),
            agents=queue.agents,
            waiting=queue.waiting,
            expected_wait=None if wait is None else round(wait / 1000),
        )

    async def pace(self, purpose: str) -> Pace:
        """How fast people are helped now. Raises Unavailable."""
        try:
            async with asyncio.timeout(READY_WITHIN):
                await self.board.ready.wait()
        except TimeoutError:
            raise Unavailable("the queue is not known here yet; try again in a moment") from None
        recent = await self.routing.hand_overs(purpose)
        return pace(self.board.queue(purpose), recent, int(self.clock() * 1000))
