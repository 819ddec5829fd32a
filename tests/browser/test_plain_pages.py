"""Without JavaScript, by keyboard, on a phone: from the choice as a page of our own to what to do instead of a chat."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest
import pytest_asyncio
from playwright.async_api import expect

from chromium import NARROWEST, as_if_without_javascript, inspect, inspect_without_javascript, sideways, tab_to
from hands import ChromiumHands
from web_words import LANGUAGES, NL, WORDS

if TYPE_CHECKING:
    from playwright.async_api import Browser

    from running import Site
    from web_town import Town
    from web_words import Language

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

LOCALES: Final[dict[Language, str]] = {"nl": "nl-NL", "en": "en-GB"}
CLOSED: Final[dict[Language, str]] = {"nl": "Wij zijn nu gesloten.", "en": "We are closed now."}
TRY_AGAIN: Final[dict[Language, str]] = {"nl": "Opnieuw proberen", "en": "Try again"}
NO_SCRIPT: Final[dict[Language, str]] = {"nl": "Zet JavaScript aan", "en": "Turn on JavaScript"}
WARNING: Final[dict[Language, str]] = {
    "nl": "Chatten en videobellen werken alleen met JavaScript.",
    "en": "Chat and video calls work only with JavaScript.",
}


@pytest_asyncio.fixture(loop_scope="session", params=LANGUAGES)
async def plain(request: pytest.FixtureRequest, chromium: Browser) -> ChromiumHands:
    """Somebody whose browser has no JavaScript, in each language."""
    return await ChromiumHands.new(chromium, javascript="off", locale=LOCALES[request.param])


async def language_of(hands: ChromiumHands) -> Language:
    spoken = await hands.page.locator("html").get_attribute("lang")
    return "en" if spoken == "en" else "nl"


async def test_without_javascript_all_goes_well_up_to_the_chat_which_says_what_to_do_instead(
    plain: ChromiumHands, house: Site
) -> None:
    page = plain.page
    await plain.goes_to(f"{house.url}/contact/report_move")
    language = await language_of(plain)
    words = WORDS[language]
    # By text Playwright finds nothing in a <noscript>, though it is there to be seen.
    warning = page.locator("noscript p").first
    await expect(warning).to_be_visible()
    await expect(warning).to_contain_text(WARNING[language])
    await inspect_without_javascript(page, "contact-without-javascript")
    await plain.picks(words.test_person)
    await plain.picks(words.chat)
    await plain.presses(words.start)
    await plain.arrives_at(r"/plugins/auth_test/session/.*")
    await plain.presses(words.share)
    await plain.arrives_at(r"/land/.*")
    await plain.presses(words.to_the_conversation)
    await plain.arrives_at(r"/c/[a-z2-7]{26}")
    await expect(page.get_by_role("heading", name=NO_SCRIPT[language])).to_be_visible()
    await inspect_without_javascript(page, "conversation-without-javascript")
    await expect(page.get_by_role("link", name="14 010")).to_have_attribute("href", "tel:14010")
    website = page.get_by_role("link", name=words.back)
    await expect(website).to_have_attribute("href", "https://www.voorbeeld.example")
    assert plain.troubles == []


async def test_a_start_that_fails_leads_back_to_the_choice_as_it_was(plain: ChromiumHands, house: Site) -> None:
    await plain.goes_to(f"{house.url}/contact/report_move?return_url={house.url}/verhuizen")
    words = WORDS[await language_of(plain)]
    await plain.picks(words.elsewhere)
    await plain.picks(words.chat)
    await plain.presses(words.start)
    await plain.arrives_at("/start")
    await inspect_without_javascript(plain.page, "error-with-a-way-back")
    await plain.presses(TRY_AGAIN[words.language])
    await expect(plain.page.get_by_role("radio", name=words.elsewhere)).to_be_checked()
    await expect(plain.page.get_by_role("radio", name=words.chat)).to_be_checked()
    await expect(plain.page.get_by_role("link", name=words.back)).to_have_attribute("href", f"{house.url}/verhuizen")
    await plain.picks(words.test_person)
    await plain.presses(words.start)
    await plain.arrives_at(r"/plugins/auth_test/session/.*")


async def test_nothing_is_sent_as_long_as_nothing_is_chosen(plain: ChromiumHands, house: Site) -> None:
    await plain.goes_to(f"{house.url}/contact/report_move")
    words = WORDS[await language_of(plain)]
    await plain.presses(words.start)
    await plain.picks(words.test_person)
    await plain.presses(words.start)
    assert plain.page.url == f"{house.url}/contact/report_move"
    assert await plain.page.locator(":invalid").count() > 0


@pytest.mark.parametrize("language", LANGUAGES)
async def test_every_face_of_the_choice(town: Town, language: Language) -> None:
    end_user = await town.end_user(language)
    page, words = end_user.page, end_user.words
    for purpose, name in (
        ("report_move", "contact"),
        ("report_move?auth_method=elsewhere&comm_method=chat", "contact-chosen"),
        ("parking_permit", "contact-no-choice"),
        ("complaint", "contact-unauthenticated"),
    ):
        await end_user.goes_to(f"/contact/{purpose}")
        await expect(page.get_by_role("button", name=words.start)).to_be_visible()
        await inspect(page, name)
    await end_user.goes_to("/contact/market_stall")
    await end_user.reads(CLOSED[language])
    await expect(page.get_by_role("button")).to_have_count(0)
    await inspect(page, "contact-closed")
    end_user.troubles.expect("the server responded with a status of 404")
    await end_user.goes_to("/contact/unknown")
    await inspect(page, "contact-unknown")


@pytest.mark.parametrize("language", LANGUAGES)
async def test_the_mistake_of_a_website_is_told_to_who_manages_it_when_they_ask(town: Town, language: Language) -> None:
    end_user = await town.end_user(language)
    page = end_user.page
    await end_user.goes_to("/contact/parking_permit")
    await page.locator("[name=comm_method]").evaluate("(field) => { field.value = 'pigeon'; }")
    end_user.troubles.expect("the server responded with a status of 400")
    await end_user.presses(end_user.words.start)
    await page.wait_for_url("**/start")
    told = page.get_by_text("comm_method: there is no such method for this purpose")
    await expect(told).to_be_hidden()
    await inspect(page, "error-of-a-website")
    await page.locator("summary").click()
    await expect(told).to_be_visible()
    await inspect(page, "error-of-a-website-told")


@pytest.mark.parametrize("language", LANGUAGES)
async def test_what_is_said_to_who_has_no_javascript_is_accessible(town: Town, language: Language) -> None:
    end_user = await town.end_user(language)
    await town.arrives_before_the_result(end_user)
    await as_if_without_javascript(end_user.page)
    await end_user.page.reload()
    await end_user.sees_heading(NO_SCRIPT[language])
    await inspect(end_user.page, "conversation-as-if-without-javascript")
    await end_user.goes_to("/contact/report_move")
    await end_user.reads(WARNING[language])
    await inspect(end_user.page, "contact-as-if-without-javascript")


async def test_the_choice_is_made_and_changed_by_keyboard_alone(town: Town) -> None:
    end_user = await town.end_user()
    page, keyboard = end_user.page, end_user.page.keyboard
    await end_user.goes_to("/contact/report_move")
    await tab_to(page, NL.elsewhere)
    await keyboard.press("ArrowDown")
    await expect(page.get_by_role("radio", name=NL.test_person)).to_be_checked()
    await tab_to(page, "Bellen")
    await keyboard.press("ArrowDown")
    await expect(page.get_by_role("radio", name=NL.chat)).to_be_checked()
    await tab_to(page, NL.start)
    await keyboard.press("Enter")
    await page.wait_for_url("**/plugins/auth_test/**")


async def test_the_language_changes_and_the_way_back_stays(town: Town) -> None:
    end_user = await town.end_user()
    came_from = f"{end_user.site.url}/verhuizen?stap=2"
    await end_user.goes_to(f"/contact/report_move?return_url={came_from}")
    await end_user.page.get_by_role("link", name="English").click()
    await end_user.sees_heading("Report a move")
    back = end_user.page.get_by_role("link", name=WORDS["en"].back)
    await expect(back).to_have_attribute("href", came_from)


@pytest.mark.parametrize("path", ["/contact/report_move", "/contact/parking_permit", "/nothing", "/staff/login"])
async def test_who_set_letters_of_twice_the_size_reads_our_pages_on_a_small_phone(town: Town, path: str) -> None:
    """WCAG 2.2, 1.4.4 Resize Text, where there is least room for it."""
    end_user = await town.end_user("nl", width=NARROWEST)
    page = end_user.page
    if path == "/nothing":
        end_user.troubles.expect("the server responded with a status of 404")
    await end_user.goes_to(path)
    devtools = await page.context.new_cdp_session(page)
    await devtools.send("Page.setFontSizes", {"fontSizes": {"standard": 32}})
    await page.reload()
    assert await page.evaluate("getComputedStyle(document.documentElement).fontSize") == "32px"
    assert await sideways(page) == []
    room: list[float] = await page.locator(".idc-option span").evaluate_all(
        "(all) => all.map((one) => one.getBoundingClientRect().width)"
    )
    assert [width for width in room if width < NARROWEST / 2] == []
    assert len(room) == (4 if path == "/contact/report_move" else 0)


async def test_in_forced_colours_what_is_chosen_still_shows_on_our_own_page(town: Town) -> None:
    end_user = await town.end_user()
    page = end_user.page
    await page.emulate_media(forced_colors="active")
    await end_user.goes_to("/contact/report_move?auth_method=test")
    borders: list[list[object]] = await page.locator(".idc-option").evaluate_all(
        "(all) => all.map((one) => [one.querySelector('input').checked, getComputedStyle(one).borderWidth])"
    )
    assert sorted(borders, key=str) == [[False, "1px"], [False, "1px"], [False, "1px"], [True, "3px"]]
    await inspect(page, "contact-forced-colours")
