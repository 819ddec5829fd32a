"""Sessions of staff: who is behind a cookie, now.

The account is looked up in the settings every time. One that was removed there has no session any more, one with other
roles or purposes has those at once, and a changed password ends what was begun with the old one.
"""

from __future__ import annotations

import base64
import hmac
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from idcontact.staff.accounts import Accounts, fingerprint
from idcontact.staff.store import StaffStore, StoredSession, digest_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from idcontact.staff.settings import Role, StaffAccount, StaffSettings

COOKIE: Final = "__Host-idc-staff"
_NOTE_USE_EVERY: Final = 60_000


@dataclass(frozen=True)
class StaffMember:
    """Someone who is logged in. `session` names the log-in (a digest, not the cookie); safe to keep, not to show.

    `purposes` are tags; `"*"` is all of them.
    """

    id: str
    name: str
    roles: frozenset[Role]
    purposes: tuple[str, ...]
    capacity: int
    session: str


class StaffSessions:
    """Begins, finds and ends sessions. `clock` gives seconds UTC. All methods raise `Unavailable` without Redis."""

    def __init__(
        self, store: StaffStore, accounts: Accounts, settings: StaffSettings, clock: Callable[[], float]
    ) -> None:
        self._store = store
        self._accounts = accounts
        self._limit = int(settings.session_limit * 1000)
        self._idle = int(settings.session_idle * 1000)
        self._clock = clock

    async def begin(self, account: StaffAccount) -> str:
        """A new session; what to set as cookie. Always a new value: one that somebody else knows is never adopted."""
        cookie = secrets.token_urlsafe(32)
        now = self._now()
        session = StoredSession(account.id, fingerprint(account), created=now, last_seen=now)
        await self._store.add(digest_of(cookie), session, min(self._idle, self._limit))
        return cookie

    async def member_of(self, cookies: Mapping[str, str]) -> StaffMember | None:
        """Who sends these cookies (`request.cookies`, `websocket.cookies`). Counts as use of the session."""
        cookie = cookies.get(COOKIE)
        return None if cookie is None else await self._find(digest_of(cookie), counts_as_use=True)

    async def current(self, session: str) -> StaffMember | None:
        """The same member as the settings have them now; None when the session has ended. Does not count as use."""
        return await self._find(session, counts_as_use=False)

    async def still_valid(self, session: str) -> bool:
        """Whether the session lasts. For sockets: ask every now and then, and close with 4401 when it does not."""
        return await self.current(session) is not None

    async def seen(self, session: str) -> StaffMember | None:
        """Like `current`, and counts as use: an open console is used, also while its agent waits for a conversation."""
        return await self._find(session, counts_as_use=True)

    async def end(self, session: str) -> None:
        """Log out here."""
        await self._store.remove(session)

    async def end_all(self, account: str) -> None:
        """Log out everywhere."""
        await self._store.remove_all(account)

    async def _find(self, digest: str, *, counts_as_use: bool) -> StaffMember | None:
        session = await self._store.read(digest)
        now = self._now()
        if session is None or now >= min(session.created + self._limit, session.last_seen + self._idle):
            return None
        account = self._accounts.get(session.account)
        if account is None or fingerprint(account) != session.fingerprint:
            return None
        if counts_as_use and now - session.last_seen >= min(_NOTE_USE_EVERY, self._idle // 2):
            await self._store.seen(digest, now, min(self._idle, session.created + self._limit - now))
        return StaffMember(account.id, account.name, account.roles, account.purposes, account.capacity, digest)

    def _now(self) -> int:
        return int(self._clock() * 1000)


def form_token(cookie: str, form: str) -> str:
    """What a form must carry to show that it stands on a page of ours: only we and the cookie's holder can make it.

    Derived from the cookie (HttpOnly, `__Host-`), so there is nothing to store, and different for each form.
    """
    return base64.urlsafe_b64encode(hmac.digest(cookie.encode(), form.encode(), "sha256")).rstrip(b"=").decode()


def carries_token(cookie: str | None, form: str, token: str) -> bool:
    """Whether `token` is the one of this cookie and form, in constant time."""
    return bool(cookie) and hmac.compare_digest(form_token(cookie or "", form).encode(), token.encode())
