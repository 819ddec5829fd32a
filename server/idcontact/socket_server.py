"""The server's end of connections: uvicorn's, with less work for what is sent.

What one turn of the event loop sends over one connection goes out in one write, an answer's head and body too: a write
costs more than all that leads to it. Requests: see `exchange.py`. WebSockets: an application that asks for it (ASGI
extensions `WRITE_TEXT` and `LISTEN`) sends a message by one plain call, whose frame is put together here (RFC 6455
section 5.2), and may take one without a task. Text messages of one frame are taken apart here too (`frames_in.py`).
Everything else is uvicorn's.
"""

from __future__ import annotations

import asyncio
import struct
from typing import TYPE_CHECKING, Any, Final, cast
from urllib.parse import unquote

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.protocol import State

from idcontact.exchange import Exchange
from idcontact.frames_in import FrameCutter, text_of

if TYPE_CHECKING:
    from asyncio import BaseTransport
    from collections.abc import Callable, Iterable

    from uvicorn.protocols.http.httptools_impl import RequestResponseCycle
    from websockets.http11 import Request

WRITE_TEXT: Final = "idcontact.write_text"
LISTEN: Final = "idcontact.listen"
"""ASGI extensions: `SocketProtocol.write_text` and `SocketProtocol.listen` of this connection."""
ABORT: Final = "idcontact.abort"
"""ASGI extension: `HttpProtocol.abort` of this connection, for an endless answer that nobody takes any more."""

_JOIN_BYTES = 64 * 1024  # more than this does not wait for the end of the turn
OTHER_FRAMES: Final = 1_000
"""How many frames a client may send in `_WINDOW` that are no text in one frame: pings, pongs and pieces, which no
application sees or counts. Each costs as much as a message."""
_WINDOW: Final = 10.0  # seconds
_TOO_MANY: Final = 4429
_LAST_WORD: Final = 1.0  # seconds for saying why, to who may be gone
_TEXT = 0x81  # the whole of a text message
_OPCODE, _CLOSE = 0x0F, 0x8
_MEDIUM, _LONG = struct.Struct("!BBH"), struct.Struct("!BBQ")


class JoinedWrites(asyncio.Transport):
    """A transport that writes once a turn. What is closed or asked goes to the one it stands before."""

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__()
        self._transport = transport
        self._loop = loop
        self._waiting: list[bytes] = []
        self._bytes = 0

    def write(self, data: bytes | bytearray | memoryview[Any]) -> None:
        """Write at the end of this turn."""
        if not self._waiting:
            self._loop.call_soon(self._flush)
        self._waiting.append(bytes(data))
        self._bytes += len(data)
        if self._bytes > _JOIN_BYTES:
            self._flush()

    def writelines(self, list_of_data: Iterable[bytes | bytearray | memoryview[Any]]) -> None:
        """Write all of these at the end of this turn."""
        self.write(b"".join(list_of_data))

    def close(self) -> None:
        """Write what waits, and close."""
        self._flush()
        self._transport.close()

    def abort(self) -> None:
        """Close at once."""
        self._waiting.clear()
        self._transport.abort()

    def is_closing(self) -> bool:
        """As the transport says."""
        return self._transport.is_closing()

    def get_extra_info(self, name: str, default: object = None) -> Any:
        """As the transport says."""
        return self._transport.get_extra_info(name, default)

    def pause_reading(self) -> None:
        """Read nothing until `resume_reading`."""
        self._transport.pause_reading()

    def resume_reading(self) -> None:
        """Read again."""
        self._transport.resume_reading()

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        """Give the connection to another protocol: a handshake has made it a WebSocket."""
        self._transport.set_protocol(protocol)

    def _flush(self) -> None:
        data = b"".join(self._waiting)
        self._waiting.clear()
        self._bytes = 0
        if data and not self._transport.is_closing():
            self._transport.write(data)


