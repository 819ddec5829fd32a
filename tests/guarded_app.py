"""An application behind a whole door, for the tests of what a door keeps."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Mount, Route
from starlette.testclient import TestClient

from idcontact.asset_files import AssetFiles
from idcontact.door import AccessLog, BodyLimit, Door
from idcontact.errors import IdContactError
from idcontact.pages import ASSETS_FOLDER, Pages
from idcontact.security import OriginCheck, SecurityHeaders

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.requests import Request

OWN = "https://contact.example"
pages = Pages(public_url=OWN, assets=AssetFiles({"/assets": ASSETS_FOLDER}))


async def plain(request: Request) -> Response:
    return PlainTextResponse("plain")


async def own_policy(request: Request) -> Response:
    return PlainTextResponse("own", headers={"Content-Security-Policy": "default-src 'self'"})


async def echo(request: Request) -> Response:
    return PlainTextResponse(str(len(await request.body())))


async def reads_while_it_answers(request: Request) -> Response:
    async def answer() -> AsyncIterator[bytes]:
        yield b"begun"
        async for chunk in request.stream():
            yield chunk

    return StreamingResponse(answer())


async def fails(request: Request) -> Response:
    raise RuntimeError


ROUTES = [
    Route("/plain", plain),
    Route("/own-policy", own_policy),
    Route("/start", echo, methods=["POST"]),
    Route("/echo", echo, methods=["POST", "PUT", "DELETE"]),
    Route("/streams", reads_while_it_answers, methods=["POST"]),
    Route("/land/{ticket}", plain, methods=["GET", "POST"]),
    Route("/fails", fails),
    Mount("/plugins/auth_test", routes=[Route("/session/{session}", plain)]),
    Mount("/files", app=PlainTextResponse("file")),
]


def guarded(*, https_only: bool = True) -> TestClient:
    """A client of an application of such routes, behind a door with all that a door has."""
    app = Starlette(routes=ROUTES, exception_handlers={IdContactError: pages.handle})
    door = Door(
        app,
        log=AccessLog(logging.getLogger("idcontact.access")),
        headers=SecurityHeaders(https_only=https_only),
        bodies=BodyLimit(default=100, limits={"/start": 1000}),
        origins=OriginCheck(own_origins=[OWN], exempt=["/start"]),
        refuse=pages.error_response,
    )
    return TestClient(door, base_url=OWN, raise_server_exceptions=False)
