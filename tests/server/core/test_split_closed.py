"""A purpose that closes between identifying and choosing: what the person reads, and that nothing of theirs is lost."""

from __future__ import annotations

from datetime import datetime
from html import unescape
from typing import TYPE_CHECKING, Any, cast
from zoneinfo import ZoneInfo

import pytest
from starlette.responses import Response

from idcontact.tokens import ResultStatus
from split_house import SETTINGS, House, forms_of, split_house, ways_on

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from redis.asyncio import Redis

AMSTERDAM = ZoneInfo("Europe/Amsterdam")
BEFORE_LUNCH = datetime(2026, 1, 5, 12, 25, tzinfo=AMSTERDAM).timestamp()
AT_LUNCH = BEFORE_LUNCH + 6 * 60
AFTER_LUNCH = BEFORE_LUNCH + 21 * 60
"""Within the half hour that an identification is kept."""


@pytest.fixture
async def house(redis: Redis, tmp_path: Path) -> AsyncIterator[House]:
    """A desk that closes for a short lunch; it is five minutes before that."""
    purposes = cast("list[dict[str, Any]]", SETTINGS["purposes"])
    hours = {"time_zone": "Europe/Amsterdam", "monday": ["09:00-12:30", "12:45-17:00"]}
    changes: dict[str, Any] = {
        "purposes": [{**purpose, "opening_hours": "desk"} for purpose in purposes],
        "opening_hours": {"desk": hours},
    }
    async with split_house(redis, tmp_path, **changes) as opened:
        opened.now[0] = BEFORE_LUNCH
        yield opened


async def test_the_page_says_that_it_is_closed_until_when_and_offers_nothing_that_fails(house: House) -> None:
    begun = await house.identified()
    house.now[0] = AT_LUNCH
    page = await house.page(begun)
    assert "you cannot contact us any more now" in page
    assert "We are closed now. You can contact us again today from 12:45." in page
    assert "Now choose how" not in page
    assert forms_of(page) == []
    assert f'href="{begun.path}"' in page, "to look again"
    assert "U kunt weer terecht vandaag vanaf 12.45 uur." in await house.page(begun, lang="nl")


async def test_who_chooses_on_a_page_of_before_is_told_on_a_page_and_may_go_on_when_it_opens(house: House) -> None:
    begun = await house.identified()
    assert ways_on(await house.page(begun)) == ["chat", "phone"]
    house.now[0] = AT_LUNCH
    closed = await house.choose(begun, lang="en")
    assert closed.status_code == 409
    text = unescape(closed.text)
    assert "We are closed now" in text
    assert "You can contact us again today from 12:45." in text
    assert f'href="{begun.path}?lang=en"' in text
    assert house.comm.asked == []
    house.now[0] = AFTER_LUNCH
    assert "Now choose how" in await house.page(begun)
    assert (await house.choose(begun)).status_code == 303
    assert house.comm.asked[0]["context"]["auth"] == "given"


async def test_a_program_hears_the_same_and_may_go_on_when_it_opens(house: House) -> None:
    begun = await house.identified()
    house.now[0] = AT_LUNCH
    as_json = {"Accept": "application/json"}
    message = {"purpose": "move", "comm_method": "chat", "auth_handle": begun.handle}
    closed = await house.browser.post("/start", json=message, headers=as_json)
    error = closed.json()["error"]
    assert (closed.status_code, error["code"], error["until"]) == (409, "closed", "2026-01-05T12:45:00+01:00")
    house.now[0] = AFTER_LUNCH
    assert (await house.browser.post("/start", json=message, headers=as_json)).status_code == 200


async def test_a_result_that_comes_while_it_is_closed_is_kept_all_the_same(house: House) -> None:
    begun = await house.begin()
    house.now[0] = AT_LUNCH
    assert await house.deliver(begun.attr_url, house.token()) == 200
    house.now[0] = AFTER_LUNCH
    assert (await house.choose(begun)).status_code == 303


async def test_what_closes_while_the_plugin_is_asked_is_started_and_what_fails_then_is_given_back(house: House) -> None:
    begun, working = await house.identified(), house.comm.answer

    def closes_and_fails() -> Response:
        house.now[0] = AT_LUNCH
        return Response(status_code=500)

    house.comm.answer = closes_and_fails
    assert (await house.choose(begun)).status_code == 502
    house.comm.answer = working
    assert (await house.choose(begun)).status_code == 409
    house.now[0] = AFTER_LUNCH
    assert (await house.choose(begun)).status_code == 303


@pytest.mark.parametrize("purpose", ["move", "permit"])
async def test_who_did_not_identify_is_not_sent_to_do_so_again_for_nothing(house: House, purpose: str) -> None:
    begun = await house.begin(purpose=purpose, auth_method="far")
    failed = house.token(sign="far", status=ResultStatus.FAILED)
    assert (await house.browser.get(begun.with_result(failed))).status_code == 303
    assert forms_of(await house.page(begun)) != []
    house.now[0] = AT_LUNCH
    page = await house.page(begun)
    assert "We do not know who you are" in page
    assert "You can contact us again today from 12:45." in page
    assert forms_of(page) == []
