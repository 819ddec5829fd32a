"""A replica takes over that had not got everything yet: both pages say so, and what one said is not forgotten."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import pytest_asyncio
from playwright.async_api import expect

from chromium import inspect
from idcontact.demo_site import DemoSite
from running import free_port, make_site, running_house
from servers import RedisServer, wanted_kinds
from soak.relay import Relay, Unix
from web_town import SETTINGS, Town

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from playwright.async_api import Locator

    from running import Site
    from web_people import Agent, EndUser, Person
    from web_words import Language

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

_LISTEN = """(list) => {
    const heard = (window.heard = []);
    const region = list.shadowRoot.querySelector("[role=status]");
    new MutationObserver(() => region.textContent && heard.push(region.textContent)).observe(region,
        { characterData: true, childList: true, subtree: true });
    const log = list.shadowRoot.querySelector("[role=log]");
    new MutationObserver((changes) => {
        if (log.getAttribute("aria-live") !== "polite") return;
        for (const change of changes) {
            for (const added of change.addedNodes) if (added.matches?.("li")) heard.push(added.textContent);
        }
    }).observe(log, { childList: true, subtree: true });
}"""
"""What a screen reader would be given to say from here on."""


class Store:
    """A primary and a replica, of which one is reached."""

    def __init__(self, primary: RedisServer, replica: RedisServer) -> None:
        self._primary = primary
        self.replica = replica
        self._reached = primary

    def choose(self) -> Unix:
        """Where what is sent to the store goes."""
        return Unix(self._reached.socket)

    def part(self) -> None:
        """When the replica has everything, it gets nothing more."""
        self.replica.wait_until_following()
        self.replica.promote()

    def take_over(self) -> None:
        """The primary is lost, with what the replica did not get."""
        self._reached = self.replica
        self._primary.kill()


@pytest_asyncio.fixture(loop_scope="session")
async def house_and_store(tmp_path: Path) -> AsyncIterator[tuple[Site, Store]]:
    """A house whose store can fall back."""
    kind = wanted_kinds()[0]
    with (
        RedisServer(kind, port=free_port()) as primary,
        RedisServer(kind, replica_of=primary) as replica,
    ):
        store = Store(primary, replica)
        site = make_site(tmp_path, f"unix://{tmp_path}/r", top=SETTINGS)
        async with Relay(Unix(tmp_path / "r"), store.choose), running_house(site, DemoSite) as running:
            yield running, store


@pytest.fixture
def house(house_and_store: tuple[Site, Store]) -> Site:
    """The town's house is that one."""
    return house_and_store[0]


@pytest.fixture
def store(house_and_store: tuple[Site, Store]) -> Store:
    """Its store."""
    return house_and_store[1]


def lost(person: Person, text: str) -> Locator:
    """This message, as one that was not kept."""
    return person.log.locator("li.lost").filter(has_text=text)


async def in_conversation(town: Town, of_end_user: Language, of_agent: Language) -> tuple[EndUser, Agent]:
    """Somebody and Ann, who have said something that will stay."""
    end_user = await town.end_user(of_end_user)
    await end_user.waits()
    agent = await town.agent("ann", of_agent)
    await agent.helps()
    await end_user.is_helped()
    await end_user.says("blijft 1")
    await agent.says("blijft 2")
    await end_user.sees_messages("blijft 1", "blijft 2")
    await agent.sees_messages("blijft 1", "blijft 2")
    return end_user, agent


async def loses_the_end(store: Store, end_user: EndUser, agent: Agent) -> None:
    """Each says something that both have on their pages, and that the store then has no longer."""
    store.part()
    await end_user.says("weg 1")
    await agent.sees_messages("blijft 1", "blijft 2", "weg 1")
    await agent.says("weg 2")
    await end_user.sees_messages("blijft 1", "blijft 2", "weg 1", "weg 2")
    store.take_over()


async def heard(person: Person) -> list[str]:
    """All that a screen reader was given since it listens."""
    said: list[str] = await person.page.evaluate("window.heard")
    return [" ".join(one.split()) for one in said]


