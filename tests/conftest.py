"""Fixtures that every part's tests share."""

from __future__ import annotations

from contextlib import ExitStack
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

import pytest
from redis.asyncio import Redis

from clusters import Cluster
from searching import register_profiles
from servers import Kind, RedisServer, wanted_kinds

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

register_profiles()

# Each takes the better part of a minute: left for the end, one would keep a worker busy that the others wait for.
_FIRST: Final = (
    "browser/test_accessibility.py",
    "soak/test_soak.py",
    "browser/test_embedding.py",
    "server/live/test_failover.py",
    "browser/test_kill.py",
    "server/test_cluster.py",
    "browser/test_by_keyboard.py",
    "server/test_workers.py",
    "browser/test_main_job.py",
    "server/test_fuzzed.py",
    "browser/test_widget_looks.py",
    "server/test_demo_process.py",
    "browser/test_plain_pages.py",
    "plugins/comm_phone/test_process.py",
    "browser/test_between.py",
    "server/live/test_outage.py",
    "server/core/test_processes.py",
    "server/live/test_replicated.py",
    "server/live/test_deadlines.py",
    "server/live/test_kill.py",
    "plugins/comm_test/test_process.py",
    "plugins/comm_platform/test_process.py",
    "server/test_sealing.py",
)


_SERVERS: Final[dict[str, Literal["session", "function"]]] = {
    "redis_server": "session",
    "own_redis_server": "function",
    "server_kind": "function",
}
"""The fixtures whose parameter is a kind of server, and how long one lives."""


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The files that take longest first, the others as they are."""
    places = {Path(__file__).parent / name: place for place, name in enumerate(_FIRST)}
    gone = [str(path) for path in places if not path.exists()]
    if gone:
        raise pytest.UsageError(f"tests/conftest.py names files that are not there: {', '.join(gone)}")
    items.sort(key=lambda item: places.get(item.path, len(places)))


@pytest.fixture(scope="session")
def redis_servers() -> Iterator[Callable[[Kind], RedisServer]]:
    """The servers that all tests share: started when first asked for, so that pytest may change from kind to kind."""
    with ExitStack() as running:
        yield cache(lambda kind: running.enter_context(RedisServer(kind)))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Once per wanted kind of server; once where the marker says that the kind can make no difference."""
    kinds = wanted_kinds()
    if metafunc.definition.get_closest_marker("one_kind"):
        del kinds[1:]
    for name, scope in _SERVERS.items():
        if name in metafunc.fixturenames:
            metafunc.parametrize(name, kinds, indirect=True, scope=scope)


@pytest.fixture(scope="session")
def redis_server(request: pytest.FixtureRequest, redis_servers: Callable[[Kind], RedisServer]) -> RedisServer:
    """A running server of each wanted kind, shared by all tests. Not to be stopped: use `own_redis_server` for that."""
    kind: Kind = request.param
    return redis_servers(kind)


@pytest.fixture(scope="session")
def one_redis_server(redis_servers: Callable[[Kind], RedisServer]) -> RedisServer:
    """That of one kind, for what goes on between processes, or in a browser: the kind makes no difference to that."""
    return redis_servers(wanted_kinds()[0])


@pytest.fixture(scope="session")
def clusters() -> Iterator[Callable[[Kind], Cluster]]:
    """The Clusters that all tests share, each primary with a replica."""
    with ExitStack() as running:
        yield cache(lambda kind: running.enter_context(Cluster(kind, replicated=True)))


@pytest.fixture(params=wanted_kinds())
def cluster(request: pytest.FixtureRequest, clusters: Callable[[Kind], Cluster]) -> Cluster:
    """An empty Cluster of each wanted kind, and whole. What is done to it is put right again by who does it."""
    shared = clusters(request.param)
    shared.await_whole()
    shared.flush()
    return shared


@pytest.fixture
def redis_url(redis_server: RedisServer) -> str:
    """The URL of an empty server, once per kind of server."""
    with redis_server.client() as client:
        client.flushall()
    return redis_server.url


@pytest.fixture
def one_redis_url(one_redis_server: RedisServer) -> str:
    """The URL of an empty server of one kind; a module whose tests need no more calls it `redis_url`."""
    with one_redis_server.client() as client:
        client.flushall()
    return one_redis_server.url


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    """A client of an empty server, with the options that the product uses."""
    client = Redis.from_url(redis_url, protocol=2, decode_responses=False)
    try:
        yield client
    finally:
        await client.aclose()


@pytest.fixture
def server_kind(request: pytest.FixtureRequest) -> Kind:
    """Of the servers that a test starts and stops by itself."""
    kind: Kind = request.param
    return kind


@pytest.fixture
def own_redis_server(request: pytest.FixtureRequest) -> Iterator[RedisServer]:
    """A server of this test alone, with an append-only file: to kill, pause, or look into its files."""
    kind: Kind = request.param
    with RedisServer(kind, appendonly=True) as server:
        yield server
