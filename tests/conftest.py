"""Fixtures that every part's tests share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from redis.asyncio import Redis

from servers import Kind, RedisServer, wanted_kinds

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator


@pytest.fixture(scope="session", params=wanted_kinds())
def redis_server(request: pytest.FixtureRequest) -> Iterator[RedisServer]:
    """A running server of each wanted kind, shared by all tests. Not to be stopped: use `own_redis_server` for that."""
    kind: Kind = request.param
    with RedisServer(kind) as server:
        yield server


@pytest.fixture
def redis_url(redis_server: RedisServer) -> str:
    """The URL of an empty server, once per kind of server."""
    with redis_server.client() as client:
        client.flushall()
    return redis_server.url


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    """A client of an empty server, with the options that the product uses."""
    client = Redis.from_url(redis_url, protocol=2, decode_responses=False)
    try:
        yield client
    finally:
        await client.aclose()


@pytest.fixture(params=wanted_kinds())
def own_redis_server(request: pytest.FixtureRequest) -> Iterator[RedisServer]:
    """A server of this test alone, with an append-only file: to kill, pause, or look into its files."""
    kind: Kind = request.param
    with RedisServer(kind, appendonly=True) as server:
        yield server
