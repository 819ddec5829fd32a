"""What people who wait are told of their place: when it changes, and no more often."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from idcontact.errors import Unavailable
from idcontact.live import positions
from idcontact.live.board import Board
from idcontact.live.expected_wait import Pace, Queue
from idcontact.live.positions import Positions, Standing
from idcontact.live.routing import Wanted
from idcontact.live.routing_store import RoutingStore
from idcontact.tasks import Tasks

if TYPE_CHECKING:
    from redis.asyncio import Redis

BEGIN = 1_800_000_000_000
MINUTE = 60_000


class OnTheBench:
    """Somebody who waits, and what they were told."""

    def __init__(self, conversation: str) -> None:
        self.id = conversation
        self.waits_for: str | None = "move"
        self.told: list[Standing] = []
        self._news: asyncio.Queue[Standing] = asyncio.Queue()

    def stands(self, standing: Standing) -> None:
        self.told.append(standing)
        self._news.put_nowait(standing)

    async def hears(self) -> Standing:
        """The next that they were not told before."""
        return await self._news.get()


class Clerk:
    """Two who wait for the same, at a pace that the test sets."""

    def __init__(self, redis: Redis) -> None:
        self.routing = RoutingStore(redis, "idc")
        self.board = Board(self.routing)
        self.interval: float | None = None
        self.away = False
        self.asked = 0
        self.positions = Positions(self.board, self.pace)
        self.first, self.second = OnTheBench("c1"), OnTheBench("c2")

    async def pace(self, purpose: str) -> Pace:
        self.asked += 1
        assert purpose == "move"
        if self.away:
            raise Unavailable("the store is away")
        return Pace(Queue(waiting=2, offered=0, oldest=BEGIN, agents=1, free=0), self.interval)

    async def queues(self) -> None:
        for waiter in (self.first, self.second):
            wanted = Wanted(waiter.id, 1, 0, "queued", "move", entered_at=BEGIN)
            await self.routing.sync(wanted, channel="chat", language="nl", now=BEGIN)
            self.positions.watch(waiter)
        async with Tasks() as tasks:
            tasks.start(self.board.run())
            await self.board.ready.wait()


@pytest.fixture
async def clerk(redis: Redis) -> Clerk:
    found = Clerk(redis)
    await found.queues()
    return found


def at(place: int, wait: int | None = None) -> Standing:
    return Standing(place=place, agents_present=0, expected_wait=wait)


async def test_everybody_is_told_their_own_place_and_their_own_wait(clerk: Clerk) -> None:
    clerk.interval = 2 * MINUTE
    await clerk.positions.tell()
    assert clerk.first.told == [at(1, 120)]
    assert clerk.second.told == [at(2, 240)]
    assert clerk.asked == 1, "a queue is looked at once for all who stand in it"


async def test_a_wait_is_rounded_up_to_minutes_and_told_again_when_those_change(clerk: Clerk) -> None:
    for clerk.interval in (61_000, 90_000, 119_000, 121_000):
        await clerk.positions.tell()
    assert clerk.first.told == [at(1, 120), at(1, 180)]


async def test_a_place_is_told_also_while_the_wait_is_not_known_and_the_store_is_away(clerk: Clerk) -> None:
    await clerk.positions.tell()
    clerk.interval, clerk.away = MINUTE, True
    await clerk.positions.tell()
    assert clerk.first.told == [at(1)]
    clerk.away = False
    await clerk.positions.tell()
    assert clerk.first.told == [at(1), at(1, 60)]


async def test_who_is_gone_or_no_longer_waits_is_told_nothing(clerk: Clerk) -> None:
    clerk.positions.forget(clerk.first)
    clerk.second.waits_for = None
    await clerk.positions.tell()
    assert clerk.first.told == clerk.second.told == []
    assert clerk.asked == 0


async def test_a_wait_that_grows_while_nothing_happens_is_told_too(
    clerk: Clerk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(positions, "_AGAIN", 0.0)
    monkeypatch.setattr(positions, "_PAUSE", 0.0)
    clerk.interval = MINUTE
    async with Tasks() as tasks:
        tasks.start(clerk.positions.run())
        assert await clerk.first.hears() == at(1, 60)
        clerk.interval = 3 * MINUTE
        assert await clerk.first.hears() == at(1, 180)
