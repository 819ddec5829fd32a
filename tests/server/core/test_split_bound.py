"""What others know of an identification, such as the auth plugin, spends nothing without the cookie of its browser."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from idcontact.browser import COOKIES, browser_digest, new_browser
from split_house import AS_PERSON, House, split_house

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    import httpx2
    from redis.asyncio import Redis

    from split_house import Begun

AS_PROGRAM = {"Accept": "application/json"}


@pytest.fixture
async def house(redis: Redis, tmp_path: Path) -> AsyncIterator[House]:
    async with split_house(redis, tmp_path) as opened:
        yield opened


async def tried(house: House, begun: Begun, other: httpx2.AsyncClient, **headers: str) -> set[int]:
    """The statuses of whatever can be asked with what an auth plugin is told, and with a result that it made."""
    message = {"purpose": "move", "comm_method": "chat", "auth_handle": begun.handle}
    answers = [
        await other.get(begun.path, headers=headers),
        await other.get(begun.with_result(house.token()), headers=headers),
        await other.post("/start", data=message, headers={**AS_PERSON, **headers}),
        await other.post("/start", json=message, headers={**AS_PROGRAM, **headers}),
    ]
    return {answer.status_code for answer in answers}


@pytest.mark.parametrize("delivered", [True, False])
async def test_what_an_auth_plugin_is_told_is_not_enough(house: House, delivered: bool) -> None:
    begun = await house.begin()
    if delivered:
        assert await house.deliver(begun.attr_url, house.token()) == 200
    async with house.another_browser() as other:
        assert await tried(house, begun, other) == {401}
    assert house.comm.asked == []
    if not delivered:
        assert await house.deliver(begun.attr_url, house.token()) == 200
    assert (await house.choose(begun)).status_code == 303


async def test_nor_with_the_cookie_of_an_identification_of_ones_own(house: House) -> None:
    begun = await house.identified()
    async with house.another_browser() as other:
        own = await other.post("/start", data={"purpose": "move", "auth_method": "digid"})
        assert (own.status_code, len(other.cookies)) == (303, 1)
        assert await tried(house, begun, other) == {401}
    assert house.comm.asked == []


async def test_nor_with_a_cookie_made_of_anything_that_is_told(house: House) -> None:
    """A communication plugin is told the digest of the browser: it leads to no cookie."""
    begun = await house.identified()
    [name] = house.browser.cookies
    assert (await house.choose(await house.identified())).status_code == 303
    told = house.comm.asked[0]["context"]["browser"]
    secret = (begun.attr_url or "").rpartition(".")[2]
    async with house.another_browser() as other:
        for value in (begun.handle, secret, told, browser_digest(told), new_browser(), ""):
            for cookie in (name, COOKIES + browser_digest(value)[:12], COOKIES + told[:12], COOKIES):
                assert await tried(house, begun, other, Cookie=f"{cookie}={value}") == {401}
    assert len(house.comm.asked) == 1
