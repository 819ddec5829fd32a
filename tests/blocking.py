"""Networks for tests, between browser and server: one without WebSockets, one that comes and goes."""

from __future__ import annotations

import asyncio
import contextlib
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from running import free_port

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from running import Site

_PIECE = 65536
_REFUSAL = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


class Network:
    """Stands at the site's own port. `upgrades`: whether WebSockets are let through; `away`: whether nothing is."""

    def __init__(self, site: Site) -> None:
        """The site's settings are changed: its server listens elsewhere from now on."""
        self._port = site.port
        self._behind = free_port()
        settings = site.config.read_text()
        site.config.write_text(
            settings.replace(f'\nlisten = "127.0.0.1:{site.port}"', f'\nlisten = "127.0.0.1:{self._behind}"')
        )
        self.upgrades = True
        self.refused = 0
        self._away = False
        self._open: dict[asyncio.Task[None], asyncio.StreamWriter] = {}

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """While it is there."""
        server = await asyncio.start_server(self._come, "127.0.0.1", self._port)
        try:
            yield
        finally:
            server.close()
            self.goes_away()
            await asyncio.gather(*self._open, return_exceptions=True)

    def goes_away(self) -> None:
        """Cut what is open, and let nothing through."""
        self._away = True
        for writer in self._open.values():
            writer.transport.abort()

    def comes_back(self) -> None:
        """Let everything through again."""
        self._away = False

    async def _come(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        if self._away:
            writer.transport.abort()
            return
        self._open[task] = writer
        try:
            with contextlib.suppress(OSError, asyncio.IncompleteReadError):
                await self._carry(reader, writer)
        finally:
            del self._open[task]
            writer.close()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """A browser opens a connection of its own for each WebSocket: the first head says which kind it is."""
        head = await reader.readuntil(b"\r\n\r\n")
        if b"\r\nupgrade: websocket" in head.lower() and not self.upgrades:
            self.refused += 1
            writer.write(_REFUSAL)
            await writer.drain()
            return
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._behind)
        far_writer.write(head)
        there = asyncio.create_task(_one_way(reader, far_writer))
        back = asyncio.create_task(_one_way(far_reader, writer))
        try:
            await asyncio.wait({there, back}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in (there, back):
                way.cancel()
            await asyncio.gather(there, back, return_exceptions=True)
            far_writer.close()


async def _one_way(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while piece := await reader.read(_PIECE):
        writer.write(piece)
        await writer.drain()
