"""The life of one connection, a WebSocket or a stream: frames in, one at a time; frames out, through a bounded queue.

A socket that cannot keep up is closed (4408, resume); one that sends too much too (4429), or nonsense (4400). What it
cannot do is slow down another.
"""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Generic, Protocol, TypeAlias, TypeVar

import msgspec
from starlette.websockets import WebSocketDisconnect

from idcontact.errors import Conflict, IdContactError, NotAllowed, NotFound, TooManyRequests, Unavailable
from idcontact.live import messages as m
from idcontact.live.frames import encode
from idcontact.live.outflow import TOO_SLOW, Outflow
from idcontact.socket_server import LISTEN, WRITE_TEXT

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.types import Receive, Send
    from starlette.websockets import WebSocket

_log = logging.getLogger(__name__)
HELLO_WITHIN = 10.0
MALFORMED_LIMIT = 20
MAX_UNDER_WAY = 32
_WINDOW = 10.0
_HELLOS = 10

BAD_PROTOCOL, NOT_AUTHENTICATED, NOT_ALLOWED, GONE, REPLACED, RATE_LIMITED = 4400, 4401, 4403, 4404, 4409, 4429
GOING_AWAY, RESTARTING, TRY_AGAIN = 1001, 1012, 1013
CODES = (
    GOING_AWAY,
    RESTARTING,
    TRY_AGAIN,
    BAD_PROTOCOL,
    NOT_AUTHENTICATED,
    NOT_ALLOWED,
    GONE,
    TOO_SLOW,
    REPLACED,
    RATE_LIMITED,
)
"""All that this side closes with."""

F = TypeVar("F", bound=m.Frame)
F_contra = TypeVar("F_contra", bound=m.Frame, contravariant=True)


Answer: TypeAlias = "Callable[[m.Ack | Exception], None]"


class Handler(Protocol[F_contra]):
    """What one end of a conversation does with frames."""

    async def hello(self, frame: m.Hello) -> None:
        """The first frame. Sends the welcome and what is missing."""

    def say(self, frame: m.SendMessage, answer: Answer) -> None:
        """Say something; the answer comes later, once. May raise an `IdContactError` instead."""

    async def handle(self, frame: F_contra) -> m.Ack | None:
        """Any other frame. May raise an `IdContactError`, which is sent as the answer."""

    async def bye(self) -> None:
        """The socket is gone."""


@dataclass(frozen=True)
class Line:
    """What carries frames. `receive` and `send` take and give messages as ASGI has them for an accepted WebSocket.

    `write` and `listen` are shorter ways, where there are any: see `socket_server`. `over` gives the code with which
    the line itself has ended what it carries, where a line does that.
    """

    receive: Receive
    send: Send
    write: Callable[[bytes], bool] | None = None
    listen: Callable[[Callable[[bytes], bool] | None], None] | None = None
    over: Callable[[], int | None] = lambda: None

    @classmethod
    def of(cls, websocket: WebSocket, receive: Receive, send: Send) -> Line:
        """That of a WebSocket; `receive` and `send` are ASGI's own, without Starlette's layer."""
        extensions = websocket.scope.get("extensions", {})
        return cls(receive, send, extensions.get(WRITE_TEXT), extensions.get(LISTEN))


