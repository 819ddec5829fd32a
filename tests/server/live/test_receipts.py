"""Results that the core verified when they came in, at a running server: the five minutes ended there."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from idcontact.keystore import DirectoryKeyStore
from idcontact.receipts import Receipts, receipts_in
from idcontact.redis import connect
from running import ATTRIBUTES
from visitors import Program, Visitor, connections

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import aiohttp

    from running import Site
    from servers import RedisServer
    from visitors import Answer

pytestmark = pytest.mark.asyncio(loop_scope="module")
LONG_AGO = 20 * 60.0


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with connections() as session:
        yield session


@pytest_asyncio.fixture(loop_scope="module")
async def receipts(house: Site, redis_server: RedisServer) -> AsyncIterator[Receipts]:
    """Those of the core: on the same store, with the same keys."""
    redis, keystore = connect(redis_server.url), DirectoryKeyStore(house.folder / "keys")
    yield receipts_in(redis, keystore, "idc")
    await redis.aclose()
    keystore.close()


async def old_receipt(house: Site, receipts: Receipts, **attributes: str) -> str:
    """Of a result that came in twenty minutes ago, ten seconds after it was made."""
    made = time.time() - LONG_AGO
    return await receipts.keep(house.token(attributes or None, at=made), made + 10)


def brought(receipt: str) -> dict[str, object]:
    return {"context": {"auth": "given", "method": "test", "channel": "chat", "language": "en", "receipt": receipt}}


async def start(session: aiohttp.ClientSession, house: Site, **members: object) -> Answer:
    return await Program(session, house).start_raw({"purpose": "report_move", **members})


async def test_who_thought_for_twenty_minutes_has_not_lost_their_identity(
    house: Site, session: aiohttp.ClientSession, receipts: Receipts
) -> None:
    visitor = Visitor(session, house, "en")
    started = await visitor.start("report_move", **brought(await old_receipt(house, receipts)))
    assert started.attr_url is None, "nothing else is to come"
    await visitor.land(started)
    async with visitor.at(started.conversation) as socket:
        auth = (await socket.view(phase="waiting"))["auth"]
        assert (auth["status"], auth["method"]) == ("given", "test")
        await socket.send(type="end", id="end", conversation=started.conversation)
        await socket.next("ack", id="end")


async def test_a_receipt_serves_one_conversation(
    house: Site, session: aiohttp.ClientSession, receipts: Receipts
) -> None:
    receipt = await old_receipt(house, receipts)
    assert (await start(session, house, **brought(receipt))).status == 200
    again = await start(session, house, **brought(receipt))
    assert again.error == (400, "bad_request", "context.receipt")


async def test_the_same_token_without_its_receipt_is_too_late(house: Site, session: aiohttp.ClientSession) -> None:
    token = house.token(at=time.time() - LONG_AGO)
    assert (await start(session, house, auth_result=token)).error == (400, "token_rejected", None)


async def test_a_receipt_that_is_not_known_or_comes_beside_a_token_is_refused(
    house: Site, session: aiohttp.ClientSession, receipts: Receipts
) -> None:
    assert (await start(session, house, **brought("A" * 43))).error == (400, "bad_request", "context.receipt")
    beside = await start(session, house, auth_result=house.token(), **brought(await old_receipt(house, receipts)))
    assert beside.error == (400, "bad_request", "context.receipt")


async def test_what_a_method_may_not_give_is_refused_by_receipt_too(
    house: Site, session: aiohttp.ClientSession, receipts: Receipts
) -> None:
    receipt = await old_receipt(house, receipts, **ATTRIBUTES, bsn="999990019")
    assert (await start(session, house, **brought(receipt))).error == (400, "token_rejected", None)
