"""A connection where WebSockets are blocked: frames come as server-sent events, and go by POST.

One endless answer (`text/event-stream`, HTML section 9.2) is the whole connection: it begins with `event: ready`, whose
data is where to POST; each frame is an event of its own; `event: close` has the close code that a WebSocket would have
had. What is POSTed is numbered, batch by batch, and taken in that order, each once.

It is a `Line`: all that a socket does with frames is in `socket.py`, and knows no difference.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING

from starlette.responses import Response

from idcontact.live.outflow import TOO_SLOW
from idcontact.live.socket import BAD_PROTOCOL, GOING_AWAY, RATE_LIMITED, Line
from idcontact.socket_server import ABORT
from idcontact.tasks import end

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.types import Message, Receive, Scope, Send

BEAT_EVERY = 15.0
"""A comment, so that proxies do not take the connection for an idle one."""
SILENT_FOR = 90.0
"""Who has POSTed nothing for so long is gone: a page pings every 20 s, in a hidden tab once a minute."""
BATCH_PATIENCE = 2.0
"""How long a batch that came too early waits for the one before, which may have come in at another node."""
MAX_EARLY = 16
MAX_REPEATS, REPEATS_WITHIN = 100, 10.0
"""How often batches may come that have come before, in so many seconds."""
MAX_WAITING_FRAMES = 1_000
MAX_WAITING_CHARACTERS = 4 * 1024 * 1024
LAST_WORD_WITHIN = 1.0
_HEADERS = {
    "Content-Type": "text/event-stream",
    "Cache-Control": "no-store, no-transform",
    "X-Accel-Buffering": "no",
}


class Stream:
    """One of them, from its first event to its last."""

    def __init__(self, token: str) -> None:
        """`token` is what whoever POSTs has to show."""
        self._token = token
        self._waiting: deque[str] = deque()
        self._characters = 0
        self._early: dict[int, list[str]] = {}
        self._taken = 0
        self._patience: asyncio.TimerHandle | None = None
        self._wake = asyncio.Event()
        self._over: int | None = None
        """The code with which it ends, once that is known; 0 when the other side has gone."""
        self._abort: Callable[[], None] | None = None
        self._cut: asyncio.TimerHandle | None = None
        self._telling = False
        self._told = False
        self._heard = 0.0
        self._repeats = 0
        self._repeats_since = 0.0

    # --- out ------------------------------------------------------------------------------------------------------

    async def serve(self, scope: Scope, receive: Receive, send: Send, run: Callable[[Line], Awaitable[None]]) -> None:
        """Be the line of `run` until either side ends it."""
        loop = asyncio.get_running_loop()
        self._heard = loop.time()
        self._abort = scope.get("extensions", {}).get(ABORT)
        watch = asyncio.create_task(self._watch(receive), name="stream watch")
        beat = asyncio.create_task(self._beat(send), name="stream heartbeat")
        try:
            await send(_event(f"event: ready\ndata: {self._token}\n\n"))
            await run(Line(self._next, lambda message: self._send(send, message), over=lambda: self._over or None))
        finally:
            if self._patience is not None:
                self._patience.cancel()
            await self._finish(send)
            if self._cut is not None:
                self._cut.cancel()
            await end(watch, beat)

    async def _send(self, send: Send, message: Message) -> None:
        if message["type"] == "websocket.close":
            await self._tell(send, message["code"])
        elif not self._telling:
            await send(_event(f"data: {message['text']}\n\n"))

    async def _tell(self, send: Send, code: int) -> None:
        """The last event, and the end."""
        self._telling = True
        await send(closing(code))
        self._told = True

    async def _finish(self, send: Send) -> None:
        """Who takes nothing any more is cut off."""
        if self._told:
            return
        try:
            async with asyncio.timeout(LAST_WORD_WITHIN):
                await self._tell(send, self._over or 0)
        except TimeoutError:
            if self._abort is not None:
                self._abort()

    async def _beat(self, send: Send) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(BEAT_EVERY)
            if loop.time() - self._heard > SILENT_FOR:
                self.end(GOING_AWAY)
            elif not self._telling:
                try:
                    async with asyncio.timeout(BEAT_EVERY):
                        await send(_event(":\n\n"))
                except TimeoutError:  # who takes nothing for so long does not keep a seat by posting
                    if self._abort is not None:
                        self._abort()

    async def _watch(self, receive: Receive) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        self.end(0)

    # --- in -------------------------------------------------------------------------------------------------------

    def take(self, number: int, frames: list[str]) -> None:
        """A batch has come. One that came before is dropped; one that came too early waits for those before it."""
        self._heard = asyncio.get_running_loop().time()
        if number <= self._taken or number in self._early or self._over is not None:
            self._came_again()
            return
        self._early[number] = frames
        while (due := self._early.pop(self._taken + 1, None)) is not None:
            self._taken += 1
            self._waiting += due
            self._characters += sum(map(len, due))
        if len(self._waiting) > MAX_WAITING_FRAMES or self._characters > MAX_WAITING_CHARACTERS:
            self._waiting.clear()
            self.end(RATE_LIMITED)
        elif len(self._early) > MAX_EARLY:
            self.end(BAD_PROTOCOL)
        self._wait_for_early()
        self._wake.set()

    def _came_again(self) -> None:
        """A page sends a batch a few times at most, when it gets no answer."""
        if self._heard - self._repeats_since >= REPEATS_WITHIN:
            self._repeats_since, self._repeats = self._heard, 0
        self._repeats += 1
        if self._repeats > MAX_REPEATS:
            self.end(RATE_LIMITED)

    def _wait_for_early(self) -> None:
        if not self._early:
            if self._patience is not None:
                self._patience.cancel()
                self._patience = None
        elif self._patience is None:
            # A batch was lost on its way here: whoever sent it resumes, and sends again what has no answer.
            loop = asyncio.get_running_loop()
            self._patience = loop.call_later(BATCH_PATIENCE, self.end, TOO_SLOW)

    def end(self, code: int) -> None:
        """Take no more; what has been taken is handled, then it ends with this code."""
        if self._over is None:
            self._over = code
            self._wake.set()
            if self._abort is not None:
                # Who takes nothing any more would keep waiting whatever has yet something to send.
                self._cut = asyncio.get_running_loop().call_later(LAST_WORD_WITHIN, self._abort)

    async def _next(self) -> Message:
        while not self._waiting:
            if self._over is not None:
                return {"type": "websocket.disconnect", "code": self._over}
            self._wake.clear()
            await self._wake.wait()
        text = self._waiting.popleft()
        self._characters -= len(text)
        return {"type": "websocket.receive", "text": text}


class Streaming(Response):
    """The answer that is a stream's life."""

    def __init__(self, stream: Stream, run: Callable[[Line], Awaitable[None]], done: Callable[[], None]) -> None:
        """`done` is called when it is over."""
        super().__init__(headers=_HEADERS)
        del self.headers["Content-Length"]
        self._stream = stream
        self._run = run
        self._done = done

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        try:
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            await self._stream.serve(scope, receive, send, self._run)
        finally:
            self._done()


def refused(code: int) -> Response:
    """A stream that ends before it began: a page cannot read the status of an answer that is no stream."""
    return Response(closing(code)["body"], headers=_HEADERS)


def closing(code: int) -> Message:
    """The last event; none where nobody is there to read it."""
    last = f"event: close\ndata: {code}\n\n" if code else ""
    return {"type": "http.response.body", "body": last.encode(), "more_body": False}


def _event(text: str) -> Message:
    return {"type": "http.response.body", "body": text.encode(), "more_body": True}
