"""The keeper of keys, on real servers: what lives always opens; what was purged never does, an epoch later."""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING, cast

import pytest

from idcontact import sealing
from idcontact.epoch_files import name_of
from idcontact.errors import KeyGone, SealBroken, Unavailable
from idcontact.keystore import GRACE, ROTATE_AFTER, DataKey, DirectoryKeyStore, KeyStore, epoch_of
from idcontact.redis import connect
from idcontact.sealing import CONVERSATION_TAGS, KEY_FIELD, RECORD_TAGS, KeyKeeper, registration, sealed_key
from keys_house import HandClock, contents

if TYPE_CHECKING:
    from pathlib import Path

    from redis.asyncio import Redis

    from servers import RedisServer

PREFIX = "idc"
PASS = 60.0
"""Seconds from one pass to the next: seldomer than in the product, which must not matter."""
EPOCH = 15 * 60.0


class House:
    """One directory of keys, one clock, and sealed hashes in one Redis."""

    def __init__(self, redis: Redis, directory: Path, clock: HandClock) -> None:
        self.redis = redis
        self.directory = directory
        self.clock = clock
        self.keystore = self.another_keystore()
        self.keeper = KeyKeeper(redis, self.keystore, PREFIX)
        self.keys: dict[str, DataKey] = {}

    def another_keystore(self) -> DirectoryKeyStore:
        return DirectoryKeyStore(self.directory, self.clock)

    async def create(self, name: str, tag: str = "{c007}") -> str:
        """A sealed hash; its full key."""
        hash_key, key = f"{PREFIX}:{tag}:{name}", DataKey.new()
        await self.write(tag, hash_key, self.keystore.wrap(key))
        self.keys[hash_key] = key
        return hash_key

    async def write(self, tag: str, hash_key: str, wrapped: bytes) -> None:
        listing = registration(PREFIX, tag, hash_key, wrapped)
        async with self.redis.pipeline(transaction=True) as pipeline:
            pipeline.hset(hash_key, KEY_FIELD, wrapped)
            pipeline.zadd(listing.zset, {listing.member: listing.score})
            await pipeline.execute()

    async def wrapped(self, hash_key: str) -> bytes:
        found = await self.redis.hget(hash_key, KEY_FIELD)
        assert isinstance(found, bytes)
        return found

    async def opens(self, hash_key: str) -> bool:
        return opens(self.keystore, await self.wrapped(hash_key), self.keys[hash_key])

    async def listed(self, tag: str = "{c007}") -> dict[str, int]:
        found = await self.redis.zrange(sealed_key(PREFIX, tag), 0, -1, withscores=True)
        return {member.decode(): int(score) for member, score in cast("list[tuple[bytes, float]]", found)}

    async def run(self, seconds: float, *keepers: KeyKeeper) -> None:
        """Let that much time go by, with passes as often as the product has them."""
        until = self.clock.passed + seconds
        while self.clock.passed < until:
            self.clock.passed = min(self.clock.passed + PASS, until)
            await asyncio.gather(*(keeper.tick() for keeper in keepers or (self.keeper,)))

    def epochs(self) -> list[int]:
        return sorted(int(name[6:22]) for name in contents(self.directory))


@pytest.fixture
def house(redis: Redis, tmp_path: Path) -> House:
    return House(redis, tmp_path / "keys", HandClock())


def opens(store: KeyStore, wrapped: bytes, key: DataKey) -> bool:
    try:
        return store.unwrap(wrapped).secret() == key.secret()
    except (KeyGone, SealBroken):
        return False


def opens_with_what_is_left(house: House, wrapped: bytes, key: DataKey) -> bool:
    """Whether someone with a copy of Redis and of the directory, as they are now, has the key."""
    store = house.another_keystore()
    try:
        return opens(store, wrapped, key)
    finally:
        store.close()


# --- listing ------------------------------------------------------------------------------------------------------


def test_a_sealed_hash_is_listed_in_its_own_slot_under_its_epoch(house: House) -> None:
    wrapped = house.keystore.wrap(DataKey.new())
    listing = registration(PREFIX, "{p003}", "idc:{p003}:login:1", wrapped)
    assert listing == ("idc:{p003}:sealed", "idc:{p003}:login:1", epoch_of(wrapped))


def test_a_hash_of_another_slot_cannot_be_listed(house: House) -> None:
    with pytest.raises(ValueError, match=r"begins with idc:\{c001\}:"):
        registration(PREFIX, "{c001}", "idc:{c002}:conv:x", house.keystore.wrap(DataKey.new()))


