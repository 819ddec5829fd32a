"""What every answer and every request meets at the public door, as plain ASGI middleware.

From the outside in: `SecurityHeaders`, `AccessLog`, `CrossOrigin`, `BodyLimit`, `OriginCheck`. A page sets its own
policy through `page_headers`; everything that sets none gets the closed one, so a route that forgets is safe, not open.

Sources: Content Security Policy Level 3, Fetch Metadata Request Headers, Fetch ("append a request Origin header"),
and its CORS protocol), RFC 6454 (origins), RFC 9110 (413).
"""

from __future__ import annotations

import logging
import re
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from starlette.middleware.cors import CORSMiddleware
from starlette.requests import HTTPConnection, Request
from starlette.routing import Mount

from idcontact.errors import IdContactError, NotAllowed, TooLarge
from idcontact.logs import say
from idcontact.urls import origin_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from starlette.responses import Response
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

_Lacking: TypeAlias = tuple[list[tuple[bytes, bytes]], int | None]
"""Headers that an answer lacks, and which of those it has is its policy."""
Refuse: TypeAlias = "Callable[[Request, IdContactError], Response]"
Referrer: TypeAlias = Literal["same-origin", "no-referrer"]

_IN_SOME_FRAMES = re.compile(rb"frame-ancestors (?!'none')")
_POLICY, _FRAME_OPTIONS, _VARY = b"content-security-policy", b"x-frame-options", b"vary"
_KINDS_OF_ANSWERS = 1000
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_NOTHING = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
_FEATURES = "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()"


# --- headers --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class PagePolicy:
    """What one page may do beyond its own origin.

    `form_targets`: absolute URLs to whose origins a form of this page may lead. Chromium enforces `form-action` on
    every redirect that follows a submission, so a page whose POST is answered by a 303 to elsewhere names elsewhere;
    `plugin_targets` where only the answer knows that.
    `frames`: origins whose pages may show it in a frame; without one, nobody's.
    `sockets`, `styles`, `images`: further sources for `connect-src`, `style-src` and `font-src`, and `img-src`.
    """

    form_targets: Sequence[str] = ()
    sockets: Sequence[str] = ()
    styles: Sequence[str] = ()
    images: Sequence[str] = ()
    frames: Sequence[str] = ()
    referrer: Referrer = "same-origin"

    def content_security_policy(self) -> str:
        """The value of the header. Trusted Types are on; `lit-html` is the one policy our own front ends make."""
        forms = [_source_of(target) for target in self.form_targets]
        directives = {
            "default-src": ["'none'"],
            "script-src": ["'self'"],
            "style-src": ["'self'", *self.styles],
            "font-src": ["'self'", *self.styles],
            "img-src": ["'self'", "data:", *self.images],
            "media-src": ["'self'", "data:"],
            "connect-src": ["'self'", *self.sockets],
            "form-action": ["'self'", *forms],
            "frame-ancestors": self.frames or ["'none'"],
            "base-uri": ["'none'"],
            "require-trusted-types-for": ["'script'"],
            "trusted-types": ["lit-html"],
        }
        return "; ".join(f"{name} {' '.join(dict.fromkeys(sources))}" for name, sources in directives.items())


def plugin_targets(public_url: str) -> tuple[str, ...]:
    """Form targets of a page whose POST goes to `/start`: only the answer knows where a plugin has its pages.

    Any website by HTTPS (by HTTP too where this server itself is reached so: on somebody's own machine) and the
    telephone. `form-action` guards against a smuggled-in form that carries away what a page knows: a page that knows
    something of somebody has these targets only where it must. A page in between, to leave from, would protect no
    more and make everybody without JavaScript press twice.
    """
    return ("https:", "tel:") if public_url.startswith("https:") else ("https:", "http:", "tel:")


def _source_of(url: str) -> str:
    """The source expression that allows `url`: its origin; its scheme where it has none (`tel:`) or is nothing else."""
    if url in {"https:", "http:"}:
        return url
    origin = origin_of(url)
    if origin is not None:
        return origin
    scheme = re.match(r"(?!https?:|javascript:|data:)[a-z][a-z0-9+.-]*:", url)
    if scheme is None:
        raise ValueError("a form target is an absolute URL")
    return scheme[0]


