"""What a host hears of a room, while it happens."""

from __future__ import annotations

import asyncio
import dataclasses
import time
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from idcontact.errors import Unavailable
from idcontact.keystore import DirectoryKeyStore
from idcontact.plugin.testkit import MemoryRecords
from idcontact.records import SealedRecords
from idcontact.redis import connect
from idcontact.signals import NodeSignals, RedisSignals
from platform_house import PlatformHouse, guest_token, host_token, open_platform_house
from plugin_house import NOW

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from redis.asyncio import Redis

    from idcontact.records import Record
    from servers import RedisServer

HENK = {"fullname": "Henk de Vries", "city": "Utrecht"}


@pytest.fixture
async def house() -> AsyncIterator[PlatformHouse]:
    async with open_platform_house() as opened:
        yield opened


def looks_every(house: PlatformHouse, seconds: float) -> None:
    """The streams of this house look by themselves so often."""
    house.plugin._live = dataclasses.replace(house.plugin._live, pause=seconds)
    house.plugin._public.router.routes[:] = house.plugin._public_routes(house.plugin._guests.settings)


async def test_a_stream_starts_and_tells_of_each_change_also_when_a_guest_begins(house: PlatformHouse) -> None:
    async with house.listen(host_token()) as stream:
        assert await stream.next() == "start"
        attr_url = await house.begin(guest_token())
        assert await stream.next() == "update"
        await house.deliver(attr_url, "no token")
        await house.begin(guest_token())
        assert await stream.next() == "update"
        await house.identify(guest_token("g2"), HENK)
        assert await stream.next() == "update"
    assert stream.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert stream.headers["cache-control"] == "no-store"
    assert stream.headers["x-accel-buffering"] == "no"


async def test_events_hold_nothing_of_anybody(house: PlatformHouse) -> None:
    async with house.listen(host_token()) as stream:
        await stream.next()
        await house.identify(guest_token(), HENK)
        await stream.next()
        assert len(stream.last_id) == 16
        assert "Henk" not in stream.last_id  # shorter words may stand in any sixteen random characters


async def test_what_happens_in_another_room_is_not_heard(house: PlatformHouse) -> None:
    async with house.listen(host_token("16")) as stream:
        assert await stream.next() == "start"
        await house.identify(guest_token("g1", "17"), HENK)
        await house.begin(guest_token("g2", "16"))
        assert await stream.next() == "update"
        seen = stream.last_id
    async with house.listen(host_token("16"), since=seen) as again:
        assert await again.next() == "start"
        await house.begin(guest_token("g3", "16"))
        assert await again.next() == "update"


@pytest.mark.parametrize("token", ["x", guest_token(), host_token(secret="x" * 32), host_token(claims={"exp": NOW})])
async def test_a_link_that_does_not_hold_is_told_so_and_ends_it(house: PlatformHouse, token: str) -> None:
    async with house.listen(token) as stream:
        assert [await stream.next(), await stream.next()] == ["badrequest", None]


async def test_a_link_that_expires_ends_what_it_opened(house: PlatformHouse) -> None:
    async with house.listen(host_token(claims={"exp": NOW + 60})) as stream:
        assert await stream.next() == "start"
        house.now[0] += 60
        await house.begin(guest_token())
        assert [await stream.next(), await stream.next()] == ["badrequest", None]


# --- nothing is missed ----------------------------------------------------------------------------------------------


async def test_what_happens_between_the_page_and_its_stream_is_told_at_once(house: PlatformHouse) -> None:
    page = (await house.see(host_token())).text
    since = page.split("?since=")[1].split('"')[0]
    await house.identify(guest_token(), HENK)
    async with house.listen(host_token(), since=since) as stream:
        assert [await stream.next(), await stream.next()] == ["start", "update"]


