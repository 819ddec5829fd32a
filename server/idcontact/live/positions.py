"""Where waiting end users are in their queue, and how long they will yet wait.

Told when it changes, at most twice a second. The wait also changes while nothing happens, so it is looked at again
every half minute.
"""

from __future__ import annotations

import asyncio
import logging
import math
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from idcontact.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from idcontact.live.board import Board
    from idcontact.live.expected_wait import Pace
    from idcontact.live.routing_store import Delta

_PAUSE = 0.5
_AGAIN = 30.0

_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Standing:
    """Where somebody is: 1 is next. `expected_wait`: seconds, in whole minutes; None when that cannot be said."""

    place: int
    agents_present: int
    expected_wait: int | None


class Waiter(Protocol):
    """A socket of somebody who may be waiting."""

    id: str

    @property
    def waits_for(self) -> str | None:
        """The purpose in whose queue they are, if any."""

    def stands(self, standing: Standing) -> None:
        """Where they are."""


class Positions:
    """See the module. `pace` says how fast a queue moves, and may raise Unavailable; `run` is the life of this."""

    def __init__(self, board: Board, pace: Callable[[str], Awaitable[Pace]]) -> None:
        self._board = board
        self._pace = pace
        self._waiters: dict[Waiter, Standing | None] = {}
        self._changed = asyncio.Event()

    def watch(self, waiter: Waiter) -> None:
        """Tell this one, now and on every change."""
        self._waiters[waiter] = None
        self._changed.set()

    def forget(self, waiter: Waiter) -> None:
        """This one is gone."""
        self._waiters.pop(waiter, None)

    def board_changed(self, _delta: Delta) -> None:
        """One act's changes."""
        self._changed.set()

    def board_reloaded(self) -> None:
        """Anything may have changed."""
        self._changed.set()

    async def run(self) -> None:
        """For ever."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(_AGAIN):
                    await self._changed.wait()
            self._changed.clear()
            await self.tell()
            await asyncio.sleep(_PAUSE)

    async def tell(self) -> None:
        """Everybody who waits, what they do not know yet."""
        paces = {purpose: await self._known_pace(purpose) for purpose in self._purposes()}
        places = self._board.positions(paces.keys())
        present = {purpose: self._board.agents_for(purpose) for purpose in paces}
        for waiter, known in tuple(self._waiters.items()):
            purpose, place = waiter.waits_for, places.get(waiter.id)
            if place is None or purpose not in paces:
                continue
            wait = _in_minutes(paces[purpose], place)
            now = Standing(place=place, agents_present=present[purpose], expected_wait=wait)
            if known != now:
                self._waiters[waiter] = now
                waiter.stands(now)

    def _purposes(self) -> set[str]:
        return {purpose for waiter in self._waiters if (purpose := waiter.waits_for) is not None}

    async def _known_pace(self, purpose: str) -> Pace | None:
        try:
            return await self._pace(purpose)
        except Unavailable as error:
            _log.debug("the pace of a queue is not known: %s", error)
            return None


def _in_minutes(pace: Pace | None, place: int) -> int | None:
    """Seconds, rounded up to minutes: what changes by a second need not be sent to all who wait."""
    wait = None if pace is None else pace.wait_in(place)
    return None if wait is None else math.ceil(wait / 60_000) * 60
