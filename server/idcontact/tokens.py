"""Auth results: signed, then encrypted, in both dialects of the protocol.

    inner   JWS (RFC 7515)  RS256 for an RSA key, ES256 for EC P-256; claims of RFC 7519 and of the protocol
    outer   JWE (RFC 7516)  RSA-OAEP for an RSA key, ECDH-ES for EC P-256; content A128CBC-HS256; payload {"njwt": JWS}

The configured key decides the algorithm, never the token. Keys are parsed once, at start. Reading is stricter than
the published readers: `sub`, `iat` and `exp` are required, `zip` and `crit` are refused, an object may not name a
member twice. Every rejection is one `TokenRejected`; its reason names a claim or a step, never a value.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Literal

import msgspec
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from joserfc import jwe
from joserfc.jwk import ECKey, RSAKey
from msgspec import UNSET, Meta, UnsetType

from idcontact.errors import SettingsError, TokenRejected, TooLarge
from idcontact.jws import MAX_TOKEN_BYTES, compact, header_of, json_object, payload_signed_by, sign_jws
from idcontact.pem import PrivateKey, PublicKey, is_rsa, private_key, public_key, same_public_key
from idcontact.urls import split_web_url

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

LIFETIME = 5 * 60
"""Seconds from `iat` to `exp` of what we write."""

LEEWAY = 30
"""Seconds that `iat` and `nbf` may be ahead of our clock. `exp` gets none."""

_CONTENT_ENCRYPTION = "A128CBC-HS256"


class Dialect(StrEnum):
    """The two published forms: ID Contact of 2021, and its successor."""

    ID_CONTACT = "id-contact"
    VERDER_HELPEN = "verder-helpen"


class ResultStatus(StrEnum):
    """How an authentication ended, whatever the dialect's spelling."""

    SUCCESS = "success"
    FAILED = "failed"


_SUBJECTS = {Dialect.ID_CONTACT: "id-contact-attributes", Dialect.VERDER_HELPEN: "verder-helpen-attributes"}
_SUCCESS = {Dialect.ID_CONTACT: "succes", Dialect.VERDER_HELPEN: "success"}


def status_in(dialect: Dialect, status: ResultStatus) -> str:
    """A status as the dialect spells it."""
    return _SUCCESS[dialect] if status is ResultStatus.SUCCESS else status.value


class AuthResult(msgspec.Struct, frozen=True, kw_only=True):
    """Outcome of one authentication.

    `attributes` (tag → value) is there on success, possibly empty, and None on failure. `session_url` is where the
    auth plugin wants updates on activity and log-out: http or https. Of plugins of ours: `method` (which means was
    used), `acr` (level reached), `auth_time` (when the person identified, seconds since 1970).

    Raises ValueError when these do not fit together.
    """

    status: ResultStatus
    attributes: dict[str, str] | None = None
    session_url: str | None = None
    method: str | None = None
    acr: str | None = None
    auth_time: int | None = None

    def __post_init__(self) -> None:
        if (self.attributes is not None) is not (self.status is ResultStatus.SUCCESS):
            raise ValueError("attributes belong to a success, and only to a success")
        if self.session_url is not None and split_web_url(self.session_url) is None:
            raise ValueError("session_url is not an http or https URL")

    def __repr__(self) -> str:
        return f"AuthResult(status={self.status.value!r}, …)"


class ReadResult(msgspec.Struct, frozen=True, kw_only=True):
    """An accepted token.

    `method` is the label under which the verifying key is configured. `digest` is the SHA-256 (hex) of the inner JWS:
    remember it until `expires_at` to take each result once. Times are whole seconds since 1970.
    """

    result: AuthResult
    method: str
    digest: str
    issued_at: int
    expires_at: int


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class SigningKey:
    """Private key of an auth plugin: signs its results."""

    algorithm: str
    native: PrivateKey

    @classmethod
    def from_pem(cls, text: str, name: str = "key") -> SigningKey:
        """Parse a PKCS#8 or traditional PEM. `name` (dotted path, file) says in SettingsError which key it was."""
        key = private_key(text, name)
        return cls(_jws_algorithm(key), key)


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class VerifyKey:
    """Public key of an auth plugin: verifies its results."""

    algorithm: str
    native: PublicKey

    @classmethod
    def from_pem(cls, text: str, name: str = "key") -> VerifyKey:
        """Parse an SPKI PEM. `name` says in SettingsError which key it was."""
        key = public_key(text, name)
        return cls(_jws_algorithm(key), key)


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class EncryptKey:
    """Public key of a communication plugin: results are encrypted to it."""

    algorithm: str
    jwk: RSAKey | ECKey

    @classmethod
    def from_pem(cls, text: str, name: str = "key") -> EncryptKey:
        """Parse an SPKI PEM. `name` says in SettingsError which key it was."""
        key = public_key(text, name)
        return cls(_jwe_algorithm(key), _jwk(key))


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class DecryptKey:
    """Private key of a communication plugin: opens what is encrypted to it."""

    algorithm: str
    jwk: RSAKey | ECKey

    @classmethod
    def from_pem(cls, text: str, name: str = "key") -> DecryptKey:
        """Parse a PKCS#8 or traditional PEM. `name` says in SettingsError which key it was."""
        key = private_key(text, name)
        return cls(_jwe_algorithm(key), _jwk(key))


