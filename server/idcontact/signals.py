"""Hints between nodes: that something changed, and may be read again. What changed is never said here.

A hint may be lost, so nobody relies on one: who waits for it also looks by themselves now and then. When the
subscription was interrupted, everybody who waits is woken.
"""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from idcontact.redis import reaching
from idcontact.subscriptions import subscription_to

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

    from redis.asyncio import Redis


class Signals(Protocol):
    """Hints of one plugin, on all of its nodes."""

    async def run(self) -> None:
        """Hear what other nodes tell, for ever. A plugin that waits for hints keeps this running in its lifespan."""

    async def tell(self, what: str) -> None:
        """Wake everybody who waits for `what`. Raises Unavailable."""

    def heard(self, what: str) -> AbstractContextManager[asyncio.Event]:
        """An event that is set whenever `what` is told. Who waits for it clears it before looking."""


class NodeSignals:
    """Hints that stay within this process."""

    def __init__(self) -> None:
        self._waiting: dict[str, set[asyncio.Event]] = {}

    async def run(self) -> None:
        """See `Signals.run`: there is nobody else to hear."""

    async def tell(self, what: str) -> None:
        """See `Signals.tell`."""
        self.wake(topic_of(what))

    @contextmanager
    def heard(self, what: str) -> Iterator[asyncio.Event]:
        """See `Signals.heard`."""
        topic, event = topic_of(what), asyncio.Event()
        self._waiting.setdefault(topic, set()).add(event)
        try:
            yield event
        finally:
            waiting = self._waiting[topic]
            waiting.discard(event)
            if not waiting:
                del self._waiting[topic]

    def wake(self, topic: str) -> None:
        """Set the events of this topic."""
        for event in self._waiting.get(topic, ()):
            event.set()

    def wake_all(self) -> None:
        """Set the events of every topic."""
        for topic in self._waiting:
            self.wake(topic)


class RedisSignals:
    """Hints of one plugin (`namespace`) through Redis. What they are about is hashed: it may be a name or a secret."""

    def __init__(self, redis: Redis, prefix: str, namespace: str) -> None:
        self._redis = redis
        self._channel = f"{prefix}:{{signal}}:{hashlib.sha256(namespace.encode()).hexdigest()[:16]}"
        self._node = NodeSignals()
        self._subscriber = subscription_to(
            redis,
            [self._channel],
            f"{self._channel}:beat:{secrets.token_hex(6)}",
            on_message=lambda _, topic: self._node.wake(topic.decode("ascii", "replace")),
            on_gap=self._node.wake_all,
        )

    async def run(self) -> None:
        """See `Signals.run`."""
        await self._subscriber.run()

    async def tell(self, what: str) -> None:
        """See `Signals.tell`. Those of this node are woken even when Redis cannot be reached."""
        await self._node.tell(what)
        with reaching():
            await self._redis.execute_command("SPUBLISH", self._channel, topic_of(what))  # type: ignore[no-untyped-call]

    def heard(self, what: str) -> AbstractContextManager[asyncio.Event]:
        """See `Signals.heard`."""
        return self._node.heard(what)


def topic_of(what: str) -> str:
    """What stands for it on the wire."""
    return hashlib.sha256(what.encode("utf-8", "surrogatepass")).hexdigest()
