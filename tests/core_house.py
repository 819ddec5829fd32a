"""A core between two plugins that note what they are asked, for tests of the core's own rules."""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import httpx2
import msgspec
from starlette.applications import Starlette
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from idcontact.core.availability import Offers
from idcontact.core.http import CoreRoutes
from idcontact.core.options import Purposes
from idcontact.core.settings import CoreSettings
from idcontact.core.signed_requests import SignedRequests
from idcontact.core.start import Onward, Starter
from idcontact.errors import Gone, IdContactError, TooManyRequests
from idcontact.limits import Limit
from idcontact.outgoing import Outgoing
from idcontact.settings import read
from idcontact.tasks import Tasks

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping
    from pathlib import Path

    from starlette.requests import HTTPConnection, Request

    from idcontact.core.options import AuthMethod, Purpose
    from idcontact.core.start import Kept, KeptResults, Leading, Visitor
    from idcontact.languages import Language
    from idcontact.pages import Back

COMM: Final = "http://core.internal/plugins/live"
AUTH: Final = "http://core.internal/plugins/auth_test"
AS_JSON: Final = {"Accept": "application/json"}


class StandInSpeaker:
    """Says errors as JSON, with the way back; what they look like as pages is not the core's matter."""

    def language(self, request: HTTPConnection) -> Language:
        return "en" if request.headers.get("accept-language", "").startswith("en") else "nl"

    def error_response(
        self, _: HTTPConnection, error: Exception, *, language: Language | None = None, back: Back | None = None
    ) -> Response:
        if not isinstance(error, IdContactError):
            return JSONResponse({"code": "internal"}, 500)
        said = {"code": error.code, "message": str(error), "field": error.field, "language": language}
        return JSONResponse({**said, "back": back.url if back is not None else None}, error.status)


@dataclass
class CountingLimiter:
    left: int = 1000
    keys: list[tuple[str, str]] = field(default_factory=list)

    async def hit(self, name: str, key: str, _: Limit) -> None:
        self.keys.append((name, key))
        if len(self.keys) > self.left:
            raise TooManyRequests("too often", retry_after=7)


class Straight:
    """No auth method needs anything done in its place; a telephone number is shown on a page."""

    async def lead(self, method: AuthMethod, continuation: str, attr_url: str | None) -> Onward:
        del method
        return Onward(continuation, attr_url)

    async def client_url(self, url: str) -> str:
        return "https://core.example.org/tel/1" if url.startswith("tel:") else url


@dataclass
class StandInKept:
    """Results that are kept in a dictionary, by handle."""

    results: dict[str, Kept] = field(default_factory=dict)
    settled: list[tuple[str, str, str]] = field(default_factory=list)
    begun: list[tuple[str, str, Visitor]] = field(default_factory=list)

    async def begin(self, purpose: Purpose, method: AuthMethod, visitor: Visitor) -> Onward:
        self.begun.append((purpose.tag, method.tag, visitor))
        return Onward("https://core.example.org/choose/h", "http://core.internal/core/result/h.s")

    async def spend(self, handle: str, comm_method: str, visitor: Visitor) -> Kept:
        del comm_method, visitor
        if handle not in self.results:
            raise Gone("there is no such result")
        return self.results.pop(handle)

    async def give_back(self, handle: str, kept: Kept) -> None:
        self.results[handle] = kept

    async def settle(self, handle: str, comm_method: str, client_url: str) -> None:
        self.settled.append((handle, comm_method, client_url))

    async def receipt(self, kept: Kept) -> str:
        return kept.method.ljust(43, "r")


@dataclass
class StandInPlugin:
    """A plugin that notes what it is asked and answers what the test wants."""

    answer: Callable[[], Response]
    free: asyncio.Event
    asked: list[dict[str, Any]] = field(default_factory=list)
    delivered: list[bytes] = field(default_factory=list)
    called_off: int = 0
    at_attr_url: int = 200

    def application(self, path: str) -> Starlette:
        async def endpoint(request: Request) -> Response:
            self.asked.append(msgspec.json.decode(await request.body()))
            await self.free.wait()
            return self.answer()

        async def attr(request: Request) -> Response:
            assert request.headers["content-type"] == "application/jwt"
            self.delivered.append(await request.body())
            return Response(status_code=self.at_attr_url)

        async def cancel(request: Request) -> Response:
            assert await request.body() == b""
            self.called_off += 1
            return Response()

        return Starlette(
            routes=[
                Route(path, endpoint, methods=["POST"]),
                Route("/attr/1", attr, methods=["POST"]),
                Route("/cancel/1", cancel, methods=["POST"]),
            ]
        )


def stand_in_plugin(answer: dict[str, str]) -> StandInPlugin:
    free = asyncio.Event()
    free.set()
    return StandInPlugin(lambda: JSONResponse(answer), free)


@dataclass
class House:
    """The core between two plugins, and a client at its public door."""

    client: httpx2.AsyncClient
    comm: StandInPlugin
    auth: StandInPlugin
    limiter: CountingLimiter
    kept: StandInKept

    async def start_by_json(self, message: object, headers: Mapping[str, str] = AS_JSON) -> httpx2.Response:
        return await self.client.post("/start", json=message, headers=dict(headers))


def core_routes(
    settings: CoreSettings,
    outgoing: Outgoing,
    *,
    bases: Mapping[str, str],
    limiter: CountingLimiter | None = None,
    leading: Leading | None = None,
    kept: KeptResults | None = None,
    tasks: Tasks | None = None,
) -> CoreRoutes:
    """The core's routes, with stand-ins for what it does not say errors, count or keep results by itself."""
    purposes = Purposes(settings, bases)
    return CoreRoutes(
        purposes=purposes,
        offers=Offers(purposes, outgoing, tasks or Tasks(), time.time),
        starter=Starter(purposes, outgoing, leading or Straight(), kept or StandInKept(), time.time),
        signed_requests=SignedRequests(settings.authonly_request_keys),
        speaker=StandInSpeaker(),
        limiter=limiter or CountingLimiter(),
        start_limit=Limit(5, 60),
        return_origins=["https://www.example.org"],
        clock=time.time,
    )


@asynccontextmanager
async def core_house(settings: Mapping[str, object], folder: Path) -> AsyncIterator[House]:
    """The core with these settings; its plugins are called `live` and `auth_test`."""
    comm = stand_in_plugin({"client_url": "https://live/land/1", "attr_url": "http://live/attr/1"})
    auth = stand_in_plugin({"client_url": "https://auth/page?x=1~;2"})
    limiter, kept = CountingLimiter(), StandInKept()
    async with Outgoing(limit=0.5) as outgoing, Tasks() as tasks:
        outgoing.mount(COMM, comm.application("/start_communication"))
        outgoing.mount("http://live", comm.application("/elsewhere"))
        outgoing.mount(AUTH, auth.application("/start_authentication"))
        bases = {"live": COMM, "auth_test": AUTH}
        core = core_routes(
            read(settings, CoreSettings, base=folder), outgoing, bases=bases, limiter=limiter, kept=kept, tasks=tasks
        )
        transport = httpx2.ASGITransport(app=Starlette(routes=core.routes()))
        async with httpx2.AsyncClient(transport=transport, base_url="https://core.example.org") as client:
            yield House(client, comm, auth, limiter, kept)
