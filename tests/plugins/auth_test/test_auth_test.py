from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from idcontact.errors import SettingsError
from idcontact.settings import Localized
from idcontact.tokens import Dialect, ResultStatus
from idcontact_auth_test import create
from plugin_house import CONTINUATION, House, error_of, open_house

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

ATTRIBUTES = {"fullname": "Willeke <b>de</b> Bruijn", "bsn": "999990019", "city": "Voorbeeldstad"}
LABELS = {"fullname": Localized({"nl": "Naam", "en": "Name"}), "bsn": Localized("BSN")}
SETTINGS: dict[str, object] = {"attributes": ATTRIBUTES}


@pytest.fixture
async def house() -> AsyncIterator[House]:
    async with open_house(create, SETTINGS, labels=LABELS) as opened:
        yield opened


@pytest.mark.parametrize(
    ("language", "texts"),
    [
        ("nl", ["Wilt u deze gegevens delen?", "Naam", "Ja, delen en verdergaan", "Nee, niet delen", "verder op"]),
        ("en", ["Do you want to share this?", "Name", "Yes, share and go on", "No, do not share", "go on to"]),
    ],
)
async def test_the_page_shows_in_the_persons_language_what_will_be_passed_on_and_where_to(
    house: House, language: str, texts: list[str]
) -> None:
    page = await house.browser.get(await house.start("fullname", "city"), headers={"Accept-Language": language})
    assert page.status_code == 200
    for text in [*texts, "core.example.org", "Voorbeeldstad", "city"]:
        assert text in page.text
    assert f'lang="{language}"' in page.text
    assert "999990019" not in page.text


async def test_values_are_text_and_never_markup(house: House) -> None:
    page = await house.browser.get(await house.start("fullname"))
    assert "Willeke &lt;b&gt;de&lt;/b&gt; Bruijn" in page.text


async def test_the_page_works_without_scripts_and_its_form_leads_to_the_continuation_only(house: House) -> None:
    page = await house.browser.get(await house.start(continuation=f"{CONTINUATION}?x", attr_url=None))
    assert "<script" not in page.text
    policy = page.headers["content-security-policy"]
    assert "form-action 'self' https://core.example.org;" in policy
    assert "frame-ancestors 'none'" in policy
    assert page.headers["cache-control"] == "no-store"


async def test_to_another_installation_its_form_leads_to_wherever_that_leads_on_to() -> None:
    """Browsers hold form-action against every redirect after a form; those over there nobody here knows."""
    settings = {**SETTINGS, "allowed_origins": ["https://chat.example.org"]}
    async with open_house(create, settings, labels=LABELS) as house:
        page = await house.browser.get(await house.start(continuation="https://chat.example.org/guest/1"))
    assert "form-action 'self' https://chat.example.org https: tel:;" in page.headers["content-security-policy"]


async def test_when_nothing_is_asked_the_page_says_that_nothing_is_shared(house: House) -> None:
    page = await house.browser.get(await house.start(), headers={"Accept-Language": "en"})
    assert "No details are shared" in page.text
    assert "<dl" not in page.text


async def test_who_shares_is_sent_on_with_what_was_asked(house: House) -> None:
    url = await house.start("bsn", "fullname")
    await house.browser.get(url)
    assert (await house.press(url, "share")).headers["location"] == CONTINUATION
    result = house.read(house.receiver.tokens[0]).result
    assert result.status is ResultStatus.SUCCESS
    assert result.attributes == {"bsn": "999990019", "fullname": ATTRIBUTES["fullname"]}


async def test_who_refuses_is_sent_on_as_failed(house: House) -> None:
    url = await house.start("bsn")
    await house.browser.get(url)
    assert (await house.press(url, "refuse")).headers["location"] == CONTINUATION
    assert house.read(house.receiver.tokens[0]).result.status is ResultStatus.FAILED


async def test_another_choice_is_a_bad_request_and_ends_nothing(house: House) -> None:
    url = await house.start("bsn")
    await house.browser.get(url)
    assert (await house.press(url, "perhaps")).status_code == 400
    assert house.receiver.tokens == []
    assert (await house.press(url, "share")).status_code == 303


async def test_an_attribute_that_the_settings_do_not_have_is_a_bad_request(house: House) -> None:
    message = {"attributes": ["bsn", "income"], "continuation": CONTINUATION}
    assert error_of(await house.start_raw(message)) == (400, "attributes[1]")


@pytest.mark.parametrize("dialect", list(Dialect))
async def test_results_are_in_the_configured_dialect(dialect: Dialect) -> None:
    async with open_house(create, {**SETTINGS, "dialect": dialect.value}) as house:
        url = await house.start("bsn")
        await house.browser.get(url)
        await house.press(url, "share")
        assert house.read(house.receiver.tokens[0]).result.attributes == {"bsn": "999990019"}


async def test_mistakes_in_its_settings_are_named_all_at_once() -> None:
    with pytest.raises(SettingsError) as caught:
        async with open_house(create, {"attributes": {"age": 7}, "dialect": "latin", "allowed_origin": []}):
            pass
    assert caught.value.mistakes == [
        'plugins.auth_test.dialect: expected "id-contact" or "verder-helpen", got another',
        "plugins.auth_test.attributes.age: expected a string, got a whole number",
        "plugins.auth_test.allowed_origin: is not a setting here; did you mean allowed_origins?",
    ]
