"""One request over HTTP/1.1 and its answer: uvicorn's, with less work for what is sent.

Most headers of most answers are the same: each is checked and written down once. The rest is uvicorn's: its tasks, and
what becomes of an application that fails.

Source: RFC 9112 sections 6 and 7.1 (length of a message, chunks), 9.6 (`close`).
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final

from uvicorn.protocols.http.httptools_impl import (
    HEADER_RE,
    HEADER_VALUE_RE,
    STATUS_LINE,
    RequestResponseCycle,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from uvicorn._types import ASGISendEvent

_OF_ONE_ANSWER: Final = frozenset({b"location", b"set-cookie"})
"""Headers that may hold a ticket or a session: those are not kept."""
_FRAMING: Final = frozenset({b"content-length", b"transfer-encoding", b"connection"})
_WITHOUT_BODY: Final = frozenset({204, 304})


def _written(name: bytes, value: bytes) -> bytes:
    """A header as it goes over the wire. Raises RuntimeError where it would be more than one, or none."""
    if HEADER_RE.search(name):
        raise RuntimeError("a header's name is not a token")
    if HEADER_VALUE_RE.search(value):
        raise RuntimeError("a header's value holds a control character")
    return b"%b: %b\r\n" % (name, value)


_line = lru_cache(maxsize=1024)(_written)


class Exchange(RequestResponseCycle):
    """See the module. `send` is that of ASGI."""

    async def send(self, message: ASGISendEvent) -> None:
        """The head of the answer, or a part of its body. Raises RuntimeError out of order, or by a wrong length."""
        if self.flow.write_paused and not self.disconnected:
            await self.flow.drain()
        if self.disconnected:
            return
        if not self.response_started and message["type"] == "http.response.start":
            self._send_head(message["status"], message.get("headers", ()))
        elif self.response_started and not self.response_complete and message["type"] == "http.response.body":
            self._send_body(message.get("body", b""), more=message.get("more_body", False))
        else:
            raise RuntimeError(f"{message['type']} is out of order")

    def _send_head(self, status: int, headers: Iterable[tuple[bytes, bytes]]) -> None:
        self.response_started = True
        self.waiting_for_100_continue = False
        head = [STATUS_LINE[status]]
        says_close = False
        for name, value in (*self.default_headers, *headers):
            lower = name.lower()
            head.append(_written(lower, value) if lower in _OF_ONE_ANSWER else _line(lower, value))
            if lower in _FRAMING:
                says_close = self._frame(lower, value) or says_close
        if not self.keep_alive and not says_close:
            head.append(b"connection: close\r\n")
        if self.chunked_encoding is None and self.scope["method"] != "HEAD" and status not in _WITHOUT_BODY:
            self.chunked_encoding = True
            head.append(b"transfer-encoding: chunked\r\n")
        head.append(b"\r\n")
        self.transport.write(b"".join(head))

    def _frame(self, name: bytes, value: bytes) -> bool:
        """Keep what a header says of the answer's length and of the connection. Whether it says that this closes."""
        if name == b"content-length" and self.chunked_encoding is None:
            self.expected_content_length = int(value)
            self.chunked_encoding = False
        elif name == b"transfer-encoding" and value.lower() == b"chunked":
            self.expected_content_length = 0
            self.chunked_encoding = True
        elif name == b"connection" and b"close" in [token.strip() for token in value.lower().split(b",")]:
            self.keep_alive = False
            return True
        return False

    def _send_body(self, body: bytes, *, more: bool) -> None:
        if self.scope["method"] == "HEAD":
            self.expected_content_length = 0
        elif self.chunked_encoding:
            self.transport.write(
                (b"%x\r\n%b\r\n" % (len(body), body) if body else b"") + (b"" if more else b"0\r\n\r\n")
            )
        else:
            self.expected_content_length -= len(body)
            if self.expected_content_length < 0:
                raise RuntimeError("the body is longer than its Content-Length")
            self.transport.write(body)
        if more:
            return
        if self.expected_content_length != 0:
            raise RuntimeError("the body is shorter than its Content-Length")
        self.response_complete = True
        self.message_event.set()
        if not self.keep_alive:
            self.transport.close()
        self.on_response()
