"""The keys that an OpenID provider signs with (RFC 7517), followed when it changes them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

import jwt
import msgspec
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from idcontact.errors import PluginFailed

if TYPE_CHECKING:
    from collections.abc import Callable

    from idcontact.outgoing import Outgoing
    from idcontact.pem import PublicKey

Algorithm: TypeAlias = Literal["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512"]
"""What ID tokens may be signed with: nothing that needs a shared secret, and never nothing."""

KEPT: Final = 60 * 60
"""Seconds after which the keys are asked for again: one that the provider withdrew is not believed for longer."""
PAUSE: Final = 30
"""Seconds between two times that a key which is not known makes us ask: anybody can make up a `kid`."""

_CURVES: Final = {"ES256": "secp256r1", "ES384": "secp384r1", "ES512": "secp521r1"}
_SMALLEST_RSA: Final = 2048


class _Keys(msgspec.Struct, frozen=True):
    keys: list[dict[str, object]]


class ProviderKeys:
    """The keys at one `jwks_uri`. `clock` is in seconds."""

    def __init__(self, jwks_uri: str, outgoing: Outgoing, clock: Callable[[], float]) -> None:
        self._jwks_uri = jwks_uri
        self._outgoing = outgoing
        self._clock = clock
        self._keys: list[dict[str, object]] = []
        self._asked_at: float | None = None
        self._asking = asyncio.Lock()

    async def fitting(self, kid: object, algorithm: Algorithm) -> list[PublicKey]:
        """The keys that a token with this `kid` may be signed with; asked for anew when there is none.

        A token that names none may be signed with any that fits. Raises PluginError.
        """
        async with self._asking:
            if self._older_than(KEPT):
                await self._ask()
            found = self._find(kid, algorithm)
            if not found and self._older_than(PAUSE):
                await self._ask()
                found = self._find(kid, algorithm)
            return found

    def _older_than(self, seconds: float) -> bool:
        return self._asked_at is None or self._clock() >= self._asked_at + seconds

    def _find(self, kid: object, algorithm: Algorithm) -> list[PublicKey]:
        named = [key for key in self._keys if kid is None or key.get("kid") == kid]
        return [key for jwk in named if (key := _usable(jwk, algorithm)) is not None]

    async def _ask(self) -> None:
        answer = await self._outgoing.get(self._jwks_uri, plugin="log-in")
        try:
            keys = msgspec.json.decode(answer.body, type=_Keys).keys
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            keys = None
        if keys is None or not answer.is_success:
            raise PluginFailed("log-in", "the log-in provider does not work", reason="its keys cannot be read")
        self._keys, self._asked_at = keys, self._clock()


def _usable(jwk: dict[str, object], algorithm: Algorithm) -> PublicKey | None:
    """The key, when it is one for signatures by this algorithm."""
    if jwk.get("use", "sig") != "sig" or jwk.get("alg", algorithm) != algorithm:
        return None
    if jwk.get("kty") != ("EC" if algorithm in _CURVES else "RSA"):
        return None
    try:
        key: object = jwt.PyJWK(jwk, algorithm).key
    except Exception:  # noqa: BLE001  whatever a library makes of a strange key, it is none of ours
        return None
    if isinstance(key, RSAPublicKey):
        return key if key.key_size >= _SMALLEST_RSA else None
    return key if isinstance(key, EllipticCurvePublicKey) and key.curve.name == _CURVES.get(algorithm) else None
