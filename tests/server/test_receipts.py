"""Results on their way from the core to a plugin: redeemed once, and used once whoever asks."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from idcontact.keystore import DirectoryKeyStore
from idcontact.plugin.testkit import MemoryRecords
from idcontact.receipts import RECEIPT_LIFETIME, Receipt, Receipts, UsedResults, receipts_in

if TYPE_CHECKING:
    from pathlib import Path

    from redis.asyncio import Redis

TOKEN = "eyJh.QUJD.ZGVm.Z2hp.amts"


async def test_a_receipt_is_redeemed_once_of_all_who_ask(redis: Redis, tmp_path: Path) -> None:
    keystore = DirectoryKeyStore(tmp_path / "keys")
    keystore.current()
    receipt = await receipts_in(redis, keystore, "idc").keep(TOKEN, 1234.5)
    another_node = receipts_in(redis, keystore, "idc")
    redeemed = await asyncio.gather(*(another_node.redeem(receipt) for _ in range(5)))
    assert [one for one in redeemed if one is not None] == [Receipt(TOKEN, 1234.5)]
    keystore.close()


async def test_a_receipt_of_another_installation_is_unknown(redis: Redis, tmp_path: Path) -> None:
    keystore = DirectoryKeyStore(tmp_path / "keys")
    keystore.current()
    receipt = await receipts_in(redis, keystore, "idc").keep(TOKEN, 1234.5)
    assert await receipts_in(redis, keystore, "other").redeem(receipt) is None
    keystore.close()


async def test_a_receipt_holds_for_the_request_that_brings_it() -> None:
    now = [0.0]
    receipts = Receipts(MemoryRecords(lambda: now[0]))
    early, late = await receipts.keep(TOKEN, 1.0), await receipts.keep(TOKEN, 1.0)
    now[0] = RECEIPT_LIFETIME - 1
    assert await receipts.redeem(early) is not None
    now[0] = RECEIPT_LIFETIME
    assert await receipts.redeem(late) is None


async def test_a_result_is_used_by_the_first_as_often_as_they_like_and_by_nobody_else(redis: Redis) -> None:
    used = UsedResults(redis, "idc")
    assert [await used.claim("digest", user, 60) for user in ("one", "two", "one")] == [True, False, True]
    assert await UsedResults(redis, "other").claim("digest", "two", 60)


@pytest.mark.parametrize("left", [300.0, 0.2, -5.0])
async def test_a_used_result_is_remembered_longer_than_its_token_holds(redis: Redis, left: float) -> None:
    await UsedResults(redis, "idc").claim("digest", "one", left)
    assert await redis.ttl("idc:result:digest") >= max(int(left), 0) + 30


async def test_of_all_who_use_a_result_together_one_does(redis: Redis) -> None:
    used = UsedResults(redis, "idc")
    claims = await asyncio.gather(*(used.claim("digest", f"user {number}", 60) for number in range(10)))
    assert claims.count(True) == 1


def test_a_receipt_does_not_show_its_token() -> None:
    assert TOKEN not in repr(Receipt(TOKEN, 1.0))
