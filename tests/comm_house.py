"""A communication plugin between a core and an auth plugin, in one process, with every request in the test's hand."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import httpx2
import msgspec
from starlette.responses import PlainTextResponse, Response

from idcontact.asset_files import AssetFiles
from idcontact.errors import BadRequest
from idcontact.outgoing import Outgoing
from idcontact.pages import ASSETS_FOLDER, Pages
from idcontact.plugin import CommPlugin, CommSession, CommSettings, PluginHost
from idcontact.plugin.testkit import MemoryLimiter, MemoryRecords
from idcontact.receipts import Receipts
from idcontact.tokens import AuthResult, Dialect, EncryptKey, ResultStatus, ResultWriter, SigningKey
from plugin_house import NOW, key_pair

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from starlette.requests import Request
    from starlette.types import ASGIApp, Receive, Scope, Send

    from idcontact.plugin import Plugin, PluginFactory
    from idcontact.settings import Localized

PUBLIC: Final = "https://core.example.org/plugins/comm_test"
INTERNAL: Final = "http://core.internal:8001/plugins/comm_test"
SESSION_URL: Final = "http://auth.internal:8001/session/secret"
FROM_OWN_PAGE: Final = {"Origin": "https://core.example.org", "Accept": "text/html", "Accept-Language": "en"}
SUZANNE: Final = {"fullname": "Suzanne Moulin", "city": "Rotterdam"}


class Desk(CommPlugin):
    """A plugin as an author writes one: it says how it stands with the result, in one line."""

    async def check(self, purpose: str) -> None:
        if purpose == "complaint":
            raise BadRequest("nobody does that here", field="purpose")

    async def show(self, request: Request, session: CommSession) -> Response:
        session = await self.active(session)
        line = f"{session.purpose} {self.language(request, session)} {session.state}"
        received = session.received
        if received is not None:
            line += f" {received.method} {received.level} {received.identified_at} {received.attributes}"
        return PlainTextResponse(line)

    async def act(self, request: Request, session: CommSession, fields: Mapping[str, str]) -> Response:
        await self.end(session)
        return PlainTextResponse("ended")


def desk(host: PluginHost, settings: Mapping[str, object]) -> Desk:
    """A factory of it."""
    return Desk(host, host.read_settings(settings, CommSettings))


def comm_settings() -> dict[str, object]:
    """The keys of a comm plugin, and two methods whose results it takes."""
    return {
        "decrypt_key": {"type": "EC", "key": key_pair("encrypt")[0]},
        "auth_methods": [
            {
                "tag": "test",
                "name": {"nl": "Proefpersoon", "en": "Test person"},
                "verify_keys": [{"type": "EC", "key": key_pair("sign")[1]}],
                "attributes": ["fullname", "city"],
                "level": "low",
            },
            {
                "tag": "other",
                "name": "Another method",
                "verify_keys": [{"type": "EC", "key": key_pair("other sign")[1]}],
                "attributes": ["fullname"],
            },
        ],
    }


def auth_token(
    attributes: Mapping[str, str] | None = None, *, at: float = NOW, sign: str = "sign", **members: Any
) -> str:
    """An auth result of the method `test`, or with `sign="other sign"` of the other one; failed without attributes."""
    status = ResultStatus.FAILED if attributes is None else ResultStatus.SUCCESS
    writer = ResultWriter(
        SigningKey.from_pem(key_pair(sign)[0]), EncryptKey.from_pem(key_pair("encrypt")[1]), Dialect.ID_CONTACT
    )
    given = None if attributes is None else dict(attributes)
    return writer.write(AuthResult(status=status, attributes=given, **members), at)


@dataclass
class Updates:
    """The session_url of an auth plugin: what it was told, and what it answers (None: it fails)."""

    status: int | None = 204
    told: list[str] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.told.append(scope["query_string"].decode())
        self.bodies.append((await receive())["body"])
        if self.status is None:
            raise ConnectionResetError
        await Response(status_code=self.status)(scope, receive, send)


@dataclass(frozen=True)
class Started:
    """What start_communication answered."""

    client_url: str
    attr_url: str | None
    cancel_url: str | None


@dataclass
class CommHouse:
    """One plugin, the browser of a person, and an auth plugin's session_url."""

    plugin: Plugin
    host: PluginHost
    updates: Updates
    now: list[float]
    browser: httpx2.AsyncClient

    def another_browser(self) -> httpx2.AsyncClient:
        return _reaching(self.plugin.public, PUBLIC)

    async def post(self, url: str, body: bytes = b"", content_type: str = "application/json") -> httpx2.Response:
        """What a core or an auth plugin posts to the internal routes."""
        async with _reaching(self.plugin.internal, INTERNAL) as client:
            return await client.post(url, content=body, headers={"Content-Type": content_type})

    async def start_raw(self, message: object) -> httpx2.Response:
        return await self.post(f"{INTERNAL}/start_communication", msgspec.json.encode(message))

    async def start(self, **members: object) -> Started:
        answer = await self.start_raw({"purpose": "report_move", **members})
        assert answer.status_code == 200, answer.text
        told = answer.json()
        return Started(told["client_url"], told.get("attr_url"), told.get("cancel_url"))

    async def deliver(self, started: Started, token: str, content_type: str = "application/jwt") -> httpx2.Response:
        assert started.attr_url is not None
        return await self.post(started.attr_url, token.encode(), content_type)

    async def see(self, started: Started) -> str:
        """The text of the page that the person gets."""
        page = await self.browser.get(started.client_url, headers=FROM_OWN_PAGE)
        assert page.status_code == 200, page.text
        return page.text


def _reaching(app: ASGIApp, base: str) -> httpx2.AsyncClient:
    transport = httpx2.ASGITransport(app=app, root_path="/plugins/comm_test")
    return httpx2.AsyncClient(transport=transport, base_url=base)


@asynccontextmanager
async def open_comm_house(
    create: PluginFactory, settings: Mapping[str, object], *, labels: Mapping[str, Localized] | None = None
) -> AsyncIterator[CommHouse]:
    """A plugin with these settings beside its keys and methods."""
    now = [NOW]
    async with Outgoing(limit=0.5) as outgoing:
        updates = Updates()
        outgoing.mount("http://auth.internal:8001/session", updates)
        host = PluginHost(
            name="comm_test",
            public_url=PUBLIC,
            internal_url=INTERNAL,
            allowed_origins=frozenset({"https://core.example.org", "http://core.internal:8001"}),
            attribute_labels=labels or {},
            outgoing=outgoing,
            records=MemoryRecords(lambda: now[0]),
            limiter=MemoryLimiter(lambda: now[0]),
            pages=Pages(public_url="https://core.example.org", assets=AssetFiles({"/assets": ASSETS_FOLDER})),
            settings_folder=Path("/nonexistent"),
            receipts=Receipts(MemoryRecords(lambda: now[0])),
            clock=lambda: now[0],
        )
        plugin = create(host, {**comm_settings(), **settings})
        async with plugin.lifespan(), _reaching(plugin.public, PUBLIC) as browser:
            yield CommHouse(plugin, host, updates, now, browser)
