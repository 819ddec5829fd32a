"""One attempt to log in: how often it may be tried, and whether the password is right.

Nobody can lock somebody else out: on a device where an account has logged in before, its attempts are counted apart
from everybody else's. docs/decisions/0004-log-in-limits.md says what is counted where, and why.
"""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from idcontact.staff.accounts import MAX_PASSWORD_BYTES, Accounts
from idcontact.staff.store import StaffStore, digest_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from idcontact.limits import Limiter
    from idcontact.staff.audit import AuditTrail
    from idcontact.staff.settings import StaffAccount, StaffSettings

DEVICE_COOKIE: Final = "__Host-idc-known"
_MAX_ACCOUNT: Final = 64


@dataclass(frozen=True)
class Attempt:
    """What somebody filled in, and where. `device` is the value of their device cookie, if any."""

    account: str
    password: str
    address: str
    device: str | None


@dataclass(frozen=True)
class Success:
    """The account, and what to set as device cookie."""

    account: StaffAccount
    device: str


class LogIn:
    """Checks attempts. `clock` gives seconds UTC."""

    def __init__(
        self,
        store: StaffStore,
        accounts: Accounts,
        limiter: Limiter,
        audit: AuditTrail,
        settings: StaffSettings,
        clock: Callable[[], float],
    ) -> None:
        self._store = store
        self._accounts = accounts
        self._limiter = limiter
        self._audit = audit
        self._limits = settings.log_in
        self._device_ttl = int(settings.known_device * 1000)
        self._clock = clock

    async def attempt(self, attempt: Attempt) -> Success | None:
        """The account, or None: no such account and a wrong password are the same to the caller.

        Counted before the password is looked at, so that attempts at the same moment cannot pass together.

        Raises:
            TooManyRequests: this account from here, or too much from here.
            Unavailable: Redis is away, or too many others log in.

        """
        name = attempt.account.strip().lower()
        if len(name) > _MAX_ACCOUNT or len(attempt.password.encode()) > MAX_PASSWORD_BYTES:
            name = ""
        known = await self._is_known(name, attempt.device)
        await self._count(name, attempt, known_device=known)
        password = attempt.password if name else ""
        account = await self._accounts.verify(name, password, known_device=known)
        if account is None:
            # Only a name of the settings: what else is typed there may well be a password.
            if self._accounts.get(name) is not None:
                await self._audit.log_in_refused(name)
            return None
        return await self._welcome(account, attempt)

    async def _is_known(self, name: str, device: str | None) -> bool:
        if device is None or self._accounts.get(name) is None:
            return False
        return await self._store.knows_device(name, digest_of(device), self._now() - self._device_ttl)

    async def _count(self, name: str, attempt: Attempt, *, known_device: bool) -> None:
        limits = self._limits
        if known_device:
            await self._limiter.hit("log_in_device", f"{attempt.device} {name}", limits.by_device)
            return
        # From the narrow to the wide: what an earlier one refuses, a later one does not count. So one address uses up
        # no more of an account's hour than its own share.
        await self._limiter.hit("log_in_here", f"{attempt.address} {name}", limits.by_address_and_account)
        await self._limiter.hit("log_in_address", attempt.address, limits.by_address)
        await self._limiter.hit("log_in_account", name, limits.by_account)

    async def _welcome(self, account: StaffAccount, attempt: Attempt) -> Success:
        """The honest mistakes before it are forgotten, here and nowhere else."""
        await self._limiter.forget("log_in_device", f"{attempt.device} {account.id}", self._limits.by_device)
        here = f"{attempt.address} {account.id}"
        await self._limiter.forget("log_in_here", here, self._limits.by_address_and_account)
        device = attempt.device if _is_ours(attempt.device) else None
        device = device or secrets.token_urlsafe(32)
        await self._store.remember_device(account.id, digest_of(device), self._now(), self._device_ttl)
        await self._audit.logged_in(account.id)
        return Success(account, device)

    def _now(self) -> int:
        return int(self._clock() * 1000)


def _is_ours(device: str | None) -> bool:
    return device is not None and re.fullmatch(r"[A-Za-z0-9_-]{43}", device) is not None
