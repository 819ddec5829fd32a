"""The platform plugin between a platform, a core and an auth plugin, in one process or on two nodes."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import ssl
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self
from urllib.parse import urlsplit

import httpx2
import msgspec
from starlette.responses import JSONResponse

from comm_house import auth_token, comm_settings
from idcontact.asset_files import AssetFiles
from idcontact.outgoing import Outgoing
from idcontact.pages import ASSETS_FOLDER, Pages
from idcontact.plugin import PluginHost
from idcontact.plugin.testkit import MemoryLimiter, MemoryRecords
from idcontact.settings import Localized
from idcontact.signals import NodeSignals
from idcontact_comm_platform import create
from plugin_house import NOW, key_pair

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping, MutableMapping

    from starlette.responses import Response
    from starlette.types import Receive, Scope, Send

    from idcontact.records import Records
    from idcontact.signals import Signals
    from idcontact_comm_platform.plugin import Platform

PUBLIC: Final = "https://core.example.org/plugins/comm_platform"
INTERNAL: Final = "http://core.internal:8001/plugins/comm_platform"
CORE: Final = "http://core.internal:8002"
GUEST_SECRET: Final = "a secret for guests that is long enough"
HOST_SECRET: Final = "a secret for hosts that is long enough too"
LABELS: Final = {"fullname": Localized({"nl": "Naam", "en": "Name"}), "city": Localized({"nl": "Plaats", "en": "City"})}
AS_PERSON: Final = {"Accept": "text/html", "Accept-Language": "en"}
AS_PROGRAM: Final = {"Accept": "application/json"}


def platform_settings() -> dict[str, object]:
    return {
        **comm_settings(),
        "core_url": CORE,
        "start_auth_key_id": "platform",
        "start_auth_signing_privkey": {"type": "EC", "key": key_pair("start")[0]},
        "widget_url": "https://widget.example/?",
        "widget_signing_privkey": {"type": "EC", "key": key_pair("widget")[0]},
        "display_name": "Video",
        "guest_signature_secret": GUEST_SECRET,
        "host_signature_secret": HOST_SECRET,
        "frame_ancestors": ["https://video.example"],
        "purposes": {
            "report_move": {"name": {"nl": "Verhuizing", "en": "Report a move"}, "attributes": ["fullname", "city"]},
            "passport": {"attributes": ["fullname"]},
        },
    }


@cache
def _tls() -> ssl.SSLContext:
    """Made once: to load the system's certificates takes a while, and nothing here is asked by TLS."""
    return ssl.create_default_context()


def b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def signed(claims: object, secret: str, header: Mapping[str, object] | None = None) -> str:
    """A token as a platform makes it: HS256, written out by hand."""
    head = {"typ": "JWT", "alg": "HS256"} if header is None else header
    body = ".".join(b64(json.dumps(part).encode()) for part in (head, claims))
    return f"{body}.{b64(hmac.new(secret.encode(), body.encode(), hashlib.sha256).digest())}"


def guest_token(guest: str = "g1", room: str = "16", *, secret: str = GUEST_SECRET, **changes: Any) -> str:
    """A guest's; a change to None leaves a member of the payload out, one of `claims` joins the claims."""
    claims: Any = changes.pop("claims", {})
    payload = {
        "id": guest,
        "redirectUrl": "https://video.example/room?guest",
        "name": "Henk",
        "roomId": room,
        "purpose": "report_move",
        **changes,
    }
    return signed({"payload": {name: value for name, value in payload.items() if value is not None}, **claims}, secret)


def host_token(room: str = "16", *, secret: str = HOST_SECRET, claims: Mapping[str, object] | None = None,
               **changes: object) -> str:  # fmt: skip
    return signed({"payload": {"roomId": room, **changes}, **(claims or {})}, secret)


@dataclass
class StandInCore:
    """Notes the start requests, and answers what the test wants."""

    answer: Callable[[], Response] = lambda: JSONResponse({"client_url": "https://auth.example/session"})
    asked: list[tuple[dict[bytes, bytes], str]] = field(default_factory=list)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        assert (scope["method"], scope["path"]) == ("POST", "/start")
        self.asked.append((dict(scope["headers"]), (await receive())["body"].decode()))
        await self.answer()(scope, receive, send)

    def request(self, number: int = -1) -> dict[str, Any]:
        """The claim `request` of one of the starts."""
        claims = claims_of(self.asked[number][1])
        assert isinstance(claims["request"], dict)
        return claims["request"]


