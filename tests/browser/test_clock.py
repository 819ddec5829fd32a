"""Somebody's clock is hours off: what the pages say of time is by the server's."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from playwright.async_api import expect

if TYPE_CHECKING:
    from web_people import Person
    from web_town import Town

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

_OFF = """{
    const Real = Date;
    globalThis.Date = class extends Real {
        constructor(...given) { given.length === 0 ? super(Real.now() + MILLISECONDS) : super(...given); }
        static now() { return Real.now() + MILLISECONDS; }
    };
}"""


async def says_when(person: Person) -> set[str]:
    """The times that stand by what was said and what happened."""
    return {
        found
        for text in await person.log.locator("time").all_inner_texts()
        for found in re.findall(r"\d\d?:\d\d", text)
    }


@pytest.mark.parametrize("hours", [-5, 7], ids=["slow", "fast"])
async def test_a_clock_that_is_hours_off_changes_nothing(town: Town, hours: int) -> None:
    town.init_script = _OFF.replace("MILLISECONDS", str(hours * 3_600_000))
    end_user = await town.end_user()
    await end_user.waits()
    agent = await town.agent()
    began = datetime.now(UTC)
    await agent.is_available()
    await agent.is_offered(agent.words.report_move)
    await expect(agent.offer).to_contain_text(re.compile(r"\b0:[0-5]\d\b"))
    await agent.accepts()
    await end_user.is_helped()
    await end_user.says("hoe laat is het?")
    await agent.sees_messages("hoe laat is het?")
    moments = [began.astimezone() + timedelta(minutes=passed) for passed in range(-1, 3)]
    possible = {f"{moment:%H:%M}" for moment in moments}
    for person in (end_user, agent):
        shown = await says_when(person)
        assert shown
        assert shown <= possible
