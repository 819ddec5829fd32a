"""Work on many conversations, some of which cannot be reached: the others go on.

Of a Cluster a primary may be away, or a slot be left open; whoever asks there waits for seconds, and hears no. What was
away once is not asked again in the same round, and in the next one it comes last. When the whole store is away, a round
still ends soon: whoever began it has something better to do than to wait for each of thousands in vain.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, TypeAlias

from idcontact.errors import Unavailable
from idcontact.redis import unavailable
from idcontact.tasks import several

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    Work: TypeAlias = tuple[str, Callable[[], Awaitable[object]]]
    """The hash tag of where it lies, and what is to be done there."""

WITHIN = 10.0
"""Seconds after which one is out of reach: for a primary that is silent, a call would wait for twice as long."""
PATIENCE = 9.0
"""Seconds that all hands of a round may wait in vain, on average, before it begins nothing more."""


class Round:
    """One round. `away` are the tags that could not be reached."""

    def __init__(self, at_once: int, suspects: set[str] | None = None) -> None:
        """`at_once` are its hands. `suspects` are kept from round to round: the tags that were away when last asked."""
        self.away: set[str] = set()
        self._suspects = set() if suspects is None else suspects
        self._at_once = at_once
        self._reached = False
        self._in_vain = 0.0
        self._why: Unavailable | None = None

    async def each(self, work: Iterable[Work], over: float = 0.0) -> None:
        """Do all that can be reached, in order but for suspects. Raises any error but `Unavailable`: see `end`.

        It is begun evenly `over` so many seconds: much at once would keep others waiting.
        """
        ordered = sorted(work, key=lambda one: one[0] in self._suspects)
        began, apart = time.monotonic(), over / max(len(ordered), 1)

        async def in_turn(turn: int, tag: str, do: Callable[[], Awaitable[object]]) -> None:
            if (early := began + turn * apart - time.monotonic()) > 0:
                await asyncio.sleep(early)
            await self.one(tag, do)

        await several(self._at_once, (in_turn(turn, *one) for turn, one in enumerate(ordered)))

    async def one(self, tag: str, do: Callable[[], Awaitable[object]]) -> None:
        """Do this one thing, unless it is known not to be in reach."""
        if tag in self.away or self._is_hopeless():
            return
        began = time.monotonic()
        try:
            await self._in_time(do)
        except Unavailable as why:
            self._why = self._why or why
            self._in_vain += time.monotonic() - began
            self.away.add(tag)
            self._suspects.add(tag)
        else:
            self._reached = True
            self._suspects.discard(tag)

    async def _in_time(self, do: Callable[[], Awaitable[object]]) -> None:
        try:
            async with asyncio.timeout(WITHIN):
                await do()
        except TimeoutError as silence:
            raise unavailable(silence) from silence

    def end(self) -> None:
        """Raise `Unavailable` when anything could not be reached."""
        if self._why is not None:
            raise self._why

    def _is_hopeless(self) -> bool:
        nothing = not self._reached and len(self.away) >= self._at_once
        return nothing or self._in_vain > PATIENCE * self._at_once
