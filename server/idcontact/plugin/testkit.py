"""For tests of plugins: records and limits in memory, by the same contracts as those in Redis."""

from __future__ import annotations

import math
import secrets
import time
from collections import defaultdict
from typing import TYPE_CHECKING

from idcontact.errors import TooManyRequests
from idcontact.records import Record

if TYPE_CHECKING:
    from collections.abc import Callable

    from idcontact.limits import Limit


class MemoryRecords:
    """`Records` of one process, in plain text. `clock` is in seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._kept: dict[str, tuple[float, Record]] = {}
        self._claims: dict[str, tuple[float, str]] = {}

    async def create(self, value: bytes, ttl: float) -> str:
        """See `Records.create`."""
        record_id = secrets.token_urlsafe(32)
        await self.put(record_id, value, ttl)
        return record_id

    async def put(self, record_id: str, value: bytes, ttl: float) -> bool:
        """See `Records.put`."""
        if await self.read(record_id) is not None:
            return False
        self._kept[record_id] = (self._clock() + ttl, Record(value, 0))
        return True

    async def read(self, record_id: str) -> Record | None:
        """See `Records.read`."""
        until, record = self._kept.get(record_id, (0.0, None))
        return record if self._clock() < until else None

    async def replace(self, record_id: str, value: bytes, expected: Record, ttl: float | None = None) -> bool:
        """See `Records.replace`."""
        found = await self.read(record_id)
        if found is None or found.version != expected.version:
            return False
        until = self._kept[record_id][0] if ttl is None else self._clock() + ttl
        self._kept[record_id] = (until, found.replaced_by(value))
        return True

    async def take(self, record_id: str) -> Record | None:
        """See `Records.take`."""
        found = await self.read(record_id)
        self._kept.pop(record_id, None)
        return found

    async def claim(self, what: str, owner: str, ttl: float) -> bool:
        """See `Records.claim`."""
        until, first = self._claims.get(what, (0.0, owner))
        if self._clock() >= until:
            self._claims[what] = (self._clock() + ttl, owner)
            return True
        return first == owner


class MemoryLimiter:
    """`Limiter` of one process. `clock` is in seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._hits: defaultdict[tuple[str, str], list[float]] = defaultdict(list)

    async def hit(self, name: str, key: str, limit: Limit) -> None:
        """See `Limiter.hit`."""
        await self.check(name, key, limit)
        self._hits[name, key].append(self._clock())

    async def check(self, name: str, key: str, limit: Limit) -> None:
        """See `Limiter.check`."""
        now = self._clock()
        within = [at for at in self._hits[name, key] if at > now - limit.seconds]
        if len(within) >= limit.count:
            wait = max(1, math.ceil(within[-limit.count] + limit.seconds - now))
            raise TooManyRequests("this was done too often; wait before trying again", retry_after=wait, reason=name)
