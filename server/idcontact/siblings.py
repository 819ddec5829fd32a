"""The measures of several processes behind one address: a scrape reaches one of them, and has to be answered for all.

Each lays its own page in Redis every few seconds, beside those of its siblings; whoever is scraped puts them together,
with the label `process`. While Redis is away each answers for itself, and says that Redis is away.
"""

from __future__ import annotations

import asyncio
import os
import socket
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from prometheus_client import CollectorRegistry, Metric
from prometheus_client.exposition import generate_latest
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector

from idcontact.errors import Unavailable
from idcontact.redis import reaching

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping

    from redis.asyncio import Redis

_EVERY: Final = 5.0
_STALE: Final = 15.0
"""Seconds after which a page is that of a process that has ended."""
_FORGOTTEN: Final = 60
_PATIENCE: Final = 2.0


class Siblings:
    """`page` is this process's own page; `run` lays it out for the others."""

    def __init__(self, redis: Redis, prefix: str, page: Callable[[], Awaitable[bytes]]) -> None:
        self._redis = redis
        # Processes of one parent on one machine: those are behind one address.
        self._key = f"{prefix}:measures:{socket.gethostname()}:{os.getppid()}"
        self._own = str(os.getpid())
        self._page = page

    async def run(self) -> None:
        """Lay it out again and again; for ever. What processes left that have ended goes first."""
        with suppress(Unavailable, TimeoutError):
            async with asyncio.timeout(_PATIENCE):
                await self._others()
        while True:
            with suppress(Unavailable, TimeoutError):  # the others do without it meanwhile
                await self._lay_out(await self._page())
            await asyncio.sleep(_EVERY)

    async def text(self) -> bytes:
        """One page for all."""
        pages = {self._own: await self._page()}
        with suppress(Unavailable, TimeoutError):
            async with asyncio.timeout(_PATIENCE):
                pages = {**await self._others(), **pages}
        registry = CollectorRegistry()
        registry.register(_Together({process: page.decode() for process, page in pages.items()}))
        return generate_latest(registry)

    async def _lay_out(self, page: bytes) -> None:
        async with asyncio.timeout(_PATIENCE):
            with reaching():
                async with self._redis.pipeline(transaction=False) as pipeline:
                    pipeline.hset(self._key, self._own, b"%d|%s" % (time.time(), page))
                    pipeline.expire(self._key, _FORGOTTEN)
                    await pipeline.execute()

    async def _others(self) -> dict[str, bytes]:
        with reaching():
            laid: dict[bytes, bytes] = await self._redis.hgetall(self._key)  # type: ignore[assignment]  # bytes here
        pages, ended = {}, []
        for process, written in laid.items():
            at, _, page = written.partition(b"|")
            if time.time() - int(at) < _STALE:
                pages[process.decode()] = page
            else:
                ended.append(process)
        if ended:  # or processes that die one after the other would fill the store
            with reaching():
                await self._redis.hdel(self._key, *ended)
        return pages


class _Together(Collector):
    """Pages of several processes as one."""

    def __init__(self, pages: Mapping[str, str]) -> None:
        self._pages = pages

    def collect(self) -> Iterable[Metric]:
        """Every measure once, with the samples of all."""
        families: dict[str, Metric] = {}
        for process, page in sorted(self._pages.items()):
            for read in text_string_to_metric_families(page):
                family = families.setdefault(read.name, Metric(read.name, read.documentation, read.type))
                for sample in read.samples:
                    family.add_sample(sample.name, {**sample.labels, "process": process}, sample.value)
        return families.values()
