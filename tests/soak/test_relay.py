"""The relay does to connections what networks do."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Literal

import pytest

from running import free_port
from soak.relay import Relay, Tcp, Unix

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from soak.relay import Link

SOON = 5.0


class Echo:
    """A server that says back what it hears, and knows how its connections ended."""

    def __init__(self) -> None:
        self.ended = asyncio.Event()
        self.heard = b""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while piece := await reader.read(1024):
                self.heard += piece
                writer.write(piece)
                await writer.drain()
        except OSError:
            pass
        finally:
            self.ended.set()
            writer.close()


class Caller:
    """A client of it, through the relay."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def say(self, words: bytes) -> None:
        self.writer.write(words)
        await self.writer.drain()

    async def hears(self, words: bytes) -> None:
        async with asyncio.timeout(SOON):
            assert await self.reader.readexactly(len(words)) == words

    async def loses(self) -> None:
        """The connection ends, in good order or not."""
        async with asyncio.timeout(SOON):
            try:
                assert await self.reader.read() == b""
            except ConnectionError:
                return


class Town:
    def __init__(self, relay: Relay, echo: Echo, listen: Tcp | Unix) -> None:
        self.relay, self.echo, self._listen = relay, echo, listen
        self._callers: list[Caller] = []

    async def call(self) -> Caller:
        if isinstance(self._listen, Tcp):
            caller = Caller(*await asyncio.open_connection("127.0.0.1", self._listen.port))
        else:
            caller = Caller(*await asyncio.open_unix_connection(self._listen.path))
        self._callers.append(caller)
        return caller

    def go_home(self) -> None:
        for caller in self._callers:
            caller.writer.close()

    async def talk(self) -> tuple[Caller, Link]:
        """A caller who was answered, and the one link of it."""
        caller = await self.call()
        await caller.say(b"hello")
        await caller.hears(b"hello")
        (link,) = self.relay.links
        return caller, link


@pytest.fixture(params=["tcp", "unix"])
async def town(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Town]:
    kind: Literal["tcp", "unix"] = request.param
    async with _town(kind, tmp_path) as made:
        yield made


@asynccontextmanager
async def _town(kind: Literal["tcp", "unix"], folder: Path) -> AsyncIterator[Town]:
    echo = Echo()
    listen: Tcp | Unix = Tcp(free_port()) if kind == "tcp" else Unix(folder / "near")
    target: Tcp | Unix = Tcp(free_port()) if kind == "tcp" else Unix(folder / "far")
    if isinstance(target, Tcp):
        server = await asyncio.start_server(echo.serve, "127.0.0.1", target.port)
    else:
        server = await asyncio.start_unix_server(echo.serve, target.path)
    async with server, Relay(listen, lambda: target) as relay:
        made = Town(relay, echo, listen)
        yield made
        made.go_home()


async def test_what_is_said_is_carried_both_ways_and_its_end_too(town: Town) -> None:
    caller, _ = await town.talk()
    caller.writer.close()
    await asyncio.wait_for(town.echo.ended.wait(), SOON)


async def test_a_cut_link_ends_at_both_sides(town: Town) -> None:
    caller, link = await town.talk()
    link.cut()
    await caller.loses()
    await asyncio.wait_for(town.echo.ended.wait(), SOON)
    await town.talk()


async def test_a_half_open_link_carries_nothing_until_it_is_healed_and_then_everything(town: Town) -> None:
    caller, link = await town.talk()
    link.go_silent()
    await caller.say(b" in vain")
    await _others_are_carried(town)
    assert town.echo.heard.count(b" in vain") == 0
    link.heal()
    await caller.hears(b" in vain")


async def test_of_a_half_open_link_neither_side_hears_that_the_other_is_gone(town: Town) -> None:
    caller, link = await town.talk()
    link.go_silent()
    await caller.say(b" lost with its sender")
    caller.writer.transport.abort()
    await _others_are_carried(town)
    assert not town.echo.ended.is_set()
    link.heal()
    await asyncio.wait_for(town.echo.ended.wait(), SOON)
    assert b"lost with" not in town.echo.heard


async def test_a_half_open_link_can_be_cut(town: Town) -> None:
    caller, link = await town.talk()
    link.go_silent()
    link.cut()
    await caller.loses()
    await asyncio.wait_for(town.echo.ended.wait(), SOON)


async def test_what_is_delayed_comes_late_and_in_order(town: Town) -> None:
    caller, link = await town.talk()
    link.delay = 0.05
    before = asyncio.get_running_loop().time()
    for word in (b"one", b"two", b"three"):
        await caller.say(word)
    await caller.hears(b"onetwothree")
    assert asyncio.get_running_loop().time() - before >= 0.1


async def test_where_nobody_is_the_connection_ends(tmp_path: Path) -> None:
    for choose in (lambda: None, lambda: Unix(tmp_path / "nobody")):
        listen = Tcp(free_port())
        async with Relay(listen, choose):
            caller = Caller(*await asyncio.open_connection("127.0.0.1", listen.port))
            await caller.loses()
            caller.writer.close()


async def _others_are_carried(town: Town) -> None:
    """As much time as another connection needs for a question and its answer."""
    other = await town.call()
    await other.say(b"other")
    await other.hears(b"other")
