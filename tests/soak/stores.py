"""What a soak's nodes keep everything in, what can break of it, and where it is reached while that goes on."""

from __future__ import annotations

import asyncio
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING, Final, Protocol, Self

from clusters import Cluster
from running import free_port
from servers import RedisServer
from soak.falls import Fall
from soak.relay import Unix

if TYPE_CHECKING:
    import random
    from collections.abc import Awaitable, Callable, Mapping, Sequence
    from types import TracebackType

    from servers import Kind

    Also = Callable[[], Awaitable[None]]
    """What happens in the same moment."""
    Break = Callable[[random.Random, Also], Awaitable[None]]

NAMES: Final[Mapping[Kind, str]] = {"valkey": "Valkey", "redis": "Redis 7"}


class Store(Protocol):
    """Used as a context manager. What breaks of it is whole again when the call comes back, or soon after."""

    @property
    def title(self) -> str:
        """What it is, in a word or two."""

    @property
    def settings(self) -> str:
        """What the nodes' settings say of it."""

    @property
    def falls(self) -> Sequence[Fall]:
        """When a copy came to answer that may not have got everything yet."""

    @property
    def url(self) -> str | None:
        """For `redis_url`, where nodes go to it by themselves. None: by a way of theirs, which leads to `reached`."""

    @property
    def reached(self) -> Unix | None:
        """Where connections lead now; None: nowhere."""

    @property
    def faults(self) -> Mapping[str, Break]:
        """What can break, by the words in which it is counted."""

    @property
    def losses(self) -> Sequence[str]:
        """Those of them after which it may be another copy that answers."""

    async def heal(self) -> None:
        """Come back when it is whole."""

    def __enter__(self) -> Self:
        """It runs."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """It is gone."""


class Alone:
    """One server with an append-only file: killed, it comes back with all that it had."""

    settings: Final = 'durability = "always"'
    url: Final = None
    falls: Final = ()

    def __init__(self, kind: Kind) -> None:
        self.title: Final = NAMES[kind]
        self._server = RedisServer(kind, appendonly=True)
        self.faults: Final[Mapping[str, Break]] = {"Redis killed": self._kill, "Redis paused": self._pause}
        self.losses: Final = ("Redis killed",)

    def __enter__(self) -> Self:
        self._server.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.stop()

    @property
    def reached(self) -> Unix | None:
        """Always there; nobody may answer."""
        return Unix(self._server.socket)

    async def heal(self) -> None:
        """No fault of it outlasts its call."""

    async def _kill(self, seed: random.Random, also: Also) -> None:
        self._server.kill()
        await also()
        await asyncio.sleep(seed.uniform(0.1, 1.5))
        await asyncio.to_thread(self._server.start)

    async def _pause(self, seed: random.Random, also: Also) -> None:
        await _paused(self._server, seed.uniform(0.1, 2), also)


class Twins:
    """A primary and a replica that keep nothing on disk: what is not on both is gone with either."""

    settings: Final = 'durability = "replicated"\ndurability_wait = "500 ms"'
    url: Final = None

    def __init__(self, kind: Kind) -> None:
        self.title: Final = f"{NAMES[kind]}, replicated"
        self._primary = RedisServer(kind, port=free_port())
        self._replica = RedisServer(kind, port=free_port(), replica_of=self._primary)
        self._stack = ExitStack()
        self.reached: Unix | None = None
        self.falls: Final[list[Fall]] = []
        self.faults: Final[Mapping[str, Break]] = {
            "failed over": self._fail_over,
            "failed over after a split": self._fail_over_after_a_split,
            "replicas killed": self._kill_replica,
            "Redis paused": self._pause,
        }
        self.losses: Final = ("failed over", "failed over after a split")

    def __enter__(self) -> Self:
        with ExitStack() as started:
            started.enter_context(self._primary)
            started.enter_context(self._replica)
            self._replica.wait_until_following()
            self._stack = started.pop_all()
        self.reached = Unix(self._primary.socket)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    async def heal(self) -> None:
        """Until the replica has everything: before that nothing is acknowledged, and nobody may fail over to it."""
        await asyncio.to_thread(self._replica.wait_until_following)

    async def _fail_over(self, seed: random.Random, also: Also) -> None:
        """The primary dies, and a moment later its replica takes over."""
        await self._lose_primary(seed, also, await self._follows())

    async def _fail_over_after_a_split(self, seed: random.Random, also: Also) -> None:
        """What the primary stores last reaches nobody, though people see it: none of it may be acknowledged."""
        since = await self._follows()
        await asyncio.to_thread(self._replica.promote)
        await asyncio.sleep(seed.uniform(0.2, 1.0))
        await self._lose_primary(seed, also, since)

    async def _follows(self) -> int:
        """A moment just now, before which everything that was stored is on the replica too; milliseconds UTC."""
        await self.heal()
        moment = _now()
        await self.heal()  # it follows already, so that it is not long ago
        return moment

    async def _lose_primary(self, seed: random.Random, also: Also, since: int) -> None:
        lost, taking_over = self._primary, self._replica
        self.reached = None
        lost.kill()
        await also()
        await asyncio.sleep(seed.uniform(0.1, 0.8))
        await asyncio.to_thread(taking_over.promote)
        self._primary, self._replica = taking_over, lost
        self.falls.append(Fall(since, _now()))
        self.reached = Unix(taking_over.socket)
        await asyncio.sleep(seed.uniform(0.1, 0.8))
        lost.follow(taking_over)
        await asyncio.to_thread(lost.start)

    async def _kill_replica(self, seed: random.Random, also: Also) -> None:
        self._replica.kill()
        await also()
        await asyncio.sleep(seed.uniform(0.1, 0.8))
        await asyncio.to_thread(self._replica.start)

    async def _pause(self, seed: random.Random, also: Also) -> None:
        await _paused(seed.choice((self._primary, self._replica)), seed.uniform(0.1, 2), also)


class Three:
    """A Cluster of three primaries with append-only files: what each has comes back with it."""

    settings: Final = 'durability = "always"'
    reached: Final = None
    falls: Final = ()

    def __init__(self, kind: Kind) -> None:
        self.title: Final = f"Cluster of {NAMES[kind]}"
        self._cluster = Cluster(kind, appendonly=True)
        self.faults: Final[Mapping[str, Break]] = {"primaries killed": self._kill, "primaries paused": self._pause}
        self.losses: Final = ("primaries killed",)

    def __enter__(self) -> Self:
        self._cluster.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._cluster.__exit__(kind, error, trace)

    @property
    def url(self) -> str | None:
        """Each leads to the others."""
        return self._cluster.url

    async def heal(self) -> None:
        """Until all of it is served."""
        await asyncio.to_thread(self._cluster.await_whole)

    async def _kill(self, seed: random.Random, also: Also) -> None:
        server = seed.choice(self._cluster.primaries)
        server.kill()
        await also()
        await asyncio.sleep(seed.uniform(0.1, 1.5))
        await asyncio.to_thread(server.start)

    async def _pause(self, seed: random.Random, also: Also) -> None:
        await _paused(seed.choice(self._cluster.primaries), seed.uniform(0.1, 2), also)


def _now() -> int:
    return time.time_ns() // 1_000_000


async def _paused(server: RedisServer, seconds: float, also: Also) -> None:
    server.pause()
    await also()
    await asyncio.sleep(seconds)
    server.resume()
