"""What one browser began at a plugin and alone goes on with: kept sealed, for a limited time."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, Self, TypeVar

import msgspec

from idcontact.browser import browser_digest, known_browser
from idcontact.errors import Gone, NotAllowed

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from idcontact.records import Record, Records


class Kept(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """What is kept of every session. `browser` is the digest of its browser's cookie; `own` is the plugin author's."""

    browser: str | None = None
    own: bytes = b""


KeptT = TypeVar("KeptT", bound=Kept)


@dataclass(frozen=True)
class Session(Generic[KeptT]):
    """One session, as it was read. Its `id` stands in its address and opens it for one browser only."""

    id: str = field(repr=False)
    kept: KeptT = field(repr=False)
    record: Record = field(repr=False)

    @property
    def own(self) -> bytes:
        """What the plugin keeps with it."""
        return self.kept.own

    def replaced_by(self, kept: KeptT, value: bytes) -> Self:
        """The session after `kept`, written as `value`, took the place of what was read."""
        return type(self)(self.id, kept, self.record.replaced_by(value))


SessionT = TypeVar("SessionT", bound=Session)  # type: ignore[type-arg]  # of whatever it keeps


class BoundSessions(Generic[KeptT, SessionT]):
    """The sessions of one plugin. `what` a session is called stands in the errors that people read.

    `lifetime` is in seconds from the beginning, whatever happens in between.
    """

    def __init__(
        self,
        records: Records,
        kept: type[KeptT],
        session: type[SessionT],
        *,
        what: str,
        cookie_prefix: str,
        lifetime: float,
    ) -> None:
        self.records = records
        self._decoder = msgspec.msgpack.Decoder(kept)
        self._session = session
        self._what = what
        self._cookie_prefix = cookie_prefix
        self._lifetime = lifetime

    async def create(self, kept: KeptT) -> str:
        """A new session; its id."""
        return await self.records.create(msgspec.msgpack.encode(kept), self._lifetime)

    async def bind(self, session_id: str, browser: str) -> SessionT:
        """The session, for the browser that opens its page: the first one has it from then on.

        Raises Gone when it is expired, or another browser has it.
        """
        while True:
            session = await self.open_to(session_id, browser)
            if session.kept.browser is not None:
                return session
            bound = await self.replace(session, browser=browser_digest(browser))
            if bound is not None:
                return bound

    async def open_to(self, session_id: str, browser: str) -> SessionT:
        """The session, when this browser may open its page: it has it, or no browser has yet. Changes nothing.

        Raises Gone when it is expired, or another browser has it.
        """
        session = await self.find(session_id)
        return session if session.kept.browser is None else self._of_browser(session, browser)

    async def of_browser(self, session_id: str, browser: str | None) -> SessionT:
        """The session, for a further request of its browser.

        Raises NotAllowed without its cookie, Gone when it is expired or another browser has it.
        """
        session = await self.find(session_id)
        if browser is None:
            raise NotAllowed("the cookie of this page did not come along; allow cookies, go back and start again")
        return self._of_browser(session, browser)

    async def keep(self, session: SessionT, own: bytes) -> SessionT | None:
        """Keep something of the plugin's own with it; None when it has changed since `session` was read."""
        return await self.replace(session, own=own)

    async def find(self, session_id: str) -> SessionT:
        """The session as it is now, whoever asks. Raises Gone."""
        record = await self.records.read(session_id)
        if record is None:
            raise Gone(f"this {self._what} has expired; go back and start again")
        return self._session(session_id, self._decoder.decode(record.value), record)

    async def replace(self, session: SessionT, **changes: object) -> SessionT | None:
        """The session with these members of what is kept changed; None when it has changed since it was read."""
        kept = msgspec.structs.replace(session.kept, **changes)
        value = msgspec.msgpack.encode(kept)
        if not await self.records.replace(session.id, value, session.record):
            return None
        replaced: SessionT = session.replaced_by(kept, value)
        return replaced

    def _of_browser(self, session: SessionT, browser: str) -> SessionT:
        if not hmac.compare_digest(session.kept.browser or "", browser_digest(browser)):
            raise Gone(f"this {self._what} was opened in another browser; go back and start again")
        return session

    # --- the cookie ---

    def cookie_name(self, session_id: str) -> str:
        """A cookie for each session, so that two of them can go on side by side in one browser."""
        digest = hashlib.sha256(session_id.encode("utf-8", "surrogatepass")).hexdigest()
        return self._cookie_prefix + digest[:16]

    def browser_in(self, request: Request, session_id: str) -> str | None:
        """The value of the session's cookie, where the request has one."""
        return known_browser(request.cookies.get(self.cookie_name(session_id)))

    def set_browser(self, response: Response, session_id: str, browser: str) -> None:
        """Set the session's cookie. Lax: the way back from an identity provider is a redirect from another site."""
        response.set_cookie(
            self.cookie_name(session_id),
            browser,
            max_age=int(self._lifetime),
            path="/",
            secure=True,
            httponly=True,
            samesite="lax",
        )


def is_a_look_ahead(request: Request) -> bool:
    """Whether it is not yet a person who asks: a session is bound to the browser that really opens it."""
    return request.method == "HEAD" or "prefetch" in request.headers.get("sec-purpose", "")
