"""A page comes back after a silence that nobody told it of: what it shows then is what is, and nothing is doubled.

What else a page comes back from: a kill of the server is in `test_kill.py`, a reload and the way by an identity
provider in `test_unsent.py`.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from playwright.async_api import expect

from live_floor import floor_of

if TYPE_CHECKING:
    from playwright.async_api import Page, WebSocketRoute

    from web_people import Agent, EndUser, Person
    from web_town import Town

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

NO_ANSWER = 11_000
"""Milliseconds after which a page that asked whether anybody is there gives the connection up, and has another."""


class Cable:
    """What is between one page and the server. Neither end hears it when it is pulled: nothing comes any more."""

    def __init__(self) -> None:
        self.sent: Counter[str] = Counter()
        """Frames of the page, by type."""
        self.sockets = 0
        self.withheld: Counter[str] = Counter()
        """How many of the next frames of a type get lost on their way to the page."""
        self._pulled = 0

    async def lay(self, page: Page) -> None:
        """Before the page opens its first connection."""
        await page.route_web_socket(re.compile("/socket"), self._connect)

    def pull(self) -> None:
        """All connections that are there carry nothing from here on; the next ones do."""
        self._pulled = self.sockets

    def _connect(self, near: WebSocketRoute) -> None:
        self.sockets += 1
        number, far = self.sockets, near.connect_to_server()

        def to_server(frame: str | bytes) -> None:
            self.sent[_kind(frame)] += 1
            if number > self._pulled:
                far.send(frame)

        def to_page(frame: str | bytes) -> None:
            if self.withheld[_kind(frame)] > 0:
                self.withheld[_kind(frame)] -= 1
            elif number > self._pulled:
                near.send(frame)

        near.on_message(to_server)
        far.on_message(to_page)


def _kind(frame: str | bytes) -> str:
    read: dict[str, Any] = json.loads(frame)
    kind: str = read["type"]
    return kind


async def with_a_cable(person: Person) -> Cable:
    """A page whose connection, and whose clock, are in the test's hands."""
    cable = Cable()
    await cable.lay(person.page)
    await person.page.clock.install()
    return cable


async def in_conversation(town: Town) -> tuple[EndUser, Cable, Agent]:
    """Somebody and Ann, talking; Ann has not said anything yet."""
    end_user = await town.end_user()
    cable = await with_a_cable(end_user)
    await end_user.waits()
    agent = await town.agent()
    await agent.helps()
    await end_user.is_helped()
    await end_user.keeps_this_page()
    return end_user, cable, agent


async def test_when_the_network_is_back_a_page_has_what_it_missed_and_what_was_read(town: Town) -> None:
    end_user, cable, agent = await in_conversation(town)
    cable.withheld["seen_by"] = 100
    await end_user.says("heeft u dit gelezen?")
    await agent.sees_messages("heeft u dit gelezen?")
    mark = end_user.log.locator("li.own .when").last
    await expect(mark).to_contain_text(end_user.words.sent)
    cable.pull()
    cable.withheld.clear()
    for number in (1, 2):
        await agent.says(f"gemist {number}")
    await agent.sees_messages("heeft u dit gelezen?", "gemist 1", "gemist 2")
    await end_user.page.evaluate("dispatchEvent(new Event('online'))")
    await end_user.page.clock.run_for(NO_ANSWER)
    await end_user.sees_messages("heeft u dit gelezen?", "gemist 1", "gemist 2")
    await expect(mark).to_contain_text(end_user.words.read)
    assert cable.sockets == 2
    assert await end_user.page_was_kept()


async def test_when_it_is_looked_at_again_a_page_knows_that_the_conversation_is_over(town: Town) -> None:
    end_user, cable, agent = await in_conversation(town)
    cable.pull()
    await agent.ends()
    await agent.reads(agent.words.wrap_up_by_agent)
    await end_user.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    await end_user.page.clock.run_for(NO_ANSWER)
    await end_user.sees_heading(end_user.words.ended)
    await end_user.reads(end_user.words.ended_by_agent)
    assert await end_user.page_was_kept()


async def test_when_the_lid_is_opened_again_a_page_knows_the_place_in_the_queue(town: Town) -> None:
    async with floor_of(town.site) as floor:
        first = await floor.waits()
        second = await town.end_user()
        cable = await with_a_cable(second)
        await second.waits()
        await second.reads(second.words.one_before)
        await second.keeps_this_page()
        cable.pull()
        await first.end()
        await first.in_phase("closed")
        await expect(second.page.get_by_text(second.words.one_before)).to_be_visible()
        await second.page.clock.fast_forward("00:30")
        await second.page.clock.run_for(NO_ANSWER)
        # Who heard nothing of the sleep would find out by its pings, later.
        await expect(second.page.get_by_text(second.words.first_in_line)).to_be_visible(timeout=10_000)
        assert cable.sockets == 2
        assert await second.page_was_kept()


async def test_a_console_that_missed_a_change_of_the_queue_asks_for_the_whole_of_it(town: Town) -> None:
    agent = await town.stranger()
    cable = await with_a_cable(agent)
    await agent.logs_in("ann")
    waiting = agent.page.locator(".queue li")
    await expect(agent.page.get_by_text(agent.words.nobody_waits)).to_be_visible()
    async with floor_of(town.site) as floor:
        first = await floor.waits()
        await expect(waiting).to_have_count(1)
        assert cable.sent["hello"] == 1, "a change that follows on is enough"
        cable.withheld["queue_delta"] = 1
        await floor.waits()
        await floor.waits()
        await expect(waiting).to_have_count(3)
        assert cable.withheld["queue_delta"] == 0
        assert cable.sent["hello"] == 2
        assert cable.sockets == 1
        await first.end()
        await expect(waiting).to_have_count(2)
        assert cable.sent["hello"] == 2


async def test_a_console_that_comes_back_has_its_offers_its_status_and_the_queue_as_they_are(town: Town) -> None:
    agent = await town.stranger()
    cable = await with_a_cable(agent)
    await agent.logs_in("ann")
    await agent.is_available()
    await agent.keeps_this_page()
    cable.pull()
    async with floor_of(town.site) as floor:
        end_user = await floor.waits()
        await agent.sees_no_offer()
        await agent.page.evaluate("dispatchEvent(new Event('online'))")
        await agent.page.clock.run_for(NO_ANSWER)
        await agent.is_offered(agent.words.report_move)
        await expect(agent.page.locator(".queue li")).to_have_count(1)
        available = agent.page.get_by_role("button", name=agent.words.available, exact=True)
        await expect(available).to_have_attribute("aria-pressed", "true")
        await agent.accepts()
        await end_user.in_phase("active")
        assert await agent.page_was_kept()
