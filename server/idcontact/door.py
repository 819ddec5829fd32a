"""The door of an application: what every HTTP request and every answer meets, in one layer of plain ASGI.

In this order: who may ask (`security.CrossOrigin`, `BodyLimit`, `security.OriginCheck`); the application; then what
the answer lacks (`security.SecurityHeaders`), and one line in the log. It stands around the whole application, also
around what Starlette answers by itself.

Source: RFC 9110 section 15.5.14 (413), RFC 9112 section 6.3 (which requests have a body).
"""

from __future__ import annotations

import logging
import re
import time
from typing import TYPE_CHECKING, TypeAlias

from starlette.requests import Request
from starlette.routing import Mount

from idcontact.bodies import ASKED, by_name
from idcontact.errors import IdContactError, TooLarge
from idcontact.logs import say

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from starlette.responses import Response
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from idcontact.security import CrossOrigin, OriginCheck, SecurityHeaders

Refuse: TypeAlias = "Callable[[Request, IdContactError], Response]"


class BodyLimit:
    """Refuses bodies over a limit with 413: by `Content-Length` at once, otherwise by the bytes that really arrive.

    `limits` maps a regular expression for a whole path to its limit in bytes; `default` is for all other paths.
    """

    def __init__(self, *, default: int, limits: Mapping[str, int] | None = None) -> None:
        self._default = default
        self._limits = [(re.compile(pattern), limit) for pattern, limit in (limits or {}).items()]
        self._anywhere = min([default, *(limit for _, limit in self._limits)])

    def check(self, asked: Mapping[bytes, bytes], path: str) -> None:
        """Of a body whose length is announced. Raises TooLarge. A server takes no more than was announced."""
        announced = asked.get(b"content-length")
        if announced is None or (announced.isdigit() and int(announced) <= self._anywhere):
            return
        if not announced.isdigit() or int(announced) > self._limit_of(path):
            raise _too_large(self._limit_of(path))

    def counting(self, receive: Receive, path: str) -> Receive:
        """`receive`, for a body of which no length is announced: raises TooLarge into the application that reads it."""
        limit = self._limit_of(path)
        received = 0

        async def counted_receive() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > limit:
                raise _too_large(limit)
            return message

        return counted_receive

    def _limit_of(self, path: str) -> int:
        return next((limit for pattern, limit in self._limits if pattern.fullmatch(path)), self._default)


def _too_large(limit: int) -> TooLarge:
    return TooLarge(f"the body is larger than the {limit} bytes that are accepted here")


def path_template(scope: Scope) -> str:
    """The route that answered, as it is declared: `/land/{ticket}`. What a path held never shows, nor does a query."""
    route = scope.get("route")
    if route is None:
        return "(no route)"
    root: str = scope.get("root_path", "")
    return f"{root}/…" if isinstance(route, Mount) else f"{root}{getattr(route, 'path', '/…')}"


class AccessLog:
    """One line per answered request: method, route, status, milliseconds. No address, no query, no parameter.

    Replaces the server's own access log, which writes whole targets: run uvicorn with `access_log=False`.
    """

    def __init__(self, logger: logging.Logger) -> None:
        self._logger = logger

    def note(self, scope: Scope, status: int, seconds: float) -> None:
        """The line of one request."""
        if self._logger.isEnabledFor(logging.INFO):
            say(self._logger, f"{scope['method']} {path_template(scope)} {status} {seconds * 1000:.1f} ms")


class Door:
    """Around `app`: what is given is kept. `refuse` makes the answer to who may not come in."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        log: AccessLog | None = None,
        headers: SecurityHeaders | None = None,
        cross_origin: CrossOrigin | None = None,
        bodies: BodyLimit | None = None,
        origins: OriginCheck | None = None,
        refuse: Refuse | None = None,
    ) -> None:
        self._app = app
        self._log = log
        self._headers = headers
        self._cross_origin = cross_origin
        self._bodies = bodies
        self._origins = origins
        self._refuse = refuse

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI: let in or refuse, and write one line when the answer is complete or has failed."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        asked = scope[ASKED] = by_name(scope)
        answer = _Answer(self._headers, send)
        try:
            await self._let_in(scope, asked, receive, answer)
        finally:
            if self._log is not None:
                self._log.note(scope, answer.status, time.perf_counter() - began)

    async def _let_in(self, scope: Scope, asked: dict[bytes, bytes], receive: Receive, answer: _Answer) -> None:
        path = scope["path"]
        if self._cross_origin is not None and self._cross_origin.is_open(path):
            preflight = self._cross_origin.preflight(scope) if scope["method"] == "OPTIONS" else None
            if preflight is not None:
                await preflight(scope, receive, answer.send)
                return
            answer.read_by(self._cross_origin, asked.get(b"origin", b""))
        try:
            if self._bodies is not None:
                self._bodies.check(asked, path)
                if b"transfer-encoding" in asked or scope["http_version"] != "1.1":
                    receive = self._bodies.counting(receive, path)
            if self._origins is not None:
                self._origins.check(scope)
        except IdContactError as error:
            if self._refuse is None:
                raise
            await self._refuse(Request(scope, receive), error)(scope, receive, answer.send)
            return
        await self._app(scope, receive, answer.send)


class _Answer:
    """An answer on its way out."""

    __slots__ = ("_cross_origin", "_headers", "_origin", "_send", "status")

    def __init__(self, headers: SecurityHeaders | None, send: Send) -> None:
        self._headers = headers
        self._send = send
        self._cross_origin: CrossOrigin | None = None
        self._origin = b""
        self.status = 500

    def read_by(self, cross_origin: CrossOrigin, origin: bytes) -> None:
        """Say which other site's scripts may read it."""
        self._cross_origin = cross_origin
        self._origin = origin

    async def send(self, message: Message) -> None:
        """ASGI."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = [*message.get("headers", ())]
            if self._cross_origin is not None:
                self._cross_origin.complete(self._origin, headers)
            message["headers"] = headers if self._headers is None else self._headers.complete(headers)
        await self._send(message)
