"""What every answer and every request meets at the public door."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from starlette.applications import Starlette
from starlette.requests import HTTPConnection, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.testclient import TestClient

from guarded_app import OWN, guarded
from idcontact.door import Door
from idcontact.errors import NotAllowed
from idcontact.security import (
    CrossOrigin,
    PagePolicy,
    SecurityHeaders,
    check_socket_origin,
    page_headers,
    plugin_targets,
)

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

# --- headers --------------------------------------------------------------------------------------------------------


def test_an_answer_that_says_nothing_itself_may_do_nothing_and_is_not_kept() -> None:
    headers = guarded().get("/plain").headers
    assert headers["content-security-policy"].startswith("default-src 'none'")
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cache-control"] == "no-store"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert headers["x-frame-options"] == "DENY"


def test_an_answer_keeps_the_policy_it_has() -> None:
    assert guarded().get("/own-policy").headers["content-security-policy"] == "default-src 'self'"


def test_refusals_carry_the_same_headers() -> None:
    refused = guarded().post("/echo", headers={"Origin": "https://evil.example"})
    assert (refused.status_code, refused.headers["x-content-type-options"]) == (403, "nosniff")


def test_https_is_promised_only_where_there_is_https() -> None:
    assert guarded().get("/plain").headers["strict-transport-security"] == "max-age=31536000"
    assert "strict-transport-security" not in guarded(https_only=False).get("/plain").headers


def test_a_page_runs_only_our_scripts_is_in_no_frame_and_takes_no_base() -> None:
    headers = page_headers(PagePolicy())
    directives = dict(part.split(" ", 1) for part in headers["Content-Security-Policy"].split("; "))
    assert directives["default-src"] == "'none'"
    assert directives["script-src"] == "'self'"
    assert directives["style-src"] == "'self'"
    assert directives["form-action"] == "'self'"
    assert directives["frame-ancestors"] == "'none'"
    assert directives["base-uri"] == "'none'"
    assert directives["require-trusted-types-for"] == "'script'"
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"


def test_a_page_for_frames_names_whose_and_says_nothing_else_of_it() -> None:
    policy = page_headers(PagePolicy(frames=("https://video.example", "https://desk.example")))
    assert "frame-ancestors https://video.example https://desk.example;" in policy["Content-Security-Policy"]

    async def page(scope: Scope, receive: Receive, send: Send) -> None:
        await Response("page", headers=policy)(scope, receive, send)

    answer = TestClient(Door(page, headers=SecurityHeaders(https_only=True)), base_url=OWN).get("/")
    assert answer.headers["content-security-policy"] == policy["Content-Security-Policy"]
    assert "x-frame-options" not in answer.headers


def test_a_form_that_starts_a_session_may_lead_to_wherever_a_plugin_is_and_others_may_not() -> None:
    def form_action(targets: tuple[str, ...]) -> str:
        policy = page_headers(PagePolicy(form_targets=targets))["Content-Security-Policy"]
        return next(part for part in policy.split("; ") if part.startswith("form-action"))

    assert form_action(plugin_targets(OWN)) == "form-action 'self' https: tel:"
    assert form_action(plugin_targets("http://localhost:8000")) == "form-action 'self' https: http: tel:"
    assert form_action(("https://one.example/x",)) == "form-action 'self' https://one.example"


@pytest.mark.parametrize("target", ["", "/relative", "javascript:alert(1)", "data:text/html,x", "https://"])
def test_a_form_target_that_is_no_address_is_a_mistake(target: str) -> None:
    with pytest.raises(ValueError, match="absolute URL"):
        page_headers(PagePolicy(form_targets=(target,)))


# --- who asks -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": OWN},
        {"Origin": OWN, "Sec-Fetch-Site": "same-origin"},
        {"Origin": "null", "Sec-Fetch-Site": "same-origin"},
        {"Sec-Fetch-Site": "same-origin"},
    ],
)
def test_our_own_pages_may_change_things(headers: dict[str, str]) -> None:
    assert guarded().post("/echo", headers=headers).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": "null"},
        {"Origin": "https://evil.example"},
        {"Origin": "https://evil.example", "Sec-Fetch-Site": "same-origin"},
        {"Origin": "http://contact.example"},
        {"Origin": "https://contact.example.evil.example"},
        {"Origin": "https://contact.example:8443"},
        {"Origin": "null", "Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
        {"Referer": OWN},
    ],
)
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_nobody_else_may(method: str, headers: dict[str, str]) -> None:
    answer = guarded().request(method, "/echo", headers=headers)
    assert answer.status_code == 403
    assert answer.json()["error"]["code"] == "not_allowed"


def test_reading_needs_no_origin() -> None:
    assert guarded().get("/plain", headers={"Origin": "https://evil.example"}).status_code == 200


def test_a_route_that_guards_itself_is_left_alone_and_only_that_one() -> None:
    municipality = {"Origin": "https://gemeente.example"}
    assert guarded().post("/start", headers=municipality).status_code == 200
    assert guarded().post("/start/x", headers=municipality).status_code == 403
    assert guarded().post("/land/start", headers=municipality).status_code == 403


@pytest.mark.parametrize("origin", [None, "null", "https://evil.example", "wss://contact.example"])
def test_a_socket_from_another_page_is_refused(origin: str | None) -> None:
    headers = [] if origin is None else [(b"origin", origin.encode())]
    with pytest.raises(NotAllowed):
        check_socket_origin(HTTPConnection({"type": "websocket", "headers": headers}), {OWN})


def test_a_socket_from_our_own_page_is_let_in() -> None:
    check_socket_origin(HTTPConnection({"type": "websocket", "headers": [(b"origin", OWN.encode())]}), {OWN})


# --- who may use it from elsewhere ----------------------------------------------------------------------------------

EMBEDDING = "https://www.voorbeeld.example"
STRANGERS = [
    "null",
    "http://www.voorbeeld.example",
    "https://www.voorbeeld.example:8443",
    "https://www.voorbeeld.example.evil.example",
    "https://evil-www.voorbeeld.example",
    "https://voorbeeld.example",
    "https://WWW.voorbeeld.example",
    "https://www.voorbeeld.example/",
    f"{EMBEDDING} https://evil.example",
    "*",
    "",
]
"""What looks like an allowed origin, and is another."""


@pytest.fixture
def embedded() -> TestClient:
    async def answer(request: Request) -> Response:
        return PlainTextResponse("answer", 200 if request.method == "GET" else 400)

    routes = [Route("/open/{tag}", answer, methods=["GET", "POST"]), Route("/closed", answer, methods=["GET", "POST"])]
    rule = CrossOrigin(origins=[EMBEDDING], paths=["/open/[a-z]+"])
    return TestClient(Door(Starlette(routes=routes), cross_origin=rule))


def test_a_script_on_an_allowed_website_may_read_what_is_open_and_nothing_else(embedded: TestClient) -> None:
    for method in ("GET", "POST"):
        answer = embedded.request(method, "/open/a", headers={"Origin": EMBEDDING})
        assert answer.headers["access-control-allow-origin"] == EMBEDDING
        assert "access-control-allow-credentials" not in answer.headers
        assert "Origin" in answer.headers["vary"]
    for path in ("/closed", "/open/", "/open/a/b", "/open/A"):
        assert "access-control-allow-origin" not in embedded.get(path, headers={"Origin": EMBEDDING}).headers


@pytest.mark.parametrize("stranger", STRANGERS)
def test_what_only_looks_like_an_allowed_website_may_read_nothing(embedded: TestClient, stranger: str) -> None:
    answer = embedded.get("/open/a", headers={"Origin": stranger})
    assert "access-control-allow-origin" not in answer.headers
    assert "Origin" in answer.headers["vary"]
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"}
    preflight = embedded.options("/open/a", headers={"Origin": stranger, **asked})
    assert preflight.status_code == 400
    assert "access-control-allow-origin" not in preflight.headers


@pytest.mark.parametrize(
    ("method", "header", "allowed"),
    [
        ("POST", "content-type", True),
        ("GET", "accept-language", True),
        ("POST", "content-type,authorization", False),
        ("DELETE", "content-type", False),
        ("PUT", "content-type", False),
    ],
)
def test_a_script_on_an_allowed_website_may_post_json_and_no_more(
    embedded: TestClient, method: str, header: str, allowed: bool
) -> None:
    asked = {"Access-Control-Request-Method": method, "Access-Control-Request-Headers": header}
    preflight = embedded.options("/open/a", headers={"Origin": EMBEDDING, **asked})
    assert (preflight.status_code == 200) is allowed
    closed = embedded.options("/closed", headers={"Origin": EMBEDDING, **asked})
    assert (closed.status_code, "access-control-allow-origin" in closed.headers) == (405, False)
