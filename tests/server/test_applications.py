"""An address that is not there is not there: no door redirects by itself, least of all to where a header says."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route
from starlette.testclient import TestClient

from fuzzed import full_house, full_site
from idcontact.applications import application
from idcontact.openapi import ApiRoute, walk

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.types import ASGIApp

    from idcontact.app import House
    from running import Site

EVIL = {"Host": "evil.example"}


async def _there(_: Request) -> PlainTextResponse:
    return PlainTextResponse("there")


@pytest.mark.parametrize("path", ["/start/", "/inner", "/inner/start/"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_slash_too_many_or_too_few_is_not_found(path: str, method: str) -> None:
    def routes() -> list[Route]:
        return [Route("/start", _there, methods=["GET", "POST"])]

    client = TestClient(application([*routes(), Mount("/inner", application(routes(), {}))], {}))
    assert client.request(method, "/inner/start").text == "there"
    assert client.request(method, path, headers=EVIL, follow_redirects=False).status_code == 404


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    return full_site(tmp_path_factory.mktemp("site"), "redis://127.0.0.1:1")


@pytest.fixture(scope="module")
def house(site: Site) -> House:
    return full_house(site)


def paths_of(door: ASGIApp) -> set[str]:
    """Of all that is served behind a door, with something in the place of each parameter."""
    app: Any = door
    while not hasattr(app, "routes"):
        app = app._app
    described = [path for path, route in walk(app.routes) if isinstance(route, ApiRoute)]
    return {re.sub(r"{\w+}", "x", path) for path in described if ":path}" not in path}


@pytest.mark.parametrize("door", ["public", "internal"])
def test_no_door_redirects_from_an_address_that_is_nearly_one(house: House, site: Site, door: str) -> None:
    """Clients make a GET of a POST that is redirected (WIRE.md), and who chooses `Host` chooses nothing by it."""
    app: ASGIApp = getattr(house, door)
    client, headers = TestClient(app), {**EVIL, "Origin": site.url}
    paths = paths_of(app) - {"/"}
    assert len(paths) > 15
    answers = [
        (client.request(method, f"{path}/", headers=headers, follow_redirects=False).status_code, method, path)
        for path in paths
        for method in ("GET", "POST")
    ]
    assert [answer for answer in answers if not 400 <= answer[0] < 500] == []