def test_there_are_slots_for_conversations_and_for_records() -> None:
    assert (len(CONVERSATION_TAGS), CONVERSATION_TAGS[0], CONVERSATION_TAGS[-1]) == (256, "{c000}", "{c255}")
    assert (len(RECORD_TAGS), RECORD_TAGS[0], RECORD_TAGS[-1]) == (16, "{p000}", "{p015}")


# --- what lives ---------------------------------------------------------------------------------------------------


async def test_a_live_hash_survives_twenty_epochs(house: House) -> None:
    tags = ("{c000}", "{c255}", "{p000}", "{p015}")
    living = [await house.create("long", tag) for tag in tags]
    first = house.keystore.current()
    await house.run(PASS)
    for epoch in range(1, 21):
        await house.run(ROTATE_AFTER)
        assert house.keystore.current() == first + epoch
        assert len(house.epochs()) <= 2
        for tag, hash_key in zip(tags, living, strict=True):
            assert await house.opens(hash_key)
            assert (await house.listed(tag))[hash_key] == epoch_of(await house.wrapped(hash_key))


async def test_a_hash_keeps_its_expiry_when_it_is_rewrapped(house: House) -> None:
    hash_key = await house.create("short")
    await house.redis.expire(hash_key, 900)
    before = await house.wrapped(hash_key)
    await house.run(ROTATE_AFTER + PASS)
    assert await house.wrapped(hash_key) != before
    assert 0 < await house.redis.ttl(hash_key) <= 900


async def test_many_hashes_of_one_slot_are_rewrapped_in_one_pass(house: House) -> None:
    many = [await house.create(str(number)) for number in range(250)]
    house.clock.passed += ROTATE_AFTER
    await house.keeper.tick()
    assert set((await house.listed()).values()) == {house.keystore.current()}
    assert all([await house.opens(hash_key) for hash_key in many])


async def test_after_all_nodes_were_down_for_days_what_lives_still_opens(house: House) -> None:
    hash_key = await house.create("sleeper")
    house.keystore.close()
    house.clock.passed += 3 * 86400
    house.keystore = house.another_keystore()
    house.keeper = KeyKeeper(house.redis, house.keystore, PREFIX)
    old = await house.wrapped(hash_key)
    await house.run(GRACE + 2 * PASS)
    assert await house.opens(hash_key)
    assert not opens_with_what_is_left(house, old, house.keys[hash_key])


async def test_a_write_that_was_under_way_when_the_next_epoch_was_made_is_kept(house: House) -> None:
    key = DataKey.new()
    late = house.keystore.wrap(key)
    await house.run(ROTATE_AFTER + 100)
    await house.write("{c007}", "idc:{c007}:late", late)
    house.keys["idc:{c007}:late"] = key
    await house.run(2 * ROTATE_AFTER)
    assert await house.opens("idc:{c007}:late")


async def test_two_keepers_at_once_lose_nothing(house: House) -> None:
    other_store = house.another_keystore()
    other = KeyKeeper(house.redis, other_store, PREFIX)
    rng = random.Random(1)
    living: list[str] = []
    for number in range(60):
        living.append(await house.create(str(number), rng.choice(CONVERSATION_TAGS[:5])))
        await house.run(rng.choice([0, PASS, 2 * PASS]), house.keeper, other)
    assert house.keystore.current() == other_store.current() > epoch_of(await house.wrapped(living[0])) - 2
    for hash_key in living:
        wrapped = await house.wrapped(hash_key)
        assert opens(house.keystore, wrapped, house.keys[hash_key])
        assert opens(other_store, wrapped, house.keys[hash_key])
    assert len(house.epochs()) <= 2
    other_store.close()


