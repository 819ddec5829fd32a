"""Auth results: the shared vectors, round trips, forgeries."""

from __future__ import annotations

import base64
import itertools
import json
import string
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given, settings
from hypothesis import strategies as st
from joserfc import jwe
from joserfc.jwk import RSAKey

from idcontact.errors import SettingsError, TokenRejected, TooLarge
from idcontact.jws import MAX_TOKEN_BYTES
from idcontact.tokens import (
    LIFETIME,
    AuthResult,
    DecryptKey,
    Dialect,
    EncryptKey,
    ReadResult,
    ResultReader,
    ResultStatus,
    ResultWriter,
    SigningKey,
    VerifyKey,
)
from searching import examples

VECTORS = Path(__file__).parents[1] / "vectors"
AUTH_RESULTS: dict[str, Any] = json.loads((VECTORS / "auth_results.json").read_text())
PUBLISHED: dict[str, Any] = json.loads((VECTORS / "published_samples.json").read_text())
NOW: int = AUTH_RESULTS["now"]
KEYS: dict[str, Any] = AUTH_RESULTS["keys"]
KEY_TYPES = ["rsa", "ec"]
COMBINATIONS = list(itertools.product(KEY_TYPES, KEY_TYPES, Dialect))


def pem(kind: str, use: str, half: str) -> str:
    text: str = KEYS[kind][use][half]
    return text


def reader(sign: str = "rsa", encrypt: str = "rsa") -> ResultReader:
    return ResultReader(
        DecryptKey.from_pem(pem(encrypt, "encrypt", "private")),
        {"digid": [VerifyKey.from_pem(pem(sign, "sign", "public"))]},
    )


def writer(sign: str = "rsa", encrypt: str = "rsa", dialect: Dialect = Dialect.ID_CONTACT) -> ResultWriter:
    return ResultWriter(
        SigningKey.from_pem(pem(sign, "sign", "private")),
        EncryptKey.from_pem(pem(encrypt, "encrypt", "public")),
        dialect,
    )


READERS = {(sign, encrypt): reader(sign, encrypt) for sign in KEY_TYPES for encrypt in KEY_TYPES}
WRITERS = {(sign, encrypt, dialect): writer(sign, encrypt, dialect) for sign, encrypt, dialect in COMBINATIONS}
SUZANNE = AuthResult(status=ResultStatus.SUCCESS, attributes={"fullname": "Suzanne Moulin"})


def claims(**changes: object) -> dict[str, object]:
    """The claims of a good result, with changes; a change to None leaves the claim out."""
    good = {
        "sub": "id-contact-attributes",
        "status": "succes",
        "attributes": {"fullname": "Suzanne Moulin"},
        "iat": NOW,
        "exp": NOW + 300,
    }
    return {name: value for name, value in {**good, **changes}.items() if value is not None}


def signed(payload: bytes, sign: str = "rsa", headers: dict[str, Any] | None = None) -> str:
    key = SigningKey.from_pem(pem(sign, "sign", "private"))
    return jwt.PyJWS().encode(payload, key.native, algorithm=key.algorithm, headers=headers)


def encrypted(payload: bytes, encrypt: str = "rsa", **header: Any) -> str:
    key = EncryptKey.from_pem(pem(encrypt, "encrypt", "public"))
    protected = {"alg": key.algorithm, "enc": "A128CBC-HS256", **header}
    registry = jwe.JWERegistry(algorithms=[key.algorithm, "A128CBC-HS256", "DEF", "A256GCM"], strict_check_header=False)
    return jwe.encrypt_compact(protected, payload, key.jwk, registry=registry)


def token_of(**changes: object) -> str:
    return encrypted(json.dumps({"njwt": signed(json.dumps(claims(**changes)).encode())}).encode())


def why(token: str | bytes, by: ResultReader | None = None) -> str:
    """Reason for which the token is rejected."""
    with pytest.raises(TokenRejected) as caught:
        (by or READERS["rsa", "rsa"]).read(token, NOW)
    assert caught.value.message == "the token is not accepted"
    return caught.value.reason or ""