class ResultWriter:
    """Signs and encrypts auth results for one receiver."""

    def __init__(self, sign: SigningKey, encrypt: EncryptKey, dialect: Dialect) -> None:
        self._sign = sign
        self._encrypt = encrypt
        self._dialect = dialect
        self._registry = _registry(encrypt.algorithm)

    def write(self, result: AuthResult, now: float) -> str:
        """The token, valid from `now` (seconds since 1970) for five minutes. Raises TooLarge."""
        inner = sign_jws(msgspec.json.encode(self._claims(result, now)), self._sign.native, self._sign.algorithm)
        header = {"typ": "JWT", "cty": "JWT", "alg": self._encrypt.algorithm, "enc": _CONTENT_ENCRYPTION}
        payload = msgspec.json.encode({"njwt": inner})
        # The ciphertext is a third longer than the payload: refuse before the library's own limit would.
        if len(payload) * 4 // 3 > MAX_TOKEN_BYTES:
            raise TooLarge("the attributes do not fit in an auth result", field="attributes")
        token = jwe.encrypt_compact(header, payload, self._encrypt.jwk, registry=self._registry)
        if len(token) > MAX_TOKEN_BYTES:
            raise TooLarge("the attributes do not fit in an auth result", field="attributes")
        return token

    def _claims(self, result: AuthResult, now: float) -> dict[str, object]:
        issued = int(now)  # rounded down: published readers refuse an `iat` that is ahead of them
        claims: dict[str, object | None] = {
            "sub": _SUBJECTS[self._dialect],
            "status": status_in(self._dialect, result.status),
            "attributes": result.attributes,
            "session_url": result.session_url,
            "method": result.method,
            "acr": result.acr,
            "auth_time": result.auth_time,
            # RS256 is deterministic: without it two failures within a second would be the same token, and the
            # second one would be taken for a replay.
            "jti": secrets.token_urlsafe(16),
            "iat": issued,
            "exp": issued + LIFETIME,
        }
        return {name: value for name, value in claims.items() if value is not None}


class ResultReader:
    """Decrypts and verifies auth results of the configured auth methods, in either dialect.

    `verify` holds, per label of an auth method, the keys it may sign with (more than one while keys are changed).
    Raises SettingsError when two labels share a key: the key could then not tell which method it was.
    """

    def __init__(self, decrypt: DecryptKey, verify: Mapping[str, Sequence[VerifyKey]]) -> None:
        self._decrypt = decrypt
        self._registry = _registry(decrypt.algorithm)
        self._verify = [(label, key) for label, keys in verify.items() for key in keys]
        _refuse_shared_keys(self._verify)

    def read(self, token: str | bytes, now: float) -> ReadResult:
        """What the token says, when it may be believed at `now` (seconds since 1970). Raises TokenRejected."""
        inner = self._open(compact(token, 5, "not a JWE in compact form"))
        method, payload = self._verified(inner)
        claims = _claims(payload)
        _check_times(claims, now)
        return ReadResult(
            result=_result(claims),
            method=method,
            digest=hashlib.sha256(inner.encode("ascii")).hexdigest(),
            issued_at=int(claims.iat),
            expires_at=int(claims.exp),
        )

    def _open(self, token: str) -> str:
        """The inner JWS."""
        header = header_of(token)
        if header.get("alg") != self._decrypt.algorithm:
            raise TokenRejected("outer alg is not that of the configured key")
        if header.get("enc") != _CONTENT_ENCRYPTION:
            raise TokenRejected(f"outer enc is not {_CONTENT_ENCRYPTION}")
        if "zip" in header:
            raise TokenRejected("outer zip is refused")
        try:
            opened = jwe.decrypt_compact(token, self._decrypt.jwk, registry=self._registry)
        except Exception:  # noqa: BLE001  whatever a library makes of hostile input, it is a rejection
            raise TokenRejected("cannot be decrypted with the configured key") from None
        inner = json_object(opened.plaintext or b"", "outer payload").get("njwt")
        if not isinstance(inner, str):
            raise TokenRejected("njwt is missing or not a string")
        return compact(inner, 3, "njwt is not a JWS in compact form")

    def _verified(self, inner: str) -> tuple[str, bytes]:
        """Label of the key that verifies the JWS, and its payload."""
        algorithm = header_of(inner).get("alg")
        fitting = [(label, key) for label, key in self._verify if key.algorithm == algorithm]
        if not fitting:
            raise TokenRejected("inner alg is not that of a configured key")
        for label, key in fitting:
            payload = payload_signed_by(inner, key.native, key.algorithm)
            if payload is not None:
                return label, payload
        raise TokenRejected("the signature is not by a configured key")


