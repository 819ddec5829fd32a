from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from idcontact.errors import SealBroken, Unavailable
from idcontact.keystore import DirectoryKeyStore
from idcontact.plugin.testkit import MemoryRecords
from idcontact.records import Record, Records, SealedRecords
from idcontact.redis import connect
from idcontact.sealing import KeyKeeper

if TYPE_CHECKING:
    from pathlib import Path

    from redis.asyncio import Redis

    from servers import RedisServer

SECRET = b"bsn 999990019"


class Clocks:
    """The clocks of a key store's machine, moved by hand."""

    def __init__(self) -> None:
        self.seconds = 1_000_000.0

    def wall(self) -> float:
        return self.seconds

    def elapsed(self) -> float:
        return self.seconds

    def boot(self) -> bytes:
        return bytes(16)


@pytest.fixture
def keystore(tmp_path: Path) -> DirectoryKeyStore:
    return DirectoryKeyStore(tmp_path / "keys")


@pytest.fixture
async def sealed(redis: Redis, keystore: DirectoryKeyStore) -> SealedRecords:
    return SealedRecords(redis, keystore, "idc", "auth_test")


# --- the contract ---------------------------------------------------------------------------------------------------


class RecordsContract:
    """What holds for every kind of records."""

    async def test_a_record_is_read_as_often_as_wanted(self, records: Records) -> None:
        record_id = await records.create(SECRET, 60)
        assert await records.read(record_id) == await records.read(record_id) == Record(SECRET, 0)
        assert len(record_id) == 43

    async def test_two_records_are_apart(self, records: Records) -> None:
        one, other = await records.create(b"one", 60), await records.create(b"other", 60)
        assert one != other
        await records.take(one)
        assert await records.read(other) == Record(b"other", 0)

    @pytest.mark.parametrize("record_id", ["", "x", "../x", "\ud800", "a" * 10_000])
    async def test_what_never_was_is_not_there(self, records: Records, record_id: str) -> None:
        assert await records.read(record_id) is None
        assert await records.take(record_id) is None
        assert not await records.replace(record_id, b"", Record(b"", 0))

    async def test_a_taken_record_is_gone(self, records: Records) -> None:
        record_id = await records.create(SECRET, 60)
        assert await records.take(record_id) == Record(SECRET, 0)
        assert await records.take(record_id) is None
        assert await records.read(record_id) is None

    async def test_of_all_who_take_a_record_at_once_one_gets_it(self, records: Records) -> None:
        record_id = await records.create(SECRET, 60)
        taken = await asyncio.gather(*(records.take(record_id) for _ in range(20)))
        assert [record for record in taken if record is not None] == [Record(SECRET, 0)]

    async def test_a_replacement_counts_only_on_what_was_read(self, records: Records) -> None:
        record_id = await records.create(b"0", 60)
        first = await records.read(record_id)
        assert first is not None
        assert await records.replace(record_id, b"1", first)
        assert not await records.replace(record_id, b"2", first)
        assert await records.read(record_id) == first.replaced_by(b"1") == Record(b"1", 1)

    async def test_of_all_who_replace_a_record_at_once_one_does(self, records: Records) -> None:
        record_id = await records.create(b"", 60)
        found = await records.read(record_id)
        assert found is not None
        done = await asyncio.gather(*(records.replace(record_id, b"%d" % number, found) for number in range(20)))
        assert done.count(True) == 1
        assert await records.read(record_id) == Record(b"%d" % done.index(True), 1)

    async def test_a_taken_record_is_not_replaced(self, records: Records) -> None:
        record_id = await records.create(b"0", 60)
        found = await records.take(record_id)
        assert found is not None
        assert not await records.replace(record_id, b"1", found)
        assert await records.read(record_id) is None

    async def test_what_is_put_under_an_id_of_ones_own_is_found_by_it(self, records: Records) -> None:
        assert await records.put("room 16", SECRET, 60)
        assert await records.read("room 16") == Record(SECRET, 0)
        assert await records.take("room 16") == Record(SECRET, 0)
        assert await records.put("room 16", b"", 60)

    async def test_of_all_who_put_something_in_one_place_at_once_one_does(self, records: Records) -> None:
        done = await asyncio.gather(*(records.put("room 16", b"%d" % number, 60) for number in range(20)))
        assert done.count(True) == 1
        assert await records.read("room 16") == Record(b"%d" % done.index(True), 0)

    async def test_what_is_claimed_is_the_first_owners_however_often_it_asks(self, records: Records) -> None:
        assert await records.claim("token", "one", 60)
        assert not await records.claim("token", "other", 60)
        assert await records.claim("token", "one", 60)
        assert await records.claim("another token", "other", 60)

    async def test_of_all_who_claim_at_once_one_gets_it(self, records: Records) -> None:
        got = await asyncio.gather(*(records.claim("token", f"owner {number}", 60) for number in range(20)))
        assert got.count(True) == 1


