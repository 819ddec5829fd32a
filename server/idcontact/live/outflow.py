"""The outgoing half of a socket: a bounded queue, empty nearly always.

A frame that nothing stands before goes to the server at once, where the server offers that (`write`), without waking a
task: most of what a message costs is what it wakes. Only what the transport has no room for waits here.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.types import Message, Send

MAX_QUEUED_FRAMES = 2_000
MAX_QUEUED_BYTES = 4 * 1024 * 1024
ROOM_BYTES = 256 * 1024
TOO_SLOW = 4408


class Outflow:
    """See the module. `put` and `close` may be called from anywhere in the loop; neither blocks."""

    def __init__(self, send: Send, write: Callable[[bytes], bool] | None = None) -> None:
        """`write` sends at once, and says whether it could: what the server offers beside ASGI's `send`."""
        self._write = write
        self._send = send
        self._queue: deque[bytes] = deque()
        self._bytes = 0
        self._wake = asyncio.Event()
        self._less: asyncio.Event | None = None
        """For who waits for room: hardly any socket ever needs it, and an idle one is to be small."""
        self._closing: int | None = None
        self._lost = False
        self._at_once = False
        """Whether everything before has gone out, and `run` waits for something to do."""

    @property
    def closing(self) -> int | None:
        """The code with which it is, or was, to be closed."""
        return self._closing

    def put(self, frame: bytes) -> None:
        """Send a frame, in this order. One too many closes the socket: 4408, resume.

        The first that waits may have any size: a long queue in one piece is not too much for who came for it.
        """
        if self._closing is not None or self._lost:
            return
        if self._at_once and self._write is not None and self._write(frame):
            return
        self._queue.append(frame)
        self._bytes += len(frame)
        self._rouse()
        if len(self._queue) > MAX_QUEUED_FRAMES or self._bytes - len(self._queue[0]) > MAX_QUEUED_BYTES:
            self._queue.clear()
            self.close(TOO_SLOW)

    async def room(self) -> None:
        """For whoever has much to send: come back when little is queued, or nothing goes out any more."""
        while self._bytes > ROOM_BYTES and self._closing is None and not self._lost:
            self._less = self._less or asyncio.Event()
            self._less.clear()
            await self._less.wait()

    def close(self, code: int) -> None:
        """Send what is queued, then close."""
        if self._closing is None:
            self._closing = code
            self._say_less()
            self._rouse()

    async def run(self) -> None:
        """Send what could not go at once; ends when the socket is closed, by either side."""
        try:
            while not self._lost:
                await self._send_queued()
                if self._closing is not None:
                    await self._send({"type": "websocket.close", "code": self._closing})
                    return
                self._wake.clear()
                self._at_once = True
                await self._wake.wait()
        except (OSError, RuntimeError):
            return  # the other side has gone
        finally:
            self._at_once = False
            self._lost = True
            self._say_less()

    async def _send_queued(self) -> None:
        while self._queue:
            frame = self._queue.popleft()
            self._bytes -= len(frame)
            self._say_less()
            await self._send(_message(frame))

    def _say_less(self) -> None:
        if self._less is not None:
            self._less.set()

    def _rouse(self) -> None:
        self._at_once = False
        self._wake.set()


def _message(frame: bytes) -> Message:
    return {"type": "websocket.send", "text": frame.decode()}