_Seconds = Annotated[int, Meta(ge=0, lt=253402300800)] | Annotated[float, Meta(ge=0, lt=253402300800)]  # before 10000


class _Claims(msgspec.Struct, frozen=True):
    sub: Literal["id-contact-attributes", "verder-helpen-attributes"]
    status: Literal["succes", "success", "failed"]
    iat: _Seconds
    exp: _Seconds
    nbf: _Seconds | UnsetType = UNSET
    attributes: dict[str, str] | UnsetType = UNSET
    session_url: str | UnsetType = UNSET
    method: str | UnsetType = UNSET
    acr: str | UnsetType = UNSET
    auth_time: _Seconds | UnsetType = UNSET


def _claims(payload: bytes) -> _Claims:
    json_object(payload, "inner payload")
    try:
        return msgspec.json.decode(payload, type=_Claims)
    except (msgspec.MsgspecError, ValueError, RecursionError) as problem:
        text = str(problem)  # may quote a value: only the claim's name goes on
    named = [name for name in _Claims.__struct_fields__ if f"`{name}`" in text or f"`$.{name}" in text]
    raise TokenRejected(f"{named[0] if named else 'a claim'} is missing or not as it must be")


def _check_times(claims: _Claims, now: float) -> None:
    if claims.exp <= now:
        raise TokenRejected("exp has been reached")
    if claims.iat > now + LEEWAY:
        raise TokenRejected("iat is in the future")
    if claims.nbf is not UNSET and claims.nbf > now + LEEWAY:
        raise TokenRejected("nbf is in the future")


def _result(claims: _Claims) -> AuthResult:
    failed = claims.status == "failed"
    if not failed and claims.attributes is UNSET:
        raise TokenRejected("attributes are missing from a success")
    if claims.session_url is not UNSET and split_web_url(claims.session_url) is None:
        raise TokenRejected("session_url is not an http or https URL")
    return AuthResult(
        status=ResultStatus.FAILED if failed else ResultStatus.SUCCESS,
        # What a failed authentication says of the person is not to be believed.
        attributes=None if failed or claims.attributes is UNSET else claims.attributes,
        session_url=None if claims.session_url is UNSET else claims.session_url,
        method=None if claims.method is UNSET else claims.method,
        acr=None if claims.acr is UNSET else claims.acr,
        auth_time=None if claims.auth_time is UNSET else int(claims.auth_time),
    )


def _jws_algorithm(key: PrivateKey | PublicKey) -> str:
    return "RS256" if is_rsa(key) else "ES256"


def _jwe_algorithm(key: PrivateKey | PublicKey) -> str:
    return "RSA-OAEP" if is_rsa(key) else "ECDH-ES"


def _jwk(key: PrivateKey | PublicKey) -> RSAKey | ECKey:
    return RSAKey(key, key) if isinstance(key, RSAPrivateKey | RSAPublicKey) else ECKey(key, key)


def _registry(algorithm: str) -> jwe.JWERegistry:
    # strict_check_header would refuse a header member that it does not know; RFC 7516 section 4 wants it ignored.
    return jwe.JWERegistry(algorithms=[algorithm, _CONTENT_ENCRYPTION], strict_check_header=False)


def _refuse_shared_keys(keys: Sequence[tuple[str, VerifyKey]]) -> None:
    mistakes = [
        f"{one}, {other}: expected keys of their own, got the same key for both"
        for index, (one, key) in enumerate(keys)
        for other, later in keys[index + 1 :]
        if one != other and same_public_key(key.native, later.native)
    ]
    if mistakes:
        raise SettingsError(mistakes)
