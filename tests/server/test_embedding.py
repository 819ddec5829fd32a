"""Other websites at the door of the whole server: those that are allowed may start, and nobody else, however near."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl, urlsplit

import msgspec
import pytest
import pytest_asyncio

from running import make_site, running_house
from visitors import Program, connections, emptied

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import aiohttp

    from running import Site
    from servers import RedisServer

pytestmark = [pytest.mark.one_kind, pytest.mark.asyncio(loop_scope="module")]

ALLOWED: Final = "https://www.voorbeeld.example"
STRANGERS: Final = (
    "http://www.voorbeeld.example",
    "https://www.voorbeeld.example:8443",
    "https://www.voorbeeld.example.evil.example",
    "https://evil-www.voorbeeld.example",
    "https://voorbeeld.example",
    "https://evil.example",
)
"""What looks like an allowed website, and is another."""
START: Final = {"purpose": "report_move", "auth_method": "test", "comm_method": "chat"}
PAGE: Final = "text/html,application/xhtml+xml,*/*;q=0.8"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with connections() as session:
        yield session


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def site(redis_server: RedisServer, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Site]:
    async with running_house(make_site(tmp_path_factory.mktemp("site"), emptied(redis_server))) as running:
        yield running


@pytest.fixture
def program(session: aiohttp.ClientSession, site: Site) -> Program:
    return Program(session, site)


def as_json(**fields: str) -> bytes:
    return msgspec.json.encode({**START, **fields})


async def test_a_script_on_an_allowed_website_starts_by_fetch_as_the_front_ends_of_others_do(program: Program) -> None:
    preflight = await program.request(
        "OPTIONS",
        "/start",
        Origin=ALLOWED,
        Access_Control_Request_Method="POST",
        Access_Control_Request_Headers="content-type",
    )
    assert preflight.status == 200
    assert preflight.headers["Access-Control-Allow-Origin"] == ALLOWED
    assert "content-type" in preflight.headers["Access-Control-Allow-Headers"].lower()
    assert "POST" in preflight.headers["Access-Control-Allow-Methods"]
    started = await program.request(
        "POST", "/start", as_json(), Origin=ALLOWED, Content_Type="application/json", Accept="application/json"
    )
    assert (started.status, list(started.json)) == (200, ["client_url"])
    assert started.headers["Access-Control-Allow-Origin"] == ALLOWED
    assert "Access-Control-Allow-Credentials" not in started.headers


async def test_a_script_on_an_allowed_website_can_read_what_was_wrong(program: Program) -> None:
    refused = await program.request(
        "POST", "/start", as_json(purpose="x"), Origin=ALLOWED, Content_Type="application/json", Accept="*/*"
    )
    assert refused.error == (400, "bad_request", "purpose")
    assert refused.headers["Access-Control-Allow-Origin"] == ALLOWED


@pytest.mark.parametrize("stranger", [*STRANGERS, "null"])
async def test_a_script_on_another_website_starts_and_reads_nothing(program: Program, stranger: str) -> None:
    named = {"Origin": stranger, "Sec_Fetch_Site": "cross-site", "Accept": "application/json"}
    asked = {"Access_Control_Request_Method": "POST", "Access_Control_Request_Headers": "content-type"}
    answers = [
        await program.request("OPTIONS", "/start", **named, **asked),
        await program.request("POST", "/start", as_json(), Content_Type="application/json", **named),
        await program.request("GET", "/session_options", **named),
    ]
    assert [answer.status for answer in answers] == [400, 403, 200]
    assert [answer for answer in answers if "Access-Control-Allow-Origin" in answer.headers] == []


@pytest.mark.parametrize("stranger", STRANGERS)
async def test_a_form_on_another_website_starts_nothing(program: Program, stranger: str) -> None:
    refused = await program.request("POST", "/start", START, Origin=stranger, Accept=PAGE)
    assert refused.status == 403
    assert "Location" not in refused.headers
    assert refused.set_cookies == []


async def test_a_form_on_an_allowed_website_starts_a_session_in_this_browser(program: Program) -> None:
    started = await program.request("POST", "/start", START, Origin=ALLOWED, Accept=PAGE)
    assert started.status == 303
    assert started.location.startswith(f"{program.site.url}/plugins/auth_test/session/")
    assert len(started.set_cookies) == 1


@pytest.mark.parametrize("told", [{"Sec_Fetch_Site": "cross-site"}, {}], ids=["said", "not said"])
@pytest.mark.parametrize("came_from", [f"{ALLOWED}/verhuizen", "https://evil.example/"])
async def test_who_comes_from_a_website_that_hides_its_origin_confirms_the_choice_with_us(
    program: Program, came_from: str, told: dict[str, str]
) -> None:
    hidden = {"Origin": "null", "Accept": PAGE, **told}
    led = await program.request("POST", "/start", {**START, "lang": "en", "return_url": came_from}, **hidden)
    assert (led.status, led.set_cookies) == (303, [])
    assert urlsplit(led.location).path == "/contact/report_move"
    kept = {"lang": "en", "auth_method": "test", "comm_method": "chat"}
    allowed = {"return_url": came_from} if came_from.startswith(ALLOWED) else {}
    assert dict(parse_qsl(urlsplit(led.location).query)) == kept | allowed
    assert (await program.request("GET", led.location, Accept=PAGE)).status == 200


@pytest.mark.parametrize("accept", ["application/json", "*/*"])
async def test_a_program_that_hides_its_origin_is_refused(program: Program, accept: str) -> None:
    hidden = {"Origin": "null", "Sec_Fetch_Site": "cross-site", "Accept": accept}
    assert (await program.request("POST", "/start", START, **hidden)).status == 403
    unknown = await program.request("POST", "/start", {**START, "purpose": "x"}, **{**hidden, "Accept": PAGE})
    assert unknown.status == 403


async def test_nothing_but_the_options_and_the_start_is_for_other_websites(program: Program) -> None:
    for path in ("/contact/report_move", "/staff/login", "/console", "/health/live", "/nothing"):
        answer = await program.request("GET", path, Origin=ALLOWED)
        assert "Access-Control-Allow-Origin" not in answer.headers, path
    assert (await program.request("POST", "/staff/login", {"account": "ann"}, Origin=ALLOWED)).status == 403


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nothing", 404, "not_found"),
        ("GET", "/contact/nothing", 404, "not_found"),
        ("GET", "/start", 405, "method_not_allowed"),
        ("PUT", "/session_options", 405, "method_not_allowed"),
        ("POST", "/start", 415, "wrong_media_type"),
    ],
)
async def test_what_is_not_there_is_said_to_people_and_to_programs(
    program: Program, method: str, path: str, status: int, code: str
) -> None:
    own = {"Origin": program.site.url}
    page = await program.request(method, path, Accept=PAGE, **own)
    assert (page.status, "<h1" in page.text) == (status, True)
    told = await program.request(method, path, Accept="application/json", **own)
    assert told.error == (status, code, None)
    assert set(told.json) == {"error"}


async def test_a_head_request_is_answered_as_its_get_without_a_body(program: Program) -> None:
    for path, status in (("/contact/report_move", 200), ("/session_options", 200), ("/nothing", 404)):
        answer = await program.request("HEAD", path, Accept=PAGE)
        assert (answer.status, answer.text) == (status, ""), path
