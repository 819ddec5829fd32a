"""One authentication, from start_authentication until its result is delivered; bound to one browser."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import msgspec

from idcontact.browser import browser_digest, known_browser
from idcontact.errors import Gone, NotAllowed
from idcontact.protocol import StartAuthentication

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from idcontact.records import Record, Records

LIFETIME: Final = 15 * 60
"""Seconds that a person has to identify."""

_COOKIE_PREFIX: Final = "__Host-idc-auth-"


class _Kept(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """What is kept of it. `token` is there once it is finished: then it is only delivered, and never made again."""

    request: StartAuthentication
    browser: str | None = None
    token: str | None = None
    own: bytes = b""


_decoder = msgspec.msgpack.Decoder(_Kept)


@dataclass(frozen=True)
class AuthSession:
    """One authentication as its plugin sees it. `attributes` are the tags that are asked, in their order.

    `own` is what the plugin keeps with it (`Sessions.keep`).
    """

    id: str = field(repr=False)
    kept: _Kept = field(repr=False)
    record: Record = field(repr=False)

    @property
    def attributes(self) -> list[str]:
        """The tags that are asked."""
        return self.kept.request.attributes

    @property
    def continuation(self) -> str:
        """Where the browser goes when it is done."""
        return self.kept.request.continuation

    @property
    def attr_url(self) -> str | None:
        """Where the result is to be delivered; None: in the query of the continuation."""
        return self.kept.request.attr_url

    @property
    def token(self) -> str | None:
        """The result, once there is one."""
        return self.kept.token

    @property
    def own(self) -> bytes:
        """What the plugin keeps with it."""
        return self.kept.own


class Sessions:
    """The authentications of one plugin."""

    def __init__(self, records: Records) -> None:
        self._records = records

    async def begin(self, request: StartAuthentication) -> str:
        """A new one, for 15 minutes; its id."""
        return await self._records.create(msgspec.msgpack.encode(_Kept(request=request)), LIFETIME)

    async def bind(self, session_id: str, browser: str) -> AuthSession:
        """The session, for the browser that opens its page: the first one has it from then on.

        Raises Gone when it is expired, or another browser has it.
        """
        while True:
            session = await self._find(session_id)
            if session.kept.browser is not None:
                return _of_browser(session, browser)
            bound = await self._replace(session, msgspec.structs.replace(session.kept, browser=browser_digest(browser)))
            if bound is not None:
                return bound

    async def of_browser(self, session_id: str, browser: str | None) -> AuthSession:
        """The session, for a further request of its browser.

        Raises NotAllowed without its cookie, Gone when it is expired or another browser has it.
        """
        session = await self._find(session_id)
        if browser is None:
            raise NotAllowed("the cookie of this page did not come along; allow cookies, go back and start again")
        return _of_browser(session, browser)

    async def finish(self, session: AuthSession, token: str) -> AuthSession:
        """Give it its result. Once only: of two at the same time both get the session with the first one's result.

        Raises Gone when it is expired.
        """
        while session.kept.token is None:
            finished = await self._replace(session, msgspec.structs.replace(session.kept, token=token))
            session = finished or await self._find(session.id)
        return session

    async def keep(self, session: AuthSession, own: bytes) -> AuthSession | None:
        """Keep something of the plugin's own with it; None when it has changed since `session` was read."""
        return await self._replace(session, msgspec.structs.replace(session.kept, own=own))

    async def _find(self, session_id: str) -> AuthSession:
        record = await self._records.read(session_id)
        if record is None:
            raise Gone("this identification has expired; go back and start again")
        return AuthSession(session_id, _decoder.decode(record.value), record)

    async def _replace(self, session: AuthSession, kept: _Kept) -> AuthSession | None:
        value = msgspec.msgpack.encode(kept)
        if not await self._records.replace(session.id, value, session.record):
            return None
        return AuthSession(session.id, kept, session.record.replaced_by(value))


def _of_browser(session: AuthSession, browser: str) -> AuthSession:
    if not hmac.compare_digest(session.kept.browser or "", browser_digest(browser)):
        raise Gone("this identification was opened in another browser; go back and start again")
    return session


# --- the cookie -----------------------------------------------------------------------------------------------------


def cookie_name(session_id: str) -> str:
    """A cookie for each session, so that two of them can go on side by side in one browser."""
    return _COOKIE_PREFIX + hashlib.sha256(session_id.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def browser_of(request: Request, session_id: str) -> str | None:
    """The value of the session's cookie, where the request has one."""
    return known_browser(request.cookies.get(cookie_name(session_id)))


def set_browser(response: Response, session_id: str, browser: str) -> None:
    """Set the session's cookie. Lax: the way back from an identity provider is a redirect from another site."""
    response.set_cookie(
        cookie_name(session_id), browser, max_age=LIFETIME, path="/", secure=True, httponly=True, samesite="lax"
    )
