"""What was typed while there was no network: shown as waiting, kept when the page goes, and said once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import pytest_asyncio
from playwright.async_api import Error, expect

from blocking import Network
from idcontact.demo_site import DemoSite
from running import make_site, running_house
from web_town import SETTINGS, Town

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from running import Site
    from servers import RedisServer
    from web_people import Agent, EndUser, Person

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

_ELSEWHERE = "https://identity.example/"


@pytest.fixture
def network(house_and_network: tuple[Site, Network]) -> Network:
    """What is between the town and the house."""
    return house_and_network[1]


@pytest.fixture
def house(house_and_network: tuple[Site, Network]) -> Site:
    """The town's house is behind it."""
    return house_and_network[0]


@pytest_asyncio.fixture(loop_scope="session")
async def house_and_network(redis_of_the_house: RedisServer, tmp_path: Path) -> AsyncIterator[tuple[Site, Network]]:
    """A house, and a network that comes and goes."""
    with redis_of_the_house.client() as client:
        client.flushall()
    site = make_site(tmp_path, redis_of_the_house.url, top=SETTINGS)
    network = Network(site)
    async with network.running(), running_house(site, DemoSite) as running:
        yield running, network


async def in_conversation(town: Town) -> tuple[EndUser, Agent]:
    """Somebody and Ann, talking."""
    end_user = await town.end_user()
    await end_user.waits()
    agent = await town.agent()
    await agent.helps()
    await end_user.is_helped()
    for person in (end_user, agent):
        person.troubles.expect("WebSocket connection to")
        person.troubles.expect("net::ERR_")
    return end_user, agent


async def is_waiting(person: Person, text: str) -> None:
    """Until this is shown as something that has yet to be sent."""
    await expect(person.log.locator("li.pending").filter(has_text=text)).to_contain_text(person.words.sending)


async def test_what_was_typed_without_a_network_is_said_once_after_a_reload(town: Town, network: Network) -> None:
    end_user, agent = await in_conversation(town)
    people: list[Person] = [end_user, agent]
    await end_user.says("voor de tunnel")
    await agent.sees_messages("voor de tunnel")
    network.goes_away()
    for person in people:
        await person.reads(person.words.offline)
    for number in (1, 2):
        await end_user.says(f"vraag {number}")
        await agent.says(f"antwoord {number}")
    await is_waiting(end_user, "vraag 2")
    await is_waiting(agent, "antwoord 2")
    addresses = [person.page.url for person in people]
    for person in people:
        with pytest.raises(Error):
            await person.page.reload()
        await person.page.wait_for_url("chrome-error://**")

    network.comes_back()
    for person, address in zip(people, addresses, strict=True):
        await person.page.goto(address)
    for person in people:
        await expect(person.said).to_have_count(5)
    said = await end_user.said.all_inner_texts()
    await end_user.sees_messages(*said)
    await agent.sees_messages(*said)
    for who in ("vraag", "antwoord"):
        assert [text for text in said if text.startswith(who)] == [f"{who} 1", f"{who} 2"]
    for person in people:
        await person.page.reload()
        await person.sees_messages(*said)


async def test_what_was_typed_is_said_once_also_after_a_way_by_an_identity_provider(
    town: Town, network: Network
) -> None:
    end_user, agent = await in_conversation(town)
    await end_user.page.context.route(
        f"{_ELSEWHERE}**",
        lambda route: route.fulfill(content_type="text/html", body="<!doctype html><title>Log in</title>"),
    )
    conversation = end_user.page.url
    network.goes_away()
    await end_user.reads(end_user.words.offline)
    await end_user.says("nog niet verstuurd")
    await is_waiting(end_user, "nog niet verstuurd")
    await end_user.page.goto(_ELSEWHERE)
    network.comes_back()
    # As the provider does: by a redirect of its own page, so that this is a navigation from another site.
    async with end_user.page.expect_navigation(url=conversation):
        await end_user.page.evaluate("(address) => { location.href = address; }", conversation)
    await end_user.sees_messages("nog niet verstuurd")
    await agent.sees_messages("nog niet verstuurd")
    await end_user.says("en verder")
    await agent.sees_messages("nog niet verstuurd", "en verder")
