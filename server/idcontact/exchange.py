"""One request over HTTP/1.1 and its answer: uvicorn's, with less work for what is sent.

Most answers have the same headers as one before: those are checked and written down once. The rest is uvicorn's: its
tasks, and what becomes of an application that fails.

Source: RFC 9112 sections 6 and 7.1 (length of a message, chunks), 9.6 (`close`).
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from uvicorn.protocols.http.httptools_impl import (
    HEADER_RE,
    HEADER_VALUE_RE,
    STATUS_LINE,
    RequestResponseCycle,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from uvicorn._types import ASGIReceiveEvent, ASGISendEvent

_OF_ONE_ANSWER: Final = frozenset({b"location", b"set-cookie"})
"""Headers that may hold a ticket or a session: an answer with one of those is not kept."""
_WITHOUT_BODY: Final = frozenset({204, 304})

Header: TypeAlias = tuple[bytes, bytes]


class _Head(NamedTuple):
    """The headers of an answer as they go over the wire, and what they say of its length and of the connection."""

    lines: bytes
    length: int | None = None
    chunked: bool = False
    closes: bool = False


def _written(headers: tuple[Header, ...]) -> _Head:
    """Raises RuntimeError for a header that would be more than one, or none."""
    lines: list[bytes] = []
    length, chunked, closes = None, False, False
    for given, value in headers:
        name = given.lower()
        if HEADER_RE.search(name):
            raise RuntimeError("a header's name is not a token")
        if HEADER_VALUE_RE.search(value):
            raise RuntimeError("a header's value holds a control character")
        lines.append(b"%b: %b\r\n" % (name, value))
        if name == b"content-length":
            length = int(value)
        elif name == b"transfer-encoding":
            chunked = value.lower() == b"chunked"
        elif name == b"connection":
            closes = b"close" in [token.strip() for token in value.lower().split(b",")]
    return _Head(b"".join(lines), None if chunked else length, chunked, closes)


class _OfOneAnswer(Exception):
    """Headers that no other answer has."""


@lru_cache(maxsize=256)
def _written_once(headers: tuple[Header, ...]) -> _Head:
    """The same, kept. Raises _OfOneAnswer for what is not to be kept, and TypeError when a header is no tuple."""
    if any(name.lower() in _OF_ONE_ANSWER for name, _ in headers):
        raise _OfOneAnswer
    return _written(headers)


class Exchange(RequestResponseCycle):
    """See the module. `send` and `receive` are those of ASGI."""

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

    def _send_head(self, status: int, headers: Iterable[Header]) -> None:
        self.response_started = True
        self.waiting_for_100_continue = False
        said = tuple(headers)
        try:
            head = _written_once(said)
        except (_OfOneAnswer, TypeError):
            head = _written(tuple([(name, value) for name, value in said]))
        if head.closes:
            self.keep_alive = False
        self.expected_content_length = head.length or 0
        self.chunked_encoding = head.chunked
        ending = b"\r\n"
        if head.length is None and not head.chunked and self.scope["method"] != "HEAD" and status not in _WITHOUT_BODY:
            self.chunked_encoding = True
            ending = b"transfer-encoding: chunked\r\n\r\n"
        if not self.keep_alive and not head.closes:
            ending = b"connection: close\r\n" + ending
        own = _written_once(tuple(self.default_headers)).lines
        self.transport.write(b"".join((STATUS_LINE[status], own, head.lines, ending)))

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

    async def receive(self) -> ASGIReceiveEvent:
        """What has come of the request's body, or that the other side is gone."""
        if self.more_body or not self.message_event.is_set() or self.disconnected or self.response_complete:
            return await super().receive()
        # Nearly every request came in one piece: it is there.
        self.message_event.clear()
        body, self.body = bytes(self.body), bytearray()
        return {"type": "http.request", "body": body, "more_body": False}
