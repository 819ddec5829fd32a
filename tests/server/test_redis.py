"""Connections to a server that was the primary, and has become a replica while everybody stays connected to it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from redis.exceptions import ReadOnlyError

from idcontact.errors import Unavailable
from idcontact.pipe import Pipe
from idcontact.redis import Script, connect, reaching
from idcontact.tasks import Tasks

if TYPE_CHECKING:
    from servers import RedisServer

NOBODY = ("127.0.0.1", "1")


def demote(server: RedisServer) -> None:
    with server.client() as client:
        client.execute_command("REPLICAOF", *NOBODY)


async def test_a_pool_leaves_a_server_that_is_the_primary_no_more(own_redis_server: RedisServer) -> None:
    async with connect(own_redis_server.url) as redis:
        before = await redis.client_id()
        assert await redis.client_id() == before
        demote(own_redis_server)
        with pytest.raises(Unavailable), reaching():
            await redis.set("key", "value")
        after = await redis.client_id()
        assert after != before
        with pytest.raises(ReadOnlyError):
            await redis.set("key", "value")
        own_redis_server.promote()
        assert await redis.set("key", "value")


async def test_the_append_connection_leaves_it_too_and_goes_on_where_the_primary_is(
    own_redis_server: RedisServer,
) -> None:
    async with connect(own_redis_server.url) as redis, Tasks() as tasks:
        script = Script(redis, "idcontact", "limits.lua")
        ups: asyncio.Queue[None] = asyncio.Queue()
        pipe = Pipe(redis, [script], on_up=lambda: ups.put_nowait(None))
        tasks.keep(pipe.run, "append connection")
        async with asyncio.timeout(10):
            await ups.get()
            demote(own_redis_server)
            assert isinstance(await hit(pipe, script), Unavailable)
            await ups.get()
            own_redis_server.promote()
            while isinstance(await hit(pipe, script), Unavailable):
                await pipe.up.wait()
            assert await hit(pipe, script) == 0


async def hit(pipe: Pipe, script: Script) -> object:
    answered: asyncio.Future[object] = asyncio.get_running_loop().create_future()
    pipe.script(script, ("idc:limit:test", 10, 1000, 1), 1, answered.set_result)
    return await answered