def by_vector_keys(name: str) -> ResultReader:
    return ResultReader(
        DecryptKey.from_pem(KEYS[name]["encrypt"]["private"]),
        {"digid": [VerifyKey.from_pem(KEYS[name]["sign"]["public"])]},
    )


def as_expected(read: ReadResult) -> dict[str, object]:
    return {
        "status": read.result.status.value,
        "attributes": read.result.attributes,
        "session_url": read.result.session_url,
    }


# --- what others made ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("vector", AUTH_RESULTS["accept"], ids=lambda vector: vector["name"])
def test_a_vector_to_accept_is_read_as_it_was_meant(vector: dict[str, Any]) -> None:
    read = by_vector_keys(vector["keys"]).read(vector["token"], NOW)
    expected = vector["expect"]
    assert expected.items() <= as_expected(read).items()
    assert read.method == "digid"


@pytest.mark.parametrize("vector", AUTH_RESULTS["reject"], ids=lambda vector: vector["name"])
def test_a_vector_to_reject_is_rejected(vector: dict[str, Any]) -> None:
    why(vector["token"], by_vector_keys(vector["keys"]))


def test_there_are_as_many_vectors_as_were_given() -> None:
    assert (len(AUTH_RESULTS["accept"]), len(AUTH_RESULTS["reject"])) == (13, 32)


def test_the_published_auth_result_is_read() -> None:
    pair, sample = PUBLISHED["key_pair"], PUBLISHED["auth_result"]
    published = ResultReader(DecryptKey.from_pem(pair["private"]), {"irma": [VerifyKey.from_pem(pair["public"])]})
    assert as_expected(published.read(sample["token"], sample["now"])) == sample["expect"]


# --- round trips --------------------------------------------------------------------------------------------------

ATTRIBUTES = st.dictionaries(st.text(max_size=20), st.text(max_size=60), max_size=6)
URLS = st.builds(
    "https://auth.example.nl/{}".format, st.text(alphabet=string.ascii_letters + string.digits + "/?=&_-", max_size=30)
)
SUCCESSES = st.builds(
    AuthResult,
    status=st.just(ResultStatus.SUCCESS),
    attributes=ATTRIBUTES,
    session_url=st.none() | URLS,
    method=st.none() | st.text(max_size=20),
    acr=st.none() | st.text(max_size=20),
    auth_time=st.none() | st.integers(min_value=0, max_value=NOW),
)
FAILURES = st.builds(AuthResult, status=st.just(ResultStatus.FAILED), session_url=st.none() | URLS)


@pytest.mark.parametrize(("sign", "encrypt", "dialect"), COMBINATIONS)
@settings(max_examples=examples(20))
@given(result=SUCCESSES | FAILURES)
def test_what_is_written_is_read_back(sign: str, encrypt: str, dialect: Dialect, result: AuthResult) -> None:
    token = WRITERS[sign, encrypt, dialect].write(result, NOW + 0.9)
    read = READERS[sign, encrypt].read(token, NOW)
    assert read.result == result
    assert (read.issued_at, read.expires_at) == (NOW, NOW + LIFETIME)


@pytest.mark.parametrize(
    ("dialect", "subject", "success"),
    [
        (Dialect.ID_CONTACT, "id-contact-attributes", "succes"),
        (Dialect.VERDER_HELPEN, "verder-helpen-attributes", "success"),
    ],
)
def test_each_dialect_is_written_with_its_own_words(dialect: Dialect, subject: str, success: str) -> None:
    token = writer(dialect=dialect).write(SUZANNE, NOW)
    header, inner = opened(token)
    written = jwt.decode(inner, options={"verify_signature": False})
    assert header == {"typ": "JWT", "cty": "JWT", "alg": "RSA-OAEP", "enc": "A128CBC-HS256"}
    assert jwt.get_unverified_header(inner) == {"typ": "JWT", "alg": "RS256"}
    assert len(written.pop("jti")) == 22
    assert written == {
        "sub": subject,
        "status": success,
        "attributes": {"fullname": "Suzanne Moulin"},
        "iat": NOW,
        "exp": NOW + 300,
    }


