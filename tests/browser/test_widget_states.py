"""Every state of the widget, in both languages: what it says, what assistive technology is told, and what axe finds."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.async_api import expect

from aria import is_told
from chromium import has_focus, inspect
from web_widget import CLOSED, arrives, core_is_away, core_says, offered, only_chat, visits
from web_words import LANGUAGES

if TYPE_CHECKING:
    from web_town import Town
    from web_words import Language

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

_OWN_BUTTON = """(element) => {
    const link = document.createElement("a");
    Object.assign(link, { slot: "button", href: "/contact/report_move", textContent: "Hulp" });
    element.append(link);
}"""

languages = pytest.mark.parametrize("language", LANGUAGES)


@languages
async def test_each_step_of_choosing(town: Town, language: Language) -> None:
    end_user = await town.end_user(language)
    page, words = end_user.page, end_user.words
    widget = await visits(end_user, offered(language))
    await is_told(widget, f"auth.{language}")
    await inspect(page, "widget-auth")
    await end_user.presses(words.next)
    await end_user.reads(words.choose_first)
    await is_told(widget, f"reminder.{language}")
    await page.get_by_role("radio", name="Yivi").check()
    await end_user.presses(words.next)
    await has_focus(widget.locator("legend"))
    await is_told(widget, f"comm.{language}")
    await expect(page.get_by_role("radio", name="Chat")).to_have_accessible_description(
        re.compile(r"(agent|medewerker)\. .+ 7 min")
    )
    await inspect(page, "widget-comm")
    await page.get_by_role("radio", name="Chat").check()
    await end_user.reads(words.what_will_happen)
    await is_told(widget, f"ready.{language}")
    await inspect(page, "widget-all-chosen")


@languages
async def test_without_identification(town: Town, language: Language) -> None:
    end_user = await town.end_user(language)
    options = offered(language)
    widget = await visits(end_user, {**options, "comm_methods": options["comm_methods"][:1]})
    await end_user.page.get_by_role("radio").last.check()
    await end_user.reads(end_user.words.what_will_happen)
    await is_told(widget, f"unauthenticated.{language}")
    await inspect(end_user.page, "widget-unauthenticated")


@languages
async def test_what_leaves_no_choice_is_not_asked(town: Town, language: Language) -> None:
    end_user = await town.end_user(language)
    widget = await visits(end_user, only_chat(language))
    await end_user.reads(end_user.words.what_will_happen)
    await is_told(widget, f"summary.{language}")
    await inspect(end_user.page, "widget-summary")
    widget = await visits(end_user, only_chat(language, {"open": True, "agents": 0}))
    await is_told(widget, f"nobody.{language}")


@languages
async def test_closed_until_it_opens_by_itself(town: Town, language: Language) -> None:
    end_user = await town.end_user(language)
    page = end_user.page
    await page.clock.install()
    widget = await visits(end_user, only_chat(language, CLOSED))
    await is_told(widget, f"closed.{language}")
    await inspect(page, "widget-closed")
    await core_says(page, only_chat(language))
    await page.clock.run_for(46_000)
    await end_user.reads(end_user.words.what_will_happen)


@languages
@pytest.mark.parametrize(
    ("name", "status", "body"),
    [("failing", 503, {}), ("unknown-purpose", 404, {}), ("no-methods", 200, {"auth_methods": [], "comm_methods": []})],
)
async def test_every_problem_has_its_own_words(
    town: Town, language: Language, name: str, status: int, body: dict[str, object]
) -> None:
    end_user = await town.end_user(language)
    if status != 200:
        end_user.troubles.expect(f"status of {status}")
    widget = await visits(end_user, body, status=status)
    await expect(widget.get_by_role("alert")).not_to_be_empty()
    await is_told(widget, f"{name}.{language}")
    await inspect(end_user.page, f"widget-{name}")


@languages
async def test_a_retry_keeps_the_focus_until_it_works(town: Town, language: Language) -> None:
    end_user = await town.end_user(language)
    page = end_user.page
    end_user.troubles.expect("net::ERR_FAILED")
    await core_is_away(page)
    widget = await arrives(end_user)
    await is_told(widget, f"unreachable.{language}")
    retry = widget.get_by_role("button")
    await retry.focus()
    async with page.expect_event("requestfailed"):
        await page.keyboard.press("Enter")
    await has_focus(retry)
    await expect(widget.get_by_role("alert")).not_to_be_empty()
    await core_says(page, offered(language))
    await page.keyboard.press("Enter")
    await has_focus(widget.locator("legend"))


@languages
async def test_a_start_that_leads_nowhere_can_be_tried_again_with_the_focus_where_it_was(
    town: Town, language: Language
) -> None:
    end_user = await town.end_user(language)
    page = end_user.page
    await page.clock.install()
    widget = await visits(end_user, only_chat(language))
    # Whatever came in between: there is an answer, and no page to go to.
    await page.route("**/start", lambda route: route.fulfill(status=204))
    start = widget.get_by_role("button")
    await start.focus()
    async with page.expect_request("**/start"):
        await page.keyboard.press("Enter")
    await is_told(widget, f"starting.{language}")
    await page.clock.run_for(10_000)
    await expect(widget.locator(".slow")).not_to_be_empty()
    await has_focus(start)
    await is_told(widget, f"slow.{language}")
    async with page.expect_request("**/start"):
        await page.keyboard.press("Enter")


@languages
async def test_behind_a_button_of_the_page(town: Town, language: Language) -> None:
    end_user = await town.end_user(language)
    page = end_user.page
    widget = await visits(end_user, only_chat(language))
    await widget.evaluate(_OWN_BUTTON)
    link = widget.get_by_role("link")
    await expect(link).to_have_attribute("aria-expanded", "false")
    await is_told(widget, f"collapsed.{language}")
    await link.focus()
    await page.keyboard.press("Enter")
    await expect(widget.locator("form")).to_be_visible()
    await has_focus(link)
    await is_told(widget, f"expanded.{language}")
    await inspect(page, "widget-own-button")