class Socket(Generic[F]):
    """See the module. `send` and `close` may be called from anywhere in the loop; neither blocks."""

    def __init__(self, line: Line, decoder: msgspec.json.Decoder[F], allowed: int) -> None:
        """`allowed` is how many frames in ten seconds."""
        self._receive = line.receive
        self._out = Outflow(line.send, line.write)
        self._over = line.over
        self._listen = line.listen
        self._idle = False
        """Whether the reader has nothing to do: every frame before has been handled."""
        self._decoder = decoder
        self._allowed = allowed
        self._under_way = 0
        self._settled: asyncio.Event | None = None
        """For who waits until every message has been answered; an idle socket is to be small."""
        self._window_start = 0.0
        self._in_window = 0
        self._malformed = 0
        self._greetings: list[float] = []

    def send(self, frame: bytes) -> None:
        """Send one frame."""
        self._out.put(frame)

    def send_frame(self, frame: m.Frame) -> None:
        """Send one frame."""
        self._out.put(encode(frame))

    async def room(self) -> None:
        """Come back when little is queued, or nothing goes out any more."""
        await self._out.room()

    def close(self, code: int) -> None:
        """Send what is queued, then close."""
        self._out.close(code)

    @property
    def closed_with(self) -> int | None:
        """The code with which this side ended it; None while it is open, and when the other side has gone."""
        return self._out.closing or self._over()

    async def run(self, handler: Handler[F]) -> None:
        """Serve until either side ends it."""
        writer = asyncio.create_task(self._out.run(), name="socket writer")
        reader = asyncio.create_task(self._read(handler), name="socket reader")
        try:
            await asyncio.wait({writer, reader}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            if self._listen is not None:
                self._listen(None)
            for task in (reader, writer):
                task.cancel()
            for ended in await asyncio.gather(reader, writer, return_exceptions=True):
                if isinstance(ended, Exception) and not isinstance(ended, WebSocketDisconnect):
                    _log.error("a socket failed: %s", type(ended).__name__, exc_info=ended)
            await handler.bye()

    # --- in -------------------------------------------------------------------------------------------------------

    async def _read(self, handler: Handler[F]) -> None:
        try:
            async with asyncio.timeout(HELLO_WITHIN):
                frame = await self._next()
                while not isinstance(frame, m.Hello):
                    if frame is not None:
                        self._refuse("hello_expected", "the first frame is hello", frame)
                    frame = await self._next()
        except TimeoutError:
            self.close(TRY_AGAIN)  # a stalled network, or a tab that was frozen: no reason to stay away
            await asyncio.Event().wait()  # until the writer has closed
            return
        if not await self._answered(frame, handler.hello):
            self.close(TRY_AGAIN)
        if self._listen is not None:
            self._listen(partial(self._hear, handler))
        await self._read_on(handler)

    async def _read_on(self, handler: Handler[F]) -> None:
        """Everything after the first hello."""
        while True:
            self._idle = True
            frame = await self._next()
            if isinstance(frame, m.SendMessage):
                if self._under_way >= MAX_UNDER_WAY:
                    await self._settle()
                self._say(frame, handler)
                continue
            if self._under_way:
                await self._settle()
            if isinstance(frame, m.Ping):
                self.send_frame(m.Pong(nonce=frame.nonce))
            elif isinstance(frame, m.Hello):
                await self._greet_again(frame, handler)
            elif frame is not None:
                await self._answered(frame, handler.handle)

    async def _greet_again(self, frame: m.Hello, handler: Handler[F]) -> None:
        """A page that is not welcomed gets nothing any more, so it is sent away to come back."""
        if not self._may_greet():
            self.close(RATE_LIMITED)
        elif not await self._answered(frame, handler.hello):
            self.close(TRY_AGAIN)

    def _hear(self, handler: Handler[F], raw: bytes) -> bool:
        """Take a message on the spot, when nothing stands before it. All else is the reader's, and what follows too."""
        if self._idle and self._under_way < MAX_UNDER_WAY and len(raw) <= m.MAX_FRAME_BYTES:
            try:
                frame = self._decoder.decode(raw)
            except (ValueError, RecursionError):
                frame = None
            if isinstance(frame, m.SendMessage):
                if self._within_rate():
                    self._say(frame, handler)
                else:
                    self.close(RATE_LIMITED)
                return True
        self._idle = False
        return False

    def _say(self, frame: m.SendMessage, handler: Handler[F]) -> None:
        """Messages do not wait for each other: they are stored in the order in which they were sent."""
        self._under_way += 1
        answer = partial(self._said, frame.id)
        try:
            handler.say(frame, answer)
        except IdContactError as error:
            answer(error)

    def _said(self, command: str, outcome: m.Ack | Exception) -> None:
        self._under_way -= 1
        if self._under_way == 0 and self._settled is not None:
            self._settled.set()
        if isinstance(outcome, m.Ack):
            self._out.put(encode(outcome))
        elif isinstance(outcome, IdContactError):
            self.send_frame(_as_frame(outcome, command))
        else:
            _log.error("a message could not be stored: %s", type(outcome).__name__, exc_info=outcome)
            self.close(TRY_AGAIN)

    async def _settle(self) -> None:
        """Come back when every message that was sent has been answered."""
        while self._under_way:
            self._settled = self._settled or asyncio.Event()
            self._settled.clear()
            await self._settled.wait()

    async def _next(self) -> F | m.Hello | None:
        """The next frame, or None when it was refused."""
        message = await self._receive()
        self._idle = False
        if message["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(message.get("code", 1006))
        if not self._within_rate():
            self.close(RATE_LIMITED)
            return None
        text = message.get("text")
        if text is None:
            self._malformed_frame("malformed", "frames are JSON text, not bytes")
            return None
        if len(text) > m.MAX_FRAME_BYTES or len(raw := text.encode("utf-8", "surrogatepass")) > m.MAX_FRAME_BYTES:
            self._malformed_frame("too_large", f"a frame has at most {m.MAX_FRAME_BYTES} bytes")
            return None
        try:
            return self._decoder.decode(raw)
        except (ValueError, RecursionError) as mistake:
            self._malformed_json(raw, mistake)
            return None

    def _within_rate(self) -> bool:
        now = time.monotonic()
        if now - self._window_start >= _WINDOW:
            self._window_start, self._in_window = now, 0
        self._in_window += 1
        return self._in_window <= self._allowed

    def _may_greet(self) -> bool:
        """A hello reads whole logs: it is dearer than other frames."""
        now = time.monotonic()
        self._greetings = [at for at in self._greetings if now - at < _WINDOW]
        self._greetings.append(now)
        return len(self._greetings) <= _HELLOS

    def _malformed_json(self, raw: bytes, mistake: ValueError | RecursionError) -> None:
        """Name the member at fault, never its value."""
        text = str(mistake) if isinstance(mistake, msgspec.ValidationError) else "not JSON"
        what, _, place = text.partition(" - at `$")
        field = place.strip("`.").removeprefix(".") or None
        code: m.ErrorCode = "malformed"
        if what.startswith("Invalid value") and field in {"type", None}:
            code, what, field = "unknown_type", "there is no frame of this type", "type"
        elif what.startswith("Object missing required field"):
            field = what.split("`")[1]
        elif what.startswith("Invalid "):
            what = "is none of the values that are known here"
        self._malformed_frame(code, what, field=field, command=_id_of(raw))

    def _malformed_frame(
        self, code: m.ErrorCode, text: str, *, field: str | None = None, command: str | None = None
    ) -> None:
        self._malformed += 1
        self.send_frame(m.Error(code=code, message=text, field=field, id=command))
        if self._malformed >= MALFORMED_LIMIT:
            self.close(BAD_PROTOCOL)

    def _refuse(self, code: m.ErrorCode, text: str, frame: m.Frame) -> None:
        self.send_frame(m.Error(code=code, message=text, id=getattr(frame, "id", None)))

    async def _answered(self, frame: F | m.Hello, act: Callable[..., Awaitable[m.Ack | None]]) -> bool:
        """Do it; exactly one answer. False when it failed."""
        try:
            ack = await act(frame)
        except IdContactError as error:
            self.send_frame(_as_frame(error, getattr(frame, "id", None)))
            return False
        if ack is not None:
            self.send_frame(ack)
        return True


def _id_of(raw: bytes) -> str | None:
    """The id of a frame that is otherwise not understood."""
    try:
        found = msgspec.json.decode(raw, type=m.Command)
    except (ValueError, RecursionError):
        return None
    return found.id


def _as_frame(error: IdContactError, command: str | None) -> m.Error:
    code: m.ErrorCode
    retry_after: int | None = None
    match error:
        case NotFound():
            code = "not_found"
        case NotAllowed():
            code = "not_allowed"
        case Conflict():
            code = "conflict"
        case TooManyRequests():
            code, retry_after = "rate_limited", error.retry_after * 1000
        case Unavailable():
            code, retry_after = "unavailable", 1000
        case _:
            _log.error("a frame could not be handled: %s", error)
            code = "unavailable"
    return m.Error(code=code, message=error.message, field=error.field, id=command, retry_after_ms=retry_after)
