"""`idcontact serve --workers`: several processes behind one address, and a parent that keeps them."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
import pytest_asyncio
from hypothesis import given
from hypothesis import strategies as st
from websockets.asyncio.client import ClientConnection

from idcontact.errors import SettingsError, StartFailed
from idcontact.listeners import Doors, bound_together
from idcontact.settings import Address
from idcontact.workers import FIRST_PAUSE, LONGEST_PAUSE, STEADY, Workers, pause_after
from live_floor import floor_of
from live_people import Staff
from running import make_site
from workers_house import gone, holder_of, workers_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
    from pathlib import Path

    from live_client import Client
    from running import Site
    from servers import RedisServer
    from workers_house import Parent


on_one_loop = pytest.mark.asyncio(loop_scope="module")
"""For tests that share the parent."""

TALKATIVE = "frames_per_10_seconds = 10000"


@pytest.fixture
def site(tmp_path: Path, one_redis_server: RedisServer) -> Site:
    """A site whose server was not started, and which shares nothing with that of the others."""
    return make_site(tmp_path, one_redis_server.url, top=f'redis_prefix = "{tmp_path.name}"')


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def parent(one_redis_server: RedisServer, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Parent]:
    """A parent with two workers, for all tests that leave it with two."""
    with one_redis_server.client() as client:
        client.flushall()
    site = make_site(tmp_path_factory.mktemp("shared"), one_redis_server.url, live=TALKATIVE)
    async with workers_of(site, 2) as running:
        yield running


# One after the other


@given(before=st.floats(0, LONGEST_PAUSE))
def test_a_worker_that_served_for_a_while_is_followed_at_once(before: float) -> None:
    assert pause_after(STEADY, before) == 0


@given(lived=st.floats(0, STEADY, exclude_max=True), before=st.floats(0, LONGEST_PAUSE))
def test_workers_that_die_soon_are_followed_after_a_longer_pause_each_time(lived: float, before: float) -> None:
    after = pause_after(lived, before)
    assert FIRST_PAUSE <= after <= LONGEST_PAUSE
    assert after > before or after == LONGEST_PAUSE


# Starting


async def test_a_worker_that_cannot_start_at_all_ends_everything(tmp_path: Path) -> None:
    with ExitStack() as owner:
        listening = bound_together("listen", Address("127.0.0.1", 0), 1, owner)
        workers = Workers([Doors(one, None) for one in listening], ["--config", str(tmp_path / "nothing.toml")], 0)
        with pytest.raises(StartFailed, match="a worker could not start"):
            await workers.run()
        assert [one.fileno() for one in listening] == [-1]


def test_an_address_that_is_not_of_this_machine_is_named() -> None:
    with ExitStack() as owner, pytest.raises(SettingsError, match=r"listen: 192\.0\.2\.1:8000: Cannot assign"):
        bound_together("listen", Address("192.0.2.1", 8000), 2, owner)


# Serving


@on_one_loop
async def test_people_on_different_processes_share_a_conversation(parent: Parent) -> None:
    assert len(parent.workers()) == 2
    async with floor_of(parent.site) as floor:
        end_user, ann = await floor.talk()
        await _elsewhere(parent, end_user, ann)
        await end_user.say("from one process")
        await ann.say(end_user.conversation, "from the other")
        await end_user.said("from one process", "from the other")
        await ann.said(end_user.conversation, "from one process", "from the other")


async def test_sigterm_hands_everybody_over_and_ends_the_worker_too(site: Site) -> None:
    async with workers_of(site, 1) as parent:
        workers = parent.workers()
        ann = await Staff.log_in(site, "ann")
        await ann.connect()
        parent.tell(signal.SIGTERM)
        assert await parent.ended() == 0
        assert await ann.closed() == 1012
        await ann.browser.close()
        assert _mistakes(parent.log) == []
        with pytest.raises(ConnectionRefusedError), socket.create_connection(("127.0.0.1", site.port)):
            pass
    for worker in workers:
        await gone(worker)


async def test_a_second_signal_does_not_wait_for_what_was_begun(site: Site) -> None:
    async with workers_of(site, 1) as parent:
        reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
        begun = "POST /start HTTP/1.1", f"Host: 127.0.0.1:{site.port}", "Content-Type: application/json"
        writer.write("\r\n".join([*begun, "Content-Length: 9", "Expect: 100-continue", "", ""]).encode())
        assert await reader.readline() == b"HTTP/1.1 100 Continue\r\n"
        parent.tell(signal.SIGINT)
        parent.tell(signal.SIGTERM)
        assert await parent.ended() == 0
        assert not [text for text in _mistakes(parent.log) if "graceful shutdown exceeded" in text]
        writer.close()


def _mistakes(log: list[dict[str, Any]]) -> list[str]:
    return [entry["text"] for entry in log if entry.get("level") in {"error", "critical", None}]


async def _elsewhere(parent: Parent, client: Client, other: Client) -> None:
    """Connect until these two are on different processes; the kernel chooses."""
    for _ in range(50):
        if _process_of(parent, client) != _process_of(parent, other):
            return
        await client.connect()
    raise AssertionError("fifty connections in a row came to one process")


def _process_of(parent: Parent, client: Client) -> int:
    assert isinstance(client._socket, ClientConnection)
    found = holder_of(client._socket.local_address[1], parent.workers())
    assert found is not None
    return found


@on_one_loop
async def test_a_worker_that_dies_is_followed_by_another_and_its_people_lose_nothing(parent: Parent) -> None:
    async with floor_of(parent.site) as floor:
        end_user, ann = await floor.talk()
        await _elsewhere(parent, end_user, ann)
        await end_user.say("before")
        before = parent.workers()
        killed = _process_of(parent, end_user)
        os.kill(killed, signal.SIGKILL)
        assert await end_user.closed() == 1006
        await ann.say(end_user.conversation, "meanwhile")
        seen = await parent.says(f"(process {killed}) ended with status -9; another is started ")
        await parent.says("is process ", since=seen)
        now = parent.workers()
        assert len(now) == 2
        assert set(before) - set(now) == {killed}
        await end_user.resume()
        await end_user.say("after")
        await end_user.said("before", "meanwhile", "after")
        await ann.said(end_user.conversation, "before", "meanwhile", "after")


# Replacing


@on_one_loop
async def test_a_rolling_restart_goes_unnoticed(parent: Parent) -> None:
    """People talk and pages are asked for all the time, while both processes are replaced."""
    async with floor_of(parent.site) as floor:
        end_user, ann = await floor.talk()
        await _elsewhere(parent, end_user, ann)
        before, entries = parent.workers(), len(parent.log)
        speakers = [Speaker(end_user, end_user.conversation), Speaker(ann, end_user.conversation)]
        parent.tell(signal.SIGHUP)
        asked = await _while(parent.says("all workers are replaced"), lambda: _turn(parent.site, speakers))
        for speaker in speakers:
            await speaker.says("after")

        assert set(before).isdisjoint(parent.workers())
        assert len(parent.workers()) == 2
        told = sorted(seq for speaker in speakers for seq in speaker.told)
        for client in (end_user, ann):
            await client.has_seq(end_user.conversation, told[-1])
            assert not client.heard("error")
        assert end_user.events(end_user.conversation) == ann.events(end_user.conversation)
        assert [event["seq"] for event in end_user.messages()] == told
        assert len(told) == len(set(told)) == sum(speaker.turns for speaker in speakers) > 2
        assert all(speaker.closes for speaker in speakers)
        assert {code for speaker in speakers for code in speaker.closes} == {1012}
        assert set(asked) == {200}
        assert len([entry for entry in parent.log[entries:] if "sockets handed over" in entry["text"]]) == 2
        assert _mistakes(parent.log[entries:]) == []


async def _while(work: Coroutine[object, object, object], turn: Callable[[], Awaitable[int]]) -> list[int]:
    """One turn after the other until the work is done; what they gave."""
    given = []
    working = asyncio.ensure_future(work)
    try:
        while not working.done():
            given.append(await turn())
        await working
    finally:
        working.cancel()
    return given


async def _turn(site: Site, speakers: list[Speaker]) -> int:
    """All say something at once, and a page is asked for; its status."""
    await asyncio.gather(*(speaker.says("something") for speaker in speakers))
    return await _ask(site)


@dataclass
class Speaker:
    """Somebody who talks, and connects again as a page does."""

    client: Client
    conversation: str
    turns: int = 0
    told: list[int] = field(default_factory=list)
    """The numbers of what was acknowledged."""
    closes: list[int] = field(default_factory=list)
    """The codes of closes on the way."""

    async def says(self, text: str) -> None:
        """Say it, and have it acknowledged, over as many connections as that takes."""
        self.turns += 1
        command = await self.client.begin("send", conversation=self.conversation, text=f"{text} {self.turns}")
        while not command.answer.done():
            await self.client.until(lambda: command.answer.done() or self.client.close_code, "an answer or a close")
            if self.client.close_code is not None:
                self.closes.append(self.client.close_code)
                await self.client.resume()
        self.told.append((await command.ack())["seq"])


async def _ask(site: Site) -> int:
    """Ask for a page, over a connection of its own; the status. A connection that fails is an error of this test."""
    async with aiohttp.ClientSession() as session, session.get(f"{site.url}/session_options/passport") as answer:
        await answer.read()
        return answer.status


@on_one_loop
async def test_settings_that_cannot_be_used_stop_a_rolling_restart_and_nothing_else(parent: Parent) -> None:
    before, config = parent.workers(), parent.site.config
    written = config.read_text()
    config.write_text(written.replace("keys_dir", "keys_dri"))
    try:
        parent.tell(signal.SIGHUP)
        await parent.says("a new worker could not start; the workers that are there go on")
    finally:
        config.write_text(written)
    assert len([entry for entry in parent.log if "keys_dri" in entry["text"]]) == 1
    assert parent.workers() == before
    async with aiohttp.ClientSession() as session, session.get(f"{parent.site.url}/health/ready") as answer:
        assert answer.status == 200
