"""Browsers, programs and consoles at a running server, over real connections, with every header in the test's hand.

A `Visitor` keeps cookies itself: browsers count loopback as trustworthy and send it `Secure` cookies, HTTP libraries
do not.
"""

from __future__ import annotations

import asyncio
import re
import secrets
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from typing import TYPE_CHECKING, Any, Final, cast

import aiohttp
import msgspec
from starlette.responses import Response

from idcontact.browser import browser_digest, new_browser, remember_browser
from running import PASSWORD

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from running import Site
    from servers import RedisServer

PROTOCOL: Final = "idcontact.live.v1"
IN_TIME: Final = 30
"""Seconds after which something that should happen is taken not to happen."""

Frame = dict[str, Any]


@dataclass(frozen=True)
class Answer:
    """What came back, read to the end."""

    status: int
    headers: Mapping[str, str]
    set_cookies: list[str]
    text: str

    @property
    def json(self) -> Any:
        return msgspec.json.decode(self.text)

    @property
    def location(self) -> str:
        return self.headers["Location"]

    @property
    def error(self) -> tuple[int, str, str | None]:
        """Status, code and field of an error as a program gets it."""
        told = self.json["error"]
        return self.status, told["code"], told.get("field")


@dataclass(frozen=True)
class Started:
    """A conversation that was prepared: what start_communication answered, taken apart."""

    conversation: str
    land: str
    attr_url: str | None


@asynccontextmanager
async def connections() -> AsyncIterator[aiohttp.ClientSession]:
    """Real connections, one for each request: an idle one could be closed by the server just when it is used again."""
    async with aiohttp.ClientSession(
        cookie_jar=aiohttp.DummyCookieJar(),
        connector=aiohttp.TCPConnector(limit=0, force_close=True),
        timeout=aiohttp.ClientTimeout(total=IN_TIME),
    ) as session:
        yield session


def emptied(server: RedisServer) -> str:
    """The URL of the server, with nothing in it."""
    with server.client() as client:
        client.flushall()
    return server.url


@dataclass
class Socket:
    """One open socket. `next` waits for a frame, and keeps what it passed in `frames`."""

    raw: aiohttp.ClientWebSocketResponse
    frames: list[Frame] = field(default_factory=list)

    async def send(self, **frame: object) -> None:
        await self.raw.send_str(msgspec.json.encode(frame).decode())

    async def next(self, kind: str, **wanted: object) -> Frame:
        """The next frame of this type whose members are those of `wanted`."""
        async with asyncio.timeout(IN_TIME):
            while True:
                frame = cast("Frame", msgspec.json.decode(await self.raw.receive_str()))
                self.frames.append(frame)
                if frame["type"] == kind and all(frame.get(name) == value for name, value in wanted.items()):
                    return frame

    async def view(self, **wanted: object) -> Frame:
        """The conversation, as soon as its members are those of `wanted`. For a socket that has said hello."""
        async with asyncio.timeout(IN_TIME):
            while True:
                for frame in self.frames:
                    told = frame.get("conversation")
                    if isinstance(told, dict) and all(told.get(name) == value for name, value in wanted.items()):
                        return cast("Frame", told)
                self.frames.append(msgspec.json.decode(await self.raw.receive_str()))


