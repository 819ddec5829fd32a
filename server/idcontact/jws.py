"""Signed tokens in compact form (RFC 7515), strictly: what every reader of one checks before it believes anything."""

from __future__ import annotations

import base64
import json
import re
from typing import TYPE_CHECKING, Final

import jwt

from idcontact.errors import TokenRejected

if TYPE_CHECKING:
    from collections.abc import Mapping

    from idcontact.pem import PrivateKey, PublicKey

MAX_TOKEN_BYTES: Final = 32 * 1024
"""Longest token that is read or written, checked before anything else. Published parts take 8 KiB at most."""

_BASE64URL = re.compile(r"[A-Za-z0-9_-]*")
_JWS = jwt.PyJWS()


def sign_jws(
    payload: bytes, key: PrivateKey | bytes, algorithm: str, headers: Mapping[str, str | None] | None = None
) -> str:
    """The JWS. Its header holds `alg` and `typ: JWT`; `headers` adds to it, and a None there leaves one out."""
    return _JWS.encode(payload, key, algorithm=algorithm, headers=dict(headers) if headers is not None else None)


def payload_signed_by(token: str, key: PublicKey | bytes, algorithm: str) -> bytes | None:
    """The payload, when `key` verifies it by `algorithm`; else None, whatever is wrong.

    The steps of RFC 7515 section 5.2 with PyJWT's algorithms, and without its decoding, which looks at every character.
    """
    try:
        header, payload, signature = token.split(".")
        said = json_object(_decoded(header), "header")
        if said.get("alg") != algorithm or "crit" in said or "b64" in said:
            return None
        verifier = _JWS.get_algorithm_by_name(algorithm)
        signed = f"{header}.{payload}".encode("ascii")
        genuine = verifier.verify(signed, verifier.prepare_key(key), _decoded(signature))
        return _decoded(payload) if genuine is True else None
    except Exception:  # noqa: BLE001  whatever a library makes of hostile input, it is not verified
        return None


def _decoded(segment: str) -> bytes:
    """Base64url without padding, in the one way that it can be written: else one token could be had in many forms."""
    raw = base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4))
    if base64.urlsafe_b64encode(raw).rstrip(b"=") != segment.encode("ascii"):
        raise ValueError("not base64url as RFC 7515 section 2 has it")
    return raw


def compact(token: str | bytes, parts: int, otherwise: str) -> str:
    """The token as text, when it is `parts` times base64url without padding (RFC 7515 section 2)."""
    if len(token) > MAX_TOKEN_BYTES:
        raise TokenRejected(f"longer than {MAX_TOKEN_BYTES} bytes")
    text = token.decode("ascii", "replace") if isinstance(token, bytes) else token
    pieces = text.split(".")
    if len(pieces) != parts or not all(_BASE64URL.fullmatch(piece) for piece in pieces):
        raise TokenRejected(otherwise)
    return text


def header_of(token: str) -> dict[str, object]:
    """The protected header. No extension is understood here, so `crit` is refused (RFC 7515 section 4.1.11)."""
    encoded = token.partition(".")[0]
    try:
        raw = base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4))
    except ValueError:
        raise TokenRejected("the header is not base64url") from None
    header = json_object(raw, "header")
    if "crit" in header:
        raise TokenRejected("crit is refused")
    return header


def json_object(raw: bytes, what: str) -> dict[str, object]:
    """An object that names no member twice (RFC 7515 section 4). `what` it is, for the rejection."""
    try:
        value = json.loads(raw, object_pairs_hook=_no_member_twice)
    except (ValueError, RecursionError):
        raise TokenRejected(f"{what} is not JSON with each member once") from None
    if not isinstance(value, dict):
        raise TokenRejected(f"{what} is not a JSON object")
    return value


def _no_member_twice(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a member is named twice")
    return found