def opened(token: str) -> tuple[dict[str, Any], str]:
    """Outer header and inner JWS, opened by the library alone."""
    outer = jwe.decrypt_compact(token, RSAKey.import_key(pem("rsa", "encrypt", "private")))
    inner: str = json.loads(outer.plaintext or b"")["njwt"]
    return outer.protected, inner


def test_two_failures_within_a_second_are_two_results() -> None:
    failed = AuthResult(status=ResultStatus.FAILED)
    tokens = [writer().write(failed, NOW) for _ in range(2)]
    assert len({READERS["rsa", "rsa"].read(token, NOW).digest for token in tokens}) == 2


def test_a_result_keeps_its_digest_when_it_is_encrypted_again() -> None:
    token = writer().write(SUZANNE, NOW)
    again = encrypted(json.dumps({"njwt": opened(token)[1]}).encode())
    assert READERS["rsa", "rsa"].read(again, NOW).digest == READERS["rsa", "rsa"].read(token, NOW).digest


def test_the_key_that_verifies_says_which_method_it_was() -> None:
    both = ResultReader(
        DecryptKey.from_pem(pem("rsa", "encrypt", "private")),
        {
            "digid": [VerifyKey.from_pem(pem("rsa", "sign", "public"))],
            "yivi": [fresh_verify_key(), VerifyKey.from_pem(pem("ec", "sign", "public"))],
        },
    )
    assert both.read(writer("rsa").write(SUZANNE, NOW), NOW).method == "digid"
    assert both.read(writer("ec").write(SUZANNE, NOW), NOW).method == "yivi"


def fresh_verify_key() -> VerifyKey:
    public = ec.generate_private_key(ec.SECP256R1()).public_key()
    return VerifyKey.from_pem(public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode())


def test_two_methods_cannot_share_a_key() -> None:
    key = VerifyKey.from_pem(pem("rsa", "sign", "public"))
    decrypt = DecryptKey.from_pem(pem("rsa", "encrypt", "private"))
    with pytest.raises(SettingsError, match="digid, yivi: expected keys of their own"):
        ResultReader(decrypt, {"digid": [key], "yivi": [key]})


