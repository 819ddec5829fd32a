"""From the widget through a real server, by every way that it offers besides the main one."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING

import pytest
from playwright.async_api import expect

from chromium import PATIENCE
from web_widget import core_says, offered, widget

if TYPE_CHECKING:
    from web_people import EndUser
    from web_town import Town

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


async def asks(end_user: EndUser, **attributes: str) -> None:
    """The widget on the municipality's page, for what these attributes say."""
    await end_user.visits()
    await widget(end_user.page).evaluate(
        """(element, attributes) => {
            for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
        }""",
        attributes,
    )


async def test_identifying_first_and_choosing_how_to_talk_afterwards(town: Town) -> None:
    end_user = await town.end_user()
    page, words = end_user.page, end_user.words
    await asks(end_user, **{"identify-first": ""})
    await page.get_by_role("radio", name=words.test_person).check()
    await end_user.presses(words.start)
    await page.wait_for_url("**/plugins/auth_test/**")
    await end_user.presses(words.share)
    await page.wait_for_url("**/choose/*")
    await page.get_by_role("radio", name=words.chat).check()
    await end_user.presses("Verder")
    await end_user.sees_heading(words.waiting)


async def test_without_identification_straight_to_the_queue(town: Town) -> None:
    end_user = await town.end_user()
    page, words = end_user.page, end_user.words
    await asks(end_user, purpose="complaint")
    await page.get_by_role("radio", name="Zonder identificatie").check()
    await expect(widget(page).get_by_text("U deelt geen gegevens met ons.")).to_be_visible()
    await end_user.presses(words.next)
    await page.get_by_role("radio", name=words.chat).check()
    await end_user.presses(words.start)
    await page.wait_for_url(re.compile(r"/c/[a-z2-7]{26}$"))
    await end_user.sees_heading(words.waiting)


async def test_what_is_closed_is_said_before_anybody_identifies(town: Town) -> None:
    end_user = await town.end_user()
    await asks(end_user, purpose="market_stall")
    await end_user.reads("Wij zijn nu gesloten.")
    await expect(end_user.page.get_by_role("radio")).to_have_count(0)


async def test_that_nobody_is_there_goes_away_by_itself_when_an_agent_comes(town: Town) -> None:
    end_user = await town.end_user()
    page = end_user.page
    await page.clock.install()
    await asks(end_user, purpose="parking_permit")
    await end_user.reads("Er is nu geen medewerker aanwezig.")
    agent = await town.agent("ann")
    await agent.is_available()
    nobody = widget(page).get_by_text("Er is nu geen medewerker aanwezig.")
    # The core goes by what it was told a moment ago, so the first answer may be the old one.
    async with asyncio.timeout(PATIENCE / 1000):
        while await nobody.count() > 0:
            async with page.expect_response("**/session_options/*"):
                await page.clock.run_for(46_000)


async def test_the_page_hears_what_happens_and_may_keep_somebody(town: Town) -> None:
    end_user = await town.end_user()
    page = end_user.page
    await core_says(page, offered("nl"))
    await page.add_init_script(
        """window.heard = [];
        for (const name of ["options", "step", "choice", "start"])
            addEventListener(`idc-${name}`, (event) => {
                window.heard.push([name, event.composed, event.target.localName]);
                event.preventDefault();
            });"""
    )
    await end_user.visits()
    await page.get_by_role("radio", name="DigiD").check()
    await end_user.presses(end_user.words.next)
    await page.get_by_role("radio", name="Chat").check()
    await end_user.presses(end_user.words.start)
    heard = await page.evaluate("window.heard")
    assert heard == [[name, True, "id-contact"] for name in ("options", "step", "choice", "step", "choice", "start")]
    await expect(page.get_by_role("button", name=end_user.words.start)).to_be_enabled()
