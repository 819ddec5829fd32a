"""Without a mouse, in little room, without movement, and by ear: the main job for who uses a browser otherwise."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.async_api import expect

from chromium import NARROWEST, PHONE, has_focus, running_animations, sideways, tab_to
from running import PASSWORD

if TYPE_CHECKING:
    from web_people import Agent, EndUser
    from web_town import Town

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

_RECORD_ANNOUNCEMENTS = """
window.announced = [];
new MutationObserver((changes) => {
    const logs = (root) => [...root.querySelectorAll("*")].flatMap((one) => [
        ...(one.getAttribute("role") === "log" ? [one] : []), ...(one.shadowRoot ? logs(one.shadowRoot) : [])]);
    for (const log of logs(document)) {
        if (log.watched) continue;
        log.watched = true;
        new MutationObserver((records) => {
            if (log.getAttribute("aria-live") === "off") return;
            for (const { addedNodes, target } of records)
                for (const { nodeType, textContent } of addedNodes)
                    if (nodeType === Node.ELEMENT_NODE && target.closest("[aria-live]") === log)
                        window.announced.push(textContent.replace(/\\s+/g, " ").trim());
        }).observe(log, { childList: true, subtree: true });
    }
}).observe(document, { childList: true, subtree: true });
"""


async def comes_by_keyboard(end_user: EndUser) -> None:
    """From the municipality's page into the queue."""
    page, words, keyboard = end_user.page, end_user.words, end_user.page.keyboard
    await end_user.visits()
    await expect(page.get_by_role("radio").first).to_be_visible()
    await tab_to(page, words.elsewhere)
    await keyboard.press("ArrowDown")
    await has_focus(page.get_by_role("radio", name=words.test_person))
    await tab_to(page, words.next)
    await keyboard.press("Enter")
    await has_focus(page.locator("legend"))
    await tab_to(page, "Bellen")
    await keyboard.press("ArrowDown")
    await tab_to(page, words.start)
    await keyboard.press("Enter")
    await page.wait_for_url("**/plugins/auth_test/**")
    await tab_to(page, words.share)
    await keyboard.press("Enter")
    await end_user.sees_heading(words.waiting)


async def logs_in_by_keyboard(agent: Agent) -> None:
    """And becomes available."""
    page, words, keyboard = agent.page, agent.words, agent.page.keyboard
    await agent.goes_to("/console?lang=nl")
    await tab_to(page, words.account)
    await keyboard.type("ann")
    await tab_to(page, words.password)
    await keyboard.type(PASSWORD)
    await keyboard.press("Enter")
    await page.wait_for_url("**/console*")
    await expect(page.get_by_role("button", name=words.available)).to_be_visible()
    await tab_to(page, words.available)
    await keyboard.press("Enter")


async def test_the_main_job_on_both_sides_without_a_mouse(town: Town) -> None:
    end_user, agent = await town.end_user(), await town.stranger()
    await comes_by_keyboard(end_user)
    await logs_in_by_keyboard(agent)
    await agent.is_offered(agent.words.report_move)
    await tab_to(agent.page, agent.words.accept)
    await agent.page.keyboard.press("Enter")
    await has_focus(agent.message_box)
    await has_focus(end_user.heading(end_user.words.talking_to_ann))

    await agent.page.keyboard.type("Goedemiddag.")
    await agent.page.keyboard.press("Enter")
    await end_user.sees_messages("Goedemiddag.")
    await tab_to(end_user.page, end_user.words.your_message)
    await end_user.page.keyboard.type("Dag.")
    await end_user.page.keyboard.press("Shift+Enter")
    await end_user.page.keyboard.type("Ik ga verhuizen.")
    await end_user.page.keyboard.press("Enter")
    await agent.sees_messages("Goedemiddag.", "Dag.\nIk ga verhuizen.")
    await end_by_keyboard(end_user, agent)


