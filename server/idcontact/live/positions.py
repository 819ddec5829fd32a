"""Where waiting end users are in their queue. Told when it changes, at most twice a second."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from idcontact.live.board import Board
    from idcontact.live.routing_store import Delta

_PAUSE = 0.5


class Waiter(Protocol):
    """A socket of somebody who may be waiting."""

    id: str

    @property
    def waits_for(self) -> str | None:
        """The purpose in whose queue they are, if any."""

    def stands(self, place: int, agents_present: int) -> None:
        """Where they are."""


class Positions:
    """See the module. `run` is its life."""

    def __init__(self, board: Board) -> None:
        self._board = board
        self._waiters: dict[Waiter, tuple[int, int] | None] = {}
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
            await self._changed.wait()
            self._changed.clear()
            self._tell()
            await asyncio.sleep(_PAUSE)

    def _tell(self) -> None:
        purposes = {waiter: purpose for waiter in self._waiters if (purpose := waiter.waits_for) is not None}
        places = self._board.positions(set(purposes.values()))
        present = {purpose: self._board.agents_for(purpose) for purpose in set(purposes.values())}
        for waiter, purpose in purposes.items():
            place = places.get(waiter.id)
            if place is None:
                continue
            now = (place, present[purpose])
            if self._waiters[waiter] != now:
                self._waiters[waiter] = now
                waiter.stands(*now)
