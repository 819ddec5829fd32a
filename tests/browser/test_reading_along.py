"""The newest message stays in sight for who reads along, and who reads back is left in peace."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.async_api import expect

from live_floor import floor_of
from web_words import LANGUAGES

if TYPE_CHECKING:
    from playwright.async_api import Locator

    from live_people import EndUser
    from web_people import Agent
    from web_town import Town
    from web_words import Language

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

SMALLER_AS_A_SCROLL_IS_TOLD = """(box) => {
    box.style.flex = "none";
    box.style.blockSize = "120px";
    for (const told of [box, document]) told.dispatchEvent(new Event("scroll"));
}"""


async def _hears_much(agent: Agent, end_user: EndUser) -> Locator:
    """The box, fuller than it is high."""
    for number in range(12):
        await end_user.say(f"Bericht {number}, dat iets langer is dan een regel")
    await expect(agent.said).to_have_count(12)
    await expect(agent.said.last).to_be_in_viewport(ratio=0.9)
    return agent.page.locator(".said")


async def test_a_box_that_becomes_smaller_while_a_scroll_is_told_still_shows_the_newest_message(town: Town) -> None:
    """As when a phone's keyboard comes up in the moment in which a message comes."""
    async with floor_of(town.site) as floor:
        agent = await town.agent("ann")
        await agent.page.set_viewport_size({"width": 390, "height": 700})
        await agent.is_available()
        end_user = await floor.waits()
        await agent.accepts()
        box = await _hears_much(agent, end_user)
        await box.evaluate(SMALLER_AS_A_SCROLL_IS_TOLD)
        await expect(agent.said.last).to_be_in_viewport(ratio=0.9)
        await end_user.say("En dit is het laatste")
        await expect(agent.said).to_have_count(13)
        await expect(agent.said.last).to_be_in_viewport(ratio=0.9)


@pytest.mark.parametrize("language", LANGUAGES)
async def test_who_reads_back_stays_there_and_is_told_of_new_messages(town: Town, language: Language) -> None:
    async with floor_of(town.site) as floor:
        agent = await town.agent("ann", language)
        page, words = agent.page, agent.words
        await page.set_viewport_size({"width": 390, "height": 700})
        await agent.is_available()
        end_user = await floor.waits()
        await agent.accepts()
        box = await _hears_much(agent, end_user)
        await box.focus()
        await page.keyboard.press("Home")
        await expect(agent.said.first).to_be_in_viewport(ratio=0.9)
        await end_user.say("Bent u er nog?")
        more = page.get_by_role("button", name=words.new_messages)
        await expect(more).to_be_visible()
        await expect(agent.said.first).to_be_in_viewport(ratio=0.9)
        await more.press("Enter")
        await expect(agent.said.last).to_be_in_viewport(ratio=0.9)
        await expect(more).to_have_count(0)
