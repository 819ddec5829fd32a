"""What the operator's Prometheus reads: a registry of our own, and the page that it is scraped from.

Nothing here names a person, an address or a conversation: labels are names out of the settings or out of our code.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Final, Protocol

from prometheus_client import CollectorRegistry, Histogram, ProcessCollector
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.registry import Collector
from starlette.responses import Response

from idcontact.openapi import Answer, ApiRoute, Operation

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from prometheus_client import Metric
    from starlette.requests import Request

_LAG_EVERY: Final = 0.25
_FAST: Final = (0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
"""Bounds of buckets, seconds: from what a script takes to what nobody waits for."""
_SCRAPE: Final = Operation(
    summary="Measures of this process, for Prometheus",
    answers=[Answer(200, "Text format 0.0.4.", {CONTENT_TYPE_PLAIN_0_0_4.partition(";")[0]: str})],
    stored=False,
)


class Source(Protocol):
    """A part that has measures of its own."""

    async def look(self) -> None:
        """Ask what `measured` is to say. Must not fail while the store is away, nor wait long."""

    def measured(self) -> Iterable[Metric]:
        """What was found at the last look, and what needs none."""


class Metrics(Collector):
    """See the module. `took` and `relayed` are for whoever does the work; `run` watches the event loop."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._sources: list[Source] = []
        self._served: Callable[[], Awaitable[bytes]] = self.text
        ProcessCollector(registry=self._registry)
        self._scripts = self._histogram("idcontact_script_seconds", "Round trip of a script in the store.", ("script",))
        self._relay = self._histogram(
            "idcontact_relay_seconds",
            "From a message's being sent to the store until the store has numbered and kept it; one of some is timed.",
        )
        self._lag = self._histogram(
            "idcontact_loop_lag_seconds", "How much later than asked for the event loop came back to a timer."
        )
        self._registry.register(self)

    def _histogram(self, name: str, said: str, labels: tuple[str, ...] = ()) -> Histogram:
        return Histogram(name, said, labels, buckets=_FAST, registry=self._registry)

    def took(self, script: str, seconds: float) -> None:
        """A script of this name was run."""
        self._scripts.labels(script).observe(seconds)

    def relayed(self, seconds: float) -> None:
        """A message was stored."""
        self._relay.observe(seconds)

    def add(self, source: Source) -> None:
        """Have this part's measures on the page, too."""
        self._sources.append(source)

    def collect(self) -> Iterable[Metric]:
        """The measures of all parts."""
        for source in self._sources:
            yield from source.measured()

    async def run(self) -> None:
        """Watch how late the event loop is; for ever."""
        while True:
            began = time.perf_counter()
            await asyncio.sleep(_LAG_EVERY)
            self._lag.observe(max(0.0, time.perf_counter() - began - _LAG_EVERY))

    def share(self, together: Callable[[], Awaitable[bytes]]) -> None:
        """Serve this page instead, which is that of several processes together."""
        self._served = together

    async def text(self) -> bytes:
        """The page of this process."""
        await asyncio.gather(*(source.look() for source in self._sources))
        return generate_latest(self._registry)

    def route(self) -> ApiRoute:
        """`GET /metrics`, for the internal application alone."""

        async def scrape(request: Request) -> Response:
            del request
            return Response(await self._served(), headers={"content-type": CONTENT_TYPE_PLAIN_0_0_4})

        return ApiRoute("/metrics", scrape, methods=["GET"], operation=_SCRAPE)
