"""The sockets that are open at this node, and their way to the other nodes when it ends.

They are closed in batches: who is closed comes back within a second or two (client/src/reconnect.ts), and a thousand
who come back in one instant would wait for each other. A participant whose socket is handed over is not noted as gone:
they are back before anybody needs to hear of it, and who is not is missed when their lease lapses.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections import Counter
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, Literal, Protocol, TypeAlias

from idcontact.live.socket import RESTARTING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

_log = logging.getLogger(__name__)

FEW: Final = 20
"""So many may come back in one instant: no batch needs to be smaller."""
PAUSE: Final = 0.1
"""Seconds between two batches."""


Role: TypeAlias = Literal["end_user", "agent", "supervisor"]


class Closable(Protocol):
    """A socket, of whichever kind."""

    @property
    def closed_with(self) -> int | None:
        """The code with which this side ended it, once it has."""

    def close(self, code: int) -> None:
        """Send what is queued, then close. Does not block."""


def batches(count: int, seconds: float) -> list[int]:
    """How many of `count` sockets to close in each batch, so that the last one goes `seconds` after the first or less.

    Few sockets take less time: batches are of `FEW` or more, but for the last.
    """
    if count <= 0:
        return []
    most = 1 + math.floor(seconds / PAUSE)
    size = max(FEW, math.ceil(count / most))
    return [min(size, count - done) for done in range(0, count, size)]


class OpenSockets:
    """All that are open here. `leaving`: this node ends, and takes no more.

    `closed` counts, by code, those that were closed from this side, or refused.
    """

    def __init__(self, pause: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        self._open: dict[Closable, Role] = {}
        self._pause = pause
        self.leaving = False
        self.closed: Counter[int] = Counter()

    def __len__(self) -> int:
        return len(self._open)

    def by_role(self) -> Counter[Role]:
        """How many are open, by whose they are."""
        return Counter(self._open.values())

    @contextmanager
    def kept(self, socket: Closable, role: Role) -> Iterator[None]:
        """Around the life of a socket. One that comes when this node is leaving is sent on at once."""
        self._open[socket] = role
        if self.leaving:
            socket.close(RESTARTING)
        try:
            yield
        finally:
            del self._open[socket]
            if socket.closed_with is not None:
                self.closed[socket.closed_with] += 1

    async def hand_over(self, seconds: float) -> None:
        """Close all, the last of them within `seconds`, with the code that says: come back, to whoever is there."""
        self.leaving = True
        waiting = list(self._open)
        if not waiting:
            return
        done = 0
        for size in batches(len(waiting), seconds):
            if done:
                await self._pause(PAUSE)
            for socket in waiting[done : done + size]:
                socket.close(RESTARTING)
            done += size
        _log.info("sockets handed over, whose pages connect again: %d", done)
