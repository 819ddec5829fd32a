"""Networks and browsers without WebSockets: people notice nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import pytest_asyncio
from playwright.async_api import expect

from blocking import Network
from idcontact.demo_site import DemoSite
from running import ATTRIBUTES, make_site, running_house
from web_town import SETTINGS, Town

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from playwright.async_api import Browser

    from running import Site
    from servers import RedisServer
    from web_people import Agent, EndUser

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

_WITHOUT = "globalThis.WebSocket = class { constructor() { throw new DOMException('blocked', 'SecurityError'); } };"


@pytest_asyncio.fixture(loop_scope="session")
async def network(redis_of_the_house: RedisServer, tmp_path: Path) -> AsyncIterator[tuple[Site, Network]]:
    """A house behind a network that refuses to upgrade."""
    with redis_of_the_house.client() as client:
        client.flushall()
    site = make_site(tmp_path, redis_of_the_house.url, top=SETTINGS)
    between = Network(site)
    between.upgrades = False
    async with between.running(), running_house(site, DemoSite) as running:
        yield running, between


async def talk(town: Town) -> tuple[EndUser, Agent]:
    """Somebody and Ann, from the queue to the end, with a reload in the middle."""
    end_user = await town.end_user()
    await end_user.waits()
    await end_user.reads(end_user.words.first_in_line)
    agent = await town.agent()
    await agent.is_available()
    await end_user.reads(end_user.words.one_present)
    await agent.accepts()
    await end_user.is_helped()
    await agent.sees_verified(*ATTRIBUTES.values())
    for number in (1, 2, 3):
        await end_user.says(f"vraag {number}")
        await agent.says(f"antwoord {number}")
    await expect(end_user.said).to_have_count(6)
    said = await end_user.said.all_inner_texts()
    await agent.sees_messages(*said)
    for person in (end_user, agent):
        await person.page.reload()
        await person.sees_messages(*said)
    await end_user.ends()
    await end_user.sees_heading(end_user.words.ended)
    await agent.presses(agent.words.finish)
    await expect(agent.panel).to_have_count(0)
    return end_user, agent


async def test_people_talk_through_a_proxy_that_refuses_websockets(
    network: tuple[Site, Network], chromium: Browser
) -> None:
    site, between = network
    town = Town(site, chromium)
    try:
        end_user, agent = await talk(town)
        assert between.refused >= 4
        assert end_user.frames == agent.frames == []
        for person in (end_user, agent):
            person.troubles.expect("WebSocket connection to")
        assert town.troubles() == []
    finally:
        await town.go_home()


async def test_people_talk_in_a_browser_that_has_no_websockets(town: Town) -> None:
    town.init_script = _WITHOUT
    end_user, agent = await talk(town)
    assert end_user.frames == agent.frames == []
