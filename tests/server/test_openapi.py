"""The OpenAPI documents: what each application serves is in them, and nothing else."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Any

import httpx2
import msgspec
import pytest
import schemathesis
from msgspec import Meta
from schemathesis.core.result import Ok
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Mount, Route, WebSocketRoute

from fuzzed import full_house, full_site
from idcontact.errors import BadRequest, Gone, TokenRejected
from idcontact.openapi import (
    FORM_TYPE,
    JSON_TYPE,
    ApiResource,
    ApiRoute,
    Operation,
    Parameter,
    document,
    empty,
    json,
    page,
    see_other,
    walk,
)

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.routing import BaseRoute

    from idcontact.app import House
    from idcontact.openapi import Endpoint
    from running import Site

FILES = {"/assets", "/static", "/demo"}
"""What is mounted and holds files: there is nothing more to say of it."""


class Order(msgspec.Struct):
    """An order."""

    dish: Annotated[str, Meta(min_length=1)]
    without: list[str] = []


async def serve(request: Request) -> Response:
    del request
    return Response()


def described(*routes: BaseRoute) -> dict[str, Any]:
    told: dict[str, Any] = msgspec.json.decode(document("Kitchen", "https://kitchen.example", routes))
    return told


# --- the mechanism --------------------------------------------------------------------------------------------------


def test_an_operation_is_described_with_all_that_it_takes_and_answers() -> None:
    order = Operation(
        summary="Order a dish",
        path={"table": "Its number."},
        query=[Parameter("hurry", "Whether to hurry.", bool)],
        bodies={JSON_TYPE: Order, FORM_TYPE: dict[str, str]},
        answers=[
            json(list[Order], "All orders."),
            page("A bill.", 402),
            see_other("To the table."),
            empty("Eaten.", 204),
        ],
        errors=[BadRequest, TokenRejected, Gone],
        stored=False,
    )
    told = described(ApiRoute("/tables/{table}", serve, methods=["POST"], operation=order))["paths"]["/tables/{table}"]
    operation = told["post"]
    assert (operation["summary"], operation["operationId"]) == ("Order a dish", "post_tables_table")
    assert [(item["name"], item["in"]) for item in operation["parameters"]] == [("table", "path"), ("hurry", "query")]
    assert operation["requestBody"]["content"][JSON_TYPE]["schema"] == {"$ref": "#/components/schemas/Order"}
    assert set(operation["responses"]) == {"200", "204", "303", "400", "402", "404", "410"}
    assert operation["responses"]["303"]["headers"]["Location"]["required"]
    assert operation["responses"]["204"]["content"] == {}
    bad = operation["responses"]["400"]
    assert "malformed" in bad["description"]
    assert bad["description"].endswith("A token that is not accepted.")
    assert set(bad["content"]) == {JSON_TYPE, "text/html"}


def test_where_a_store_is_asked_it_may_be_away() -> None:
    for stored, expected in ((True, {"200", "503"}), (False, {"200"})):
        operation = Operation(summary="", answers=[empty("")], stored=stored)
        told = described(ApiRoute("/", serve, methods=["GET"], operation=operation))
        assert set(told["paths"]["/"]["get"]["responses"]) == expected


def test_mounted_routes_are_described_at_their_whole_path_and_convertors_left_out() -> None:
    operation = Operation(summary="", answers=[empty("")])
    inner = Starlette(routes=[ApiRoute("/y/{z:path}", serve, methods=["GET", "DELETE"], operation=operation)])
    told = described(Mount("/x", inner))
    assert list(told["paths"]) == ["/x/y/{z}"]
    assert set(told["paths"]["/x/y/{z}"]) == {"get", "delete"}


async def test_a_path_with_several_methods_answers_each_and_names_all_to_another() -> None:
    def saying(text: str) -> tuple[Endpoint, Operation]:
        async def answer(_: Request) -> Response:
            return Response(text)

        return answer, Operation(summary=text, answers=[empty(text)])

    resource = ApiResource("/x", {"GET": saying("got"), "POST": saying("posted")})
    told = described(resource)["paths"]["/x"]
    assert {method: operation["summary"] for method, operation in told.items()} == {"get": "got", "post": "posted"}
    transport = httpx2.ASGITransport(app=Starlette(routes=[resource]))
    async with httpx2.AsyncClient(transport=transport, base_url="http://kitchen.example") as client:
        assert [(await client.get("/x")).text, (await client.post("/x")).text] == ["got", "posted"]
        assert (await client.head("/x")).status_code == 200
        other = await client.delete("/x")
    assert (other.status_code, set(other.headers["allow"].split(", "))) == (405, {"GET", "HEAD", "POST"})


def test_a_walk_finds_what_is_not_described_and_passes_sockets_over() -> None:
    async def files(*_: object) -> None: ...

    async def socket(*_: object) -> None: ...

    routes = [Route("/plain", serve), Mount("/files", files), WebSocketRoute("/socket", socket)]
    assert [path for path, _ in walk(routes)] == ["/plain", "/files"]
    assert described(*routes)["paths"] == {}


# --- the house ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    return full_site(tmp_path_factory.mktemp("site"), "redis://127.0.0.1:1")


@pytest.fixture(scope="module")
def house(site: Site) -> House:
    return full_house(site)


@pytest.fixture(params=["public", "internal"])
def application(request: pytest.FixtureRequest, house: House) -> Starlette:
    app: Any = getattr(house, request.param)
    while not isinstance(app, Starlette):
        app = app._app
    return app


async def served(application: Starlette) -> dict[str, Any]:
    """The document that an application serves."""
    transport = httpx2.ASGITransport(app=application)
    async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        answer = await client.get("/openapi.json")
    assert (answer.status_code, answer.headers["content-type"]) == (200, JSON_TYPE)
    told: dict[str, Any] = answer.json()
    return told


def test_every_route_is_described(application: Starlette) -> None:
    silent = {path for path, route in walk(application.routes) if not isinstance(route, ApiRoute)}
    assert silent <= FILES


async def test_every_route_is_in_the_document_and_nothing_else(application: Starlette) -> None:
    routes = {
        (re.sub(r":\w+}", "}", path), method.lower())
        for path, route in walk(application.routes)
        if isinstance(route, ApiRoute)
        for method in (route.methods or set()) - {"HEAD", "OPTIONS"}
    }
    paths = (await served(application))["paths"]
    assert {(path, method) for path, item in paths.items() for method in item} == routes
    assert ("/openapi.json", "get") in routes


async def test_the_document_is_openapi_3_1(application: Starlette) -> None:
    told = await served(application)
    assert told["openapi"] == "3.1.0"
    schema = schemathesis.openapi.from_dict(told)
    schema.validate()
    assert all(isinstance(operation, Ok) for operation in schema.get_all_operations())


async def test_the_parameters_of_a_path_have_words(application: Starlette) -> None:
    wordless = [
        (path, parameter["name"])
        for path, item in (await served(application))["paths"].items()
        for operation in item.values()
        for parameter in operation["parameters"]
        if not parameter["description"]
    ]
    assert wordless == []


@pytest.mark.parametrize(
    ("application", "wanted"),
    [("public", {"/session_options", "/session_options/{purpose}", "/start", "/auth_attr_shim/{state}", "/tel/{place}",
                 "/choose/{handle}", "/contact/{purpose}", "/land/{ticket}", "/c/{conversation}", "/widget.js",
                 "/plugins/auth_test/session/{session}", "/plugins/comm_test/session/{session}", "/console",
                 "/plugins/comm_platform/guest/init/{guest_token}", "/plugins/comm_platform/host/{host_token}"}),
     ("internal", {"/plugins/live/start_communication", "/plugins/live/attr/{place}", "/plugins/live/cancel/{place}",
                   "/plugins/live/availability/{purpose}", "/plugins/auth_test/start_authentication",
                   "/plugins/comm_test/start_communication", "/plugins/comm_test/attr/{place}",
                   "/plugins/comm_phone/session_result/{code}", "/plugins/comm_phone/link_phone",
                   "/plugins/comm_platform/auth_result/{attr_id}", "/core/result/{place}", "/health/ready"})],
    indirect=["application"],
)  # fmt: skip
async def test_what_the_protocol_names_is_there(application: Starlette, wanted: set[str]) -> None:
    assert wanted <= set((await served(application))["paths"])


@pytest.mark.parametrize("application", ["public"], indirect=True)
async def test_a_start_is_described_in_each_of_its_forms(application: Starlette) -> None:
    start = (await served(application))["paths"]["/start"]["post"]
    assert set(start["requestBody"]["content"]) == {JSON_TYPE, FORM_TYPE, "application/jwt"}
    statuses = {"200", "303", "400", "401", "403", "404", "409", "410", "413", "415", "429", "502", "503", "504"}
    assert set(start["responses"]) == statuses
    error = start["responses"]["400"]["content"]
    assert error[JSON_TYPE]["schema"] == {"$ref": "#/components/schemas/ErrorAnswer"}
    assert error["text/html"]["schema"] == {"type": "string"}
