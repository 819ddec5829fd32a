"""A conversation that was erased while its page was open: the page says so, and tries no more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest
from playwright.async_api import expect

from chromium import inspect

if TYPE_CHECKING:
    from web_town import Town

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

LIVE_SETTINGS: Final = """
retention = "0 s"
wrap_up = "0.2 s"
"""
_ERASED: Final = "Het gesprek is gewist."


async def test_what_was_said_stays_in_sight_and_the_page_says_that_it_was_erased(town: Town) -> None:
    end_user, agent = await town.end_user(), await town.agent()
    await end_user.waits()
    await agent.helps()
    await end_user.says("bedankt")
    await agent.sees_messages("bedankt")

    await agent.ends()

    await end_user.reads(_ERASED)
    await end_user.sees_heading(end_user.words.ended)
    await expect(end_user.said).to_have_text(["bedankt"])
    await expect(end_user.page.get_by_role("button")).to_have_count(0)
    await expect(end_user.page.get_by_role("link", name=end_user.words.back)).to_be_visible()
    await inspect(end_user.page, "gone")
    assert await end_user.page.evaluate("Object.keys(sessionStorage).filter((key) => key.includes('outbox'))") == []
