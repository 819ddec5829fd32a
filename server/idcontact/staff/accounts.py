"""Local accounts and their passwords (argon2id, RFC 9106)."""

from __future__ import annotations

import hashlib
import logging
import secrets
from typing import TYPE_CHECKING, Final

from anyio import CapacityLimiter, to_thread
from argon2 import PasswordHasher, extract_parameters
from argon2.exceptions import VerificationError

from idcontact.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from idcontact.staff.settings import StaffAccount

_log = logging.getLogger("idcontact.staff")

MAX_PASSWORD_BYTES: Final = 1024
_HASHES_AT_ONCE: Final = 2
_MAX_WAITING: Final = 20


class Accounts:
    """The accounts of the settings, and the only place where a password is compared.

    A hash costs a quarter of a second and 64 MiB: at most two are computed at once, in threads. Who comes from a known
    device waits in a line of their own, so that a crowd of strangers cannot keep them out.
    """

    def __init__(self, accounts: Sequence[StaffAccount]) -> None:
        self._accounts = {account.id: account for account in accounts}
        self._decoy = _hash_like_the_dearest_of([account.password_hash.value() for account in accounts])
        self._strangers = CapacityLimiter(_HASHES_AT_ONCE)
        self._known = CapacityLimiter(1)
        _note_weak_hashes(accounts)

    def get(self, account_id: str) -> StaffAccount | None:
        """The account with this id, as the settings have it now."""
        return self._accounts.get(account_id)

    async def verify(self, account_id: str, password: str, *, known_device: bool) -> StaffAccount | None:
        """The account if the password is its own. The same work is done when there is no such account.

        Raises:
            Unavailable: too many others wait for the same.

        """
        account = self._accounts.get(account_id)
        line = self._known if known_device else self._strangers
        if line.statistics().tasks_waiting >= _MAX_WAITING:
            raise Unavailable("too many people log in at this moment; try again shortly", reason="argon2 queue")
        encoded = self._decoy if account is None else account.password_hash.value()
        matches = await to_thread.run_sync(_matches, encoded, password, limiter=line)
        return account if matches else None


def fingerprint(account: StaffAccount) -> str:
    """Changes when the password does. Sessions carry it, so that a new password ends those of the old one."""
    return hashlib.sha256(account.password_hash.value().encode()).hexdigest()[:32]


def _matches(encoded: str, password: str) -> bool:
    try:
        return PasswordHasher().verify(encoded, password)
    except VerificationError:
        return False


def _hash_like_the_dearest_of(hashes: Sequence[str]) -> str:
    """A hash of a password nobody has, that takes as long to verify as those of the accounts."""
    found = [extract_parameters(encoded) for encoded in hashes]
    dearest = max(found, key=lambda parameters: parameters.memory_cost * parameters.time_cost, default=None)
    hasher = PasswordHasher() if dearest is None else PasswordHasher.from_parameters(dearest)
    return hasher.hash(secrets.token_bytes(32))


def _note_weak_hashes(accounts: Sequence[StaffAccount]) -> None:
    """The hash stands in the settings, so it cannot be replaced at log-in; the administrator is told once, at start."""
    for account in accounts:
        if PasswordHasher().check_needs_rehash(account.password_hash.value()):
            _log.warning(
                "staff account %s: its password hash has other parameters than are advised now; "
                "make a new one with `idcontact hash-password`",
                account.id,
            )