async def test_a_halted_keeper_does_not_undo_what_another_did(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    hash_key = await house.create("contended")
    halted_store = house.another_keystore()
    halted = KeyKeeper(house.redis, halted_store, PREFIX)
    house.clock.passed += ROTATE_AFTER
    reached, go_on = asyncio.Event(), asyncio.Event()
    script = halted._rewrap

    async def wait_before(*arguments: object) -> object:
        reached.set()
        await go_on.wait()
        return await script(*arguments)  # type: ignore[arg-type]  # the arguments are passed on as they came

    monkeypatch.setattr(halted, "_rewrap", wait_before)
    task = asyncio.create_task(halted.tick())
    await reached.wait()
    await house.run(3 * ROTATE_AFTER)
    after = await house.wrapped(hash_key)
    go_on.set()
    await task
    assert await house.wrapped(hash_key) == after
    assert await house.opens(hash_key)
    halted_store.close()


async def test_an_epoch_that_something_is_wrapped_by_is_not_destroyed(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    hash_key = await house.create("stuck")
    first = house.keystore.current()

    async def nothing(_current: int) -> None:
        return

    with monkeypatch.context() as patched:
        patched.setattr(house.keeper, "_rewrap_all", nothing)
        await house.run(3 * ROTATE_AFTER)
    assert house.epochs() == [first, first + 1, first + 2, first + 3]
    assert await house.opens(hash_key)
    await house.run(GRACE + 2 * PASS)
    assert house.epochs() == [first + 3]
    assert await house.opens(hash_key)


# --- what is purged -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("purged_at", [0.0, 5.0, ROTATE_AFTER - 1, ROTATE_AFTER + 1, ROTATE_AFTER + GRACE])
async def test_an_epoch_after_a_purge_nothing_opens_it_with_the_keys_that_are_left(
    house: House, purged_at: float
) -> None:
    hash_key = await house.create("purged")
    copies = {await house.wrapped(hash_key)}
    while house.clock.passed < purged_at:
        await house.run(min(PASS, purged_at - house.clock.passed))
        copies.add(await house.wrapped(hash_key))
    await house.redis.delete(hash_key)
    await house.run(EPOCH)
    assert not any(opens_with_what_is_left(house, copy, house.keys[hash_key]) for copy in copies)
    assert not any(opens(house.keystore, copy, house.keys[hash_key]) for copy in copies)


async def test_a_hash_that_is_gone_is_taken_off_the_list(house: House) -> None:
    kept, gone = await house.create("kept"), await house.create("gone")
    await house.redis.delete(gone)
    await house.run(ROTATE_AFTER + PASS)
    assert set(await house.listed()) == {kept}
    assert house.keeper.unreadable == 0


async def test_a_key_is_destroyed_only_at_the_second_pass_that_finds_nothing_wrapped_by_it(house: House) -> None:
    first = house.keystore.current()
    house.clock.passed += ROTATE_AFTER
    await house.keeper.tick()
    house.clock.passed += GRACE
    await house.keeper.tick()
    assert first in house.epochs()
    await house.keeper.tick()
    assert first not in house.epochs()


async def test_a_forged_key_does_not_keep_an_epoch_alive(house: House) -> None:
    forged = bytearray(house.keystore.wrap(DataKey.new()))
    forged[-1] ^= 1
    await house.write("{c007}", "idc:{c007}:forged", bytes(forged))
    first = house.keystore.current()
    await house.run(EPOCH)
    assert first not in house.epochs()
    assert await house.listed() == {"idc:{c007}:forged": 0}
    assert house.keeper.unreadable == 1
    await house.redis.delete("idc:{c007}:forged")
    await house.run(PASS)
    assert await house.listed() == {}


async def test_a_hash_whose_epoch_is_not_here_stays_listed_and_is_told_of(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    hash_key = await house.create("stranded")
    (house.directory / name_of(house.keystore.current())).rename(house.directory.parent / "elsewhere")
    house.clock.passed += ROTATE_AFTER
    await house.run(EPOCH)
    assert await house.listed() == {hash_key: epoch_of(await house.wrapped(hash_key))}
    assert house.keeper.unreadable == 1
    assert [record.getMessage() for record in caplog.records if "cannot be opened" in record.getMessage()] == [
        "1 stored hashes cannot be opened: the keys of their epochs are not here"
    ]
    assert "stranded" not in caplog.text


# --- outages ------------------------------------------------------------------------------------------------------


async def test_while_redis_is_away_nothing_is_destroyed_and_afterwards_all_goes_on(
    own_redis_server: RedisServer, tmp_path: Path
) -> None:
    redis = connect(own_redis_server.url)
    house = House(redis, tmp_path / "keys", HandClock())
    hash_key = await house.create("survivor")
    first = house.keystore.current()
    own_redis_server.kill()
    house.clock.passed += ROTATE_AFTER
    for _ in range(3):
        with pytest.raises(Unavailable):
            await house.keeper.tick()
        house.clock.passed += GRACE
    assert first in house.epochs()
    own_redis_server.start()
    await house.run(GRACE + 2 * PASS)
    assert first not in house.epochs()
    assert await house.opens(hash_key)
    await redis.aclose()


async def test_a_pass_that_fails_is_followed_by_the_next(
    house: House, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    enough = asyncio.Event()
    failures: list[Exception] = [Unavailable("away"), RuntimeError("hunter2")]
    tick = house.keeper.tick

    async def failing() -> None:
        if failures:
            raise failures.pop(0)
        await tick()
        enough.set()

    monkeypatch.setattr(sealing, "_INTERVAL", 0)
    monkeypatch.setattr(house.keeper, "tick", failing)
    task = asyncio.create_task(house.keeper.run())
    await enough.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert len(house.epochs()) == 1
    assert [record.levelname for record in caplog.records] == ["WARNING", "ERROR"]
    assert "hunter2" not in caplog.text
