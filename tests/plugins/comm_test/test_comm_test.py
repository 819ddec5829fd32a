from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from comm_house import FROM_OWN_PAGE, SESSION_URL, CommHouse, auth_token, open_comm_house
from idcontact.settings import Localized
from idcontact_comm_test import create

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

LABELS = {"fullname": Localized({"nl": "Naam", "en": "Name"})}
SUZANNE = {"fullname": "Suzanne <b>Moulin</b>", "city": "Rotterdam"}


@pytest.fixture
async def house() -> AsyncIterator[CommHouse]:
    async with open_comm_house(create, {}, labels=LABELS) as opened:
        yield opened


@pytest.mark.parametrize(
    ("language", "texts"),
    [
        ("nl", ["Wat is ontvangen", "is gelukt", "Naam (fullname)", "Proefpersoon", "van server naar server"]),
        ("en", ["What was received", "You have identified", "Name (fullname)", "Test person", "server to server"]),
    ],
)
async def test_the_page_shows_in_the_persons_language_all_that_was_received(
    house: CommHouse, language: str, texts: list[str]
) -> None:
    started = await house.start()
    await house.deliver(started, auth_token(SUZANNE))
    page = await house.browser.get(started.client_url, headers={"Accept-Language": language})
    for text in [*texts, "report_move", "Rotterdam", "low", "2027-01-15 08:00:00 UTC"]:
        assert text in page.text
    assert f'lang="{language}"' in page.text
    assert page.headers["referrer-policy"] == "no-referrer"
    assert page.headers["cache-control"] == "no-store"


async def test_values_are_text_and_never_markup(house: CommHouse) -> None:
    assert "Suzanne &lt;b&gt;Moulin&lt;/b&gt;" in await house.see(await house.start(auth_result=auth_token(SUZANNE)))


@pytest.mark.parametrize(
    ("members", "text"),
    [({}, "Nothing was received yet"),
     ({"auth_result": None, "context": {"auth": "none", "channel": "video", "language": "en"}}, "do not need to"),
     ({"auth_result": auth_token(None)}, "failed or was cancelled"),
     ({"auth_result": auth_token({})}, "There are no details in the result"),
     ({"auth_result": auth_token(SUZANNE)}, "the request that started the conversation")],
)  # fmt: skip
async def test_the_page_says_how_it_stands(house: CommHouse, members: dict[str, object], text: str) -> None:
    page = await house.see(await house.start(**members))
    assert text in page
    assert ("Look again" in page) is (members == {})


async def test_the_page_works_without_scripts_and_leads_back_where_the_person_came_from(house: CommHouse) -> None:
    context = {"auth": "pending", "channel": "chat", "language": "nl", "return_url": "https://www.voorbeeld.example/"}
    page = await house.see(await house.start(context=context))
    assert "<script" not in page
    assert 'href="https://www.voorbeeld.example/"' in page
    assert "Terug naar de website" in page


async def test_who_logs_out_leaves_nothing_behind(house: CommHouse) -> None:
    started = await house.start(auth_result=auth_token(SUZANNE, session_url=SESSION_URL))
    await house.see(started)
    ended = await house.browser.post(started.client_url, data={"choice": "end"}, headers=FROM_OWN_PAGE)
    assert "You are logged out" in ended.text
    assert house.updates.told == ["type=user_active", "type=logout"]
    assert (await house.browser.get(started.client_url)).status_code == 410


async def test_another_button_is_a_bad_request_and_ends_nothing(house: CommHouse) -> None:
    started = await house.start(auth_result=auth_token(SUZANNE))
    await house.see(started)
    answer = await house.browser.post(started.client_url, data={"choice": "perhaps"}, headers=FROM_OWN_PAGE)
    assert answer.status_code == 400
    assert "Rotterdam" in await house.see(started)
