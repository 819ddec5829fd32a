from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from idcontact.errors import Unavailable
from idcontact.redis import connect
from idcontact.signals import NodeSignals, RedisSignals
from idcontact.tasks import Tasks

if TYPE_CHECKING:
    from redis.asyncio import Redis

    from idcontact.signals import Signals
    from servers import RedisServer


async def heard_within(event: asyncio.Event, seconds: float = 10) -> None:
    async with asyncio.timeout(seconds):
        await event.wait()


async def test_what_is_told_wakes_those_who_wait_for_it_and_nobody_else() -> None:
    signals: Signals = NodeSignals()
    with signals.heard("room 16") as one, signals.heard("room 16") as another, signals.heard("room 17") as other:
        await signals.tell("room 16")
        assert (one.is_set(), another.is_set(), other.is_set()) == (True, True, False)
    await signals.tell("room 16")


async def test_what_one_node_tells_is_heard_on_another(redis: Redis) -> None:
    here, there = RedisSignals(redis, "idc", "platform"), RedisSignals(redis, "idc", "platform")
    async with Tasks() as tasks:
        with there.heard("room 16") as event, there.heard("room 17") as other:
            tasks.start(there.run())
            await heard_within(event)  # a subscription that stands is a gap that ended
            event.clear()
            other.clear()
            await here.tell("room 16")
            await heard_within(event)
            assert not other.is_set()


async def test_plugins_do_not_hear_each_other(redis: Redis) -> None:
    one, other = RedisSignals(redis, "idc", "one"), RedisSignals(redis, "idc", "other")
    async with Tasks() as tasks:
        with one.heard("room 16") as event, one.heard("last") as last:
            tasks.start(one.run())
            await heard_within(event)
            event.clear()
            last.clear()
            await other.tell("room 16")
            await RedisSignals(redis, "idc", "one").tell("last")
            await heard_within(last)
            assert not event.is_set()


async def test_what_is_told_cannot_be_read_on_the_way(redis: Redis) -> None:
    async with redis.pubsub() as listener:
        await listener.ssubscribe(RedisSignals(redis, "idc", "platform")._channel)
        await RedisSignals(redis, "idc", "platform").tell("room 16")
        while (message := await listener.get_message(timeout=10))["type"] != "smessage":
            pass
    assert b"room" not in message["data"]
    assert message["data"] != b"16"


async def test_after_an_outage_everybody_looks_again(own_redis_server: RedisServer) -> None:
    client = connect(own_redis_server.url)
    signals = RedisSignals(client, "idc", "platform")
    try:
        async with Tasks() as tasks:
            with signals.heard("room 16") as event:
                tasks.start(signals.run())
                await heard_within(event)
                event.clear()
                own_redis_server.kill()
                with pytest.raises(Unavailable):
                    await signals.tell("room 17")
                own_redis_server.start()
                await heard_within(event)
    finally:
        await client.aclose()
