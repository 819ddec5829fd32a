"""Routes that are reached without Starlette's layers answer as they would behind them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from idcontact.openapi import Operation
from idcontact.straight import Straight, StraightRoute

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.types import ASGIApp, Receive, Scope, Send

_SOMETHING = Operation(summary="Something", answers=[])


class _Telling:
    """What an endpoint is told of the request, and whether Starlette stands before it. ASGI."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        told = f"{scope['method']} {scope['route'].path} {scope['path_params']} {'router' in scope}"
        await PlainTextResponse(told)(scope, receive, send)


async def _ordinary(request: Request) -> PlainTextResponse:
    return PlainTextResponse(f"ordinary {'router' in request.scope}")


ROUTES = [
    StraightRoute("/start", _Telling(), methods=["POST"], operation=_SOMETHING),
    StraightRoute("/options/{purpose:path}", _Telling(), methods=["GET"], operation=_SOMETHING),
    Route("/start", _ordinary, methods=["DELETE"]),
    Route("/other", _ordinary),
]


@pytest.fixture
def app() -> ASGIApp:
    return Straight(Starlette(routes=ROUTES), ROUTES)


@pytest.mark.parametrize(
    ("method", "path", "told"),
    [
        ("POST", "/start", "POST /start {} False"),
        ("GET", "/options/a/b%20c", "GET /options/{purpose:path} {'purpose': 'a/b c'} False"),
        ("GET", "/other", "ordinary True"),
        ("DELETE", "/start", "ordinary True"),
        ("GET", "/start", "Method Not Allowed"),
        ("GET", "/nowhere", "Not Found"),
    ],
)
def test_a_straight_route_is_reached_at_once_and_all_others_through_the_application(
    app: ASGIApp, method: str, path: str, told: str
) -> None:
    assert TestClient(app).request(method, path).text == told


@pytest.mark.parametrize("path", ["/options/a", "/start", "/nowhere"])
@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "PUT"])
def test_what_a_method_gets_is_what_the_application_alone_says(app: ASGIApp, method: str, path: str) -> None:
    straight, alone = (TestClient(each).request(method, path) for each in (app, Starlette(routes=ROUTES)))
    assert (straight.status_code, straight.headers.get("allow")) == (alone.status_code, alone.headers.get("allow"))


def test_below_another_path_the_application_finds_its_routes_itself(app: ASGIApp) -> None:
    assert TestClient(app, root_path="/below").post("/below/start").text == "POST /start {} True"
