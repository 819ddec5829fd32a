"""A deadline is met within a second of its time, or of the first node's being up when all were down; at little cost."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from idcontact.live.deadlines import Sweeper
from idcontact.live.keys import BUCKETS, keys_of
from live_parts import parts
from running import make_site, running_house

if TYPE_CHECKING:
    from pathlib import Path

    from redis.asyncio import Redis

    from idcontact.live.keys import Keys

pytestmark = pytest.mark.one_kind

SECOND = 1000
ROUNDS = 3
"""A machine may stand still for a moment; not each time."""


class Deadlines:
    """Those of conversations that are gone: whoever meets one has nothing to do but to take it away."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._keys = [keys_of(letter * 26, "idc") for letter in "abcdefgh"]

    async def now(self) -> int:
        seconds, microseconds = await self._redis.time()
        return int(seconds) * 1000 + int(microseconds) // 1000

    async def set(self, *times: int) -> None:
        for keys, at in zip(self._keys, times, strict=True):
            await self._redis.zadd(keys.due, {self._name(keys): at})

    async def met(self) -> list[int]:
        """When each was met, in the order in which they were set."""
        met: dict[int, int] = {}
        async with asyncio.timeout(30):
            while len(met) < len(self._keys):
                for number, keys in enumerate(self._keys):
                    if number not in met and await self._redis.zscore(keys.due, self._name(keys)) is None:
                        met[number] = await self.now()
        return [met[number] for number in range(len(self._keys))]

    @staticmethod
    def _name(keys: Keys) -> str:
        return f"hard_limit|{keys.id}"


async def test_a_deadline_is_met_within_a_second(redis: Redis, redis_url: str, tmp_path: Path) -> None:
    deadlines = Deadlines(redis)
    late: list[int] = []
    async with running_house(make_site(tmp_path, redis_url)):
        for _ in range(ROUNDS):
            times = [await deadlines.now() + 200 * number for number in range(1, 9)]
            await deadlines.set(*times)
            late = [at - due for at, due in zip(await deadlines.met(), times, strict=True)]
            assert min(late) >= 0
            if max(late) <= SECOND:
                return
    raise AssertionError(f"met so many milliseconds late: {late}")


async def test_what_came_while_everything_was_down_is_met_within_a_second_of_a_nodes_being_up(
    redis: Redis, redis_url: str, tmp_path: Path
) -> None:
    deadlines = Deadlines(redis)
    late = SECOND + 1
    for number in range(ROUNDS):
        (tmp_path / str(number)).mkdir()
        await deadlines.set(*([await deadlines.now() - 60 * SECOND] * 8))
        async with running_house(make_site(tmp_path / str(number), redis_url)):
            up = await deadlines.now()
            late = max(await deadlines.met()) - up
        if late <= SECOND:
            return
    raise AssertionError(f"met {late} ms after it was up")


async def test_a_pass_asks_for_all_buckets_in_one_breath(redis: Redis, tmp_path: Path) -> None:
    async with parts(redis, tmp_path) as live:
        sweeper = Sweeper(live.conversations, nothing)
        await sweeper.once()  # of the first one, scripts and connections are new
        before = (await redis.info("stats"))["total_reads_processed"]
        await sweeper.once()
        reads = (await redis.info("stats"))["total_reads_processed"] - before
    assert reads < BUCKETS / 10, "the store was asked so many times"


async def nothing() -> None:
    """This node has no sockets whose leases to renew."""
