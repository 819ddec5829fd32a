"""What the console looks like where there is little room."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.async_api import expect

from chromium import PHONE, inspect, inspect_here
from live_floor import floor_of
from web_words import LANGUAGES

if TYPE_CHECKING:
    from web_town import Town
    from web_words import Language

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

COLUMNS = {"nl": ["Wachtend", "Langste wachttijd", "In gesprek"], "en": ["Waiting", "Longest wait", "Being helped"]}


@pytest.mark.parametrize("language", LANGUAGES)
async def test_a_supervisor_sees_every_column_on_a_phone_and_hears_a_table(town: Town, language: Language) -> None:
    agent = await town.agent("ann", language)
    await agent.is_available()
    supervisor = await town.supervisor(language)
    page, words = supervisor.page, supervisor.words
    await expect(supervisor.row("Ann de Boer")).to_be_visible()
    await inspect(page, "supervisor-with-an-agent")
    await page.set_viewport_size({"width": PHONE, "height": 800})
    tables = page.locator(".table")
    await expect(tables).to_have_count(2)
    assert await tables.evaluate_all("(all) => all.map((one) => one.scrollWidth - one.clientWidth)") == [0, 0]
    queue = supervisor.row(words.report_move).first
    shown = "(cell) => getComputedStyle(cell, '::before').content.split('\"')[1]"
    cells = queue.get_by_role("cell")
    assert [await cell.evaluate(shown) for cell in await cells.all()] == COLUMNS[language]
    await expect(page.get_by_role("columnheader", name=COLUMNS[language][1])).to_have_count(1)


@pytest.mark.parametrize("language", LANGUAGES)
async def test_on_a_phone_the_largest_part_of_the_screen_is_for_what_is_said(town: Town, language: Language) -> None:
    async with floor_of(town.site) as floor:
        agent = await town.agent("ann", language)
        page, words = agent.page, agent.words
        await page.set_viewport_size({"width": 390, "height": 844})
        await agent.is_available()
        end_user = await floor.waits()
        await agent.accepts()
        for number in range(8):
            await end_user.say(f"Bericht {number}, dat iets langer is dan een regel van een telefoon")
        for width, height in ((390, 844), (320, 568)):
            await page.set_viewport_size({"width": width, "height": height})
            await page.get_by_role("navigation", name=words.conversations).get_by_role("button").click()
            for part in (agent.message_box, page.get_by_role("button", name=words.end), agent.said.last):
                await expect(part).to_be_in_viewport(ratio=0.9)
            box = await page.locator(".said").bounding_box()
            assert box is not None
            # With a finger it is more: there is no line then about the keyboard below the box.
            assert box["height"] >= height * 0.45
            await inspect_here(page, f"console-phone-{width}")
