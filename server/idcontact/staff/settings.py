"""The `[staff]` table of the settings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, Self, TypeAlias

import msgspec
from argon2 import Type, extract_parameters
from argon2.exceptions import InvalidHashError
from msgspec import Meta

from idcontact.limits import Limit
from idcontact.settings_values import Duration, MisfitError, Secret, kind_of

if TYPE_CHECKING:
    from pathlib import Path

Role: TypeAlias = Literal["agent", "supervisor", "administrator"]
AccountId: TypeAlias = Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9._@-]{0,63}$")]


class PasswordHash(Secret):
    """An argon2id hash in its encoded form (`$argon2id$v=19$…`, RFC 9106)."""

    EXPECTED: ClassVar[str] = "an argon2id hash, as `idcontact hash-password` prints it"

    @classmethod
    def from_setting(cls, raw: object, base: Path) -> Self:
        """The hash in a string or a file. Raises MisfitError for anything that no password could match."""
        secret = super().from_setting(raw, base)
        try:
            parameters = extract_parameters(secret.value())
        except InvalidHashError:
            raise MisfitError(cls.EXPECTED, "another string" if isinstance(raw, str) else kind_of(raw)) from None
        if parameters.type is not Type.ID:
            raise MisfitError(cls.EXPECTED, "another kind of hash")
        return secret


class StaffAccount(msgspec.Struct, frozen=True, kw_only=True):
    """One `[[staff.accounts]]`: someone who logs in with a password kept here.

    `id` is what they type as username. `purposes` are the tags they serve or watch; `"*"` is all. `capacity` is how
    many conversations they can have at once.
    """

    id: AccountId
    name: Annotated[str, Meta(min_length=1, max_length=100)]
    password_hash: PasswordHash
    roles: frozenset[Role]
    purposes: tuple[str, ...] = ("*",)
    capacity: Annotated[int, Meta(ge=1, le=20)] = 3


class LogInLimits(msgspec.Struct, frozen=True, kw_only=True):
    """`[staff.log_in]`: how often a password may be tried; see docs/decisions/0004-log-in-limits.md for what and why.

    `by_device`: on a device on which this account has logged in before. On any other device: `by_address_and_account`,
    `by_address` for all accounts together, and `by_account` for all addresses together.
    """

    by_device: Limit = Limit(10, 600)
    by_address_and_account: Limit = Limit(10, 600)
    by_address: Limit = Limit(60, 600)
    by_account: Limit = Limit(100, 3600)


class StaffSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Accounts, how long a log-in lasts, and how long things are remembered.

    `session_limit`: a log-in ends after this, whatever happens. `session_idle`: it ends after this without a page
    being used; an open console counts as use. `known_device`: a device is known this long after its last log-in.
    `audit_retention`: entries of the audit trail in Redis are dropped after this; its log lines are yours to keep.
    """

    accounts: tuple[StaffAccount, ...] = ()
    session_limit: Duration = Duration(12 * 3600)
    session_idle: Duration = Duration(3600)
    known_device: Duration = Duration(90 * 86400)
    audit_retention: Duration = Duration(90 * 86400)
    log_in: LogInLimits = LogInLimits()

    @classmethod
    def cross_check(cls, table: Mapping[str, object]) -> Iterable[tuple[tuple[str | int, ...], str]]:
        """Each account has an id of its own."""
        accounts = table.get("accounts")
        if not isinstance(accounts, list):
            return
        ids = [account.get("id") if isinstance(account, Mapping) else None for account in accounts]
        counts = Counter(name for name in ids if isinstance(name, str))
        for index, name in enumerate(ids):
            if isinstance(name, str) and counts[name] > 1:
                yield ("accounts", index, "id"), "expected an id of its own, got that of another account"