class TestMemoryRecords(RecordsContract):
    @pytest.fixture
    def records(self) -> Records:
        return MemoryRecords()

    async def test_a_record_ends_when_its_time_is_up(self) -> None:
        now = [0.0]
        records = MemoryRecords(lambda: now[0])
        record_id = await records.create(SECRET, 60)
        now[0] = 59.9
        assert await records.read(record_id) is not None
        now[0] = 60.0
        assert await records.read(record_id) is None
        assert await records.take(record_id) is None

    async def test_a_replacement_can_give_a_record_more_time(self) -> None:
        now = [0.0]
        records = MemoryRecords(lambda: now[0])
        record_id = await records.create(SECRET, 60)
        now[0] = 59.0
        found = await records.read(record_id)
        assert found is not None
        await records.replace(record_id, b"1", found, 60)
        now[0] = 118.0
        assert await records.read(record_id) == Record(b"1", 1)
        now[0] = 119.0
        assert await records.read(record_id) is None

    async def test_a_claim_ends_when_its_time_is_up(self) -> None:
        now = [0.0]
        records = MemoryRecords(lambda: now[0])
        assert await records.claim("token", "one", 60)
        now[0] = 60.0
        assert await records.claim("token", "other", 60)


class TestSealedRecords(RecordsContract):
    @pytest.fixture
    def records(self, sealed: SealedRecords) -> Records:
        return sealed


# --- in Redis -------------------------------------------------------------------------------------------------------


async def test_a_record_ends_when_its_time_is_up_also_after_a_replacement(sealed: SealedRecords, redis: Redis) -> None:
    record_id = await sealed.create(b"0", 60)
    [key] = await redis.keys("*record*")
    before = await redis.pttl(key)
    assert 0 < before <= 60_000
    found = await sealed.read(record_id)
    assert found is not None
    await sealed.replace(record_id, b"1", found)
    assert 0 < await redis.pttl(key) <= before
    await redis.pexpireat(key, 1)
    assert await sealed.read(record_id) is None


async def test_a_replacement_can_give_a_record_more_time_or_less(sealed: SealedRecords, redis: Redis) -> None:
    record_id = await sealed.create(b"0", 60)
    [key] = await redis.keys("*record*")
    for ttl in (120.0, 5.0):
        found = await sealed.read(record_id)
        assert found is not None
        await sealed.replace(record_id, b"1", found, ttl)
        assert (ttl - 5) * 1000 < await redis.pttl(key) <= ttl * 1000


async def test_nothing_in_redis_tells_what_is_kept_or_leads_to_it(sealed: SealedRecords, redis: Redis) -> None:
    record_id = await sealed.create(SECRET, 60)
    stored = repr([(key, await redis.dump(key)) for key in await redis.keys("*")])
    assert SECRET.decode() not in stored
    assert record_id not in stored


