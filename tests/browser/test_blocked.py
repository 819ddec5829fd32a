"""Networks and browsers without WebSockets: people notice nothing."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio
from playwright.async_api import expect

from blocking import Network
from firefox import firefox_running
from idcontact.demo_site import DemoSite
from running import ATTRIBUTES, make_site, running_house
from web_town import SETTINGS, Town
from web_words import NL

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from playwright.async_api import Browser, Request, Route

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


async def test_people_talk_in_firefox_through_a_proxy_that_refuses_websockets(
    network: tuple[Site, Network], chromium: Browser, tmp_path: Path
) -> None:
    site, between = network
    profile = tmp_path / "firefox"
    profile.mkdir()
    town = Town(site, chromium)
    try:
        agent = await town.agent()
        agent.troubles.expect("WebSocket connection to")
        async with firefox_running(profile) as firefox:
            end_user = await firefox.new_page()
            await end_user.goes_to(f"{site.url}/?topic=report_move&lang=nl")
            await end_user.picks(NL.test_person)
            await end_user.presses(NL.next)
            await end_user.picks(NL.chat)
            await end_user.presses(NL.start)
            await end_user.presses(NL.share)
            await end_user.arrives_at(r"/c/[a-z2-7]{26}")
            await end_user.reads(NL.waiting)
            await agent.helps()
            await end_user.says(NL.your_message, "vraag")
            await agent.sees_messages("vraag")
            await agent.says("antwoord")
            await end_user.reads("antwoord")
            between.goes_away()
            await end_user.reads(NL.offline)
            await end_user.says(NL.your_message, "zonder verbinding")
            between.comes_back()
            await agent.sees_messages("vraag", "antwoord", "zonder verbinding")
            blocked = re.compile("can.t establish a connection to the server at ws")
            assert [one for one in end_user.troubles if not blocked.search(one)] == []
        agent.troubles.expect("net::ERR_")
        agent.troubles.expect("status of 410")  # posted again, and the stream was over by then
        assert town.troubles() == []
    finally:
        await town.go_home()


async def test_a_proxy_that_fails_for_a_moment_costs_nobody_their_stream(town: Town) -> None:
    town.init_script = _WITHOUT
    end_user = await town.end_user()
    await end_user.waits()
    agent = await town.agent()
    await agent.helps()
    await end_user.is_helped()
    end_user.troubles.expect("status of 503")
    end_user.troubles.expect("net::ERR_FAILED")
    streams: list[Request] = []
    end_user.page.on("request", lambda one: streams.append(one) if one.url.endswith("/events") else None)
    batches: list[str | None] = []

    async def fails(route: Route) -> None:
        """Twice before the server has it, and once after: then nobody knows that it was taken."""
        batches.append(route.request.headers.get("idcontact-batch"))
        match len(batches):
            case 1:
                await route.fulfill(status=503)
            case 2:
                await route.abort()
            case 3:
                await route.fetch()
                await route.fulfill(status=502)
            case _:
                await route.continue_()

    end_user.troubles.expect("status of 502")
    await end_user.page.route("**/frames", fails)
    await end_user.says("komt dit aan?")
    await agent.sees_messages("komt dit aan?")
    await end_user.sees_messages("komt dit aan?")
    await agent.says("ja")
    await end_user.sees_messages("komt dit aan?", "ja")
    await end_user.says("mooi")
    await agent.sees_messages("komt dit aan?", "ja", "mooi")
    assert len(set(batches[:4])) == 1, batches
    assert len(batches) > 4
    assert streams == [], "the stream was never given up"
