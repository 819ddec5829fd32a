from __future__ import annotations

import base64
import hashlib
import hmac
import json
import math
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from idcontact.core.signed_requests import SignedRequests
from idcontact.errors import BadRequest, SettingsError
from idcontact.protocol import SignedStartRequest
from idcontact.settings import PemSource

NOW = 1_800_000_000.0
PUBLISHED = json.loads((Path(__file__).parents[2] / "vectors" / "published_samples.json").read_text())
REQUEST = {"purpose": "move", "auth_method": "digid", "comm_url": "https://example.org/chat"}


def pems(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> tuple[str, str]:
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return private.decode(), key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


RSA_PRIVATE, RSA_PUBLIC = pems(rsa.generate_private_key(65537, 2048))
EC_PRIVATE, EC_PUBLIC = pems(ec.generate_private_key(ec.SECP256R1()))
OTHER_PRIVATE, _ = pems(ec.generate_private_key(ec.SECP256R1()))
REQUESTS = SignedRequests({"rsa": PemSource(RSA_PUBLIC), "ec": PemSource(EC_PUBLIC)})


def token(kid: str | None = "ec", key: str | None = EC_PRIVATE, alg: str = "ES256", **claims: Any) -> bytes:
    headers: dict[str, Any] = {} if kid is None else {"kid": kid}
    payload: dict[str, Any] = {"request": REQUEST, **claims}
    return jwt.encode(payload, key or "", algorithm=alg, headers=headers).encode()


def refusal(signed: bytes, now: float = NOW) -> tuple[str | None, str]:
    with pytest.raises(BadRequest) as refused:
        REQUESTS.read(signed, now)
    return refused.value.field, refused.value.message


@pytest.mark.parametrize(("kid", "key", "alg"), [("rsa", RSA_PRIVATE, "RS256"), ("ec", EC_PRIVATE, "ES256")])
def test_a_request_by_a_known_requestor_is_read(kid: str, key: str, alg: str) -> None:
    times = {"iat": int(NOW), "nbf": int(NOW), "exp": int(NOW) + 300}
    read = REQUESTS.read(token(kid, key, alg, **times), NOW)
    assert read == SignedStartRequest(purpose="move", auth_method="digid", comm_url="https://example.org/chat")


def test_the_sample_in_the_published_documents_is_read_though_it_never_expires() -> None:
    sample = PUBLISHED["start_request"]
    requests = SignedRequests({sample["kid"]: PemSource(PUBLISHED["key_pair"]["public"])})
    assert requests.read(sample["token"].encode(), NOW) == SignedStartRequest(**sample["expect"])


def test_an_attr_url_of_null_means_that_there_is_none() -> None:
    assert REQUESTS.read(token(request={**REQUEST, "attr_url": None}), NOW).attr_url is None


@pytest.mark.parametrize(
    ("signed", "field", "said"),
    [
        (token(kid=None), "kid", "missing"),
        (token(kid="nobody"), "kid", "known requestors"),
        (token(kid="rsa"), "alg", "expected RS256"),
        (token(key=OTHER_PRIVATE), None, "signature"),
        (token(key=None, alg="none"), "alg", "expected ES256"),
        (token(kid="ec", key="x" * 32, alg="HS256"), "alg", "expected ES256"),
        (token(exp=int(NOW)), "exp", "reached"),
        (token(nbf=int(NOW) + 31), "nbf", "future"),
        (token(exp="soon"), "exp", "expected"),
        (token(request=None), "request", "expected"),
        (token(request="move"), "request", "expected"),
        (token(request={**REQUEST, "purpose": ""}), "request.purpose", "length"),
        (token(request={"purpose": "move"}), "request.auth_method", "missing"),
        (jwt.encode({}, EC_PRIVATE, algorithm="ES256", headers={"kid": "ec"}).encode(), "request", "missing"),
        (b"", None, "JWS"),
        (b"a.b", None, "JWS"),
        (b"a.b.c.d", None, "JWS"),
        (b"\xff.\xff.\xff", None, "JWS"),
        (b"e30.e30.e30", "kid", "missing"),
    ],
)
def test_a_request_that_cannot_be_believed_says_what_is_wrong(signed: bytes, field: str | None, said: str) -> None:
    named, message = refusal(signed)
    assert named == field
    assert said in message.lower() or said in message


def test_a_token_signed_with_the_public_key_as_a_password_is_refused() -> None:
    """The classic confusion of algorithms: an attacker knows the public key."""

    def part(value: object) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()

    signing_input = f"{part({'alg': 'HS256', 'typ': 'JWT', 'kid': 'ec'})}.{part({'request': REQUEST})}"
    mac = hmac.new(EC_PUBLIC.encode(), signing_input.encode(), hashlib.sha256).digest()
    forged = f"{signing_input}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"
    assert refusal(forged.encode())[0] == "alg"


@given(st.integers(0, 10_000), st.integers(0, 255))
def test_a_request_that_was_changed_anywhere_is_refused(place: int, byte: int) -> None:
    signed = bytearray(token())
    place %= len(signed)
    if signed[place] == byte:
        return
    signed[place] = byte
    changed = bytes(signed)
    last = place in (len(signed) - 1,)
    try:
        read = REQUESTS.read(changed, NOW)
    except BadRequest:
        return
    # The last character of base64url may hold bits that mean nothing.
    assert last
    assert read.purpose == "move"


@given(st.floats(-1e6, 1e6), st.one_of(st.none(), st.integers(-600, 600)), st.one_of(st.none(), st.integers(-600, 600)))
def test_times_hold_when_they_are_there(later: float, nbf: int | None, exp: int | None) -> None:
    now = NOW + later
    times: dict[str, Any] = {name: math.floor(NOW) + at for name, at in (("nbf", nbf), ("exp", exp)) if at is not None}
    good = (exp is None or NOW + exp > now) and (nbf is None or NOW + nbf <= now + 30)
    if good:
        assert REQUESTS.read(token(**times), now).purpose == "move"
    else:
        assert refusal(token(**times), now)[0] in ("nbf", "exp")


def test_every_key_that_cannot_be_used_is_named_and_none_is_shown() -> None:
    weak = pems(rsa.generate_private_key(65537, 1024))[1]  # noqa: S505  too short on purpose
    with pytest.raises(SettingsError) as refused:
        SignedRequests({"a": PemSource(EC_PRIVATE), "b": PemSource(weak), "c": PemSource(EC_PUBLIC)})
    assert [mistake.partition(":")[0] for mistake in refused.value.mistakes] == [
        "authonly_request_keys.a",
        "authonly_request_keys.b",
    ]
    assert "MIG" not in str(refused.value)