async def test_a_claim_ends_by_itself_and_tells_neither_what_is_claimed_nor_by_whom(
    sealed: SealedRecords, redis: Redis
) -> None:
    await sealed.claim("the token", "the owner", 60)
    [key] = await redis.keys("*claim*")
    assert 0 < await redis.pttl(key) <= 60_000
    stored = repr([key, await redis.get(key)])
    assert "the token" not in stored
    assert "the owner" not in stored


async def test_plugins_do_not_see_each_others_records(
    sealed: SealedRecords, redis: Redis, keystore: DirectoryKeyStore
) -> None:
    record_id = await sealed.create(SECRET, 60)
    assert await SealedRecords(redis, keystore, "idc", "other").read(record_id) is None


async def test_an_older_value_that_is_put_back_does_not_open(sealed: SealedRecords, redis: Redis) -> None:
    record_id = await sealed.create(b"not yet paid", 60)
    [key] = await redis.keys("*record*")
    older = await redis.hget(key, "value")
    assert isinstance(older, bytes)
    found = await sealed.read(record_id)
    assert found is not None
    await sealed.replace(record_id, b"paid", found)
    await redis.hset(key, "value", older)
    with pytest.raises(SealBroken):
        await sealed.read(record_id)


async def test_records_live_on_while_epochs_come_and_go_and_are_unreadable_after_they_ended(
    redis: Redis, tmp_path: Path
) -> None:
    clocks = Clocks()
    keystore = DirectoryKeyStore(tmp_path / "epochs", clocks)
    records, keeper = SealedRecords(redis, keystore, "idc", "auth_test"), KeyKeeper(redis, keystore, "idc")
    kept, taken = await records.create(SECRET, 3600), await records.create(SECRET, 3600)
    dumped = {key: await redis.dump(key) for key in await redis.keys("*record*")}
    await records.take(taken)
    for _ in range(90):
        clocks.seconds += 10
        await keeper.tick()
    assert await records.read(kept) == Record(SECRET, 0)
    # An old dump, put back: its epoch is destroyed, and so the record is not there.
    await redis.delete(*dumped)
    for key, dump in dumped.items():
        assert dump is not None
        await redis.restore(key, 60_000, dump)
    assert await records.read(kept) is None
    assert await records.take(taken) is None


async def test_in_the_place_of_a_record_that_no_epoch_opens_another_one_is_kept(
    redis: Redis, keystore: DirectoryKeyStore, tmp_path: Path
) -> None:
    lost = SealedRecords(redis, DirectoryKeyStore(tmp_path / "lost", Clocks()), "idc", "auth_test")
    records = SealedRecords(redis, keystore, "idc", "auth_test")
    await lost.put("room 16", b"lost", 60)
    found = await lost.read("room 16")
    assert found is not None
    await lost.replace("room 16", b"lost too", found)
    assert await records.read("room 16") is None
    done = await asyncio.gather(*(records.put("room 16", b"%d" % number, 600) for number in range(20)))
    assert done.count(True) == 1
    assert await records.read("room 16") == Record(b"%d" % done.index(True), 0)
    [key] = await redis.keys("*record*")
    assert 60_000 < await redis.pttl(key) <= 600_000


async def test_a_taken_record_is_off_the_list_of_sealed_hashes(sealed: SealedRecords, redis: Redis) -> None:
    record_id = await sealed.create(SECRET, 60)
    assert len(await redis.keys("*sealed")) == 1
    await sealed.take(record_id)
    assert await redis.keys("*") == []


async def test_while_redis_is_away_it_is_said_and_not_taken_for_expired(
    own_redis_server: RedisServer, keystore: DirectoryKeyStore
) -> None:
    client = connect(own_redis_server.url)
    try:
        records = SealedRecords(client, keystore, "idc", "auth_test")
        record_id = await records.create(SECRET, 60)
        own_redis_server.kill()
        with pytest.raises(Unavailable):
            await records.read(record_id)
        with pytest.raises(Unavailable):
            await records.take(record_id)
        own_redis_server.start()
        assert await records.read(record_id) == Record(SECRET, 0)
    finally:
        await client.aclose()
