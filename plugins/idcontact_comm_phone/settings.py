"""What the administrator says of the telephone: `[plugins.comm_phone]`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, ClassVar, Self

import msgspec

from idcontact.limits import Limit
from idcontact.pem import PrivatePem
from idcontact.results import ResultMethod
from idcontact.settings import MisfitError
from idcontact.settings_values import Minutes, SigningSecret, kind_of
from idcontact.tokens import Dialect

if TYPE_CHECKING:
    from pathlib import Path


class TelephoneNumber(str):
    """A number to dial: digits, with a `+` before one that begins with the country (RFC 3966)."""

    EXPECTED: ClassVar[str] = 'a telephone number, such as "+31 10 123 45 67" or "14 010"'
    __slots__ = ()

    @classmethod
    def from_setting(cls, raw: object, base: Path) -> Self:
        """A number as people write it: spaces, points, hyphens and brackets between the digits are dropped."""
        if not isinstance(raw, str) or not raw:
            raise MisfitError(cls.EXPECTED, kind_of(raw))
        within = raw.replace("(0)", "") if raw.startswith("+") else raw  # +31 (0)10: dialled at home only
        number = re.sub(r"[ .()-]", "", within)
        if re.fullmatch(r"\+?[0-9]{2,20}", number) is None:
            raise MisfitError(cls.EXPECTED, "another string")
        return cls(number)


class PhoneSettings(msgspec.Struct, frozen=True, kw_only=True):
    """The plugin's table."""

    phonenumber: TelephoneNumber
    """What people dial."""
    decrypt_key: PrivatePem
    """Private key that auth results are encrypted to. Names in the store are made of it too: the same on all nodes."""
    auth_methods: list[ResultMethod]
    """Whose results are accepted."""
    dialect: Dialect = Dialect.ID_CONTACT
    """How `session_info` spells a success: `succes`, or `success`."""
    idle: Minutes = Minutes(60 * 60)
    """How long a session is kept after it was made, got its result, or was tied to a call."""
    link_secret: SigningSecret | None = None
    """What `link_phone` has to bring (`Authorization: Bearer …`). Without one, whoever reaches it is believed."""
    info_secret: SigningSecret | None = None
    """What `session_info` has to bring."""
    tries_of_call: Limit = Limit(5, 60 * 60)
    """Codes that one call may try."""
    wrong_codes: Limit = Limit(1000, 60 * 60)
    """Wrong codes of one address that calls are tied from, all calls together; and, without `info_secret`, calls that
    one address asks for and that are tied to nobody."""