def is_settling(connection: object) -> bool:
    """Whether a connection has only just come, or is about to go: closed now, it would look broken to the other side.

    One that said nothing yet is most likely about to; a WebSocket that we closed waits for the answer to that.
    """
    if isinstance(connection, SocketProtocol):
        return connection.close_sent or not connection.handshake_complete
    return isinstance(connection, HttpProtocol) and connection.cycle is None


def _joined(transport: BaseTransport, loop: asyncio.AbstractEventLoop) -> JoinedWrites:
    return (
        transport if isinstance(transport, JoinedWrites) else JoinedWrites(cast("asyncio.Transport", transport), loop)
    )


class HttpProtocol(HttpToolsProtocol):
    """One connection for requests.

    It is closed when it has been idle for as long as uvicorn's setting says. One timer watches over that as long as the
    connection lives: to make one anew for each request costs more than to look once when it was used last.
    """

    def connection_made(self, transport: BaseTransport) -> None:
        """Begin, in front of that transport."""
        super().connection_made(_joined(transport, self.loop))
        self._extensions: dict[str, Any] = {ABORT: self.abort}
        self._idle_since: float | None = None

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing is watched any more."""
        super().connection_lost(exc)
        if self.timeout_keep_alive_task is not None:
            self.timeout_keep_alive_task.cancel()

    def on_headers_complete(self) -> None:
        """The head of a request is there: the application gets it, after those that came before it.

        Its scope offers `abort`.
        """
        parser, scope = self.parser, self.scope
        version = parser.get_http_version()
        scope["method"] = parser.get_method().decode("ascii")
        scope["http_version"] = version
        if parser.should_upgrade() and self._should_upgrade():
            return
        scope["extensions"] = self._extensions
        target = httptools.parse_url(self.url)
        path = target.path.decode("ascii")
        scope["path"] = self.root_path + (unquote(path) if "%" in path else path)
        scope["raw_path"] = self.root_path.encode("ascii") + target.path
        scope["query_string"] = target.query or b""
        before: RequestResponseCycle | None = self.cycle
        self.cycle = Exchange(
            scope=scope,
            transport=self.transport,
            flow=self.flow,
            logger=self.logger,
            access_logger=self.access_logger,
            access_log=False,
            default_headers=self.server_state.default_headers,
            message_event=asyncio.Event(),
            expect_100_continue=self.expect_100_continue,
            keep_alive=version != "1.0" and parser.should_keep_alive(),
            on_response=self.on_response_complete,
        )
        if before is None or before.response_complete:
            self._start_asgi_task(self.cycle, self.app)
        else:
            self.flow.pause_reading()
            self.pipeline.appendleft((self.cycle, self.app))

    def on_response_complete(self) -> None:
        """An answer is out: the next request that came in meanwhile, or waiting for one."""
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
            return
        self._idle_since = self.loop.time()
        if self.timeout_keep_alive_task is None:
            self._look_after(self.timeout_keep_alive)

    def timeout_keep_alive_handler(self) -> None:
        """Close when it has been idle for too long; else look again when that can be so."""
        self.timeout_keep_alive_task = None
        if self._idle_since is None:
            return
        left = self._idle_since + self.timeout_keep_alive - self.loop.time()
        if left > 0:
            self._look_after(left)
        elif not self.transport.is_closing():
            self.transport.close()

    def _look_after(self, seconds: float) -> None:
        self.timeout_keep_alive_task = self.loop.call_later(seconds, self.timeout_keep_alive_handler)

    def _unset_keepalive_if_required(self) -> None:
        """Called by uvicorn when something comes in."""
        self._idle_since = None

    def abort(self) -> None:
        """Close at once, also when the other side takes nothing any more."""
        self.transport.abort()


class SocketProtocol(WebSocketsSansIOProtocol):
    """One WebSocket."""

    def connection_made(self, transport: BaseTransport) -> None:
        """Begin, in front of that transport, which an `HttpProtocol` may have had before."""
        super().connection_made(_joined(transport, self.loop))
        self._cutter = FrameCutter(self.config.ws_max_size)

    _heard: Callable[[bytes], bool] | None = None
    _since = 0.0
    _others = 0
    """How many other frames have come since then."""

    def handle_connect(self, event: Request) -> None:
        """The handshake; its scope offers `write_text` and `listen`."""
        super().handle_connect(event)
        if self.response.status_code == 101:
            extensions = cast("dict[str, object]", self.scope["extensions"])
            extensions[WRITE_TEXT] = self.write_text
            extensions[LISTEN] = self.listen

    def data_received(self, data: bytes) -> None:
        """Bytes have come in: first the request, whole and nothing else (uvicorn writes it out anew), then frames."""
        if not self.handshake_initiated:
            super().data_received(data)
            return
        for frame in self._cutter.cut(data):
            text = text_of(frame) if self._takes_text() else None
            if text is not None:
                self.curr_msg_data_type, self.frames = "text", [text]
                self.send_receive_event_to_app()
                continue
            if not self._may_come(frame):
                continue
            super().data_received(frame)
            if self.conn.parser_exc is not None:
                return

    def _may_come(self, frame: bytes) -> bool:
        """Whether a frame that is no message by itself is looked at. One too many closes the connection."""
        if self.close_sent:
            return frame[0] & _OPCODE == _CLOSE
        now = self.loop.time()
        if now - self._since >= _WINDOW:
            self._since, self._others = now, 0
        self._others += 1
        if self._others > OTHER_FRAMES:
            self._close_for_too_many()
        return self._others <= OTHER_FRAMES

    def _close_for_too_many(self) -> None:
        if self.conn.state is not State.OPEN:  # it has not been accepted yet
            self.transport.abort()
            return
        self.queue.put_nowait({"type": "websocket.disconnect", "code": _TOO_MANY, "reason": ""})
        self.conn.send_close(_TOO_MANY)
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.close_sent = True
        self.close_timer = self.loop.call_later(self.close_timeout, self.transport.close)

    def handle_ping(self) -> None:
        """Answer it, where there is room: who pings and reads nothing would fill the memory with what it is due."""
        answer = b"".join(self.conn.data_to_send())
        if self.writable.is_set():
            self.transport.write(answer)

    def _takes_text(self) -> bool:
        """Whether a text message may begin now, and is as it came."""
        return self.conn.state is State.OPEN and not self.frames and not self.conn.extensions

    def listen(self, heard: Callable[[bytes], bool] | None) -> None:
        """Call `heard` with each text message, whole, as it comes. What it does not take goes to ASGI's `receive`."""
        self._heard = heard

    def send_receive_event_to_app(self) -> None:
        """A whole message has come in."""
        if self._heard is not None and self.curr_msg_data_type == "text" and not self.close_sent:
            text = b"".join(self.frames)
            if self._heard(text):
                self.frames = []
                return
        super().send_receive_event_to_app()

    def keepalive_timeout(self) -> None:
        """Who answers no ping is gone; what is still to be sent would keep the connection, for ever if need be."""
        super().keepalive_timeout()
        self.loop.call_later(_LAST_WORD, self.transport.abort)

    def send_keepalive_ping(self) -> None:
        """After a close nobody is asked any more; who does not take that either is let go of all the same."""
        super().send_keepalive_ping()
        if self.close_sent:
            self.loop.call_later(self.close_timeout, self.transport.abort)

    def write_text(self, text: bytes) -> bool:
        """Send a text message (UTF-8), now. False when that cannot be: then ASGI's own send waits, or says why not."""
        if not self._is_plain():
            return False
        length = len(text)
        if length < 126:
            head = bytes((_TEXT, length))
        elif length < 65536:
            head = _MEDIUM.pack(_TEXT, 126, length)
        else:
            head = _LONG.pack(_TEXT, 127, length)
        self.transport.write(head + text)
        return True

    def _is_plain(self) -> bool:
        """Whether a frame can go out now, as it is."""
        return (
            self.writable.is_set()
            and self.handshake_complete
            and not self.close_sent
            and not self.disconnected
            and self.initial_response is None
            and self.conn.state is State.OPEN
            and not self.conn.extensions
        )