def claims_of(token: str) -> dict[str, Any]:
    payload = token.split(".")[1]
    claims = msgspec.json.decode(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    assert isinstance(claims, dict)
    return claims


class Stream:
    """A browser that listens to the events of a room. `close` is its connection breaking."""

    def __init__(self, app: Platform, path: str, headers: Mapping[str, str]) -> None:
        self._said: asyncio.Queue[str | None] = asyncio.Queue()
        self._gone = asyncio.Event()
        self._asked = False
        self.headers: dict[str, str] = {}
        self.last_id = ""
        parts = urlsplit(path)
        self._scope: MutableMapping[str, Any] = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET", "scheme": "https",
            "path": f"/plugins/comm_platform{parts.path}", "raw_path": parts.path.encode(),
            "root_path": "/plugins/comm_platform", "query_string": parts.query.encode(), "client": None,
            "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
            "server": ("core.example.org", 443), "extensions": {},
        }  # fmt: skip
        self._task: asyncio.Future[None] = asyncio.ensure_future(app.public(self._scope, self._receive, self._send))

    async def _receive(self) -> dict[str, Any]:
        if not self._asked:
            self._asked = True
            return {"type": "http.request", "body": b"", "more_body": False}
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            self.headers = {name.decode(): value.decode() for name, value in message["headers"]}
            return
        if message.get("body"):
            await self._said.put(message["body"].decode())
        if not message.get("more_body", False):
            await self._said.put(None)

    async def next(self, seconds: float = 10) -> str | None:
        """The data of the next event; None when the stream has ended. Comments are passed over."""
        async with asyncio.timeout(seconds):
            while True:
                said = await self._said.get()
                if said is None:
                    return None
                lines = dict(line.split(": ", 1) for line in said.splitlines() if not line.startswith(":") and line)
                if lines:
                    self.last_id = lines.get("id", self.last_id)
                    return lines["data"]

    async def close(self) -> None:
        self._gone.set()
        await self._task

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()


@dataclass
class PlatformHouse:
    """One node of the plugin; what the platform, the widget, the core and an auth plugin do with it."""

    plugin: Platform
    host: PluginHost
    core: StandInCore
    now: list[float]
    browser: httpx2.AsyncClient

    async def init(self, token: str) -> httpx2.Response:
        return await self.browser.get(f"{PUBLIC}/guest/init/{token}")

    async def start(
        self,
        token: str,
        *,
        method: str = "test",
        purpose: str = "report_move",
        headers: Mapping[str, str] | None = None,
    ) -> httpx2.Response:
        message = {"purpose": purpose, "auth_method": method}
        return await self.browser.post(f"{PUBLIC}/guest/start/{token}", json=message, headers=dict(headers or {}))

    async def begin(self, token: str, purpose: str = "report_move") -> str:
        """A guest begins to identify; the attr_url that the core was told."""
        answer = await self.start(token, purpose=purpose)
        assert answer.status_code == 200, answer.text
        url = self.core.request()["attr_url"]
        assert isinstance(url, str)
        return url

    async def deliver(self, attr_url: str, token: str) -> int:
        async with _reaching(self.plugin.internal, INTERNAL) as client:
            headers = {"Content-Type": "application/jwt"}
            return (await client.post(attr_url, content=token.encode(), headers=headers)).status_code

    async def identify(self, token: str, attributes: Mapping[str, str] | None, purpose: str = "report_move") -> str:
        """A guest identifies, or fails without attributes; the attr_url that was used."""
        attr_url = await self.begin(token, purpose)
        assert await self.deliver(attr_url, auth_token(attributes, at=self.now[0])) == 200
        return attr_url

    async def see(self, token: str, headers: Mapping[str, str] = AS_PERSON) -> httpx2.Response:
        return await self.browser.get(f"{PUBLIC}/host/{token}", headers=dict(headers))

    async def seen(self, token: str) -> list[dict[str, Any]]:
        """What a host's program gets."""
        answer = await self.see(token, AS_PROGRAM)
        assert answer.status_code == 200, answer.text
        people = answer.json()
        assert isinstance(people, list)
        return people

    def listen(self, token: str, since: str | None = None, **headers: str) -> Stream:
        query = "" if since is None else f"?since={since}"
        return Stream(self.plugin, f"/host/live/{token}{query}", {k.replace("_", "-"): v for k, v in headers.items()})


def _reaching(app: Any, base: str) -> httpx2.AsyncClient:
    transport = httpx2.ASGITransport(app=app, root_path="/plugins/comm_platform")
    return httpx2.AsyncClient(transport=transport, base_url=base)


@asynccontextmanager
async def open_platform_house(
    settings: Mapping[str, object] | None = None,
    *,
    records: Records | None = None,
    signals: Signals | None = None,
    public_url: str = PUBLIC,
    clock: Callable[[], float] | None = None,
) -> AsyncIterator[PlatformHouse]:
    """A node. On its own it keeps everything in memory, by a clock that the test moves; `clock`: a real one."""
    now = [NOW if clock is None else clock()]
    tick = clock or (lambda: now[0])
    async with AsyncExitStack() as stack:
        out = await stack.enter_async_context(Outgoing(limit=2, tls=_tls()))
        core = StandInCore()
        out.mount(CORE, core)
        host = PluginHost(
            name="comm_platform",
            public_url=public_url,
            internal_url=INTERNAL,
            allowed_origins=frozenset({"https://core.example.org"}),
            attribute_labels=LABELS,
            outgoing=out,
            limiter=MemoryLimiter(tick),
            records=records or MemoryRecords(tick),
            pages=Pages(public_url="https://core.example.org", assets=AssetFiles({"/assets": ASSETS_FOLDER})),
            settings_folder=Path("/nonexistent"),
            signals=signals or NodeSignals(),
            clock=tick,
        )
        plugin = create(host, {**platform_settings(), **(settings or {})})
        await stack.enter_async_context(plugin.lifespan())
        browser = await stack.enter_async_context(_reaching(plugin.public, PUBLIC))
        yield PlatformHouse(plugin, host, core, now, browser)
