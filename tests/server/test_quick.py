"""What goes by the pipelined connection while that stands, and by redis-py when it does not."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest
from redis.exceptions import ResponseError

from idcontact.errors import Unavailable
from idcontact.pipe import Pipe
from idcontact.quick import QuickReader, fields_of
from idcontact.redis import Script, connect
from idcontact.tasks import Tasks

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from redis.asyncio import Redis

    from idcontact.pipe import Answered, Batch, Words
    from servers import RedisServer

_READS = (
    ("HMGET", "hash", "a", "none"),
    ("HGETALL", "hash"),
    ("GET", "text"),
    ("XRANGE", "stream", "-", "+"),
)


class Counting(Pipe):
    """It knows how often it was used, and says each time that it stands."""

    def __init__(self, redis: Redis) -> None:
        self.asked = 0
        self.scripts = 0
        self.stands: asyncio.Queue[None] = asyncio.Queue()
        super().__init__(redis, [], on_up=lambda: self.stands.put_nowait(None))

    async def ask(self, batch: Batch) -> list[object]:
        answers = await super().ask(batch)
        self.asked += 1
        return answers

    def script(self, script: Script, words: Words, keys: int, answered: Answered) -> None:
        self.scripts += 1
        super().script(script, words, keys, answered)


@asynccontextmanager
async def standing(redis: Redis) -> AsyncIterator[Counting]:
    pipe = Counting(redis)
    async with Tasks() as tasks, asyncio.timeout(20):
        tasks.keep(pipe.run, "pipelined connection")
        await pipe.stands.get()
        yield pipe


async def test_the_same_is_read_by_either_way(redis: Redis) -> None:
    await redis.hset("hash", mapping={"a": "1", "b": "2"})
    await redis.set("text", "words")
    await redis.xadd("stream", {"event": "said"}, id="1-0")
    expected = [[b"1", None], {b"a": b"1", b"b": b"2"}, b"words", [(b"1-0", {b"event": b"said"})]]
    async with standing(redis) as pipe:
        for reader in (QuickReader(redis, pipe), QuickReader(redis)):
            values, found, text, entries = await reader.read(*_READS)
            named = [(name, fields_of(entry)) for name, entry in entries]
            assert [values, fields_of(found), text, named] == expected
            assert await reader.read(("GET", "text")) == [b"words"]
            assert pipe.asked == 2


async def test_what_cannot_be_read_is_an_error_by_either_way(redis: Redis) -> None:
    await redis.set("text", "words")
    async with standing(redis) as pipe:
        for reader in (QuickReader(redis, pipe), QuickReader(redis)):
            with pytest.raises(ResponseError, match="WRONGTYPE"):
                await reader.read(("HGETALL", "text"))


async def test_a_script_runs_by_the_line_while_it_stands(redis: Redis) -> None:
    names: list[str] = []
    script = Script(redis, "idcontact", "follow.lua", took=lambda name, _seconds: names.append(name))
    async with standing(redis) as pipe:
        script.go_by(pipe)
        by_line = await script(["followed"], ["1", 1000])
        assert pipe.scripts == 1
        pipe.up.clear()  # as after a break
        assert await script(["followed"], ["1", 1000]) == by_line
        assert pipe.scripts == 1
    assert names == ["follow", "follow"]


async def test_reading_goes_on_when_the_connection_was_cut(own_redis_server: RedisServer) -> None:
    async with connect(own_redis_server.url) as redis:
        await redis.set("text", "words")
        async with standing(redis) as pipe:
            reader = QuickReader(redis, pipe)
            assert await reader.read(("GET", "text")) == [b"words"]
            assert pipe.asked == 1
            for _ in range(3):
                await redis.client_kill_filter(skipme=True)
                assert await reader.read(("GET", "text")) == [b"words"]  # whatever is known of it by now
                await pipe.stands.get()
                asked = pipe.asked
                assert await reader.read(("GET", "text")) == [b"words"]
                assert pipe.asked == asked + 1


async def test_an_outage_is_said_as_one(own_redis_server: RedisServer) -> None:
    async with connect(own_redis_server.url) as redis, standing(redis) as pipe:
        script = Script(redis, "idcontact", "follow.lua")
        script.go_by(pipe)
        own_redis_server.kill()
        with pytest.raises(Unavailable):
            await QuickReader(redis, pipe).read(("GET", "text"))
        with pytest.raises(Unavailable):
            await script(["followed"], ["1", 1000])