def page_headers(policy: PagePolicy) -> dict[str, str]:
    """The headers of an HTML page. `no-referrer` is for a page whose address holds a ticket, a session or a result."""
    return {
        "Content-Security-Policy": policy.content_security_policy(),
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cache-Control": "no-store",
        "Permissions-Policy": _FEATURES,
        "Referrer-Policy": policy.referrer,
    }


class SecurityHeaders:
    """Adds to every HTTP answer what the answer does not say itself; never replaces what it says.

    `https_only` also promises the browser that this host is reached by HTTPS for a year (RFC 6797).
    """

    def __init__(self, app: ASGIApp, *, https_only: bool) -> None:
        self._app = app
        self._kinds: dict[tuple[bytes, ...], _Lacking] = {}
        # As they go over the wire, in lower case: every answer passes here.
        self._defaults = [
            (b"x-content-type-options", b"nosniff"),
            (_POLICY, _NOTHING.encode()),
            (_FRAME_OPTIONS, b"DENY"),
            (b"referrer-policy", b"no-referrer"),
            (b"cross-origin-resource-policy", b"same-origin"),
            (b"cache-control", b"no-store"),
        ]
        if https_only:
            self._defaults.append((b"strict-transport-security", b"max-age=31536000"))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI: every HTTP answer that passes gets the headers it lacks."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": self._completed([*message.get("headers", ())])}
            await send(message)

        await self._app(scope, receive, send_with_headers)

    def _completed(self, headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
        lacking, policy = self._looked_at(tuple([name for name, _ in headers]))
        headers += lacking
        if policy is not None and _IN_SOME_FRAMES.search(headers[policy][1]):
            # X-Frame-Options has no word for it, and what is newer says it already.
            return [(name, value) for name, value in headers if name.lower() != _FRAME_OPTIONS]
        return headers

    def _looked_at(self, names: tuple[bytes, ...]) -> _Lacking:
        """What an answer with headers of these names lacks. There are few kinds of answers: each is looked at once."""
        known = self._kinds.get(names)
        if known is None:
            said = [name.lower() for name in names]
            lacking = [default for default in self._defaults if default[0] not in said]
            known = (lacking, said.index(_POLICY) if _POLICY in said else None)
            if len(self._kinds) < _KINDS_OF_ANSWERS:
                self._kinds[names] = known
        return known


# --- who asks -------------------------------------------------------------------------------------------------------


def check_origin(connection: HTTPConnection, own_origins: Collection[str]) -> None:
    """Refuse a request that a page of another origin made.

    An `Origin` that names an origin decides. Where the browser hides it (`null`: the page says `no-referrer`) or
    leaves it out, `Sec-Fetch-Site` must say `same-origin`, which no script can forge. Neither one: refused.

    Raises:
        NotAllowed: made by another site, or not by a browser of these days.

    """
    origin = connection.headers.get("origin", "null")
    if origin in own_origins:
        return
    if origin == "null" and connection.headers.get("sec-fetch-site") == "same-origin":
        return
    raise NotAllowed("this request does not come from a page of this site", reason="Origin and Sec-Fetch-Site")


def check_socket_origin(connection: HTTPConnection, own_origins: Collection[str]) -> None:
    """Refuse a WebSocket handshake from another origin: the same-origin policy does not guard those (RFC 6455 §10.2).

    Raises:
        NotAllowed: the Origin header is absent or not one of `own_origins`.

    """
    if connection.headers.get("origin") not in own_origins:
        raise NotAllowed("this socket is not opened by a page of this site", reason="Origin")


class OriginCheck:
    """Refuses state-changing requests that no page of `own_origins` made.

    `exempt` are regular expressions, each for a whole path that takes requests of other sites and guards itself
    (`/start`, whose form stands on the municipality's site and which has an allow-list of its own).
    """

    def __init__(self, app: ASGIApp, *, own_origins: Collection[str], exempt: Sequence[str], refuse: Refuse) -> None:
        self._app = app
        self._own_origins = frozenset(own_origins)
        self._exempt = [re.compile(pattern) for pattern in exempt]
        self._refuse = refuse

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI: pass on, or answer 403."""
        if scope["type"] == "http" and scope["method"] not in _SAFE_METHODS and not self._is_exempt(scope["path"]):
            request = Request(scope, receive)
            try:
                check_origin(request, self._own_origins)
            except NotAllowed as error:
                await self._refuse(request, error)(scope, receive, send)
                return
        await self._app(scope, receive, send)

    def _is_exempt(self, path: str) -> bool:
        return any(pattern.fullmatch(path) for pattern in self._exempt)


class CrossOrigin:
    """Lets scripts on pages of `origins` use `paths`: read what a GET answers, and POST JSON. No others, nowhere else.

    `paths` are regular expressions, each for a whole path. What is answered never depends on a cookie: none is allowed.
    """

    def __init__(self, app: ASGIApp, *, origins: Collection[str], paths: Sequence[str]) -> None:
        self._app = app
        self._origins = frozenset(origin.encode() for origin in origins)
        self._preflight = CORSMiddleware(app, frozenset(origins), allow_methods=["GET", "POST"], max_age=3600)
        self._paths = re.compile("|".join(f"(?:{path})" for path in paths))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI: answer a preflight, or pass on and say who may read the answer."""
        if scope["type"] != "http" or self._paths.fullmatch(scope["path"]) is None:
            await self._app(scope, receive, send)
        elif scope["method"] == "OPTIONS":
            await self._preflight(scope, receive, send)
        else:
            await self._pass_on(scope, receive, send)

    async def _pass_on(self, scope: Scope, receive: Receive, send: Send) -> None:
        origin = _header(scope, b"origin")

        async def send_with_origin(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = [*message.get("headers", ())]
                if not any(b"Origin" in value for name, value in headers if name == _VARY):
                    headers.append((_VARY, b"Origin"))
                if origin in self._origins:
                    headers.append((b"access-control-allow-origin", origin))
                message = {**message, "headers": headers}
            await send(message)

        await self._app(scope, receive, send_with_origin)


def _header(scope: Scope, wanted: bytes) -> bytes:
    """The first header of that name, in lower case as ASGI has it; nothing where it is not there."""
    for name, value in scope["headers"]:
        if name == wanted:
            found: bytes = value
            return found
    return b""


# --- how much -------------------------------------------------------------------------------------------------------


class BodyLimit:
    """Refuses bodies over a limit with 413: by `Content-Length` at once, otherwise by the bytes that really arrive.

    `limits` maps a regular expression for a whole path to its limit in bytes; `default` is for all other paths.
    """

    def __init__(self, app: ASGIApp, *, default: int, limits: Mapping[str, int], refuse: Refuse) -> None:
        self._app = app
        self._default = default
        self._limits = [(re.compile(pattern), limit) for pattern, limit in limits.items()]
        self._refuse = refuse

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI: pass on, or answer 413."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        announced = _header(scope, b"content-length")
        if not announced and not _header(scope, b"transfer-encoding") and scope["http_version"] == "1.1":
            await self._app(scope, receive, send)  # a request that announces neither has no body (RFC 9112 §6.3)
            return
        limit = self._limit_of(scope["path"])
        if announced and (not announced.isdigit() or int(announced) > limit):
            await self._refuse(Request(scope, receive), _too_large(limit))(scope, receive, send)
            return
        await self._pass_on(limit, scope, receive, send)

    def _limit_of(self, path: str) -> int:
        return next((limit for pattern, limit in self._limits if pattern.fullmatch(path)), self._default)

    async def _pass_on(self, limit: int, scope: Scope, receive: Receive, send: Send) -> None:
        received = 0
        started = False

        async def counted_receive() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > limit:
                raise _too_large(limit)
            return message

        async def noted_send(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self._app(scope, counted_receive, noted_send)
        except TooLarge as error:
            if started:
                raise
            await self._refuse(Request(scope, receive), error)(scope, receive, send)


def _too_large(limit: int) -> TooLarge:
    return TooLarge(f"the body is larger than the {limit} bytes that are accepted here")


# --- what is written down -------------------------------------------------------------------------------------------


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

    def __init__(self, app: ASGIApp, *, logger: logging.Logger) -> None:
        self._app = app
        self._logger = logger

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI: pass on, and write one line when the answer is complete or has failed."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status = 500
        began = time.perf_counter()

        async def noted_send(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, noted_send)
        finally:
            took = (time.perf_counter() - began) * 1000
            if self._logger.isEnabledFor(logging.INFO):
                say(self._logger, f"{scope['method']} {path_template(scope)} {status} {took:.1f} ms")
