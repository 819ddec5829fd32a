"""The store answers, but late: so is everything, and nothing is wrong."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import aiohttp

from live_floor import Floor, floor_of
from running import make_site, running_house
from scraping import samples, scraped
from servers import RedisServer, wanted_kinds
from soak.relay import Relay, Unix

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from running import Site

LATE: Final = 0.05
"""Seconds, each way."""


@dataclass
class Town:
    """A server, and what lies between it and its store."""

    floor: Floor
    relay: Relay


@asynccontextmanager
async def town(folder: Path, live: str = "") -> AsyncIterator[Town]:
    with RedisServer(wanted_kinds()[0], appendonly=True) as redis:
        front = redis.directory / "front"
        async with Relay(Unix(front), lambda: Unix(redis.socket)) as relay:
            site = make_site(folder, f"unix://{front}", live=live)
            async with running_house(site), floor_of(site) as floor:
                yield Town(floor, relay)
                relay.heal()  # those who leave need not wait as well


async def test_what_is_said_arrives_in_order_and_once_and_who_waits_is_served(tmp_path: Path) -> None:
    async with town(tmp_path) as here:
        floor = here.floor
        end_user, ann = await floor.talk()
        conversation = end_user.conversation
        here.relay.slow_down(LATE)
        said = asyncio.gather(
            *(end_user.say(f"question {number}") for number in range(5)),
            *(ann.say(conversation, f"answer {number}") for number in range(5)),
        )
        newcomer = await floor.waits("passport")
        await ann.accept_next(newcomer.conversation)
        await newcomer.in_phase("active")
        await said
        await end_user.has_seq(conversation, 12)
        await ann.has_seq(conversation, 12)
        assert ann.events(conversation) == end_user.events(conversation)
        assert sorted(end_user.texts()) == sorted(f"{what} {n}" for what in ("question", "answer") for n in range(5))
        await end_user.resume()
        assert [one.close_code for one in (end_user, ann, newcomer)] == [None] * 3
        await _is_seen_by_the_operator(floor.site)


async def _is_seen_by_the_operator(site: Site) -> None:
    """In the measures; health stays green."""
    async with aiohttp.ClientSession() as session, session.get(f"{site.url}/health/ready") as answer:
        assert answer.status == 200
    page = samples(await scraped(site))
    times, calls = (
        {labels: value for (name, labels), value in page.items() if name == f"idcontact_script_seconds_{what}"}
        for what in ("sum", "count")
    )
    assert max(times[script] / calls[script] for script in times if calls[script]) >= LATE


async def test_an_offer_lapses_all_the_same_and_goes_on(tmp_path: Path) -> None:
    async with town(tmp_path, live="offer_timeout = 3") as here:
        floor = here.floor
        ann, bob = await floor.agent("ann"), await floor.staff("bob")
        here.relay.slow_down(LATE)
        end_user = await floor.waits()
        offer = await ann.offered()
        await bob.available()
        assert (await ann.wait_for("offer_gone", id=offer["id"]))["reason"] == "lapsed"
        assert await bob.accept_next() == end_user.conversation
