"""What an auth plugin that asked for it hears of a communication."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from comm_house import FROM_OWN_PAGE, SESSION_URL, SUZANNE, CommHouse, auth_token, desk, open_comm_house

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@pytest.fixture
async def house() -> AsyncIterator[CommHouse]:
    async with open_comm_house(desk, {}) as opened:
        yield opened


async def test_activity_is_told_once_a_minute_to_who_asked(house: CommHouse) -> None:
    started = await house.start()
    await house.deliver(started, auth_token(SUZANNE, session_url=SESSION_URL))
    for seconds in (0, 30, 29, 1):
        house.now[0] += seconds
        await house.see(started)
    assert house.updates.told == ["type=user_active", "type=user_active"]
    assert house.updates.bodies == [b"", b""]


async def test_an_update_is_added_to_the_query_that_is_there(house: CommHouse) -> None:
    await house.see(await house.start(auth_result=auth_token(SUZANNE, session_url=f"{SESSION_URL}?a=1")))
    assert house.updates.told == ["a=1&type=user_active"]


@pytest.mark.parametrize("status", [404, 500, None])
async def test_an_auth_plugin_that_does_not_take_updates_disturbs_nobody(house: CommHouse, status: int | None) -> None:
    house.updates.status = status
    started = await house.start(auth_result=auth_token(SUZANNE, session_url=SESSION_URL))
    assert "given test" in await house.see(started)
    ended = await house.browser.post(started.client_url, data={}, headers=FROM_OWN_PAGE)
    assert ended.text == "ended"
    assert house.updates.told == ["type=user_active", "type=logout"]


async def test_what_has_ended_is_gone_and_the_auth_plugin_hears_of_it(house: CommHouse) -> None:
    started = await house.start(auth_result=auth_token(SUZANNE, session_url=SESSION_URL))
    await house.see(started)
    await house.browser.post(started.client_url, data={}, headers=FROM_OWN_PAGE)
    assert house.updates.told[-1] == "type=logout"
    assert (await house.browser.get(started.client_url)).status_code == 410


async def test_who_did_not_ask_hears_nothing(house: CommHouse) -> None:
    started = await house.start(auth_result=auth_token(SUZANNE))
    await house.see(started)
    await house.browser.post(started.client_url, data={}, headers=FROM_OWN_PAGE)
    assert house.updates.told == []