def test_a_result_that_would_be_too_long_is_not_written() -> None:
    for length in (MAX_TOKEN_BYTES * 55 // 100, MAX_TOKEN_BYTES):
        with pytest.raises(TooLarge, match="attributes"):
            writer().write(AuthResult(status=ResultStatus.SUCCESS, attributes={"photo": "x" * length}), NOW)


def test_a_result_that_contradicts_itself_cannot_be_made() -> None:
    with pytest.raises(ValueError, match="only to a success"):
        AuthResult(status=ResultStatus.SUCCESS)
    with pytest.raises(ValueError, match="only to a success"):
        AuthResult(status=ResultStatus.FAILED, attributes={})
    with pytest.raises(ValueError, match="session_url"):
        AuthResult(status=ResultStatus.FAILED, session_url="javascript:alert(1)")


def test_a_result_does_not_show_its_attributes() -> None:
    read = READERS["rsa", "rsa"].read(writer().write(SUZANNE, NOW), NOW)
    assert "Suzanne" not in f"{SUZANNE!r} {SUZANNE} {read!r} {read}"


# --- what is refused ----------------------------------------------------------------------------------------------


def test_a_token_expires_at_its_exp_and_not_before() -> None:
    token = writer().write(SUZANNE, NOW)
    assert READERS["rsa", "rsa"].read(token, NOW + LIFETIME - 0.001).result == SUZANNE
    with pytest.raises(TokenRejected, match="exp has been reached"):
        READERS["rsa", "rsa"].read(token, NOW + LIFETIME)


@pytest.mark.parametrize("claim", ["iat", "nbf"])
def test_a_clock_may_be_half_a_minute_ahead(claim: str) -> None:
    assert READERS["rsa", "rsa"].read(token_of(**{claim: NOW + 30}), NOW).result == SUZANNE
    assert why(token_of(**{claim: NOW + 31})) == f"{claim} is in the future"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"sub": None}, "sub is missing or not as it must be"),
        ({"sub": "`iat` secret-value"}, "sub is missing or not as it must be"),
        ({"iat": None}, "iat is missing or not as it must be"),
        ({"iat": True}, "iat is missing or not as it must be"),
        ({"exp": "1800000300"}, "exp is missing or not as it must be"),
        ({"exp": 10**30}, "exp is missing or not as it must be"),
        ({"exp": float("nan")}, "a claim is missing or not as it must be"),
        ({"status": "secret-value"}, "status is missing or not as it must be"),
        ({"attributes": {"secret-value": 1}}, "attributes is missing or not as it must be"),
        ({"attributes": ["secret-value"]}, "attributes is missing or not as it must be"),
        ({"acr": 3}, "acr is missing or not as it must be"),
        ({"auth_time": "now"}, "auth_time is missing or not as it must be"),
        ({"session_url": "ftp://secret-value/"}, "session_url is not an http or https URL"),
        ({"session_url": "https://"}, "session_url is not an http or https URL"),
        ({"session_url": "https://secret-value:99999/"}, "session_url is not an http or https URL"),
        ({"session_url": "https://example.nl/\n"}, "session_url is not an http or https URL"),
    ],
)
def test_the_reason_names_the_claim_and_no_value(change: dict[str, object], reason: str) -> None:
    assert why(token_of(**change)) == reason


def test_what_a_failed_result_says_of_the_person_is_dropped() -> None:
    read = READERS["rsa", "rsa"].read(token_of(status="failed"), NOW)
    assert read.result == AuthResult(status=ResultStatus.FAILED)


def test_times_with_a_fraction_are_understood() -> None:
    read = READERS["rsa", "rsa"].read(token_of(iat=NOW - 0.5, exp=NOW + 0.5, auth_time=NOW - 0.5), NOW)
    assert (read.issued_at, read.expires_at, read.result.auth_time) == (NOW - 1, NOW, NOW - 1)


def test_an_object_that_names_a_member_twice_is_refused() -> None:
    twice = json.dumps(claims()).replace('{"sub"', '{"status": "failed", "sub"').encode()
    assert "inner payload" in why(encrypted(json.dumps({"njwt": signed(twice)}).encode()))
    inner = signed(json.dumps(claims()).encode())
    assert "outer payload" in why(encrypted(f'{{"njwt":"{inner}","njwt":"{inner}"}}'.encode()))


def test_an_attribute_of_half_a_character_is_refused() -> None:
    half = json.dumps(claims()).replace("Suzanne", "\\ud800").encode()
    assert why(encrypted(json.dumps({"njwt": signed(half)}).encode()))


def test_deep_nesting_is_refused() -> None:
    deep = b'{"x":' * 2000 + b"1" + b"}" * 2000
    assert "outer payload" in why(encrypted(deep))


def test_compression_is_refused_before_anything_is_inflated() -> None:
    bomb = json.dumps({"njwt": "x" * 1_000_000}).encode()
    assert why(encrypted(bomb, zip="DEF")) == "outer zip is refused"


def test_critical_extensions_are_refused_in_either_header() -> None:
    payload = json.dumps({"njwt": signed(json.dumps(claims()).encode())}).encode()
    assert why(encrypted(payload, crit=["b64"], b64=True)) == "crit is refused"
    inner = signed(json.dumps(claims()).encode(), headers={"crit": ["b64"], "b64": False})
    assert why(encrypted(json.dumps({"njwt": inner}).encode())) != ""


def test_an_unknown_header_member_is_ignored() -> None:
    payload = json.dumps({"njwt": signed(json.dumps(claims()).encode())}).encode()
    assert READERS["rsa", "rsa"].read(encrypted(payload, kid="1", extra={"a": 1}), NOW).result == SUZANNE