@dataclass
class Program:
    """Another server, or anything else that is no browser."""

    session: aiohttp.ClientSession
    site: Site

    async def request(
        self, method: str, url: str, body: bytes | str | Mapping[str, str] | None = None, **headers: str
    ) -> Answer:
        """Header names are written with underscores."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        target = url if url.startswith("http") else self.site.url + url
        async with self.session.request(
            method, target, data=body, headers=named, allow_redirects=False, skip_auto_headers=["User-Agent"]
        ) as response:
            return Answer(
                response.status, response.headers, response.headers.getall("Set-Cookie", []), await response.text()
            )

    async def until(self, status: int, url: str) -> Answer:
        """GET it until it answers with this status: for what the server does by itself, in its own time."""
        async with asyncio.timeout(IN_TIME):
            while True:
                answer = await self.request("GET", url)
                if answer.status == status:
                    return answer
                await asyncio.sleep(0.1)

    async def start(self, purpose: str = "report_move", **members: object) -> Started:
        """start_communication, as a core calls it."""
        answer = await self.start_raw({"purpose": purpose, **members})
        assert answer.status == 200, answer.text
        client_url: str = answer.json["client_url"]
        land = client_url.removeprefix(self.site.url)
        found = re.fullmatch(r"/land/([a-z2-7]{26})\.[A-Za-z0-9_-]{43}", land)
        assert found is not None
        return Started(found[1], land, answer.json.get("attr_url"))

    async def start_raw(self, message: object) -> Answer:
        body = message if isinstance(message, bytes) else msgspec.json.encode(message)
        return await self.request(
            "POST", f"{self.site.live}/start_communication", body, Content_Type="application/json"
        )

    async def deliver(self, attr_url: str | None, token: str) -> Answer:
        """An auth result, to where it is to be delivered."""
        assert attr_url is not None
        return await self.request("POST", attr_url, token, Content_Type="application/jwt")


class Visitor(Program):
    """A browser. `cookies` are what it has."""

    def __init__(self, session: aiohttp.ClientSession, site: Site, language: str = "nl") -> None:
        super().__init__(session, site)
        self.language = language
        self.cookies: dict[str, str] = {}

    async def request(
        self, method: str, url: str, body: bytes | str | Mapping[str, str] | None = None, **headers: str
    ) -> Answer:
        sent = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8", "Accept_Language": self.language, **headers}
        if self.cookies:
            sent.setdefault("Cookie", self.cookie_header)
        answer = await super().request(method, url, body, **sent)
        for line in answer.set_cookies:
            self._keep(line)
        return answer

    @property
    def cookie_header(self) -> str:
        return "; ".join(f"{name}={value}" for name, value in self.cookies.items())

    async def get(self, url: str, **headers: str) -> Answer:
        return await self.request("GET", url, **headers)

    async def post(self, url: str, fields: Mapping[str, str] | None = None, **headers: str) -> Answer:
        """A form of one of the server's own pages."""
        return await self.request("POST", url, fields or {}, **{"Origin": self.site.url, **headers})

    async def land(self, started: Started) -> Answer:
        """Through the landing to the conversation's page."""
        answer = await self.post(started.land)
        assert (answer.status, answer.location) == (303, f"/c/{started.conversation}"), answer.text
        return await self.get(answer.location)

    @asynccontextmanager
    async def at(self, conversation: str) -> AsyncIterator[Socket]:
        """The conversation, by socket, after hello."""
        async with self._socket(f"/c/{conversation}/socket") as socket:
            yield socket

    @asynccontextmanager
    async def at_console(self) -> AsyncIterator[Socket]:
        """The console, by socket, after hello."""
        async with self._socket("/console/socket?lang=nl") as socket:
            yield socket

    @asynccontextmanager
    async def _socket(self, path: str) -> AsyncIterator[Socket]:
        headers = {"Origin": self.site.url, "Cookie": self.cookie_header}
        async with self.session.ws_connect(self.site.url + path, protocols=[PROTOCOL], headers=headers) as raw:
            socket = Socket(raw)
            await socket.send(type="hello", have=[])
            await socket.next("welcome")
            yield socket

    async def log_in(self, account: str, password: str = PASSWORD) -> Answer:
        """Fill in the log-in form."""
        page = await self.get("/staff/login")
        shown = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', page.text))
        return await self.post("/staff/login", {**shown, "account": account, "password": password})

    def started_session(self) -> str:
        """Have started a session by a form, elsewhere; the digest of this browser that the core passes on."""
        response, value = Response(), new_browser()
        remember_browser(response, value)
        self._keep(response.headers["Set-Cookie"])
        return browser_digest(value)

    def _keep(self, line: str) -> None:
        for name, morsel in SimpleCookie(line).items():
            if morsel["max-age"] == "0":
                self.cookies.pop(name, None)
            else:
                self.cookies[name] = morsel.value


async def take(console: Socket, conversation: str) -> Frame:
    """Be available and accept `conversation`, nothing else; the agent's view of it."""
    await console.send(type="set_status", id=secrets.token_hex(8), status="available")
    offer: Frame = next((f["offer"] for f in console.frames if f["type"] == "offer"), {})
    while offer.get("conversation") != conversation:
        if offer:
            await console.send(
                type="decline", id=f"d{offer['id']}", conversation=offer["conversation"], offer=offer["id"]
            )
        offer = (await console.next("offer"))["offer"]
    await console.send(type="accept", id=f"a{offer['id']}", conversation=conversation, offer=offer["id"])
    return await console.view(id=conversation, phase="active")


async def give_back(console: Socket, conversation: str) -> None:
    """End it, and have room again."""
    await console.send(type="set_status", id=secrets.token_hex(8), status="away")
    await console.send(type="end", id="end", conversation=conversation)
    await console.next("ack", id="end")
    await console.send(type="finish", id="finish", conversation=conversation)
    await console.next("ack", id="finish")