async def end_by_keyboard(end_user: EndUser, agent: Agent) -> None:
    """The end user thinks twice; the agent finishes."""
    page, words = end_user.page, end_user.words
    end = page.get_by_role("button", name=words.end)
    await tab_to(page, words.end, key="Shift+Tab")
    await page.keyboard.press("Enter")
    await has_focus(page.get_by_role("dialog").get_by_role("button", name=words.end_no))
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("dialog")).to_have_count(0)
    await has_focus(end)
    await page.keyboard.press("Enter")
    await tab_to(page, words.end_yes, key="Shift+Tab")
    await page.keyboard.press("Enter")
    await has_focus(end_user.heading(words.ended))
    await agent.reads(agent.words.wrap_up_by_end_user)
    await tab_to(agent.page, agent.words.finish)
    await agent.page.keyboard.press("Enter")
    await expect(agent.panel).to_have_count(0)
    await tab_to(page, words.back)
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/?topic=report_move*")


async def test_a_screen_reader_is_told_each_new_message_once_and_no_history(town: Town) -> None:
    end_user, agent = await town.end_user(), await town.stranger()
    await end_user.page.add_init_script(_RECORD_ANNOUNCEMENTS)
    await end_user.waits()
    await agent.logs_in("ann")
    await agent.helps()
    await end_user.says("Van voor het herladen.")
    await agent.sees_messages("Van voor het herladen.")
    await end_user.page.reload()
    await end_user.sees_messages("Van voor het herladen.")
    await expect(end_user.log).to_have_attribute("aria-live", "polite")
    assert await end_user.page.evaluate("window.announced") == []
    await agent.says("Nieuw.")
    await end_user.sees_messages("Van voor het herladen.", "Nieuw.")
    await end_user.says("Zelf gezegd.")
    await agent.sees_messages("Van voor het herladen.", "Nieuw.", "Zelf gezegd.")
    await end_user.sees_messages("Van voor het herladen.", "Nieuw.", "Zelf gezegd.")
    announced = await end_user.page.evaluate("window.announced")
    assert [("Nieuw." in one, "Zelf gezegd." in one) for one in announced] == [(True, False), (False, True)]


async def test_nothing_moves_for_who_does_not_want_that(town: Town) -> None:
    moving = await town.end_user(motion="no-preference")
    await town.arrives_before_the_result(moving)
    await moving.sees_heading(moving.words.identifying)
    assert await running_animations(moving.page) != []
    still = await town.end_user(motion="reduce")
    await town.arrives_before_the_result(still)
    await still.sees_heading(still.words.identifying)
    assert await running_animations(still.page) == []


@pytest.mark.parametrize(("width", "height"), [(NARROWEST, 640), (640, 400)])
async def test_a_conversation_can_be_read_and_typed_in_where_there_is_little_room(
    town: Town, width: int, height: int
) -> None:
    """A small phone, and a window of 1280 pixels at 200 %: WCAG 2.2, 1.4.4 and 1.4.10."""
    end_user, agent = await town.end_user(), await town.agent()
    await end_user.waits()
    await agent.helps()
    await end_user.is_helped()
    for number in range(6):
        await agent.says(f"Bericht {number}")
    await end_user.says("Dit wil ik nog zeggen.")
    await expect(agent.said).to_have_count(7)
    for person in (end_user, agent):
        page = person.page
        await page.set_viewport_size({"width": width, "height": height})
        assert await sideways(page) == []
        box, last = page.get_by_role("textbox"), person.said.last
        await box.scroll_into_view_if_needed()
        await expect(box).to_be_in_viewport(ratio=0.9)
        await last.scroll_into_view_if_needed()
        await expect(last).to_be_in_viewport(ratio=0.5)
        # Nothing lies over it, once the page has followed the window's new size.
        await page.wait_for_function(
            """(bubble) => {
                const { x, y, width, height } = bubble.getBoundingClientRect();
                return bubble.getRootNode().elementFromPoint(x + width / 2, y + height / 2) === bubble;
            }""",
            arg=await last.element_handle(),
        )


async def test_on_a_phone_an_agent_finds_what_is_verified_by_one_touch(town: Town) -> None:
    end_user, agent = await town.end_user(), await town.agent()
    await end_user.waits()
    await agent.helps()
    await agent.page.set_viewport_size({"width": PHONE, "height": 740})
    await agent.page.get_by_role("button", name=agent.words.verified, exact=True).click()
    await expect(agent.verified.first).to_be_in_viewport()