def test_a_token_made_for_a_key_of_the_other_kind_is_refused() -> None:
    assert why(writer("rsa", "ec").write(SUZANNE, NOW)) == "outer alg is not that of the configured key"
    assert why(writer("ec", "rsa").write(SUZANNE, NOW)) == "inner alg is not that of a configured key"


def test_a_result_signed_by_another_methods_key_is_refused() -> None:
    stranger = ResultReader(DecryptKey.from_pem(pem("ec", "encrypt", "private")), {"digid": [fresh_verify_key()]})
    assert why(writer("ec", "ec").write(SUZANNE, NOW), stranger) == "the signature is not by a configured key"


def test_a_token_over_the_limit_is_refused_unread() -> None:
    assert why("a." * MAX_TOKEN_BYTES) == f"longer than {MAX_TOKEN_BYTES} bytes"
    inner_too_long = encrypted(json.dumps({"njwt": "a" * 20_000}).encode())
    assert why(inner_too_long) == "njwt is not a JWS in compact form"


@pytest.mark.parametrize("spoiled", ["{}\n", " {}", "{}=", "{}.", "é{}"])
def test_nothing_may_stand_around_a_token(spoiled: str) -> None:
    token = writer().write(SUZANNE, NOW)
    assert why(spoiled.format(token)) == "not a JWE in compact form"
    assert why(spoiled.format(token).encode()) == "not a JWE in compact form"


def test_a_token_may_be_given_as_bytes() -> None:
    assert READERS["rsa", "rsa"].read(writer().write(SUZANNE, NOW).encode(), NOW).result == SUZANNE


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=examples(200))
@given(
    epk=JSON_VALUES
    | st.fixed_dictionaries(
        {},
        optional={
            "kty": st.sampled_from(["EC", "RSA", "OKP", "oct"]) | JSON_VALUES,
            "crv": st.sampled_from(["P-256", "P-384", "P-521", "X25519"]) | JSON_VALUES,
            "x": st.text(alphabet=string.ascii_letters, max_size=50) | JSON_VALUES,
            "y": st.text(alphabet=string.ascii_letters, max_size=50) | JSON_VALUES,
            "key_ops": JSON_VALUES,
            "use": JSON_VALUES,
        },
    )
)
def test_a_hostile_ephemeral_key_is_refused_quietly(epk: object) -> None:
    header = {"alg": "ECDH-ES", "enc": "A128CBC-HS256", "epk": epk}
    encoded = base64.urlsafe_b64encode(json.dumps(header).encode()).rstrip(b"=").decode()
    why(f"{encoded}..{'A' * 22}.{'A' * 43}.{'A' * 22}", READERS["rsa", "ec"])


@pytest.mark.parametrize("kind", KEY_TYPES)
@settings(max_examples=examples(150))
@given(draw=st.data())
def test_a_changed_token_is_never_accepted(kind: str, draw: st.DataObject) -> None:
    token = WRITERS[kind, kind, Dialect.ID_CONTACT].write(SUZANNE, NOW)
    start = draw.draw(st.integers(0, len(token)), label="start")
    end = draw.draw(st.integers(start, min(len(token), start + 40)), label="end")
    piece = draw.draw(st.text(alphabet=string.ascii_letters + string.digits + "-_.=\x00é", max_size=40), label="piece")
    changed = token[:start] + piece + token[end:]
    if changed != token:
        why(changed, READERS[kind, kind])


@settings(max_examples=examples(150))
@given(payload=st.binary(max_size=200) | JSON_VALUES.map(lambda value: json.dumps(value).encode()))
def test_any_payload_in_a_good_envelope_is_refused_quietly(payload: bytes) -> None:
    why(encrypted(payload, "ec"), READERS["ec", "ec"])
    why(encrypted(json.dumps({"njwt": signed(payload, "ec")}).encode(), "ec"), READERS["ec", "ec"])
