"""Auth results at whoever receives them: whose are accepted, by which keys they are read, what they may hold.

The settings here are part of those of the live part, of a core that keeps results, and of communication plugins.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from idcontact.errors import SettingsError, TokenRejected
from idcontact.pem import PublicPem
from idcontact.settings_values import Localized, PemSource
from idcontact.tokens import DecryptKey, ReadResult, ResultReader, VerifyKey

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class ResultMethod(msgspec.Struct, frozen=True, kw_only=True):
    """An authentication method whose results are accepted. The key that verifies a result says which method it was."""

    tag: str
    """The same as in `[[auth_methods]]`: a purpose takes the results of the methods that it allows."""
    name: Localized
    """What staff and end users read, e.g. "DigiD"."""
    verify_keys: list[PublicPem]
    """Public keys of its results; several while keys are being replaced."""
    attributes: list[str]
    """The attributes that it may give. A result with any other is refused."""
    level: str | None = None
    """Level of assurance of its results. Without one it is unknown, which satisfies no required level."""


@dataclass(frozen=True)
class ResultCheck:
    """Reads tokens of the configured methods (by tag), once each, on receipt."""

    reader: ResultReader
    methods: Mapping[str, ResultMethod]

    def read(self, token: bytes | str, now: float) -> ReadResult:
        """What a token says at `now` (seconds since 1970). Raises TokenRejected."""
        read = self.reader.read(token, now)
        strange = set(read.result.attributes or ()) - set(self.methods[read.method].attributes)
        if strange:
            raise TokenRejected(f"method {read.method} may not give {len(strange)} of its attributes")
        return read


def result_check(decrypt_key: PemSource, methods: Sequence[ResultMethod], where: str) -> ResultCheck:
    """The keys of the settings at `where` (a dotted path), loaded once.

    Raises SettingsError for a key that cannot be used, and for two methods with one tag or one key: which of them a
    result came from would be a matter of chance.
    """
    mistakes = [
        f"{where}.auth_methods[{index}].tag: is the tag of an earlier one too; each needs its own"
        for index, method in enumerate(methods)
        if any(method.tag == earlier.tag for earlier in methods[:index])
    ]
    if mistakes:
        raise SettingsError(mistakes)
    verify = {
        method.tag: [
            VerifyKey.from_pem(key.value(), f"{where}.auth_methods.{method.tag}.verify_keys[{number}]")
            for number, key in enumerate(method.verify_keys)
        ]
        for method in methods
    }
    reader = ResultReader(DecryptKey.from_pem(decrypt_key.value(), f"{where}.decrypt_key"), verify)
    return ResultCheck(reader, {method.tag: method for method in methods})
