"""The browser that started a session, recognised later by a first-party cookie. No more is known of it than that."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.responses import Response

COOKIES: Final = "__Host-idc-browser-"
"""What the names of these cookies begin with. Each start has one of its own: the form of a start on another site brings
no cookie along (SameSite=Lax), so one for all would be replaced while an earlier session has yet to land."""

_KEPT: Final = 3600  # seconds; who has not landed by then has to start again


def known_browser(cookie: str | None) -> str | None:
    """The cookie's value when it can be one that we made, else None."""
    return cookie if cookie is not None and re.fullmatch(r"[A-Za-z0-9_-]{43}", cookie) else None


def new_browser() -> str:
    """A value for the cookie: 256 random bits."""
    return secrets.token_urlsafe(32)


def browser_digest(value: str) -> str:
    """What others are told of it: base64url of its SHA-256, from which nobody gets back to the cookie."""
    return base64.urlsafe_b64encode(hashlib.sha256(value.encode()).digest()).rstrip(b"=").decode()


def remember_browser(response: Response, value: str) -> None:
    """Set the cookie. Lax: the way back from an identity provider is a redirect from another site."""
    name = COOKIES + browser_digest(value)[:12]
    response.set_cookie(name, value, max_age=_KEPT, path="/", secure=True, httponly=True, samesite="lax")


def has_started(cookies: Mapping[str, str], digest: str) -> bool:
    """Whether the browser that sends these cookies is the one that started the session with this digest."""
    value = known_browser(cookies.get(COOKIES + digest[:12]))
    return value is not None and hmac.compare_digest(browser_digest(value), digest)
