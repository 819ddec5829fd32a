"""A `hello` that comes late, of a connection that its page has given up, takes nothing from the page's newest one."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from idcontact.live.comings import is_overtaken, name_of
from idcontact.live.messages import Hello
from live_client import PATIENCE

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from live_client import Client
    from live_floor import Floor

pytestmark = [pytest.mark.one_kind, pytest.mark.asyncio(loop_scope="module")]

REPLACED = 4409


@asynccontextmanager
async def given_up(page: Client, early: Client) -> AsyncIterator[Client]:
    """A connection by which this page has tried in vain before it came by another; `early` speaks over it."""
    early.page = page.page
    await early.open()
    early.attempt = page.attempt
    page.lose()
    await page.resume()
    try:
        yield early
    finally:
        await early.disconnect()


async def said_late(early: Client) -> int:
    """Its hello arrives now; the code with which it is closed."""
    await early.send_raw(json.dumps({"type": "hello", "have": [], "page": early.page, "attempt": early.attempt}))
    return await early.closed()


async def test_an_end_user_keeps_the_newest_connection(floor: Floor) -> None:
    end_user, ann = await floor.talk()
    async with given_up(end_user, floor.tab(end_user)) as early:
        assert await said_late(early) == REPLACED
    await end_user.say("still here")
    await ann.said(end_user.conversation, "still here")


async def test_an_agent_keeps_the_newest_connection(floor: Floor) -> None:
    end_user, ann = await floor.talk()
    async with given_up(ann, ann.another_console()) as early:
        assert await said_late(early) == REPLACED
    await ann.say(end_user.conversation, "still here")
    await end_user.said("still here")
    assert ann.is_open


async def test_another_page_takes_over_however_seldom_it_has_tried(floor: Floor) -> None:
    end_user, _ = await floor.talk()
    for _ in range(3):
        await end_user.resume()
    tab = floor.tab(end_user)
    await tab.connect(())
    assert await end_user.closed() == REPLACED
    await asyncio.wait_for(tab.ping(), PATIENCE)


async def test_a_page_that_does_not_say_who_it_is_takes_over_as_any_other(floor: Floor) -> None:
    end_user, _ = await floor.talk()
    tab = floor.tab(end_user)
    await tab.open()
    await tab.send_raw('{"type": "hello"}')
    await tab.wait_for("welcome")
    assert await end_user.closed() == REPLACED


async def test_only_a_lower_try_of_the_same_page_is_overtaken() -> None:
    first, tenth = (name_of(Hello(page="p", attempt=attempt)) for attempt in (9, 10))
    again, other, nameless = (
        name_of(Hello(page="p", attempt=10)),
        name_of(Hello(page="q", attempt=11)),
        name_of(Hello()),
    )
    assert is_overtaken(first, by=tenth)
    assert not any(is_overtaken(tenth, by=one) for one in (first, again, other, nameless, ""))
    assert not is_overtaken(nameless, by=tenth)
    assert len({tenth, again}) == 2