async def test_what_happens_during_a_reconnect_is_told_at_once(house: PlatformHouse) -> None:
    async with house.listen(host_token(), since="what the page was made with") as stream:
        assert [await stream.next(), await stream.next()] == ["start", "update"]
        seen = stream.last_id
    await house.identify(guest_token(), HENK)
    async with house.listen(host_token(), since="what the page was made with", last_event_id=seen) as again:
        assert [await again.next(), await again.next()] == ["start", "update"]
        latest = again.last_id
    async with house.listen(host_token(), last_event_id=latest) as third:
        assert await third.next() == "start"
        await house.begin(guest_token("g2"))
        assert await third.next() == "update"


async def test_a_connection_that_breaks_between_start_and_update_misses_nothing(house: PlatformHouse) -> None:
    async with house.listen(host_token()) as stream:
        await stream.next()
        seen = stream.last_id
    await house.begin(guest_token())
    async with house.listen(host_token(), last_event_id=seen) as broken:
        assert await broken.next() == "start"
        assert broken.last_id == seen


async def test_a_hint_that_is_lost_is_made_up_for() -> None:
    class Deaf(NodeSignals):
        async def tell(self, what: str) -> None:
            del what

    async with open_platform_house(signals=Deaf()) as house:
        looks_every(house, 0.05)
        async with house.listen(host_token()) as stream:
            assert await stream.next() == "start"
            await house.begin(guest_token())
            assert await stream.next() == "update"


async def test_a_guest_whose_time_is_up_is_told_of_too(house: PlatformHouse) -> None:
    looks_every(house, 0.05)
    await house.identify(guest_token(), HENK)
    async with house.listen(host_token()) as stream:
        assert await stream.next() == "start"
        house.now[0] += 2 * 60 * 60
        assert await stream.next() == "update"
    assert await house.seen(host_token()) == []


class WatchedRecords(MemoryRecords):
    """Tells when a record is written again."""

    written: asyncio.Event

    async def replace(self, record_id: str, value: bytes, expected: Record, ttl: float | None = None) -> bool:
        self.written.set()
        return await super().replace(record_id, value, expected, ttl)


class LosableRecords(MemoryRecords):
    """Are away when the test says so, and count who asks meanwhile."""

    away = False
    asked = 0
    asked_often: asyncio.Event

    async def read(self, record_id: str) -> Record | None:
        if self.away:
            self.asked += 1
            if self.asked == 5:
                self.asked_often.set()
            raise Unavailable("the store is away")
        return await super().read(record_id)


async def test_when_a_guests_time_is_up_while_the_store_is_away_a_stream_asks_no_more_often() -> None:
    records = LosableRecords(lambda: NOW)
    records.asked_often = asyncio.Event()
    async with open_platform_house(records=records) as house:
        looks_every(house, 0.05)
        await house.identify(guest_token(), HENK)
        async with house.listen(host_token()) as stream:
            assert await stream.next() == "start"
            began = time.monotonic()
            records.away = True
            house.now[0] += 2 * 60 * 60
            async with asyncio.timeout(10):
                await records.asked_often.wait()
            assert time.monotonic() - began > 3.5 * 0.05
            records.away = False
            assert await stream.next() == "update"


async def test_a_quiet_call_keeps_its_attributes_while_somebody_listens() -> None:
    now = [NOW]
    records = WatchedRecords(lambda: now[0])
    records.written = asyncio.Event()
    async with open_platform_house(records=records) as house:
        looks_every(house, 0.02)
        await house.identify(guest_token(), HENK)
        async with house.listen(host_token()) as stream:
            assert await stream.next() == "start"
            for _ in range(20):
                records.written.clear()
                now[0] = house.now[0] = now[0] + 5 * 60
                async with asyncio.timeout(10):
                    await records.written.wait()
        assert len(await house.seen(host_token())) == 1


# --- several nodes --------------------------------------------------------------------------------------------------


