"""While part of the store is away, those who lie elsewhere keep their routes, and hear what they missed."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import msgspec

from idcontact.live import leases
from idcontact.live.happenings import Ended
from idcontact.live.hub import Hub
from idcontact.tasks import Tasks
from live_parts import Parts, parts

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    import pytest
    from redis.asyncio import Redis

    from idcontact.live import messages as m
    from idcontact.live.keys import LogName
    from idcontact.live.local import Local
    from idcontact.live.stored import Stored

NODE = "n1"


class Listener:
    """A seat that takes whatever comes."""

    def __init__(self) -> None:
        self.who: m.Sender = "end_user"
        self.logs: tuple[LogName, ...] = ("public",)
        self._frames: asyncio.Queue[bytes] = asyncio.Queue()

    async def hears(self, kind: str) -> None:
        async with asyncio.timeout(10):
            while msgspec.json.decode(await self._frames.get())["type"] != kind:
                pass

    def deliver(self, frame: bytes) -> None:
        self._frames.put_nowait(frame)

    async def room(self) -> None:
        """There is always room."""

    def changed(self, stored: Stored) -> None:
        """Only what is said counts here."""

    def set_back(self, stored: Stored) -> None:
        """The same."""

    def gone(self) -> None:
        """The same."""


@asynccontextmanager
async def hub_of(live: Parts) -> AsyncIterator[Hub]:
    """A node that hears no publications."""
    async with Tasks() as tasks:
        yield Hub(NODE, live.conversations, tasks)


async def sits(hub: Hub, local: Local) -> Listener:
    listener = Listener()
    await hub.seat(local, listener, [])
    return listener


async def has_route(live: Parts, conversation: str) -> bool:
    return bool(await live.redis.hexists(live.store.keys(conversation).routes, NODE))


async def test_routes_of_those_in_reach_are_renewed_while_others_are_away(
    redis: Redis, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with parts(redis, tmp_path) as live, hub_of(live) as hub:
        everybody = await live.apart(60)
        for conversation in everybody:
            await hub.open(conversation)
            await redis.delete(live.store.keys(conversation).routes)
        away = everybody[::3]
        live.take_away(monkeypatch, *away)
        await hub.leases.renew_all()
        assert [one for one in everybody if await has_route(live, one)] == [one for one in everybody if one not in away]


async def test_who_leaves_while_others_are_renewed_is_not_brought_back(
    redis: Redis, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with parts(redis, tmp_path) as live, hub_of(live) as hub:
        early, late = await live.apart(2)
        leaving = await hub.open(early)
        await hub.open(late)
        renew = live.store.renew

        async def renew_as_one_leaves(conversation: str, node: str, route_ms: int, lease: int) -> int | None:
            if conversation == late:
                hub.close(leaving)
                while await has_route(live, early):
                    pass
            return await renew(conversation, node, route_ms, lease)

        monkeypatch.setattr(live.store, "renew", renew_as_one_leaves)
        monkeypatch.setattr(leases, "RENEWED_AT_ONCE", 1)
        await hub.leases.renew_all()
        assert [await has_route(live, one) for one in (early, late)] == [False, True]


async def test_what_was_missed_is_read_while_others_are_away_and_theirs_when_they_are_back(
    redis: Redis, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with parts(redis, tmp_path) as live, hub_of(live) as hub:
        lost, there = await live.apart(2)
        of_the_lost, of_the_other = [await sits(hub, await hub.open(one)) for one in (lost, there)]
        for conversation in (lost, there):
            await live.conversations.happen(conversation, Ended("end_user"))
        with monkeypatch.context() as meanwhile:
            live.take_away(meanwhile, lost)
            hub.distrust()
            await of_the_other.hears("ended")
        await of_the_lost.hears("ended")
