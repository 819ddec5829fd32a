"""Whether what is stored is as it should be: what is late, what is kept too long, how many there are of what.

It looks for itself, and asks nobody who does the work: where a sweeper stands still, or a rule forgets something, it is
here that it shows.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from idcontact.errors import Unavailable
from idcontact.live.keys import BUCKETS

if TYPE_CHECKING:
    from idcontact.live.routing_store import RoutingStore
    from idcontact.live.store import ConversationStore

_log = logging.getLogger(__name__)
ROUND: Final = 15.0
"""Seconds in which all buckets are looked into, one after the other: a small load, and never a large one."""


@dataclass
class Kept:
    """What a round found. Ages in seconds: of the oldest attributes, and of the oldest that should have gone."""

    phases: Counter[str] = field(default_factory=Counter)
    oldest_attributes: float = 0.0
    overstayed: float = 0.0


class Inspection:
    """See the module. `run` goes the rounds; `kept` is what the last whole one found."""

    def __init__(self, store: ConversationStore, routing: RoutingStore, every: float = ROUND) -> None:
        self._store = store
        self._routing = routing
        self._pause = every / BUCKETS
        self.kept = Kept()

    async def run(self) -> None:
        """Round after round; for ever."""
        while True:
            try:
                await self.round()
            except Unavailable as outage:
                _log.debug("the store could not be looked into: %s", outage)
                await asyncio.sleep(self._pause)

    async def round(self) -> None:
        """Look into every bucket once."""
        found = Kept()
        for bucket in range(BUCKETS):
            await asyncio.sleep(self._pause)
            seen = await self._store.buckets.inspect(bucket)
            found.phases.update(seen.phases)
            found.oldest_attributes = max(found.oldest_attributes, seen.oldest_attributes)
            found.overstayed = max(found.overstayed, seen.overstayed)
        self.kept = found

    async def now(self) -> int:
        """The store's clock, milliseconds."""
        return await self._store.now()

    async def overdue(self) -> float:
        """By how many seconds the oldest deadline is late that nobody has met: of conversations, and of routing."""
        now = await self._store.now()
        firsts = [at for at in (await self._store.buckets.firsts()).deadlines if at is not None]
        routing = await self._routing.first_due()
        if routing is not None:
            firsts.append(routing)
        return max(0.0, (now - min(firsts, default=now)) / 1000)
