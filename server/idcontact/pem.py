"""Keys from PEM text: RSA of at least 2048 bits, or EC on P-256; nothing else signs or encrypts here.

Every refusal names the key and what was expected, and holds no key material. `PrivatePem` and `PublicPem` are keys in
settings: one that cannot be used is found when the settings are read, with all other mistakes in them.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Self, TypeAlias

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    EllipticCurvePrivateKey,
    EllipticCurvePublicKey,
)
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key

from idcontact.errors import SettingsError
from idcontact.settings_values import MisfitError, PemSource

if TYPE_CHECKING:
    from pathlib import Path

PrivateKey: TypeAlias = RSAPrivateKey | EllipticCurvePrivateKey
PublicKey: TypeAlias = RSAPublicKey | EllipticCurvePublicKey

MIN_RSA_BITS = 2048

_LABEL = re.compile(r"-----BEGIN ([A-Z0-9 ]+)-----")
# `openssl ecparam -genkey` writes the curve's name as a block of its own before the key.
_EC_PARAMETERS = re.compile(r"-----BEGIN EC PARAMETERS-----.*?-----END EC PARAMETERS-----\s*", re.DOTALL)


class PrivatePem(PemSource):
    """A private key as PEM text, from a file or written in the settings."""

    @classmethod
    def from_setting(cls, raw: object, base: Path) -> Self:
        """The PEM text of a key that can be used."""
        source = super().from_setting(raw, base)
        _read_private(source.value())
        return source


class PublicPem(PemSource):
    """A public key as PEM text, from a file or written in the settings."""

    @classmethod
    def from_setting(cls, raw: object, base: Path) -> Self:
        """The PEM text of a key that can be used."""
        source = super().from_setting(raw, base)
        _read_public(source.value())
        return source


def private_key(text: str, name: str) -> PrivateKey:
    """The private key in a PKCS#8 (RFC 5958) or traditional PEM without passphrase. Raises SettingsError."""
    try:
        return _read_private(text)
    except MisfitError as misfit:
        raise SettingsError([f"{name}: {misfit}"]) from None


def public_key(text: str, name: str) -> PublicKey:
    """The public key in an SPKI (RFC 5280) PEM. Raises SettingsError."""
    try:
        return _read_public(text)
    except MisfitError as misfit:
        raise SettingsError([f"{name}: {misfit}"]) from None


def is_rsa(key: PrivateKey | PublicKey) -> bool:
    """Whether it is an RSA key; else it is an EC key on P-256."""
    return isinstance(key, RSAPrivateKey | RSAPublicKey)


def same_public_key(one: PublicKey, other: PublicKey) -> bool:
    """Whether two public keys are one key, however their PEM was written."""
    return one == other


def _read_private(text: str) -> PrivateKey:
    text = _EC_PARAMETERS.sub("", text)
    _expect("private", text)
    try:
        key = load_pem_private_key(text.encode(), password=None)
    except TypeError:
        raise MisfitError("a private key without a passphrase", "one that is protected by a passphrase") from None
    except (ValueError, UnsupportedAlgorithm):
        raise MisfitError("a private key", "a PEM block that cannot be read as one") from None
    if isinstance(key, RSAPrivateKey | EllipticCurvePrivateKey):
        _check_strength(key)
        return key
    raise MisfitError("an RSA or EC P-256 key", "a key of another kind")


def _read_public(text: str) -> PublicKey:
    _expect("public", text)
    try:
        key = load_pem_public_key(text.encode())
    except (ValueError, UnsupportedAlgorithm):
        raise MisfitError("a public key", "a PEM block that cannot be read as one") from None
    if isinstance(key, RSAPublicKey | EllipticCurvePublicKey):
        _check_strength(key)
        return key
    raise MisfitError("an RSA or EC P-256 key", "a key of another kind")


def _check_strength(key: PrivateKey | PublicKey) -> None:
    if isinstance(key, RSAPrivateKey | RSAPublicKey):
        if key.key_size < MIN_RSA_BITS:
            raise MisfitError(f"an RSA key of at least {MIN_RSA_BITS} bits", f"one of {key.key_size} bits")
    elif not isinstance(key.curve, SECP256R1):
        raise MisfitError("an EC key on the curve P-256", f"one on {key.curve.name}")


def _expect(kind: str, text: str) -> None:
    """Say in plain words what is there instead of a `kind` ("private", "public") key."""
    label = _LABEL.search(text)
    if label is None:
        got = "text that is not PEM" if text.strip() else "nothing"
    elif "CERTIFICATE" in label[1]:
        got = "a certificate"
    elif label[1].endswith("PRIVATE KEY"):
        got = "a private key"
    elif label[1].endswith("PUBLIC KEY"):
        got = "a public key"
    else:
        got = "a PEM block of another kind"
    if got != f"a {kind} key":
        raise MisfitError(f"a {kind} key in PEM form", got)
