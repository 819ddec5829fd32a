"""What a supervisor or a load balancer asks: does this process answer, and can it do its work?"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, TypeAlias

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from starlette.responses import JSONResponse, Response

from idcontact.errors import Unavailable
from idcontact.openapi import ApiRoute, Operation, json
from idcontact.redis import a_key_at_each, is_up, reaching

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Sequence

    from prometheus_client import Metric
    from redis.asyncio import Redis
    from starlette.requests import Request

    from idcontact.limits import Limiter
    from idcontact.sealing import KeyKeeper

Check: TypeAlias = "Callable[[], Awaitable[str | None]]"
"""What is wrong, in words for the operator that name nobody; None when nothing is. May raise `Unavailable`."""

AWAY: Final = "the store cannot be reached"
REFUSING: Final = "the store answers and takes nothing"
UNREADABLE: Final = "conversations cannot be read: their keys are not here"
_FRESH: Final = 1.0
"""Seconds for which an answer is good: anybody may ask, and the store is asked only so often."""
_PATIENCE: Final = 3.0
"""Seconds for all checks: that of the replicas may take two, where its script is not known to the store yet."""
_WELL: Final = {"status": "ok"}
_LIVE: Final = Operation(
    summary="Whether this process answers", answers=[json(dict[str, str], "It does.")], stored=False
)
_READY: Final = Operation(
    summary="Whether this process can do its work",
    answers=[json(dict[str, str], "It can."), json(dict[str, str], "What is wrong.", 503)],
    stored=False,
)


class Health:
    """`routes` for both applications."""

    def __init__(self, redis: Redis, checks: Sequence[Check]) -> None:
        self._redis = redis
        self._checks = checks
        self._asking = asyncio.Lock()
        self._asked_at = float("-inf")
        self._wrong: list[str] = []

    async def wrong(self) -> list[str]:
        """All that is wrong now."""
        loop = asyncio.get_running_loop()
        async with self._asking:
            if loop.time() - self._asked_at >= _FRESH:
                self._wrong = await self._ask_all() if await is_up(self._redis) else [AWAY]
                self._asked_at = loop.time()
            return self._wrong

    async def _ask_all(self) -> list[str]:
        try:
            async with asyncio.timeout(_PATIENCE):
                said = [await check() for check in self._checks]
        except (Unavailable, TimeoutError):
            return [AWAY]
        return [wrong for wrong in said if wrong is not None]

    def routes(self) -> list[ApiRoute]:
        """`GET /health/live` and `GET /health/ready`."""

        async def live(request: Request) -> Response:
            del request
            return JSONResponse(_WELL)

        async def ready(request: Request) -> Response:
            del request
            if wrong := await self.wrong():
                return JSONResponse({"status": "; ".join(wrong)}, status_code=503)
            return JSONResponse(_WELL)

        return [
            ApiRoute("/health/live", live, methods=["GET"], operation=_LIVE),
            ApiRoute("/health/ready", ready, methods=["GET"], operation=_READY),
        ]


class HouseMeasures:
    """What the metrics say of the store, the keys and the limits."""

    def __init__(self, redis: Redis, prefix: str, keeper: KeyKeeper, limiter: Limiter) -> None:
        self._redis = redis
        self._trial = f"{prefix}:health"
        self._keeper = keeper
        self._limiter = limiter
        self._up = False

    async def wrong_with_writing(self) -> str | None:
        """Whether it takes nothing: its memory or its disk is full, it is a replica, or has too few of its own."""
        try:
            with reaching():
                for key in await a_key_at_each(self._redis, self._trial):
                    await self._redis.set(key, b"", ex=60)
        except Unavailable:
            return REFUSING
        return None

    async def wrong_with_keys(self) -> str | None:
        """Whether something is stored whose key is not here."""
        return UNREADABLE if self._keeper.unreadable else None

    async def look(self) -> None:
        """Ask the store."""
        self._up = await is_up(self._redis)

    def measured(self) -> Iterable[Metric]:
        """All of it."""
        yield GaugeMetricFamily("idcontact_redis_up", "Whether the store answers.", value=self._up)
        yield GaugeMetricFamily(
            "idcontact_unreadable",
            "What is stored, conversations and plugins' records, and cannot be read for want of its key.",
            value=self._keeper.unreadable,
        )
        refused = CounterMetricFamily(
            "idcontact_limit_refused", "How often a limit refused somebody here.", labels=["limit"]
        )
        for limit, times in self._limiter.refused.items():
            refused.add_metric([limit], times)
        yield refused
        reconnects = CounterMetricFamily(
            "idcontact_limit_reconnects", "How often the connection of the limits to the store broke."
        )
        reconnects.add_metric([], self._limiter.interruptions)
        yield reconnects
