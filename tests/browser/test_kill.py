"""kill -9 of the server in mid-conversation: both pages go on by themselves; nothing is lost, doubled, out of order.

The municipality's page stands on a website of its own here, as it does in life; so the server is `idcontact serve`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import pytest_asyncio
from playwright.async_api import expect

from chromium import inspect
from running import ATTRIBUTES, ServerProcess, make_site
from web_town import SETTINGS, Town

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from playwright.async_api import Route

    from running import Site
    from servers import RedisServer
    from web_people import Agent, EndUser, Person

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

_REFUSED = "ERR_CONNECTION_REFUSED"
_CUT_OFF = "WebSocket connection to"


@pytest_asyncio.fixture(loop_scope="session")
async def server(redis_of_the_house: RedisServer, tmp_path: Path) -> AsyncIterator[ServerProcess]:
    """A server in a process of its own, that may be killed."""
    with redis_of_the_house.client() as client:
        client.flushall()
    async with ServerProcess(make_site(tmp_path, redis_of_the_house.url, top=SETTINGS)) as running:
        yield running


@pytest.fixture
def house(server: ServerProcess) -> Site:
    """The town's house is the one that can be killed."""
    return server.site


async def website(route: Route, site: Site) -> None:
    """The page of a municipality: all that it needs are the script and the element."""
    await route.fulfill(
        content_type="text/html",
        body=f"""<!doctype html><html lang="nl"><title>Verhuizing doorgeven</title>
        <script type="module" src="{site.url}/widget.js"></script>
        <id-contact purpose="report_move"></id-contact></html>""",
    )


async def in_conversation(town: Town) -> tuple[EndUser, Agent]:
    """Somebody and Ann, talking; their pages are marked, so that a reload would show."""
    end_user = await town.end_user()
    await end_user.page.route("**/?topic=*", lambda route: website(route, town.site))
    await end_user.waits()
    agent = await town.agent()
    await agent.helps()
    await end_user.is_helped()
    for person in (end_user, agent):
        await person.keeps_this_page()
        person.troubles.expect(_REFUSED)
        person.troubles.expect(_CUT_OFF)
    return end_user, agent


async def has_lost_the_connection(person: Person) -> None:
    """Until the page says so."""
    await person.reads(person.words.offline)


async def is_connected_again(person: Person) -> None:
    """Until nothing is said of a lost connection any more."""
    await expect(person.page.get_by_text(person.words.offline)).to_have_count(0)


async def in_order(messages: list[str], *, of: str) -> None:
    """One person's messages stand in the order in which they wrote them, each of them once."""
    own = [text for text in messages if text.startswith(of)]
    assert own == [f"{of} {number}" for number in range(1, len(own) + 1)]


async def test_both_pages_go_on_by_themselves_and_what_was_typed_meanwhile_arrives_once_and_in_order(
    town: Town, server: ServerProcess
) -> None:
    end_user, agent = await in_conversation(town)
    for number in (1, 2):
        await end_user.says(f"vraag {number}")
        await agent.says(f"antwoord {number}")
    await expect(end_user.said).to_have_count(4)
    await expect(agent.said).to_have_count(4)

    # The last ones are under way when it happens: whether they were taken, nobody knows but the server's log.
    await end_user.says("vraag 3")
    await agent.says("antwoord 3")
    server.kill()
    await has_lost_the_connection(end_user)
    await has_lost_the_connection(agent)
    for number in (4, 5):
        await end_user.says(f"vraag {number}")
        await agent.says(f"antwoord {number}")
    await expect(end_user.log.locator("li.pending").last).to_contain_text(end_user.words.sending)
    await inspect(end_user.page, "conversation-offline")
    await inspect(agent.page, "console-offline")

    server.start()
    await server.wait_until_up()
    for person in (end_user, agent):
        await is_connected_again(person)
        await expect(person.log.locator("li.pending")).to_have_count(0)
        await expect(person.said).to_have_count(10)
    messages = await end_user.said.all_inner_texts()
    await agent.sees_messages(*messages)
    await in_order(messages, of="vraag")
    await in_order(messages, of="antwoord")
    assert await end_user.page_was_kept()
    assert await agent.page_was_kept()
    await agent.sees_verified(*ATTRIBUTES.values())

    # What the pages show is what the server has: a page that is loaded anew gets the same.
    await end_user.page.reload()
    await end_user.sees_messages(*messages)
    await agent.says("antwoord 6")
    await end_user.sees_messages(*messages, "antwoord 6")


async def test_who_waits_keeps_the_place_and_who_is_available_is_offered_it_afterwards(
    town: Town, server: ServerProcess
) -> None:
    end_user = await town.end_user()
    await end_user.page.route("**/?topic=*", lambda route: website(route, town.site))
    await end_user.waits()
    agent = await town.agent()
    for person in (end_user, agent):
        person.troubles.expect(_REFUSED)
        person.troubles.expect(_CUT_OFF)
        await person.keeps_this_page()
    server.kill()
    await has_lost_the_connection(end_user)
    await inspect(end_user.page, "waiting-offline")
    server.start()
    await server.wait_until_up()
    await is_connected_again(end_user)
    await end_user.reads(end_user.words.first_in_line)
    await agent.helps()
    await end_user.is_helped()
    assert await end_user.page_was_kept()
    assert await agent.page_was_kept()


async def test_a_reload_while_the_server_is_away_does_not_lose_what_was_typed(
    town: Town, server: ServerProcess
) -> None:
    end_user, agent = await in_conversation(town)
    server.kill()
    await has_lost_the_connection(end_user)
    await end_user.says("nog te versturen")
    await end_user.page.get_by_role("textbox", name=end_user.words.your_message).fill("nog niet af")
    server.start()
    await server.wait_until_up()
    await end_user.page.reload()
    await end_user.sees_messages("nog te versturen")
    await agent.sees_messages("nog te versturen")
    await expect(end_user.page.get_by_role("textbox", name=end_user.words.your_message)).to_have_value("nog niet af")
