"""Connections to Redis or Valkey: making them, naming keys, and telling an outage from a mistake.

The stores of each part build on this; nobody else names a key or sees a Redis error. `Pipe`, for the append path, is
in `pipe.py`.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from contextlib import contextmanager
from importlib.resources import files
from typing import TYPE_CHECKING, Any, TypeAlias

from redis.asyncio import Redis
from redis.asyncio.connection import AbstractConnection, BlockingConnectionPool, ConnectionPool
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialWithJitterBackoff, NoBackoff
from redis.exceptions import (
    AskError,
    AuthenticationError,
    ClusterDownError,
    NoPermissionError,
    NoScriptError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisError,
    ResponseError,
    TryAgainError,
)
from redis.exceptions import (
    ConnectionError as RedisConnectionError,
)
from redis.exceptions import (
    TimeoutError as RedisTimeoutError,
)

from idcontact import cluster
from idcontact.cluster_client import ClusterRedis
from idcontact.errors import SettingsError, Unavailable
from idcontact.sentinel import EXPECTED, is_sentinel, sentinel_pool

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from idcontact.durability import Replicas
    from idcontact.pipe import Line

    Took: TypeAlias = Callable[[str, float], None]
    """Told of a script that was run: its name, and how many seconds that took."""

OUTAGES = (
    RedisConnectionError,
    RedisTimeoutError,
    OutOfMemoryError,
    ReadOnlyError,
    ClusterDownError,
    AskError,
    TryAgainError,
    OSError,
)
"""Those of a Cluster among them: a slot that nobody serves, or that was on its way for longer than we wait."""
TOO_FEW_REPLICAS = "too few replicas"
_CONNECTIONS = 64
_WAITING = 8
"""Connections on which one script may wait for replicas: while those are silent the others are for all the rest."""
_BREAKS_WITHIN = 1.0
"""Seconds after which a call that failed is not made again: whoever waits has waited for long."""
_UP_WITHIN = 2.0
_ANSWER_WITHIN = 5.0
_PATIENCE = 10.0
_OLDEST = 7
_REFUSALS = (AuthenticationError, NoPermissionError)
_NOT_LET_IN = "redis_url: what answers there refuses this user name and password, or asks for them"
_OUTAGE_WORDS = ("BUSY", "MISCONF", "NOREPLICAS", "CLUSTERDOWN", "MASTERDOWN", "TRYAGAIN", "OOM")


def connect(url: str) -> Redis:
    """A client for `redis://`, `rediss://`, `unix://`, `redis+sentinel://` or `redis+cluster://`.

    See `sentinel.py` and `cluster.py`. It connects on first use and reconnects by itself.
    Answers are bytes (RESP2). Each command may take 5 seconds, and is tried once more: who waits hears within ten.
    """
    options: dict[str, Any] = {
        "max_connections": _CONNECTIONS,
        "timeout": _ANSWER_WITHIN,
        "protocol": 2,
        "decode_responses": False,
        "socket_timeout": _ANSWER_WITHIN,
        "socket_connect_timeout": _ANSWER_WITHIN,
        "retry": Retry(ExponentialWithJitterBackoff(base=0.02, cap=0.5), 1),
        "health_check_interval": 15,
    }
    try:
        if cluster.is_cluster(url):
            return ClusterRedis(cluster.cluster_masters(url, options))
        # Blocking: a thousand sockets that return at once wait for a connection instead of failing for want of one.
        pool = sentinel_pool(url, options) if is_sentinel(url) else BlockingConnectionPool.from_url(url, **options)
    except ValueError as mistake:
        several = f"{EXPECTED} or {cluster.EXPECTED}"
        said = f"redis_url: expected redis://…, rediss://…, unix://…, {several}, {mistake}"
        raise SettingsError([said]) from None
    if not is_sentinel(url):  # who asks Sentinel has this from redis-py
        leaving = type("Leaving", (_LeavesReplica, pool.connection_class), {})
        pool.connection_class = leaving
    return Redis.from_pool(pool)


class _LeavesReplica(AbstractConnection):
    """A connection that ends when a replica answers on it: its server was the primary, and is so no more.

    After a planned failover nobody closes it, and it would refuse everything for ever (READONLY).
    """

    async def read_response(self, *args: Any, **options: Any) -> Any:
        """As ever."""
        try:
            return await super().read_response(*args, **options)
        except ReadOnlyError:
            await self.disconnect()
            raise


@contextmanager
def reaching() -> Iterator[None]:
    """Around every call of a store: an outage becomes `Unavailable`; a mistake of ours stays what it is."""
    try:
        yield
    except OUTAGES as outage:
        raise unavailable(outage) from outage
    except ResponseError as answer:
        if str(answer).startswith(_OUTAGE_WORDS):
            raise unavailable(answer) from answer
        raise


def unavailable(outage: Exception) -> Unavailable:
    """The error that people and programs get while the store is away."""
    return Unavailable("the store cannot be reached now; try again in a moment", reason=type(outage).__name__)


def too_few_replicas() -> Unavailable:
    """The error for what is stored, but on fewer replicas than an acknowledgement needs."""
    return Unavailable("this cannot be kept safely now; try again in a moment", reason=TOO_FEW_REPLICAS)


class Script:
    """One Lua file beside the store that uses it, run by its hash and loaded when the server does not know it."""

    def __init__(
        self, redis: Redis, package: str, name: str, took: Took | None = None, replicas: Replicas | None = None
    ) -> None:
        """`replicas`: whom `acknowledged` waits for."""
        self._redis = redis
        self._replicas = replicas
        self._at_once = asyncio.Semaphore(_WAITING)
        self._name = name.removesuffix(".lua")
        self._took = took
        self._line: Line | None = None
        self.source = files(package).joinpath(name).read_text(encoding="utf-8")
        self._script = redis.register_script(self.source)
        self.sha = hashlib.sha1(self.source.encode(), usedforsecurity=False).hexdigest()

    def go_by(self, line: Line) -> None:
        """Run it by a pipelined connection while that stands: for what a thousand sockets that return at once do.

        Not where acknowledgements wait for replicas: what nobody is told of does not.
        """
        if self._replicas is None:
            self._line = line

    async def __call__(self, keys: list[str], args: list[str | bytes | int]) -> Any:
        """Run it. Raises `Unavailable` while the store is away."""
        began = time.perf_counter()
        if self._line is not None and self._line.up.is_set():
            answer = await self._by(self._line, keys, args)
            if isinstance(answer, Unavailable) and time.perf_counter() - began < _BREAKS_WITHIN:
                answer = await self._by_itself(keys, args)  # once more, as redis-py does when a connection breaks
        else:
            answer = await self._by_itself(keys, args)
        if isinstance(answer, Exception):
            raise answer
        if self._took is not None:
            self._took(self._name, time.perf_counter() - began)
        return answer

    async def _by_itself(self, keys: list[str], args: list[str | bytes | int]) -> Any:
        with reaching():
            return await self._script(keys=keys, args=args)

    async def _by(self, line: Line, keys: list[str], args: list[str | bytes | int]) -> Any:
        """The answer, or the error."""
        answered: asyncio.Future[object] = asyncio.get_running_loop().create_future()

        def answer(what: object) -> None:
            if not answered.done():  # nobody waits any more for one that was cancelled
                answered.set_result(what)

        line.script(self, (*keys, *args), len(keys), answer)
        return await answered

    async def acknowledged(self, keys: list[str], args: list[str | bytes | int]) -> Any:
        """Run it, and come back when so many replicas have what it wrote as the settings say.

        Raises `Unavailable` when they have not in time: it is done all the same, and may be repeated.
        """
        if self._replicas is None:
            return await self(keys, args)
        words = (len(keys), *keys, *args)
        answer, heard = await self._followed_by_wait(("EVALSHA", self.sha, *words), self._replicas)
        if isinstance(answer, NoScriptError):
            answer, heard = await self._followed_by_wait(("EVAL", self.source, *words), self._replicas)
        if isinstance(answer, Exception):
            with reaching():
                raise answer
        if not isinstance(heard, int) or heard < self._replicas.count:
            raise too_few_replicas()
        return answer

    async def _followed_by_wait(self, command: tuple[str | bytes | int, ...], replicas: Replicas) -> tuple[Any, Any]:
        """Both on one connection, in one piece: WAIT says nothing of what another connection wrote."""
        async with self._at_once:
            began = time.perf_counter()
            both = await self._in_one_piece(command, replicas)
        if self._took is not None:
            self._took(self._name, time.perf_counter() - began)
        return both

    async def _in_one_piece(self, command: tuple[str | bytes | int, ...], replicas: Replicas) -> tuple[Any, Any]:
        with reaching():
            async with self._redis.pipeline(transaction=False) as pipeline:
                pipeline.execute_command(*command)
                pipeline.execute_command("WAIT", replicas.count, replicas.milliseconds)
                answer, heard = await pipeline.execute(raise_on_error=False)
        return answer, heard


async def primaries(redis: Redis) -> list[Redis]:
    """A client of each server that takes what is written: of a Cluster each of its primaries, else the one there is.

    Raises ClusterDownError while nobody serves some of the slots.
    """
    return await redis.masters.clients() if isinstance(redis, ClusterRedis) else [redis]


async def a_key_at_each(redis: Redis, name: str) -> list[str]:
    """A key of this name; on a Cluster one at each primary, whose names begin with it."""
    if not isinstance(redis, ClusterRedis):
        return [name]
    await redis.masters.clients()
    return redis.masters.a_key_at_each(name)


async def is_up(redis: Redis) -> bool:
    """Whether the store answers now. One that is silent is not up: who asks must not wait for all tries."""
    try:
        async with asyncio.timeout(_UP_WITHIN):
            if isinstance(redis, ClusterRedis):
                return await cluster.wrong_with(redis.masters) is None
            await redis.ping()
    except (RedisError, OSError, TimeoutError):
        return False
    return True


async def await_up(redis: Redis) -> None:
    """Until the store answers: it may be starting beside us. Raises SettingsError for one that will not do.

    And `Unavailable` when it is lost again in the same moment.
    """
    if isinstance(redis, ClusterRedis):
        await _await_whole(redis.masters)
        return
    deadline = time.monotonic() + _PATIENCE
    pool = redis.connection_pool
    # Without retries, which would hide a refused password among outages.
    once = {**pool.connection_kwargs, "retry": Retry(NoBackoff(), 0)}
    async with Redis.from_pool(ConnectionPool(connection_class=pool.connection_class, **once)) as probe:
        while not await _lets_in(probe):
            if time.monotonic() > deadline:
                raise SettingsError([f"redis_url: no Redis or Valkey answers there within {_PATIENCE:.0f} s"])
            await asyncio.sleep(0.2)
        with reaching():
            await _refuse_old(probe)
            is_cluster = (await probe.info("cluster")).get("cluster_enabled")
        if is_cluster:
            raise SettingsError([f"redis_url: what answers there is a node of a Cluster; write {cluster.EXPECTED}"])


async def _await_whole(masters: cluster.Masters) -> None:
    deadline = time.monotonic() + _PATIENCE
    while (wrong := await _wrong_with(masters)) is not None:
        if time.monotonic() > deadline:
            raise SettingsError([f"redis_url: after {_PATIENCE:.0f} s the Cluster is not whole: {wrong}"])
        await asyncio.sleep(0.2)
    with reaching():
        for primary in await masters.clients():
            await _refuse_old(primary)


async def _wrong_with(masters: cluster.Masters) -> str | None:
    try:
        return await cluster.wrong_with(masters)
    except _REFUSALS:
        raise SettingsError([_NOT_LET_IN]) from None
    except (RedisConnectionError, OSError, TimeoutError):
        return "none of the nodes that are named answers"
    except ResponseError:
        raise SettingsError(["redis_url: what answers there is no Cluster; write redis://…"]) from None


async def _refuse_old(redis: Redis) -> None:
    version = str((await redis.info("server")).get("redis_version", "0"))
    if int(version.split(".", maxsplit=1)[0]) < _OLDEST:
        raise SettingsError([f"redis_url: expected Redis or Valkey {_OLDEST} or newer, got {version}"])


async def _lets_in(redis: Redis) -> bool:
    """Whether it answers and takes our word for who we are. Raises SettingsError when it does not take it."""
    try:
        async with asyncio.timeout(_UP_WITHIN):
            await redis.ping()
    except (RedisError, OSError, TimeoutError) as error:
        if isinstance(error, _REFUSALS) or isinstance(error.__cause__, _REFUSALS):
            # Waiting would not help. Its own words may hold the user name.
            raise SettingsError([_NOT_LET_IN]) from None
        return False
    return True
