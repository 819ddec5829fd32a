"""The other way to connect, for tests: events by an endless GET, frames by POST. From docs/live-protocol.md alone.

It offers what `live_client` uses of a WebSocket, so that all tests of the protocol can be had over it.
"""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING, Any, Self

import aiohttp
from yarl import URL

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from running import Site

_LIMIT = 256 * 1024


def _unbuffered(address: tuple[Any, ...]) -> socket.socket:
    made = socket.socket(*address[:3])
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    made.setblocking(False)
    return made


class StreamLostError(Exception):
    """A POST was not taken: the stream is over."""


class StreamConnection:
    """One stream. Its POSTs go to `posts_to`, which may be another node than the one that it is open at."""

    def __init__(self, session: aiohttp.ClientSession, answer: aiohttp.ClientResponse, frames_url: str) -> None:
        self._session = session
        self._answer = answer
        self._frames_url = frames_url
        self.close_code: int | None = None
        self.token = ""
        self.batches = 0
        self.beats = 0
        self._posting = asyncio.Lock()

    @classmethod
    async def open(
        cls, site: Site, path: str, headers: dict[str, str], *, posts_to: Site | None = None, buffered: bool = True
    ) -> Self:
        """Open one beside the socket at `path`, and read its first event. Not `buffered`: the kernel holds little."""
        base, _, query = path.partition("?")
        base = base.removesuffix("/socket")
        session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(socket_factory=None if buffered else _unbuffered),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers=headers,
            timeout=aiohttp.ClientTimeout(),
            read_bufsize=_LIMIT,
        )
        try:
            answer = await session.get(f"{site.url}{base}/events?{query}")
            assert answer.status == 200, answer.status
            assert answer.content_type == "text/event-stream"
            stream = cls(session, answer, f"{(posts_to or site).url}{base}/frames")
            await stream._begin()
        except BaseException:
            await session.close()
            raise
        return stream

    async def _begin(self) -> None:
        event, data = await self._event()
        if event == "ready":
            self.token = data
        else:
            self._over(event, data)

    async def _event(self) -> tuple[str, str]:
        """The next event and its data; `("", "")` at the end."""
        event, data = "message", ""
        while line := await self._answer.content.readline():
            name, _, value = line.decode().rstrip("\n").partition(": ")
            if name == "event":
                event = value
            elif name == "data":
                data = value
            elif name == "" and data:
                return event, data
            elif name == ":":
                self.beats += 1
        return "", ""

    def _over(self, event: str, data: str) -> None:
        self.close_code = int(data) if event == "close" else 1006

    def __aiter__(self) -> AsyncIterator[str]:
        return self._frames()

    async def _frames(self) -> AsyncIterator[str]:
        while self.close_code is None:
            try:
                event, data = await self._event()
            except aiohttp.ClientError:
                event, data = "", ""
            if event == "message":
                yield data
            else:
                self._over(event, data)

    def posts_go_to(self, site: Site) -> None:
        """From now on, to this node."""
        self._frames_url = str(URL(self._frames_url).with_port(site.port))

    async def send(self, text: str | bytes) -> None:
        """POST one frame, as the next batch, after those before it. Raises StreamLostError."""
        async with self._posting:
            if self._session.closed or self.close_code is not None:
                raise StreamLostError
            self.batches += 1
            try:
                status = await self.post(text, self.batches)
            except aiohttp.ClientError as error:
                self.abort()
                raise StreamLostError from error
        if status >= 400:
            raise StreamLostError

    async def post(self, text: str | bytes, number: int, **headers: str) -> int:
        """POST this as batch `number`; the status of the answer."""
        origin = str(URL(self._frames_url).origin())
        sent = {"Origin": origin, "Idcontact-Stream": self.token, "Idcontact-Batch": str(number), **headers}
        async with self._session.post(self._frames_url, data=text, headers=sent) as answer:
            return answer.status

    async def close(self) -> None:
        """Go away."""
        self._answer.close()
        await self._session.close()

    @property
    def headers(self) -> Mapping[str, str]:
        """Of the endless answer."""
        return self._answer.headers

    @property
    def transport(self) -> Self:
        """What `abort` ends."""
        return self

    def abort(self) -> None:
        """Lose it without a word."""
        self._answer.close()
