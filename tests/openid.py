"""A real OpenID provider in a process of its own, a browser that logs in at it, and somebody in between."""

from __future__ import annotations

import json
import subprocess
import time
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeAlias
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit

import httpx2
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm
from starlette.datastructures import QueryParams

from idcontact.browser import new_browser
from idcontact.errors import NotAllowed
from idcontact.oidc import Identity, ProviderSettings, RelyingParty
from idcontact.outgoing import Answer, Outgoing
from idcontact.plugin.testkit import MemoryRecords
from idcontact.settings import Secret
from running import free_port

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator, Mapping

ROOT: Final = Path(__file__).parent.parent
REDIRECT: Final = "https://core.example.org/host/auth/redirect"
METADATA: Final = "/.well-known/openid-configuration"
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


class Tab:
    """A relying party, and a browser that logs in with it. `now` is how far the clock is ahead."""

    def __init__(self, provider: OpenIdProvider, between: Between, **settings: Any) -> None:
        self.between = between
        self.ahead = 0.0
        self.browser = new_browser()
        told: dict[str, Any] = {
            "issuer": provider.issuer,
            "client_id": CLIENT,
            "client_secret": Secret(SECRET),
            "scopes": ["groups"],
            "algorithms": [provider.algorithm],
            **settings,
        }
        self.party = RelyingParty(
            ProviderSettings(**told),
            redirect_uri=REDIRECT,
            outgoing=between,
            records=MemoryRecords(self.clock),
            clock=self.clock,
        )

    def clock(self) -> float:
        return time.time() + self.ahead

    async def come_back(self, account: str = "ann.desk", **asked: str) -> str:
        """Log in at the provider; the query that the browser comes back with."""
        address = await self.party.begin(self.browser)
        if asked:
            parts = urlsplit(address)
            address = parts._replace(query=urlencode({**dict(parse_qsl(parts.query)), **asked})).geturl()
        return urlsplit(await log_in(address, account, REDIRECT)).query

    async def finish(self, query: str, **changes: str | None) -> Identity:
        """Finish with this query; a change to None leaves a parameter out."""
        members = {**dict(parse_qsl(query)), **changes}
        kept = {name: value for name, value in members.items() if value is not None}
        return await self.party.finish(QueryParams(kept), self.browser)

    async def refused(self, query: str, **changes: str | None) -> str:
        """Why it is refused, for the log."""
        with pytest.raises(NotAllowed) as caught:
            await self.finish(query, **changes)
        assert caught.value.reason is not None
        assert str(caught.value.message) == "this log-in is not accepted; try again"
        return caught.value.reason


@asynccontextmanager
async def tab_at(
    provider: OpenIdProvider, changes: dict[str, Callable[[Any], Any]] | None = None, **settings: Any
) -> AsyncIterator[Tab]:
    async with Between(changes or {}) as between:
        yield Tab(provider, between, **settings)


def resigned(provider: OpenIdProvider, change: Callable[[dict[str, Any]], dict[str, Any]]) -> Callable[[Any], Any]:
    """Another ID token, signed by the provider's own key."""

    def changed(tokens: dict[str, Any]) -> dict[str, Any]:
        return {**tokens, "id_token": provider.sign(change(claims_in(tokens["id_token"])))}

    return changed


def forged(make: Callable[[dict[str, Any]], str]) -> Callable[[Any], Any]:
    """Another ID token, not by the provider."""
    return lambda tokens: {**tokens, "id_token": make(claims_in(tokens["id_token"]))}
