"""Who may ask, and what browsers are told with each answer: the rules that a `door.Door` keeps.

A page sets its own policy through `page_headers`; everything that sets none gets the closed one, so a route that
forgets is safe, not open.

Sources: Content Security Policy Level 3, Fetch Metadata Request Headers, Fetch ("append a request Origin header",
and its CORS protocol), RFC 6454 (origins).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import HTTPConnection

from idcontact.errors import NotAllowed
from idcontact.urls import origin_of

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from starlette.responses import Response
    from starlette.types import Receive, Scope, Send

_Lacking: TypeAlias = tuple[list[tuple[bytes, bytes]], int | None]
"""Headers that an answer lacks, and which of those it has is its policy."""
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

    def __init__(self, *, https_only: bool) -> None:
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

    def complete(self, headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
        """The headers of an answer, and those that it lacks. The list may be changed."""
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

    def __init__(self, *, own_origins: Collection[str], exempt: Sequence[str] = ()) -> None:
        self._own_origins = frozenset(own_origins)
        self._exempt = re.compile("|".join(f"(?:{pattern})" for pattern in exempt) if exempt else "(?!)")

    def check(self, scope: Scope) -> None:
        """Raises NotAllowed."""
        if scope["method"] not in _SAFE_METHODS and self._exempt.fullmatch(scope["path"]) is None:
            check_origin(HTTPConnection(scope), self._own_origins)


class CrossOrigin:
    """Lets scripts on pages of `origins` use `paths`: read what a GET answers, and POST JSON. No others, nowhere else.

    `paths` are regular expressions, each for a whole path. What is answered depends on no cookie: none is allowed.
    """

    def __init__(self, *, origins: Collection[str], paths: Sequence[str]) -> None:
        self._origins = frozenset(origin.encode() for origin in origins)
        self._paths = re.compile("|".join(f"(?:{path})" for path in paths))
        self._rules = CORSMiddleware(_nothing, frozenset(origins), allow_methods=["GET", "POST"], max_age=3600)

    def is_open(self, path: str) -> bool:
        """Whether it is about this path."""
        return self._paths.fullmatch(path) is not None

    def preflight(self, scope: Scope) -> Response | None:
        """The answer where a browser asks beforehand what a script of another site may do; None where it does not."""
        headers = Headers(scope=scope)
        if scope["method"] != "OPTIONS" or "origin" not in headers or "access-control-request-method" not in headers:
            return None
        return self._rules.preflight_response(request_headers=headers)

    def complete(self, origin: bytes, headers: list[tuple[bytes, bytes]]) -> None:
        """Add to the headers of an answer who may read it; `origin` is who asked."""
        for name, value in headers:
            if name == _VARY and b"Origin" in value:
                break
        else:
            headers.append((_VARY, b"Origin"))
        if origin in self._origins:
            headers.append((b"access-control-allow-origin", origin))


async def _nothing(scope: Scope, receive: Receive, send: Send) -> None:
    """What would be asked after a preflight: the rules are wanted, not what they stand around."""