@asynccontextmanager
async def two_nodes(redis: Redis, keys: Path) -> AsyncIterator[tuple[PlatformHouse, PlatformHouse]]:
    async with AsyncExitStack() as stack:
        nodes = []
        for _ in range(2):
            keystore = DirectoryKeyStore(keys)
            stack.callback(keystore.close)
            nodes.append(
                await stack.enter_async_context(
                    open_platform_house(
                        {"start_limit": "100000 per min"},
                        records=SealedRecords(redis, keystore, "idc", "comm_platform"),
                        signals=RedisSignals(redis, "idc", "comm_platform"),
                        clock=time.time,
                    )
                )
            )
        yield nodes[0], nodes[1]


async def test_what_one_node_takes_is_heard_and_seen_at_another(redis: Redis, tmp_path: Path) -> None:
    async with two_nodes(redis, tmp_path / "keys") as (here, there):
        attr_url = await here.begin(guest_token())
        async with there.listen(host_token()) as stream:
            assert await stream.next() == "start"
            assert await here.deliver(attr_url, "x") == 400
            await here.identify(guest_token("g2"), HENK)
            # It begins, and then it is given: two changes, seen as one when they come together.
            assert await stream.next() == "update"
            async with asyncio.timeout(10):
                while [person["attributes"] for person in await there.seen(host_token())] != [HENK]:
                    await stream.next()


async def test_nothing_readable_is_kept(redis: Redis, tmp_path: Path) -> None:
    async with two_nodes(redis, tmp_path / "keys") as (here, _):
        attr_url = await here.identify(guest_token("guest-77", "room-4711", name="Hendrik"), HENK)
        await here.seen(host_token("room-4711"))
    stored = repr([(key, await redis.dump(key)) for key in await redis.keys("*")])
    for word in (*HENK.values(), "Hendrik", "room-4711", "guest-77", "report_move", attr_url.rpartition("/")[2]):
        assert word not in stored
    assert all([0 < await redis.pttl(key) <= 2 * 60 * 60 * 1000 for key in await redis.keys("*record*")])


async def test_of_two_nodes_that_change_a_room_at_once_neither_loses_anything(redis: Redis, tmp_path: Path) -> None:
    async with two_nodes(redis, tmp_path / "keys") as (here, there):
        nodes = [here, there] * 6
        tokens = [guest_token(f"g{number}", name=f"Person {number}") for number in range(12)]
        await asyncio.gather(*(node.start(token) for node, token in zip(nodes, tokens, strict=True)))
        page = (await here.see(host_token())).text
    assert all(f"Person {number}<" in page for number in range(12))


async def test_a_stream_outlives_an_outage_of_the_store_and_tells_what_happened_in_it(
    own_redis_server: RedisServer, tmp_path: Path
) -> None:
    client = connect(own_redis_server.url)
    try:
        async with two_nodes(client, tmp_path / "keys") as (here, there):
            looks_every(there, 0.05)
            async with there.listen(host_token()) as stream:
                assert await stream.next() == "start"
                own_redis_server.kill()
                assert (await here.start(guest_token())).status_code == 503
                own_redis_server.start()
                async with asyncio.timeout(30):
                    while (await here.start(guest_token())).status_code != 200:
                        pass
                assert await stream.next(30) == "update"
    finally:
        await client.aclose()


async def test_while_the_store_is_away_a_browser_is_left_to_come_back(
    own_redis_server: RedisServer, tmp_path: Path
) -> None:
    client = connect(own_redis_server.url)
    try:
        async with two_nodes(client, tmp_path / "keys") as (here, _):
            own_redis_server.kill()
            async with here.listen(host_token()) as stream:
                assert await stream.next(30) is None
    finally:
        await client.aclose()


async def test_who_leaves_leaves_nothing_behind() -> None:
    signals = NodeSignals()
    async with open_platform_house(records=MemoryRecords(lambda: NOW), signals=signals) as own:
        streams = [own.listen(host_token()) for _ in range(5)]
        for stream in streams:
            assert await stream.next() == "start"
        for stream in streams:
            await stream.close()
        assert signals._waiting == {}
