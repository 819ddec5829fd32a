"""A lossy network: a relay between a program and what it connects to, whose connections a test cuts or silences.

TCP and unix sockets on either side. A connection that is *half-open* carries nothing either way and is closed to
nobody: what one end sends waits in vain, and when one end goes, the other does not hear of it. That is what a phone in
a tunnel, a pulled cable or a firewall that forgot look like.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from types import TracebackType

_CHUNK = 65536


@dataclass(frozen=True)
class Tcp:
    """A port on this machine."""

    port: int


@dataclass(frozen=True)
class Unix:
    """A unix socket."""

    path: Path


class Link:
    """One connection through the relay."""

    def __init__(
        self,
        near: tuple[asyncio.StreamReader, asyncio.StreamWriter],
        far: tuple[asyncio.StreamReader, asyncio.StreamWriter],
        number: int,
    ) -> None:
        self.number = number
        self.delay = 0.0
        """Seconds by which each piece is late."""
        self._near, self._far = near, far
        self._kept: list[tuple[asyncio.StreamWriter, bytes]] = []
        """What came in while it was half-open, for whom."""
        self._an_end_is_gone = False
        self._flowing = asyncio.Event()
        self._flowing.set()

    async def carry(self) -> None:
        """Both ways, until one side closes or the link is cut."""
        ways = [
            asyncio.create_task(self._one_way(self._near[0], self._far[1])),
            asyncio.create_task(self._one_way(self._far[0], self._near[1])),
        ]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            await self._flowing.wait()
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            for writer in (self._near[1], self._far[1]):
                writer.close()

    async def _one_way(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while piece := await reader.read(_CHUNK):
                if self.delay:
                    await asyncio.sleep(self.delay)  # this is what the relay is for
                if self.is_half_open:
                    self._kept.append((writer, piece))
                else:
                    writer.write(piece)
                    await writer.drain()
        self._an_end_is_gone = True

    @property
    def is_half_open(self) -> bool:
        """Whether it carries nothing now."""
        return not self._flowing.is_set()

    def go_silent(self) -> None:
        """Half-open, until `heal` or `cut`."""
        self._flowing.clear()

    def heal(self) -> None:
        """Carry on. A link whose end has gone meanwhile ends: what that end had sent before is lost with it."""
        self.delay = 0.0
        kept, self._kept = self._kept, []
        if self._an_end_is_gone:
            self.cut()
        else:
            for writer, piece in kept:
                writer.write(piece)
        self._flowing.set()

    def cut(self) -> None:
        """End it at once, for both sides, with all that is on its way."""
        for _, writer in (self._near, self._far):
            writer.transport.abort()
        self._flowing.set()


class Relay:
    """Listens at `listen`, and carries each connection to whatever `choose` names for it. Used as a context manager."""

    def __init__(self, listen: Tcp | Unix, choose: Callable[[], Tcp | Unix | None]) -> None:
        """`choose` is asked for each connection; None refuses it."""
        self.links: set[Link] = set()
        self.delay = 0.0
        """That of every link from its beginning."""
        self._listen = listen
        self._choose = choose
        self._carrying: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self._count = 0
        self._closing = asyncio.Event()

    async def __aenter__(self) -> Self:
        if isinstance(self._listen, Tcp):
            self._server = await asyncio.start_server(self._accept, "127.0.0.1", self._listen.port)
        else:
            self._server = await asyncio.start_unix_server(self._accept, self._listen.path)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        self._closing.set()
        for link in self.links:
            link.cut()
        while self._carrying:
            await asyncio.wait(self._carrying)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Kept from its first moment: who leaves in it waits for it."""
        task = asyncio.create_task(self._carry_and_end(reader, writer))
        self._carrying.add(task)
        task.add_done_callback(self._carrying.discard)

    async def _carry_and_end(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._carry(reader, writer)
        finally:
            writer.transport.abort()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._count += 1
        target = self._choose()
        if target is None or self._closing.is_set():
            return
        try:
            if isinstance(target, Tcp):
                far = await asyncio.open_connection("127.0.0.1", target.port)
            else:
                far = await asyncio.open_unix_connection(target.path)
        except OSError:
            return  # nobody there: who connected is told by the end of it
        if self._closing.is_set():
            far[1].transport.abort()
            return
        link = Link((reader, writer), far, self._count)
        link.delay = self.delay
        self.links.add(link)
        try:
            await link.carry()
        finally:
            self.links.discard(link)

    def slow_down(self, delay: float) -> None:
        """Every link, now and from now on: seconds by which each piece is late."""
        self.delay = delay
        for link in self.links:
            link.delay = delay

    def heal(self) -> None:
        """Everything as it should be."""
        self.delay = 0.0
        for link in tuple(self.links):
            link.heal()
