"""Sharded subscriptions that are never silently dead.

A subscription alone is never trusted: whenever it was (or may have been) interrupted, `on_gap` is called once it
stands again, and the listener reads what it missed. The node beats on a channel of its own; a beat that is not heard
in time means that the connection is dead, whatever the kernel says.

redis-py connects and subscribes; what comes then is taken here, as `pipe.py` does it: a publication costs a tenth of
what it costs by redis-py.

Everything is published by SPUBLISH, whatever store there is, by scripts as well as without: in a Cluster that reaches
the one primary (and its replicas) that has the channel's slot, where PUBLISH would go to every node; and a script can
publish in its own slot only. On a single server both cost the same. Of a Cluster each primary has a subscriber: see
`subscriptions.py`, which also makes the one for whatever store there is.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from typing import TYPE_CHECKING, Any, Protocol

import hiredis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import InvalidResponse, RedisError

from idcontact.taken_over import TakenOver
from idcontact.tasks import end

if TYPE_CHECKING:
    from collections.abc import Callable

    from redis.asyncio import Redis

_log = logging.getLogger(__name__)
_BEAT = 2.0
_DEAD_AFTER = 7.0


class Standing(asyncio.Event):
    """Set while something stands, and knows since when it does not."""

    def __init__(self) -> None:
        super().__init__()
        self._down_since: float | None = time.monotonic()

    @property
    def down_for(self) -> float:
        """Seconds since it stood, or since it was made where it never has; 0 while it stands."""
        return 0.0 if self._down_since is None else time.monotonic() - self._down_since

    def set(self) -> None:
        """It stands."""
        self._down_since = None
        super().set()

    def clear(self) -> None:
        """It does not."""
        if self.is_set():
            self._down_since = time.monotonic()
        super().clear()


class Subscription(Protocol):
    """A `Subscriber`, or those of a Cluster."""

    up: Standing
    """Set while all of it stands."""

    @property
    def interruptions(self) -> int:
        """How often something may have been missed, since the subscription first stood."""

    async def run(self) -> None:
        """Its life: whoever makes it keeps that task."""


class Subscriber:
    """One connection, many channels. `run` is its life: whoever makes it keeps that task."""

    def __init__(
        self,
        redis: Redis,
        channels: list[str],
        beat_channel: str,
        *,
        on_message: Callable[[str, bytes], None],
        on_gap: Callable[[], None],
        on_lost: Callable[[], None] | None = None,
    ) -> None:
        """`on_lost` is called as soon as the connection is known to have been interrupted, before anything comes by a
        new one: what comes then may be of another copy of the store."""
        self._redis = redis
        self._channels = [*channels, beat_channel]
        self._beat_channel = beat_channel
        self._confirmed: set[bytes] = set()
        self._on_message = on_message
        self._on_gap = on_gap
        self._on_lost = on_lost
        self._heard = 0.0
        self.up = Standing()
        self.interruptions = 0
        """How often something may have been missed, since the subscription first stood."""
        self._stood = False

    async def run(self) -> None:
        """Subscribe, listen, subscribe again; for ever. Ends only by being cancelled."""
        pause = 0.05
        while True:
            pubsub = self._redis.pubsub()
            try:
                await self._subscribe(pubsub, self._channels)
                await self._listen(pubsub.connection)
            except (RedisError, OSError, TimeoutError) as outage:
                _log.warning("the subscription is down: %s", type(outage).__name__)
                self._failed(outage)
                pause = min(pause * 2, 1.0)
            finally:
                if self.up.is_set():
                    pause = 0.05
                    self._interrupted()
                self.up.clear()
                await pubsub.aclose()  # type: ignore[no-untyped-call]  # redis-py leaves it untyped
            await asyncio.sleep(pause * (0.5 + random.random()))  # noqa: S311 - jitter

    async def _subscribe(self, pubsub: Any, channels: list[str]) -> None:
        await pubsub.ssubscribe(*channels)

    def _failed(self, outage: Exception) -> None:
        """It is made again; nothing else is to be done."""

    async def _listen(self, connection: Any) -> None:
        """Hand out what comes, until the connection breaks or falls silent. Raises what it broke with."""
        # The seam, beside that of `taken_over.py`: how redis-py names an error that the store answers.
        parser = hiredis.Reader(protocolError=InvalidResponse, replyError=connection._parser.parse_error)  # noqa: SLF001
        loop = asyncio.get_running_loop()

        def heard(chunk: bytes) -> None:
            self._heard = loop.time()
            parser.feed(chunk)
            while (message := parser.gets()) is not False:
                self._take(message)

        self._confirmed.clear()
        self._heard = loop.time()
        taken = await TakenOver.of(connection, heard)
        beating = asyncio.create_task(self._beat()), asyncio.create_task(self._watch(taken))
        try:
            await taken.end()
            raise RedisConnectionError("the subscription was closed, or fell silent")
        finally:
            await end(*beating)

    def _take(self, message: Any) -> None:
        if isinstance(message, Exception):
            raise message
        kind, channel, data = message
        if kind == b"smessage":
            name = channel.decode()
            if name != self._beat_channel:
                self._on_message(name, data)
        elif kind == b"ssubscribe":
            self._confirmed.add(channel)
            if not self.up.is_set() and len(self._confirmed) == len(self._channels):
                self.up.set()
                self.interruptions += self._stood
                self._stood = True
                self._on_gap()
        elif kind == b"sunsubscribe":
            raise RedisConnectionError("a channel has moved to another primary")

    async def _watch(self, taken: TakenOver) -> None:
        """A connection on which nothing comes for too long is dead, whatever the kernel says."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(_BEAT)
            if loop.time() - self._heard > _DEAD_AFTER:
                taken.give_up()
                return

    def _interrupted(self) -> None:
        if self._on_lost is not None:
            self._on_lost()

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(_BEAT)
            try:
                await self._redis.execute_command("SPUBLISH", self._beat_channel, b"")  # type: ignore[no-untyped-call]
            except (RedisError, OSError):
                continue
