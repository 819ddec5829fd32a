"""Auth results written and read, beside the libraries called directly, in turns; see README.md."""

from __future__ import annotations

import json
import statistics
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from joserfc import jwe
from joserfc.jwk import ECKey, RSAKey

from idcontact.tokens import (
    AuthResult,
    DecryptKey,
    Dialect,
    EncryptKey,
    ResultReader,
    ResultStatus,
    ResultWriter,
    SigningKey,
    VerifyKey,
)

if TYPE_CHECKING:
    from collections.abc import Callable

TOKENS_GOAL: Final = 0.9
"""Tokens per second, as a part of those of PyJWT and joserfc called directly."""
_ATTRIBUTES: Final = {"fullname": "Suzanne Moulin", "city": "Rotterdam", "street": "Zeedijk 99"}
_ALGORITHMS: Final = {"RSA": ("RS256", "RSA-OAEP"), "EC": ("ES256", "ECDH-ES")}


@dataclass(frozen=True)
class TokensPlan:
    """How much to measure. `seconds` is the least that a round takes."""

    rounds: int = 15
    seconds: float = 0.2


@dataclass(frozen=True)
class _Pair:
    """The same done by the product and by the libraries."""

    name: str
    ours: Callable[[], object]
    direct: Callable[[], object]


def measure_tokens(plan: TokensPlan = TokensPlan()) -> bool:
    """Do it, print it; whether the goals are met."""
    print("auth results of three attributes, CPU time of one thread, medians of rounds in turns\n")
    print(f"{'':28}{'µs':>9}{'direct µs':>11}{'ratio':>7}")
    met = True
    for pair in (*_pairs("RSA"), *_pairs("EC")):
        print(f"\r{pair.name} ", end="", file=sys.stderr, flush=True)
        ours, direct, ratio = _compared(pair, plan)
        print(f"\r{pair.name:28}{ours:9.0f}{direct:11.0f}{ratio:7.2f}")
        met = met and ratio >= TOKENS_GOAL
    print(f"goal {TOKENS_GOAL} each: {'met' if met else 'MISSED'}")
    return met


def _compared(pair: _Pair, plan: TokensPlan) -> tuple[float, float, float]:
    """Microseconds of each, and how many of ours go into the time of one direct: the median of the rounds."""
    times = max(1, int(plan.seconds / _seconds(pair.direct, 20)))
    rounds = [(_seconds(pair.ours, times), _seconds(pair.direct, times)) for _ in range(plan.rounds)]
    ours, direct = (statistics.median(both[which] for both in rounds) * 1e6 for which in (0, 1))
    return ours, direct, statistics.median(direct / ours for ours, direct in rounds)


def _seconds(work: Callable[[], object], times: int) -> float:
    began = time.process_time()
    for _ in range(times):
        work()
    return (time.process_time() - began) / times


def _pairs(kind: str) -> list[_Pair]:
    sign, encrypt = _key(kind), _key(kind)
    now = time.time()
    writer = ResultWriter(
        SigningKey.from_pem(_private(sign)), EncryptKey.from_pem(_public(encrypt)), Dialect.ID_CONTACT
    )
    reader = ResultReader(DecryptKey.from_pem(_private(encrypt)), {"digid": [VerifyKey.from_pem(_public(sign))]})
    result = AuthResult(status=ResultStatus.SUCCESS, attributes=_ATTRIBUTES)
    token = writer.write(result, now)
    direct = _Direct(kind, sign, encrypt)
    assert direct.read(token)["attributes"] == _ATTRIBUTES
    assert reader.read(direct.write(now), now).result == result
    return [
        _Pair(f"{kind}: sign and encrypt", lambda: writer.write(result, now), lambda: direct.write(now)),
        _Pair(f"{kind}: decrypt and verify", lambda: reader.read(token, now), lambda: direct.read(token)),
    ]


class _Direct:
    """PyJWT and joserfc, with keys that are loaded once, and nothing else."""

    def __init__(self, kind: str, sign: Any, encrypt: Any) -> None:
        self._sign, self._verify = sign, sign.public_key()
        self._jws, self._alg = _ALGORITHMS[kind]
        self._decrypt = (RSAKey if kind == "RSA" else ECKey).import_key(_private(encrypt))
        self._encrypt = (RSAKey if kind == "RSA" else ECKey).import_key(_public(encrypt))
        self._allowed = [self._alg, "A128CBC-HS256"]

    def write(self, now: float) -> str:
        """Sign, encrypt."""
        claims = {
            "sub": "id-contact-attributes",
            "status": "succes",
            "attributes": _ATTRIBUTES,
            "iat": int(now),
            "exp": int(now) + 300,
        }
        inner = jwt.encode(claims, self._sign, algorithm=self._jws)
        header = {"typ": "JWT", "cty": "JWT", "alg": self._alg, "enc": "A128CBC-HS256"}
        return jwe.encrypt_compact(header, json.dumps({"njwt": inner}).encode(), self._encrypt, self._allowed)

    def read(self, token: str) -> dict[str, Any]:
        """Decrypt, verify."""
        opened = jwe.decrypt_compact(token, self._decrypt, self._allowed)
        inner = json.loads(opened.plaintext or b"")["njwt"]
        return jwt.decode(inner, self._verify, algorithms=[self._jws])


def _key(kind: str) -> rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey:
    return rsa.generate_private_key(65537, 2048) if kind == "RSA" else ec.generate_private_key(ec.SECP256R1())


def _private(key: Any) -> str:
    pem: bytes = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return pem.decode()


def _public(key: Any) -> str:
    pem: bytes = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return pem.decode()
