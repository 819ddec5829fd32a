"""Every page and state in both languages: what axe finds, on a wide window and on a phone; nothing scrolls sideways."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from playwright.async_api import expect

from chromium import inspect
from idcontact.live.expected_wait import LEAST
from web_words import LANGUAGES

if TYPE_CHECKING:
    from playwright.async_api import Page

    from servers import RedisServer
    from web_people import EndUser
    from web_town import Town
    from web_words import Language

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

LIVE_SETTINGS = 'offer_timeout = "2 min"\ndecline_pause = "10 min"'
"""An offer stands long enough to be looked at on a slow machine, and does not come back by itself."""

LONG = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft" * 2
LINK = "https://www.voorbeeld.example/" + "een/heel/lang/adres/" * 8


@pytest.mark.parametrize("language", LANGUAGES)
async def test_the_municipalitys_page_and_every_step_of_the_widget(town: Town, language: Language) -> None:
    end_user = await town.end_user(language)
    page, words = end_user.page, end_user.words
    await end_user.visits()
    await expect(page.get_by_role("radio").first).to_be_visible()
    await inspect(page, "widget-choice")
    await end_user.presses(words.next)
    await end_user.reads(words.choose_first)
    await inspect(page, "widget-reminder")
    await end_user.chooses()
    await inspect(page, "widget-ready")
    await end_user.visits("parking_permit")
    await end_user.reads(words.what_will_happen)
    await inspect(page, "widget-no-choice")
    await page.locator("id-contact").evaluate("(widget) => { widget.purpose = 'unknown'; }")
    end_user.troubles.expect("status of 400")
    await end_user.reads(words.no_contact_here)
    await inspect(page, "widget-unknown-purpose")
    end_user.troubles.expect("net::ERR_FAILED")
    await page.route("**/session_options/*", lambda route: route.abort())
    await end_user.visits()
    await end_user.reads(words.no_connection)
    await inspect(page, "widget-unreachable")


@pytest.mark.parametrize("language", LANGUAGES)
async def test_the_way_to_the_queue_and_out_of_it(town: Town, language: Language) -> None:
    end_user = await town.end_user(language)
    page, words = end_user.page, end_user.words
    await end_user.starts()
    await inspect(page, "auth-confirm")
    await page.route("**/land.js*", lambda route: route.abort())
    end_user.troubles.expect("net::ERR_FAILED")
    await end_user.presses(words.share)
    await expect(page.get_by_role("button", name=words.to_the_conversation)).to_be_visible()
    await inspect(page, "landing")
    await end_user.presses(words.to_the_conversation)
    await end_user.sees_heading(words.waiting)
    await end_user.reads(words.first_in_line)
    await inspect(page, "waiting")
    await end_user.presses(words.leave_queue)
    await inspect(page, "waiting-leave-dialog")
    await page.get_by_role("dialog").get_by_role("button", name=words.leave_yes).click()
    await end_user.sees_heading(words.ended)
    await inspect(page, "ended-left-the-queue")


def remember_hand_overs(redis: RedisServer, *, every: int) -> None:
    """As if somebody had been handed over every so many milliseconds until now, while others waited."""
    now = int(time.time() * 1000)
    with redis.client() as client:
        for number in range(LEAST + 1):
            client.rpush("idc:{routing}:handed:report_move", f"{now - number * every} 0")


@pytest.mark.parametrize("language", LANGUAGES)
async def test_a_queue_in_which_it_is_known_how_long_one_will_wait(
    town: Town, redis_of_the_house: RedisServer, language: Language
) -> None:
    remember_hand_overs(redis_of_the_house, every=100_000)
    busy, ahead, end_user = [await town.end_user(language) for _ in range(3)]
    agent = await town.agent("bob", language)
    await agent.is_available()
    await busy.waits()
    await agent.accepts()
    await ahead.waits()
    await end_user.waits()
    words = end_user.words
    await end_user.reads(words.about_four_minutes)
    status = end_user.page.get_by_role("status").filter(has_text=words.one_before)
    await expect(status.get_by_text(words.about_four_minutes)).to_have_attribute("aria-live", "off")
    await inspect(end_user.page, "waiting-known-wait")
    await ahead.leaves_the_queue()
    await end_user.reads(words.first_in_line)
    await expect(status.get_by_text(words.about_four_minutes)).to_have_count(0)


@pytest.mark.parametrize("language", LANGUAGES)
async def test_pages_of_who_is_not_identified_yet_or_not_at_all(town: Town, language: Language) -> None:
    end_user = await town.end_user(language)
    for topic in ("report_move", "passport"):
        await end_user.starts(topic)
        await end_user.refuses()
        await end_user.sees_heading(end_user.words.not_identified)
        await inspect(end_user.page, f"not-identified-{topic}")
    await town.arrives_before_the_result(end_user)
    await end_user.sees_heading(end_user.words.identifying)
    await inspect(end_user.page, "identifying")


@pytest.mark.parametrize("language", LANGUAGES)
async def test_a_conversation_on_both_sides_and_what_a_supervisor_sees_of_it(town: Town, language: Language) -> None:
    supervisor = await town.supervisor(language)
    await expect(supervisor.row(supervisor.words.report_move)).to_be_visible()
    await inspect(supervisor.page, "supervisor-quiet")
    agent = await town.agent("ann", language)
    words, desk = agent.words, agent.page
    await agent.reads(words.nobody_waits)
    await inspect(desk, "console-empty")
    end_user, next_in_line = await town.end_user(language), await town.end_user(language)
    await end_user.waits()
    await next_in_line.waits("passport")
    await next_in_line.reads(words.first_in_line)
    await agent.is_available()
    await agent.is_offered(words.report_move)
    await inspect(desk, "console-offer")
    await agent.accepts()
    await end_user.is_helped()
    await agent.is_offered(words.passport)
    await inspect(desk, "console-conversation-and-offer")
    await agent.declines()
    await inspect(end_user.page, "conversation-quiet")
    for number in range(4):
        await end_user.says(f"{LONG} {number}\n{LINK}")
        await agent.says(f"Antwoord {number}: ja.")
    await expect(end_user.said).to_have_count(8)
    await expect(agent.said).to_have_count(8)
    await inspect(end_user.page, "conversation")
    await inspect(desk, "console-conversation")
    await inspect(supervisor.page, "supervisor")
    await the_end(end_user, desk, agent.words.end)
    await agent.reads(words.wrap_up_by_end_user)
    await inspect(end_user.page, "ended")
    await inspect(desk, "console-wrapping-up")


async def the_end(end_user: EndUser, desk: Page, end: str) -> None:
    """Both are asked whether they mean it; the end user does."""
    await desk.get_by_role("button", name=end).click()
    await inspect(desk, "console-end-dialog")
    await desk.keyboard.press("Escape")
    await end_user.presses(end_user.words.end)
    await inspect(end_user.page, "conversation-end-dialog")
    await end_user.page.get_by_role("dialog").get_by_role("button", name=end_user.words.end_yes).click()
    await end_user.sees_heading(end_user.words.ended)


@pytest.mark.parametrize("language", LANGUAGES)
async def test_a_page_that_was_opened_elsewhere(town: Town, language: Language) -> None:
    end_user = await town.end_user(language)
    await end_user.waits()
    agent = await town.agent("ann", language)
    await agent.helps()
    await agent.sees_verified("Suzanne Moulin", "Rotterdam")
    for person, name in ((end_user, "conversation-replaced"), (agent, "console-replaced")):
        await town.another_tab(person)
        await person.reads(person.words.opened_elsewhere)
        await inspect(person.page, name)
    await expect(agent.verified).to_have_count(0)


@pytest.mark.parametrize("language", LANGUAGES)
async def test_logging_in_and_what_cannot_be_shown(town: Town, language: Language) -> None:
    member = await town.stranger(language)
    await member.goes_to(f"/console?lang={language}")
    await expect(member.page.get_by_label(member.words.account)).to_be_visible()
    await inspect(member.page, "login")
    member.troubles.expect("the server responded with a status of 4")
    await member.fills_in("ann", "wrong")
    await member.reads(member.words.wrong_password)
    await inspect(member.page, "login-error")
    for path, name in (
        ("/nowhere", "error-not-found"),
        (f"/land/{'a' * 26}.{'b' * 43}", "error-gone"),
        (f"/c/{'a' * 26}", "error-conversation"),
        ("/plugins/auth_test/nothing", "error-plugin"),
    ):
        await member.goes_to(path)
        await expect(member.page.get_by_role("heading", level=1)).to_be_visible()
        await inspect(member.page, name)


@pytest.mark.parametrize("language", LANGUAGES)
async def test_a_method_that_does_not_answer(town: Town, language: Language) -> None:
    end_user = await town.end_user(language)
    await end_user.visits()
    await end_user.chooses(auth=end_user.words.elsewhere)
    end_user.troubles.expect("the server responded with a status of 502")
    await end_user.presses(end_user.words.start)
    await end_user.page.wait_for_url("**/start")
    await expect(end_user.page.get_by_role("heading", level=1)).to_be_visible()
    await inspect(end_user.page, "error-method-away")
