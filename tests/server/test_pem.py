"""Keys in PEM text: what is refused, and in which words."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from joserfc.jwk import ECKey

from idcontact.errors import SettingsError
from idcontact.tokens import DecryptKey, EncryptKey, SigningKey, VerifyKey

if TYPE_CHECKING:
    from collections.abc import Callable

KEYS: dict[str, Any] = json.loads((Path(__file__).parents[1] / "vectors" / "auth_results.json").read_text())["keys"]
KEY_TYPES = ["rsa", "ec"]


def pem(kind: str, use: str, half: str) -> str:
    text: str = KEYS[kind][use][half]
    return text


AnyPrivate = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey


def private_text(key: AnyPrivate, form: PrivateFormat = PrivateFormat.PKCS8, password: bytes | None = None) -> str:
    protection = NoEncryption() if password is None else BestAvailableEncryption(password)
    return key.private_bytes(Encoding.PEM, form, protection).decode()


def public_text(key: AnyPrivate) -> str:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


@pytest.fixture(scope="module")
def weak_rsa() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 1024)  # noqa: S505  weak on purpose: it is to be refused


def mistake(load: Callable[[str, str], object], text: str) -> str:
    with pytest.raises(SettingsError) as caught:
        load(text, "live.decrypt_key")
    (line,) = caught.value.mistakes
    path, _, said = line.partition(": ")
    assert path == "live.decrypt_key"
    secret = "".join(row for row in text.splitlines() if not row.startswith("-----"))
    assert not secret or secret[:24] not in line
    return said


def test_an_rsa_key_under_2048_bits_is_refused(weak_rsa: rsa.RSAPrivateKey) -> None:
    expected = "expected an RSA key of at least 2048 bits, got one of 1024 bits"
    assert mistake(SigningKey.from_pem, private_text(weak_rsa)) == expected
    assert mistake(DecryptKey.from_pem, private_text(weak_rsa)) == expected
    assert mistake(VerifyKey.from_pem, public_text(weak_rsa)) == expected
    assert mistake(EncryptKey.from_pem, public_text(weak_rsa)) == expected


def test_only_the_curve_p256_is_accepted() -> None:
    key = ec.generate_private_key(ec.SECP384R1())
    expected = "expected an EC key on the curve P-256, got one on secp384r1"
    assert mistake(SigningKey.from_pem, private_text(key)) == expected
    assert mistake(EncryptKey.from_pem, public_text(key)) == expected


def test_a_key_of_another_kind_is_refused() -> None:
    key = ed25519.Ed25519PrivateKey.generate()
    assert (
        mistake(SigningKey.from_pem, private_text(key)) == "expected an RSA or EC P-256 key, got a key of another kind"
    )
    assert mistake(VerifyKey.from_pem, public_text(key)) == "expected an RSA or EC P-256 key, got a key of another kind"


@pytest.mark.parametrize("kind", KEY_TYPES)
def test_the_wrong_half_of_a_pair_is_named_as_such(kind: str) -> None:
    private, public = pem(kind, "sign", "private"), pem(kind, "sign", "public")
    assert mistake(SigningKey.from_pem, public) == "expected a private key in PEM form, got a public key"
    assert mistake(DecryptKey.from_pem, public) == "expected a private key in PEM form, got a public key"
    assert mistake(VerifyKey.from_pem, private) == "expected a public key in PEM form, got a private key"
    assert mistake(EncryptKey.from_pem, private) == "expected a public key in PEM form, got a private key"


def test_what_is_no_key_at_all_is_named_as_such() -> None:
    certificate = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
    broken = "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"
    other = "-----BEGIN DH PARAMETERS-----\nAAAA\n-----END DH PARAMETERS-----\n"
    assert mistake(VerifyKey.from_pem, "") == "expected a public key in PEM form, got nothing"
    assert mistake(VerifyKey.from_pem, "hunter2") == "expected a public key in PEM form, got text that is not PEM"
    assert mistake(VerifyKey.from_pem, certificate) == "expected a public key in PEM form, got a certificate"
    assert mistake(VerifyKey.from_pem, other) == "expected a public key in PEM form, got a PEM block of another kind"
    assert mistake(VerifyKey.from_pem, broken) == "expected a public key, got a PEM block that cannot be read as one"
    assert (
        mistake(SigningKey.from_pem, broken.replace("PUBLIC", "PRIVATE"))
        == "expected a private key, got a PEM block that cannot be read as one"
    )


@pytest.mark.parametrize("form", [PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL])
def test_a_key_under_a_passphrase_is_refused(form: PrivateFormat) -> None:
    text = private_text(ec.generate_private_key(ec.SECP256R1()), form, b"passphrase")
    assert mistake(SigningKey.from_pem, text) == (
        "expected a private key without a passphrase, got one that is protected by a passphrase"
    )


def test_traditional_private_keys_are_read() -> None:
    curve = ec.generate_private_key(ec.SECP256R1())
    parameters = "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n"
    assert SigningKey.from_pem(parameters + private_text(curve, PrivateFormat.TraditionalOpenSSL)).algorithm == "ES256"
    native = SigningKey.from_pem(pem("rsa", "sign", "private")).native
    assert SigningKey.from_pem(private_text(native, PrivateFormat.TraditionalOpenSSL)).algorithm == "RS256"


def test_keys_do_not_show_themselves() -> None:
    keys = [
        SigningKey.from_pem(pem("ec", "sign", "private")),
        DecryptKey.from_pem(pem("ec", "encrypt", "private")),
    ]
    assert isinstance(keys[1], DecryptKey)
    assert isinstance(keys[1].jwk, ECKey)
    secret = keys[1].jwk.as_dict(private=True)["d"]
    assert str(secret) not in repr(keys)
    assert all("algorithm" not in repr(key) for key in keys)
