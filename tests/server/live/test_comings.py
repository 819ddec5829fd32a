"""A `hello` that comes late, of a connection that its page has given up, takes nothing from the page's newest one.

Nor does one that the store knows again because it fell back to an earlier copy of itself.
"""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest
from msgspec.structs import replace

from idcontact.live.attendance import Attendance
from idcontact.live.comings import is_overtaken, name_of
from idcontact.live.conversation import deadlines
from idcontact.live.conversations import Conversations
from idcontact.live.happenings import Connected
from idcontact.live.messages import Hello
from idcontact.live.stored import Change
from live_client import PATIENCE

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from idcontact.live.conversations import Outcome
    from idcontact.live.happenings import Happening
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


# --- what the store says of a page after a failover ----------------------------------------------------------------


class Arrivals:
    """By which conversations and by which name end users connected, from now on."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._come: asyncio.Queue[tuple[Conversations, str]] = asyncio.Queue()
        happen = Conversations.happen

        async def noted(conversations: Conversations, conversation: str, happening: Happening, **more: Any) -> Outcome:
            outcome = await happen(conversations, conversation, happening, **more)
            if isinstance(happening, Connected):
                self._come.put_nowait((conversations, happening.conn))
            return outcome

        monkeypatch.setattr(Conversations, "happen", noted)

    async def next(self) -> tuple[Conversations, str]:
        """The next one."""
        async with asyncio.timeout(PATIENCE):
            return await self._come.get()


def try_before(conn: str) -> str:
    """The name of an earlier try of the same page."""
    page, attempt, _ = conn.split("~", 2)
    return f"{page}~{int(attempt) - 1}~earlier"


async def test_an_end_user_whom_the_store_knows_by_an_earlier_try_takes_the_place_again(
    floor: Floor, monkeypatch: pytest.MonkeyPatch
) -> None:
    end_user, ann = await floor.talk()
    arrivals = Arrivals(monkeypatch)
    await end_user.resume()
    conversations, conn = await arrivals.next()
    before = await conversations.store.load(end_user.conversation)
    assert before.state.conn == conn
    due = deadlines(before.state, conversations.rules(before.state.purpose), before.last_activity)
    earlier = replace(before.state, conn=try_before(conn))
    assert (await conversations.store.commit(before, Change(earlier, due))).outcome == "ok"  # as after a failover
    assert await arrivals.next() == (conversations, conn)
    assert (await conversations.store.load(end_user.conversation)).state.conn == conn
    await end_user.say("still there")
    await ann.said(end_user.conversation, "still there")


async def test_an_agent_whom_routing_knows_by_an_earlier_try_takes_the_place_again(
    floor: Floor, monkeypatch: pytest.MonkeyPatch
) -> None:
    come: list[Attendance] = []
    begin = Attendance.begin

    async def noted(attendance: Attendance, hello: Hello) -> bool:
        come.append(attendance)
        return await begin(attendance, hello)

    monkeypatch.setattr(Attendance, "begin", noted)
    arrivals = Arrivals(monkeypatch)
    end_user, ann = await floor.talk()
    await ann.resume()
    attendance = come[-1]
    routing = (await arrivals.next())[0].routing
    agents = f"{routing.root}agents"
    kept = await routing._redis.hget(agents, ann.me["id"])
    assert kept is not None
    known = json.loads(kept)
    assert known["conn"] == attendance.conn
    fallen_back = {**known, "conn": try_before(attendance.conn)}  # as after a failover
    await routing._redis.hset(agents, ann.me["id"], json.dumps(fallen_back))
    await attendance.renew()
    again = await routing.agent(ann.me["id"])
    assert again is not None
    assert again.conn == attendance.conn
    await ann.say(end_user.conversation, "still there")
    await end_user.said("still there")