async def test_people_are_told_once_and_can_say_again_what_was_not_kept(town: Town, store: Store) -> None:
    end_user, agent = await in_conversation(town, "nl", "en")
    people: list[Person] = [end_user, agent]
    await expect(end_user.log).to_have_attribute("aria-live", "polite")
    await expect(agent.log).to_have_attribute("aria-live", "polite")
    for person in people:
        await person.page.locator("idc-message-list").evaluate(_LISTEN)
    await loses_the_end(store, end_user, agent)

    await expect(lost(end_user, "weg 1")).to_contain_text(end_user.words.not_kept)
    await expect(lost(agent, "weg 2")).to_contain_text(agent.words.not_kept)
    await end_user.sees_messages("blijft 1", "blijft 2", "weg 1")
    await agent.sees_messages("blijft 1", "blijft 2", "weg 2")
    for person in people:
        await expect(person.log).to_have_attribute("aria-live", "polite")
        told = [one for one in await heard(person) if person.words.there_was_a_fault in one]
        assert len(told) == 1, told
        assert person.words.one_not_kept in told[0]
        again = [one for one in await heard(person) if "blijft" in one]
        assert again == [], "what was heard before is not read out again"
    await inspect(end_user.page, "conversation-maybe-lost")
    await inspect(agent.page, "console-maybe-lost")

    await end_user.page.reload()
    await agent.page.reload()
    for person in people:
        await expect(person.log.locator("li.lost")).to_have_count(1)
        await person.page.locator("idc-message-list").evaluate(_LISTEN)
        await expect(person.log).to_have_attribute("aria-live", "polite")
        assert await heard(person) == [], "history is not read out"

    await lost(end_user, "weg 1").get_by_role("button", name=end_user.words.send_again).click()
    await agent.sees_messages("blijft 1", "blijft 2", "weg 2", "weg 1")
    await end_user.sees_messages("blijft 1", "blijft 2", "weg 1")
    await expect(end_user.log.locator("li.lost")).to_have_count(0)
    await lost(agent, "weg 2").get_by_role("button", name=agent.words.send_again).click()
    for person in people:
        await person.sees_messages("blijft 1", "blijft 2", "weg 1", "weg 2")
        await person.page.reload()
        await person.sees_messages("blijft 1", "blijft 2", "weg 1", "weg 2")
        await expect(person.log.locator("li.lost")).to_have_count(0)


async def test_what_was_not_kept_can_be_let_go_and_stays_away(town: Town, store: Store) -> None:
    end_user, agent = await in_conversation(town, "en", "nl")
    await loses_the_end(store, end_user, agent)
    for person, name in ((end_user, "conversation-maybe-lost"), (agent, "console-maybe-lost")):
        await expect(person.log.locator("li.lost")).to_contain_text(person.words.not_kept)
        await inspect(person.page, name)
    await lost(end_user, "weg 1").get_by_role("button", name=end_user.words.remove).click()
    await end_user.sees_messages("blijft 1", "blijft 2")
    await end_user.page.reload()
    await end_user.sees_messages("blijft 1", "blijft 2")
    await agent.sees_messages("blijft 1", "blijft 2", "weg 2")
    await agent.ends()
    await end_user.sees_heading(end_user.words.ended)
    await expect(lost(agent, "weg 2").get_by_role("button")).to_have_text([agent.words.remove])
    kept = "Object.keys(sessionStorage).filter((key) => key.startsWith('idcontact.said'))"
    for person in (end_user, agent):
        assert await person.page.evaluate(kept) == []


async def test_a_reload_before_the_page_has_heard_of_it_does_not_hide_it(town: Town, store: Store) -> None:
    end_user, agent = await in_conversation(town, "nl", "nl")
    store.part()
    await end_user.says("weg 1")
    await agent.sees_messages("blijft 1", "blijft 2", "weg 1")
    await end_user.sees_messages("blijft 1", "blijft 2", "weg 1")
    address = end_user.page.url
    await end_user.page.goto("about:blank")
    store.take_over()
    await agent.reads(agent.words.there_was_a_fault)
    await end_user.page.goto(address)
    await expect(lost(end_user, "weg 1")).to_contain_text(end_user.words.not_kept)
