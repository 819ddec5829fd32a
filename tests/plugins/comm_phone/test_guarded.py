"""Who may tie a call and ask who calls, and how often codes may be tried."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from comm_house import INTERNAL, CommHouse, open_comm_house
from idcontact_comm_phone import create
from phone_house import CALL, SETTINGS, dtmf_of, info, link
from plugin_house import error_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

LINK_SECRET: Final = "the secret of the flow at the café of the contact centre"
INFO_SECRET: Final = "the secret of the page that agents look at"


@pytest.fixture
async def house() -> AsyncIterator[CommHouse]:
    async with open_comm_house(create, SETTINGS) as opened:
        yield opened


# --- who may ask ----------------------------------------------------------------------------------------------------


@pytest.fixture
async def guarded() -> AsyncIterator[CommHouse]:
    settings = {**SETTINGS, "link_secret": LINK_SECRET, "info_secret": INFO_SECRET}
    async with open_comm_house(create, settings) as opened:
        yield opened


@pytest.mark.parametrize(
    "authorization",
    [None, "", "Bearer", "Bearer ", f"Bearer {LINK_SECRET}x", f"Basic {LINK_SECRET}", LINK_SECRET,
     f"Bearer  {LINK_SECRET}", f"Bearer {INFO_SECRET}", "Bearer é"],
)  # fmt: skip
async def test_without_the_secret_nobody_ties_a_call_or_tries_a_code(
    guarded: CommHouse, authorization: str | None
) -> None:
    started = await guarded.start()
    headers = {} if authorization is None else {"Authorization": authorization}
    for dtmf in (dtmf_of(started), "0000000000"):
        refused = await link(guarded, dtmf, **headers)
        assert error_of(refused) == (401, None)
        assert refused.headers["www-authenticate"] == "Bearer"
        assert LINK_SECRET not in refused.text
    tied = await link(guarded, dtmf_of(started), Authorization=f"bearer {LINK_SECRET}")
    assert tied.status_code == 200


async def test_without_its_own_secret_nobody_asks_who_calls(guarded: CommHouse) -> None:
    started = await guarded.start()
    await link(guarded, dtmf_of(started), Authorization=f"Bearer {LINK_SECRET}")
    for headers in ({}, {"Authorization": f"Bearer {LINK_SECRET}"}):
        assert (await info(guarded, **headers)).status_code == 401
        assert (await info(guarded, "unknown", **headers)).status_code == 401
    assert (await info(guarded, Authorization=f"Bearer {INFO_SECRET}")).status_code == 200


async def test_secrets_that_are_left_out_are_warned_about(caplog: pytest.LogCaptureFixture) -> None:
    async with open_comm_house(create, {**SETTINGS, "link_secret": LINK_SECRET}):
        assert "info_secret" in caplog.text
        assert "link_secret" not in caplog.text


async def test_all_of_it_is_for_machines(house: CommHouse) -> None:
    started = await house.start()
    paths = ["start_communication", "link_phone", "clean_db", f"session_info/{CALL}", "session/x", ""]
    for path in [*paths, (started.attr_url or "").removeprefix(f"{INTERNAL}/")]:
        for method in ("GET", "POST"):
            answer = await house.browser.request(method, f"https://core.example.org/plugins/comm_test/{path}")
            assert answer.status_code == 404


# --- guessing -------------------------------------------------------------------------------------------------------


async def test_a_call_tries_five_codes_and_no_more(house: CommHouse) -> None:
    started = await house.start()
    for guess in range(5):
        assert (await link(house, f"{guess:010}")).status_code == 404
    refused = await link(house, dtmf_of(started))
    assert refused.status_code == 429
    assert 0 < int(refused.headers["retry-after"]) <= 3600
    assert (await link(house, dtmf_of(started), "another call")).status_code == 200


async def test_wrong_codes_are_counted_over_all_calls_and_right_ones_are_not() -> None:
    async with open_comm_house(create, {**SETTINGS, "wrong_codes": "3 per h"}) as house:
        for call in range(10):
            assert (await link(house, dtmf_of(await house.start()), f"honest {call}")).status_code == 200
        for call in range(3):
            assert (await link(house, "0000000000", f"guess {call}")).status_code == 404
        started = await house.start()
        assert (await link(house, dtmf_of(started))).status_code == 429
        house.now[0] += 3600
        started = await house.start()
        assert (await link(house, dtmf_of(started))).status_code == 200


async def test_without_a_secret_calls_are_not_tried_out_without_end() -> None:
    async with open_comm_house(create, {**SETTINGS, "wrong_codes": "3 per h"}) as house:
        await link(house, dtmf_of(await house.start()))
        for _ in range(10):
            assert (await info(house)).status_code == 200
        for call in range(3):
            assert (await info(house, f"guess {call}")).status_code == 404
        for known in (CALL, "another guess"):
            refused = await info(house, known)
            assert refused.status_code == 429
            assert 0 < int(refused.headers["retry-after"]) <= 3600
        assert (await link(house, dtmf_of(await house.start()), "another call")).status_code == 200
        house.now[0] += 3600
        await link(house, dtmf_of(await house.start()), "a later call")
        assert (await info(house, "a later call")).status_code == 200


async def test_who_shows_the_secret_may_ask_for_any_number_of_calls() -> None:
    async with open_comm_house(create, {**SETTINGS, "info_secret": INFO_SECRET, "wrong_codes": "3 per h"}) as house:
        for call in range(10):
            assert (await info(house, str(call), Authorization=f"Bearer {INFO_SECRET}")).status_code == 404


async def test_a_code_that_was_used_counts_as_a_wrong_one() -> None:
    async with open_comm_house(create, {**SETTINGS, "wrong_codes": "1 per h"}) as house:
        started = await house.start()
        assert (await link(house, dtmf_of(started))).status_code == 200
        assert (await link(house, dtmf_of(started), "another")).status_code == 404
        assert (await link(house, dtmf_of(await house.start()), "a third")).status_code == 429
