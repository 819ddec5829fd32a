"""An auth plugin between a core and a communication plugin, in one process, with every answer in the test's hand."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

import httpx2
import msgspec
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from starlette.responses import Response

from idcontact.asset_files import AssetFiles
from idcontact.outgoing import Outgoing
from idcontact.pages import ASSETS_FOLDER, Pages
from idcontact.plugin import PluginHost
from idcontact.plugin.testkit import MemoryLimiter, MemoryRecords
from idcontact.tokens import DecryptKey, ReadResult, ResultReader, VerifyKey

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from starlette.types import ASGIApp, Receive, Scope, Send

    from idcontact.plugin import Plugin, PluginFactory
    from idcontact.settings import Localized

PUBLIC: Final = "https://core.example.org/plugins/auth_test"
INTERNAL: Final = "http://core.internal:8001/plugins/auth_test"
CONTINUATION: Final = "https://core.example.org/land/ticket"
ATTR_URL: Final = "http://core.internal:8001/attr/secret"
NOW: Final = 1_800_000_000.0
AS_PERSON: Final = {"Accept": "text/html", "Accept-Language": "en"}
FROM_OWN_PAGE: Final = {"Origin": "https://core.example.org", **AS_PERSON}


@cache
def key_pair(name: str) -> tuple[str, str]:
    """Private and public PEM of an EC key, the same for the same name."""
    key = ec.generate_private_key(ec.SECP256R1())
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return private.decode(), public.decode()


def key_settings() -> dict[str, object]:
    """`sign_key` and `encrypt_key` of an auth plugin."""
    return {
        "sign_key": {"type": "EC", "key": key_pair("sign")[0]},
        "encrypt_key": {"type": "EC", "key": key_pair("encrypt")[1]},
    }


def result_reader() -> ResultReader:
    """Reads what a plugin with `key_settings` writes."""
    verify = {"auth_test": [VerifyKey.from_pem(key_pair("sign")[1])]}
    return ResultReader(DecryptKey.from_pem(key_pair("encrypt")[0]), verify)


@dataclass
class Receiver:
    """The attr_url of a communication plugin. It answers what `statuses` say, one after the other, then 200."""

    statuses: list[int | None] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)
    content_types: list[str] = field(default_factory=list)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.tokens.append((await receive())["body"].decode())
        self.content_types.append(dict(scope["headers"])[b"content-type"].decode())
        status = self.statuses.pop(0) if self.statuses else 200
        if status is None:
            raise ConnectionResetError
        await Response(status_code=status)(scope, receive, send)


@dataclass
class House:
    """One plugin, the browser of a person, and what its results are read with."""

    plugin: Plugin
    host: PluginHost
    receiver: Receiver
    now: list[float]
    waited: list[float]
    browser: httpx2.AsyncClient

    @property
    def core(self) -> httpx2.AsyncClient:
        """Whoever calls the plugin's internal routes."""
        return _reaching(self.plugin.internal, INTERNAL)

    def another_browser(self) -> httpx2.AsyncClient:
        return _reaching(self.plugin.public, PUBLIC)

    async def start_raw(self, message: object) -> httpx2.Response:
        async with self.core as client:
            return await client.post(f"{INTERNAL}/start_authentication", json=message)

    async def start(self, *attributes: str, **changes: str | None) -> str:
        """Start an authentication; its client_url. A change to None leaves a member out."""
        message: dict[str, object | None] = {
            "attributes": list(attributes),
            "continuation": CONTINUATION,
            "attr_url": ATTR_URL,
            **changes,
        }
        answer = await self.start_raw({name: value for name, value in message.items() if value is not None})
        assert answer.status_code == 200, answer.text
        return str(answer.json()["client_url"])

    async def press(
        self,
        url: str,
        choice: str,
        *,
        browser: httpx2.AsyncClient | None = None,
        headers: Mapping[str, str] = FROM_OWN_PAGE,
    ) -> httpx2.Response:
        """Press a button of the page at `url`."""
        return await (browser or self.browser).post(url, data={"choice": choice}, headers=dict(headers))

    def read(self, token: str) -> ReadResult:
        return result_reader().read(token, self.now[0])


def _reaching(app: ASGIApp, base: str) -> httpx2.AsyncClient:
    """A client of an application that is mounted at the path of `base`, as in a whole server."""
    transport = httpx2.ASGITransport(app=app, root_path="/plugins/auth_test")
    return httpx2.AsyncClient(transport=transport, base_url=base)


@asynccontextmanager
async def open_house(
    create: PluginFactory, settings: Mapping[str, object], *, labels: Mapping[str, Localized] | None = None
) -> AsyncIterator[House]:
    """A plugin with these settings beside its keys."""
    now, waited = [NOW], list[float]()

    async def wait(seconds: float) -> None:
        waited.append(seconds)
        await asyncio.sleep(0)

    async with Outgoing(limit=0.5) as outgoing:
        receiver = Receiver()
        outgoing.mount("http://core.internal:8001/attr", receiver)
        host = PluginHost(
            name="auth_test",
            public_url=PUBLIC,
            internal_url=INTERNAL,
            allowed_origins=frozenset({"https://core.example.org", "http://core.internal:8001"}),
            attribute_labels=labels or {},
            outgoing=outgoing,
            records=MemoryRecords(lambda: now[0]),
            limiter=MemoryLimiter(lambda: now[0]),
            pages=Pages(public_url="https://core.example.org", assets=AssetFiles({"/assets": ASSETS_FOLDER})),
            settings_folder=Path("/nonexistent"),
            clock=lambda: now[0],
            wait=wait,
        )
        plugin = create(host, {**key_settings(), **settings})
        async with plugin.lifespan(), _reaching(plugin.public, PUBLIC) as browser:
            yield House(plugin, host, receiver, now, waited, browser)


def error_of(answer: httpx2.Response) -> tuple[int, str | None]:
    """Status and field of an error that a program gets."""
    return answer.status_code, msgspec.json.decode(answer.content)["error"].get("field")
