"""Auth results that come to the attr_url of a communication."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest

from comm_house import INTERNAL, SESSION_URL, SUZANNE, CommHouse, auth_token, desk, open_comm_house
from plugin_house import error_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@pytest.fixture
async def house() -> AsyncIterator[CommHouse]:
    async with open_comm_house(desk, {}) as opened:
        yield opened


@pytest.mark.parametrize("content_type", ["application/jwt", "text/plain", "application/json"])
async def test_a_result_may_come_before_the_person_whatever_it_is_called(house: CommHouse, content_type: str) -> None:
    started = await house.start()
    assert (await house.deliver(started, auth_token(SUZANNE), content_type)).status_code == 200
    assert "given test" in await house.see(started)


async def test_a_result_may_come_after_the_person(house: CommHouse) -> None:
    started = await house.start()
    assert "awaited" in await house.see(started)
    await house.deliver(started, auth_token(SUZANNE))
    assert "given test" in await house.see(started)


async def test_who_did_not_identify_is_known_as_that(house: CommHouse) -> None:
    started = await house.start()
    await house.deliver(started, auth_token(None))
    assert "failed test" in await house.see(started)


async def test_a_result_tells_by_its_key_which_method_it_was(house: CommHouse) -> None:
    started = await house.start()
    await house.deliver(started, auth_token({"fullname": "Suzanne"}, sign="other sign", acr="high", auth_time=9))
    assert await house.see(started) == "report_move en given other high 9 {'fullname': 'Suzanne'}"


async def test_an_attribute_that_the_method_may_not_give_makes_the_result_a_bad_token(house: CommHouse) -> None:
    started = await house.start()
    answer = await house.deliver(started, auth_token(SUZANNE, sign="other sign"))
    assert error_of(answer) == (400, None)
    assert "awaited" in await house.see(started)


async def test_a_bad_token_is_told_before_an_unknown_place(house: CommHouse) -> None:
    nowhere = f"{INTERNAL}/attr/{'x' * 43}.{'y' * 43}"
    assert (await house.post(nowhere, b"not a token")).status_code == 400
    assert (await house.post(nowhere, auth_token(SUZANNE).encode())).status_code == 404


async def test_the_address_of_a_session_does_not_take_results_without_its_secret(house: CommHouse) -> None:
    started = await house.start()
    session = started.client_url.rpartition("/")[2]
    for place in (session, f"{session}.", f"{session}.{'x' * 43}"):
        answer = await house.post(f"{INTERNAL}/attr/{place}", auth_token(SUZANNE).encode())
        assert answer.status_code == 404
    assert "awaited" in await house.see(started)


async def test_the_same_token_again_is_fine_and_another_one_finds_the_place_filled(house: CommHouse) -> None:
    started, token = await house.start(), auth_token(SUZANNE)
    for _ in range(3):
        assert (await house.deliver(started, token)).status_code == 200
    assert (await house.deliver(started, auth_token({"fullname": "Eve"}))).status_code == 404
    assert "Suzanne" in await house.see(started)


async def test_a_result_is_used_once_until_it_ends_by_itself(house: CommHouse) -> None:
    token = auth_token(SUZANNE)
    assert (await house.deliver(await house.start(), token)).status_code == 200
    other = await house.start()
    assert (await house.deliver(other, token)).status_code == 400
    house.now[0] += 299
    assert (await house.deliver(other, token)).status_code == 400
    house.now[0] += 1
    assert (await house.deliver(other, token)).status_code == 400


async def test_five_minutes_end_on_receipt(house: CommHouse) -> None:
    started = await house.start()
    await house.deliver(started, auth_token(SUZANNE))
    house.now[0] += 3000
    assert "given test" in await house.see(started)


async def test_a_session_ends_with_its_lifetime(house: CommHouse) -> None:
    started = await house.start()
    await house.see(started)
    house.now[0] += 3600
    assert (await house.browser.get(started.client_url)).status_code == 410
    assert (await house.deliver(started, auth_token(SUZANNE, at=house.now[0]))).status_code == 404


# --- what is written down --------------------------------------------------------------------------------------------


async def test_no_log_holds_a_token_a_value_or_an_address_of_a_session(
    house: CommHouse, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    house.updates.status = None
    started, token = await house.start(), auth_token(SUZANNE, session_url=SESSION_URL)
    await house.deliver(started, token)
    await house.browser.get(f"{started.client_url}?result={auth_token({'fullname': 'Eve'})}")
    await house.see(started)
    told = [record.getMessage() for record in caplog.records if record.name.startswith("idcontact")]
    assert told
    for secret in (token, "Suzanne", "Eve", SESSION_URL, started.client_url.rpartition("/")[2]):
        assert secret not in "\n".join(told)
