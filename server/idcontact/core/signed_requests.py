"""Start requests that a requestor signs: `POST /start` as `application/jwt` (WIRE.md, JWS per RFC 7515)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from idcontact.bodies import fit
from idcontact.errors import BadRequest, SettingsError, TokenRejected
from idcontact.jws import compact, header_of, json_object, payload_signed_by
from idcontact.protocol import SignedStartRequest
from idcontact.tokens import VerifyKey

if TYPE_CHECKING:
    from collections.abc import Mapping

    from idcontact.settings import PemSource

LEEWAY: Final = 30
"""Seconds that `nbf` may be ahead of our clock. `exp` gets none."""


class _Times(msgspec.Struct, frozen=True):
    exp: float | None = None
    nbf: float | None = None


class SignedRequests:
    """Reads the requests of the configured requestors. Raises SettingsError with every key that cannot be used."""

    def __init__(self, keys: Mapping[str, PemSource]) -> None:
        self._keys: dict[str, VerifyKey] = {}
        mistakes: list[str] = []
        for kid, source in keys.items():
            try:
                self._keys[kid] = VerifyKey.from_pem(source.value(), f"authonly_request_keys.{kid}")
            except SettingsError as error:
                mistakes += error.mistakes
        if mistakes:
            raise SettingsError(mistakes)

    def read(self, token: bytes, now: float) -> SignedStartRequest:
        """The request in a token that may be believed at `now` (seconds since 1970).

        The key that `kid` names decides the algorithm, never the token. Raises BadRequest, which says what is wrong:
        the requestor is a program, and its engineer has to find out.
        """
        try:
            return self._read(compact(token, 3, "the body is not a JWS in compact form"), now)
        except TokenRejected as error:
            raise BadRequest(error.reason or error.message) from None

    def _read(self, token: str, now: float) -> SignedStartRequest:
        header = header_of(token)
        kid = header.get("kid")
        key = self._keys.get(kid) if isinstance(kid, str) else None
        if key is None:
            raise BadRequest("names none of the known requestors" if kid is not None else "is missing", field="kid")
        if header.get("alg") != key.algorithm:
            raise BadRequest(f"expected {key.algorithm}, by the key of this kid", field="alg")
        payload = payload_signed_by(token, key.native, key.algorithm)
        if payload is None:
            raise BadRequest("the signature is not by the key of this kid")
        claims = json_object(payload, "the payload")
        _check_times(claims, now)
        if "request" not in claims:
            raise BadRequest("is missing", field="request")
        return fit(claims["request"], SignedStartRequest, within="request")


def _check_times(claims: Mapping[str, object], now: float) -> None:
    """Both are optional: the documents' own sample has neither. What is there has to hold."""
    times = fit(claims, _Times)
    if times.exp is not None and times.exp <= now:
        raise BadRequest("has been reached", field="exp")
    if times.nbf is not None and times.nbf > now + LEEWAY:
        raise BadRequest("is in the future", field="nbf")
