"""A real OpenID provider in a process of its own, a browser that logs in at it, and somebody in between."""

from __future__ import annotations

import json
import subprocess
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeAlias
from urllib.parse import urljoin

import httpx2
import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from idcontact.outgoing import Answer, Outgoing
from running import free_port

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

ROOT: Final = Path(__file__).parent.parent
CLIENT: Final = "the platform: a client"
SECRET: Final = "a client's secret, with signs: % + & ="

Key: TypeAlias = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


@cache
def provider_key(algorithm: str, name: str = "provider") -> Key:
    """The key that the provider signs with; under another name another one."""
    del name
    if algorithm.startswith("ES"):
        return ec.generate_private_key(ec.SECP256R1())
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def jwk_of(key: Key, algorithm: str, kid: str) -> dict[str, Any]:
    """A key as a JWK, with its private part."""
    written = ECAlgorithm.to_jwk(key) if isinstance(key, ec.EllipticCurvePrivateKey) else RSAAlgorithm.to_jwk(key)
    return {**json.loads(written), "kid": kid, "alg": algorithm, "use": "sig"}


def public_jwk(jwk: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in jwk.items() if name not in {"d", "p", "q", "dp", "dq", "qi", "key_ops"}}


@dataclass(frozen=True)
class OpenIdProvider:
    """A provider that runs."""

    issuer: str
    algorithm: str

    def sign(self, claims: Mapping[str, Any], **header: Any) -> str:
        """A token by the provider's own key: what it could say, and never would."""
        key = provider_key(self.algorithm)
        return jwt.encode(dict(claims), key, self.algorithm, headers={"kid": "now", **header})


@contextmanager
def openid_provider(redirect_uri: str, algorithm: str = "RS256") -> Iterator[OpenIdProvider]:
    port = free_port()
    asked = {
        "port": port,
        "client_id": CLIENT,
        "client_secret": SECRET,
        "redirect_uris": [redirect_uri],
        "jwks": {"keys": [jwk_of(provider_key(algorithm), algorithm, "now")]},
        "algorithm": algorithm,
    }
    command = ["node", str(ROOT / "tests" / "openid_provider.mjs"), json.dumps(asked)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=ROOT) as running:
        try:
            assert running.stdout is not None
            while (line := running.stdout.readline()) != "ready\n":
                assert line, "the provider did not start: npm ci?"
            yield OpenIdProvider(f"http://127.0.0.1:{port}", algorithm)
        finally:
            running.terminate()


async def log_in(address: str, account: str, redirect_uri: str) -> str:
    """What somebody's browser does at the provider; the address that it is sent back to."""
    async with httpx2.AsyncClient(timeout=30) as browser:
        answer = await browser.get(address)
        for _ in range(12):
            if answer.is_redirect:
                address = urljoin(str(answer.url), answer.headers["location"])
                if address.startswith(redirect_uri):
                    return address
                answer = await browser.get(address)
                continue
            assert answer.status_code == 200, answer.text
            action = answer.text.split('action="')[1].split('"')[0]
            prompt = "login" if 'value="login"' in answer.text else "consent"
            form = {"prompt": prompt, "login": account, "password": "any"}
            answer = await browser.post(urljoin(str(answer.url), action), data=form)
    raise AssertionError("the provider did not send back")


@dataclass
class Between(Outgoing):
    """Requests to a provider, whose answers somebody changes on the way. `asked` are the paths, in order."""

    changes: dict[str, Callable[[Any], Any]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    sent: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(limit=20)

    async def get(self, url: str, **named: Any) -> Answer:
        return self._changed(url, await super().get(url, **named))

    async def post(self, url: str, body: bytes, **named: Any) -> Answer:
        self.sent.append(body.decode())
        return self._changed(url, await super().post(url, body, **named))

    def _changed(self, url: str, answer: Answer) -> Answer:
        path = "/" + url.split("/", 3)[3]
        self.asked.append(path)
        if path not in self.changes or not answer.is_success:
            return answer
        return Answer(answer.status, json.dumps(self.changes[path](json.loads(answer.body))).encode())


def claims_in(token: str) -> dict[str, Any]:
    claims = jwt.decode(token, options={"verify_signature": False})
    assert isinstance(claims, dict)
    return claims
