"""Whether somebody is there: what live says of a purpose, from its hours, its agents and its queue."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import aiohttp
import pytest

from idcontact.errors import NotFound, Unavailable
from idcontact.live import availability
from idcontact.live.availability import Reception
from idcontact.live.board import Board
from idcontact.live.routing import Wanted
from idcontact.live.routing_store import RoutingStore
from idcontact.opening_hours import OpeningHours, OpeningHoursSettings
from idcontact.protocol import Availability
from idcontact.settings import read
from idcontact.tasks import Tasks

if TYPE_CHECKING:
    from redis.asyncio import Redis

    from live_floor import Floor
    from running import Site

SECOND, MINUTE = 1000, 60_000
BEGIN = 1_800_000_000_000
"""Milliseconds UTC."""


class Counter:
    """A queue that the test fills and empties, at times of its own."""

    def __init__(self, redis: Redis) -> None:
        self.routing = RoutingStore(redis, "idc")
        self.board = Board(self.routing)
        self.now = BEGIN
        self.versions: dict[str, int] = {}

    def reception(self, hours: OpeningHours | None = None) -> Reception:
        return Reception(
            purposes=["move", "tax"],
            opening_hours={} if hours is None else {"move": hours},
            board=self.board,
            routing=self.routing,
            clock=lambda: self.now / 1000,
        )

    async def comes(self, agent: str, *purposes: str, capacity: int = 1) -> None:
        arrival = {"id": agent, "name": agent, "purposes": purposes, "capacity": capacity}
        await self.routing.act("arrive", self.now, conn="k", lease=self.now + 3_600_000, **arrival)
        await self.routing.act("set_status", self.now, agent=agent, status="available")

    async def waits(self, conversation: str, purpose: str = "move") -> None:
        self.versions[conversation] = 1
        wanted = Wanted(conversation, 1, 0, "queued", purpose, entered_at=self.now)
        await self.routing.sync(wanted, channel="chat", language="nl", now=self.now)

    async def accepted(self, conversation: str) -> None:
        entry = await self.routing.entry(conversation)
        assert entry is not None
        assert entry.agent is not None
        assert entry.offer is not None
        assert await self.routing.accept(conversation, entry.offer, entry.agent, self.now)

    async def ends(self, conversation: str) -> None:
        await self.routing.sync(Wanted(conversation, 2, 1, "none"), channel="chat", language="nl", now=self.now)

    async def said(self, purpose: str = "move", hours: OpeningHours | None = None) -> Availability:
        """What a node says that has just read the whole queue."""
        self.board = Board(self.routing)
        async with Tasks() as tasks:
            tasks.start(self.board.run())
            await self.board.ready.wait()
            return await self.reception(hours).availability(purpose)


@pytest.fixture
def counter(redis: Redis) -> Counter:
    return Counter(redis)


async def test_with_nobody_there_nothing_is_promised(counter: Counter) -> None:
    await counter.waits("c1")
    assert await counter.said() == Availability(open=True, agents=0, waiting=1)


async def test_somebody_free_is_there_at_once_for_the_purposes_they_serve(counter: Counter) -> None:
    await counter.comes("ann", "move")
    assert await counter.said("move") == Availability(open=True, agents=1, waiting=0, expected_wait=0)
    assert await counter.said("tax") == Availability(open=True, agents=0, waiting=0)


async def test_agents_who_are_away_are_not_there(counter: Counter) -> None:
    await counter.comes("ann", "move")
    await counter.routing.act("set_status", counter.now, agent="ann", status="away")
    assert await counter.said() == Availability(open=True, agents=0, waiting=0)


async def test_one_offer_does_not_occupy_another_agent(counter: Counter) -> None:
    await counter.comes("ann", "move")
    await counter.comes("bob", "move")
    await counter.waits("c1")
    assert await counter.said() == Availability(open=True, agents=2, waiting=1, expected_wait=0)
    await counter.waits("c2")
    assert await counter.said() == Availability(open=True, agents=2, waiting=2)


async def test_the_wait_is_said_once_there_have_been_hand_overs_to_go_by(counter: Counter) -> None:
    """One agent, conversations of three minutes, an accept after ten seconds, always three who wait."""
    await counter.comes("ann", "move")
    for number in range(4):
        await counter.waits(f"c{number}")
    await counter.accepted("c0")
    said = []
    for number in range(6):
        counter.now += 3 * MINUTE - 10 * SECOND
        await counter.ends(f"c{number}")
        counter.now += 10 * SECOND
        await counter.accepted(f"c{number + 1}")
        await counter.waits(f"c{number + 4}")
        said.append((await counter.said()).expected_wait)
    assert said == [None, None, None, 4 * 180, 4 * 180, 4 * 180]


async def test_while_it_is_closed_no_wait_is_said(counter: Counter) -> None:
    today = datetime.fromtimestamp(BEGIN / 1000, UTC).date()
    opens = today + timedelta(days=1)
    written = {"time_zone": "UTC", "special_days": {str(opens): ["09:00-17:00"]}}
    hours = OpeningHours(read(written, OpeningHoursSettings, base=Path()))
    await counter.comes("ann", "move")
    closed = Availability(open=False, until=f"{opens}T09:00:00+00:00", agents=1, waiting=0)
    assert await counter.said(hours=hours) == closed
    counter.now = int(datetime.fromisoformat(f"{opens}T09:00:00+00:00").timestamp() * 1000)
    opened = Availability(open=True, until=f"{opens}T17:00:00+00:00", agents=1, waiting=0, expected_wait=0)
    assert await counter.said(hours=hours) == opened


async def test_what_is_not_known_is_not_said(counter: Counter, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(availability, "READY_WITHIN", 0.01)
    with pytest.raises(NotFound):
        await counter.said("passport")
    counter.board = Board(counter.routing)
    with pytest.raises(Unavailable):  # the queue was not read yet
        await counter.reception().availability("move")


# --- over HTTP ------------------------------------------------------------------------------------------------------


@pytest.mark.asyncio(loop_scope="module")
async def test_the_core_and_anybody_who_asks_live_hears_of_people_who_come_and_wait(floor: Floor, house: Site) -> None:
    async with aiohttp.ClientSession() as session:

        async def ask(url: str) -> tuple[int, dict[str, object]]:
            async with session.get(url) as answer:
                return answer.status, await answer.json()

        live = f"{house.live}/availability/report_move"
        assert await ask(live) == (200, {"open": True, "agents": 0, "waiting": 0})
        bob = await floor.agent("bob")
        await bob.until(lambda: bob.agents.get("bob", {}).get("status") == "available", "bob on the board")
        assert await ask(live) == (200, {"open": True, "agents": 1, "waiting": 0, "expected_wait": 0})
        first = await floor.waits()
        await bob.accept_next(first.conversation)
        second = await floor.waits()
        await bob.until(lambda: second.conversation in bob.queue, "the second on the board")
        assert await ask(live) == (200, {"open": True, "agents": 1, "waiting": 1})
        assert (await ask(f"{house.live}/availability/nothing"))[0] == 404
        status, options = await ask(f"{house.url}/session_options/report_move")
        assert status == 200
        assert set(options["comm_methods"][0]["availability"]) >= {"open", "agents", "waiting"}  # type: ignore[index]
