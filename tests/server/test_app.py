"""The whole server, put together: sessions from start to landing, plugins that fail, and what every answer carries."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
import pytest_asyncio
from aiohttp import web

from idcontact.live.keys import Keys
from running import ATTRIBUTES, PASSWORD, ServerProcess, free_port, make_site, running_house
from visitors import Answer, Program, Visitor, connections, emptied, give_back, take

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    import aiohttp

    from running import Site
    from servers import RedisServer

pytestmark = [pytest.mark.one_kind, pytest.mark.asyncio(loop_scope="module")]

START = {"purpose": "report_move", "auth_method": "test", "comm_method": "chat"}
MORE_METHODS = """
[[auth_methods]]
tag = "down"
name = "Down"
start = "http://127.0.0.1:{nobody}"
[[auth_methods]]
tag = "slow"
name = "Slow"
start = "http://127.0.0.1:{plugin}/slow"
[[auth_methods]]
tag = "nonsense"
name = "Nonsense"
start = "http://127.0.0.1:{plugin}/nonsense"
[[auth_methods]]
tag = "refuses"
name = "Refuses"
start = "http://127.0.0.1:{plugin}/refuses"
[[purposes]]
tag = "permit"
attributes = []
allowed_auth = ["test"]
allowed_comm = ["chat"]
"""


async def _never(request: web.Request) -> web.Response:
    del request
    await asyncio.Event().wait()
    raise AssertionError


async def _nonsense(request: web.Request) -> web.Response:
    del request
    return web.Response(text='{"client_url": "javascript:alert(1)"}')


async def _refusal(request: web.Request) -> web.Response:
    del request
    return web.Response(status=500, text="Suzanne Moulin is not known here")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def bad_plugin() -> AsyncIterator[int]:
    """The port of a plugin that never answers, answers nonsense, or refuses."""
    app = web.Application()
    app.router.add_post("/slow/start_authentication", _never)
    app.router.add_post("/nonsense/start_authentication", _nonsense)
    app.router.add_post("/refuses/start_authentication", _refusal)
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    port = free_port()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    yield port
    await runner.cleanup()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with connections() as session:
        yield session


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def site(
    redis_server: RedisServer, bad_plugin: int, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Site]:
    """The server, with more methods than work, shared by the tests of this module."""
    top = MORE_METHODS.format(nobody=free_port(), plugin=bad_plugin)
    made = make_site(tmp_path_factory.mktemp("site"), emptied(redis_server), top=top)
    async with running_house(made) as running:
        yield running


@pytest.fixture
def program(session: aiohttp.ClientSession, site: Site) -> Program:
    return Program(session, site)


@pytest.fixture
def visitor(session: aiohttp.ClientSession, site: Site) -> Visitor:
    return Visitor(session, site)


async def start_by_json(program: Program, **changes: str) -> Answer:
    return await program.request(
        "POST",
        "/start",
        msgspec.json.encode({**START, **changes}),
        Content_Type="application/json",
        Accept="application/json",
    )


def path_in(url: str, site: Site) -> str:
    assert url.startswith(site.url)
    return url.removeprefix(site.url)


# --- a full session -------------------------------------------------------------------------------------------------


async def test_a_session_started_by_a_form_of_another_website_ends_with_an_agent_who_sees_who_it_is(
    visitor: Visitor, session: aiohttp.ClientSession
) -> None:
    fields = {**START, "lang": "en", "return_url": "https://www.voorbeeld.example/verhuizen"}
    started = await visitor.post("/start", fields, Origin="https://www.voorbeeld.example")
    assert (started.status, started.text) == (303, "")
    plugins_page = path_in(started.location, visitor.site)
    shown = await visitor.get(plugins_page)
    assert ATTRIBUTES["fullname"] in shown.text
    shared = await visitor.post(plugins_page, {"choice": "share"})
    land = path_in(shared.location, visitor.site)
    assert re.fullmatch(r"/land/[a-z2-7]{26}\.[A-Za-z0-9_-]{43}", land), "the result went the other way"
    landed = await visitor.post(land)
    conversation = landed.location.removeprefix("/c/")
    assert '<html lang="en"' in (await visitor.get(landed.location)).text
    agent = Visitor(session, visitor.site)
    await agent.log_in("ann")
    async with visitor.at(conversation) as socket, agent.at_console() as console:
        assert (await socket.view())["return_url"] == fields["return_url"]
        view = await take(console, conversation)
        attributes = (await console.next("attributes"))["attributes"]
        await give_back(console, conversation)
    assert (view["auth"]["status"], view["auth"]["method"], view.get("other_device", False)) == ("given", "test", False)
    assert {attribute["tag"]: attribute["value"] for attribute in attributes} == ATTRIBUTES


async def test_a_session_started_by_json_goes_the_same_way_and_who_refuses_is_not_identified(
    program: Program, visitor: Visitor
) -> None:
    started = await start_by_json(program)
    assert (started.status, set(started.json)) == (200, {"client_url"})
    plugins_page = path_in(started.json["client_url"], visitor.site)
    await visitor.get(plugins_page)
    refused = await visitor.post(plugins_page, {"choice": "refuse"})
    landed = await visitor.post(path_in(refused.location, visitor.site))
    await visitor.get(landed.location)
    async with visitor.at(landed.location.removeprefix("/c/")) as socket:
        view = await socket.view(phase="closed")
    assert (view["auth"]["status"], view["end_reason"]) == ("failed", "not_identified")


async def test_the_options_of_a_purpose_are_for_everybody(visitor: Visitor) -> None:
    answer = await visitor.get("/session_options/permit")
    assert [method["tag"] for method in answer.json["auth_methods"]] == ["test"]
    (chat,) = answer.json["comm_methods"]
    assert (chat["tag"], chat["name"]) == ("chat", "Chatten")
    assert chat["availability"] == {"open": True, "agents": 0, "waiting": 0}


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"purpose": "nothing"}, "purpose"),
        ({"auth_method": "nothing"}, "auth_method"),
        ({"comm_method": "nothing"}, "comm_method"),
        ({"purpose": "permit", "auth_method": "down"}, "auth_method"),
    ],
)
async def test_what_is_unknown_or_not_allowed_is_said_to_programs_and_to_people(
    program: Program, visitor: Visitor, changes: dict[str, str], field: str
) -> None:
    assert (await start_by_json(program, **changes)).error == (400, "bad_request", field)
    page = await visitor.post("/start", {**START, **changes})
    assert (page.status, page.headers["Content-Language"]) == (400, "nl")
    assert "Dit verzoek klopt niet" in page.text
    assert f"{field}: there is no such" in page.text


# --- plugins that fail ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["down", "nonsense", "refuses"])
async def test_a_plugin_that_is_down_refuses_or_answers_nonsense_is_a_bad_gateway(
    program: Program, visitor: Visitor, method: str
) -> None:
    assert (await start_by_json(program, auth_method=method)).error == (502, "plugin_failed", None)
    for language, said in (("nl", "Dit lukt nu niet"), ("en", "This is not working right now")):
        page = await visitor.post("/start", {**START, "auth_method": method}, Accept_Language=language)
        assert (page.status, page.headers["Content-Language"]) == (502, language)
        assert said in page.text
        assert ATTRIBUTES["fullname"] not in page.text


async def test_a_plugin_that_takes_longer_than_five_seconds_is_a_gateway_timeout(
    program: Program, visitor: Visitor
) -> None:
    slow = {**START, "auth_method": "slow"}
    began = asyncio.get_running_loop().time()
    told, dutch, english = await asyncio.gather(
        start_by_json(program, auth_method="slow"),
        visitor.post("/start", slow),
        visitor.post("/start", slow, Accept_Language="en"),
    )
    assert asyncio.get_running_loop().time() - began > 4.9
    assert told.error == (504, "plugin_timeout", None)
    assert (dutch.status, english.status) == (504, 504)
    assert "Dit duurt te lang" in dutch.text
    assert "This takes too long" in english.text


# --- health ---------------------------------------------------------------------------------------------------------


async def test_the_widget_of_an_allowed_website_may_ask_for_the_options_and_others_may_not(program: Program) -> None:
    url = "/session_options/report_move"
    allowed = await program.request("GET", url, Origin="https://www.voorbeeld.example")
    assert allowed.headers["Access-Control-Allow-Origin"] == "https://www.voorbeeld.example"
    other = await program.request("GET", url, Origin="https://evil.example")
    assert "Access-Control-Allow-Origin" not in other.headers


async def test_a_form_of_a_website_that_is_not_allowed_starts_nothing(visitor: Visitor) -> None:
    refused = await visitor.post("/start", START, Origin="https://evil.example", Accept="application/json")
    assert refused.error[:2] == (403, "not_allowed")
    hidden = {"Origin": "null", "Sec_Fetch_Site": "cross-site", "Accept": "application/json"}
    assert (await visitor.post("/start", START, **hidden)).status == 403


async def test_the_widget_is_there_for_every_website_under_a_name_that_never_changes(program: Program) -> None:
    answer = await program.request("GET", "/widget.js")
    assert answer.status == 200
    assert answer.headers["Content-Type"].startswith("text/javascript")
    # A module of another origin is fetched with CORS, and on a page that isolates itself needs leave besides.
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert answer.headers["Cross-Origin-Resource-Policy"] == "cross-origin"


async def test_a_website_loads_the_widget_once_and_hears_of_the_next_version_at_once(program: Program) -> None:
    answer = await program.request("GET", "/widget.js", Accept_Encoding="gzip")
    assert answer.headers["Cache-Control"] == "public, no-cache"
    again = await program.request("GET", "/widget.js", If_None_Match=answer.headers["ETag"])
    assert again.status == 304
    assert again.headers["Access-Control-Allow-Origin"] == "*"
    assert again.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert (await program.request("GET", "/widget.js", If_None_Match='W/"another"')).status == 200


async def test_both_doors_say_that_the_server_is_well(program: Program) -> None:
    for door in (program.site.url, program.site.internal):
        for question in ("live", "ready"):
            answer = await program.request("GET", f"{door}/health/{question}")
            assert (answer.status, answer.json) == (200, {"status": "ok"})


async def test_a_store_that_is_away_turns_readiness_red_and_is_said_to_people_until_it_is_back(
    session: aiohttp.ClientSession, own_redis_server: RedisServer, tmp_path: Path
) -> None:
    async with running_house(make_site(tmp_path, own_redis_server.url)) as site:
        visitor = Visitor(session, site)
        started = await visitor.start()
        own_redis_server.kill()
        for door in (site.url, site.internal):
            assert (await visitor.until(503, f"{door}/health/ready")).json == {"status": "the store cannot be reached"}
            assert (await visitor.get(f"{door}/health/live")).status == 200
        for answer in (await visitor.get(started.land), await visitor.post("/start", START)):
            assert answer.status == 503
            assert "Even geen verbinding" in answer.text
        own_redis_server.start()
        await visitor.until(200, "/health/ready")
        assert (await visitor.land(started)).status == 200


# --- what every answer carries --------------------------------------------------------------------------------------


def _check_strict(answer: Answer, what: str) -> None:
    headers = answer.headers
    policy = dict(part.strip().split(" ", 1) for part in headers["Content-Security-Policy"].split(";"))
    assert policy["default-src"] == policy["frame-ancestors"] == policy["base-uri"] == "'none'", what
    if what == "choice":
        # Where its form leads is where a plugin has its pages, which the answer alone knows.
        assert policy.pop("form-action") == "'self' https: http: tel:"
    for directive, sources in policy.items():
        assert not {"*", "'unsafe-inline'", "'unsafe-eval'", "http:", "https:"} & set(sources.split()), directive
        assert "data:" not in sources or directive in {"img-src", "media-src"}, directive
    assert headers["X-Content-Type-Options"] == "nosniff", what
    assert headers["X-Frame-Options"] == "DENY", what
    assert headers["Referrer-Policy"] in {"no-referrer", "same-origin"}, what
    assert "Server" not in headers, what
    assert "Access-Control-Allow-Origin" not in headers or what in {"style", "script"}, what
    if headers.get("Content-Type", "").startswith("text/html"):
        assert headers["Cache-Control"] == "no-store", what
        assert policy["script-src"] == "'self'", what
        assert policy["require-trusted-types-for"] == "'script'", what
        assert re.findall(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=", answer.text) == [], what


async def _every_kind_of_answer(visitor: Visitor, stranger: Visitor) -> dict[str, Answer]:
    started = await visitor.start()
    await visitor.log_in("ann")
    begun = await stranger.post("/start", START)
    plugins_page = path_in(begun.location, visitor.site)
    return {
        "start": begun,
        "plugin's page": await stranger.get(plugins_page),
        "landing": await stranger.get(started.land),
        "landed": await visitor.post(started.land),
        "conversation": await visitor.get(f"/c/{started.conversation}"),
        "spent": await stranger.get(started.land),
        "no cookie": await stranger.get(f"/c/{started.conversation}"),
        "log-in": await stranger.get("/staff/login"),
        "not logged in": await stranger.get("/console"),
        "console": await visitor.get("/console"),
        "not found": await stranger.get("/nothing/here"),
        "not found at a plugin": await stranger.get("/plugins/auth_test/nothing"),
        "not allowed": await stranger.get("/start"),
        "other origin": await stranger.post("/staff/logout", Origin="https://evil.example"),
        "too large": await stranger.post("/staff/login", {"account": "x" * 40_000}),
        "bad start": await stranger.post("/start", {"purpose": "x"}),
        "choice": await stranger.get("/contact/report_move"),
        "no choice": await stranger.get("/contact/nothing"),
        "options": await stranger.get("/session_options"),
        "health": await stranger.get("/health/live"),
        "style": await stranger.get("/assets/site.css"),
        "script": await stranger.get("/widget.js"),
    }


async def test_every_public_answer_is_strict_about_what_may_be_done_with_it(
    visitor: Visitor, session: aiohttp.ClientSession
) -> None:
    answers = await _every_kind_of_answer(visitor, Visitor(session, visitor.site, "en"))
    for what, answer in answers.items():
        _check_strict(answer, what)
    assert {what: answer.status for what, answer in answers.items()} == {
        "start": 303, "plugin's page": 200, "landing": 200, "landed": 303, "conversation": 200, "spent": 410,
        "no cookie": 401, "log-in": 200, "not logged in": 303, "console": 200, "not found": 404,
        "not found at a plugin": 404, "not allowed": 405, "other origin": 403, "too large": 413, "bad start": 400,
        "choice": 200, "no choice": 404, "options": 200, "health": 200, "style": 200, "script": 200,
    }  # fmt: skip


async def test_a_failure_that_nobody_foresaw_tells_nothing_and_is_as_strict(
    visitor: Visitor, redis_server: RedisServer
) -> None:
    started = await visitor.start()
    with redis_server.client() as client:
        client.set(Keys(started.conversation, "idc").hash, "Suzanne Moulin")
    page = await visitor.get(started.land)
    assert page.status == 500
    assert "Er ging iets mis bij ons" in page.text
    told = await visitor.get(started.land, Accept="application/json")
    assert told.error == (500, "internal", None)
    for answer in (page, told):
        _check_strict(answer, "failure")
        assert "WRONGTYPE" not in answer.text
        assert started.land[6:] not in answer.text
    with redis_server.client() as client:
        client.delete(Keys(started.conversation, "idc").hash)


# --- what is written down -------------------------------------------------------------------------------------------

TEMPLATES = {
    "/land/{ticket}",
    "/c/{conversation}",
    "/start",
    "/staff/login",
    "/console",
    "/plugins/auth_test/session/{session}",
    "/plugins/live/start_communication",
    "/plugins/live/attr/{place}",
    "/health/ready",
    "(no route)",
}


def _entries(log: Path) -> list[dict[str, Any]]:
    return [msgspec.json.decode(line) for line in log.read_text().splitlines()]


async def _busy_hour(visitor: Visitor, site: Site) -> list[str]:
    """Do everything that goes with a secret, well and badly; all these secrets."""
    plugins_page = path_in((await visitor.post("/start", START)).location, site)
    await visitor.get(plugins_page)
    shared = await visitor.post(plugins_page, {"choice": "share"})
    by_form = path_in(shared.location, site)
    await visitor.get(by_form)
    landed = await visitor.post(by_form)
    await visitor.get(landed.location)
    by_query, tokens = await visitor.start(), [site.token(), site.token()]
    await visitor.get(f"{by_query.land}?result={tokens[0]}")
    await visitor.get(f"{by_query.land}?result={tokens[1][:-3]}")
    by_post = await visitor.start()
    await visitor.deliver(by_post.attr_url, tokens[1])
    await visitor.deliver(by_post.attr_url, tokens[1][5:])
    await visitor.log_in("ann", "a wrong password")
    await visitor.log_in("ann")
    await visitor.get("/console")
    await visitor.get(f"/nothing?token={tokens[0]}")
    for started in (by_query, by_post):
        await visitor.land(started)
    assert by_post.attr_url is not None
    tickets = [by_form, by_query.land, by_post.land, by_post.attr_url]
    return [
        *(address.rpartition(".")[2] for address in tickets),
        *(part for token in tokens for part in token.split(".") if part),
        *visitor.cookies.values(),
        *ATTRIBUTES.values(),
        plugins_page.rpartition("/")[2],
        PASSWORD,
        "a wrong password",
    ]


async def test_nothing_secret_is_in_the_log_of_a_busy_server_at_its_most_talkative(
    session: aiohttp.ClientSession, redis_server: RedisServer, tmp_path: Path
) -> None:
    site = make_site(tmp_path, redis_server.url, top='redis_prefix = "logged"')
    async with ServerProcess(site, log_level="debug") as server:
        secrets = await _busy_hour(Visitor(session, site), site)
    log = server.log.read_text()
    assert len(secrets) > 20
    assert [secret for secret in secrets if secret in log] == []
    lines = [entry["text"] for entry in _entries(server.log) if entry["logger"] == "idcontact.access"]
    read = [re.fullmatch(r"(GET|POST) (\S+|\(no route\)) \d{3} \d+\.\d ms", line) for line in lines]
    assert {found[2] for found in read if found is not None} == TEMPLATES
    assert None not in read
    assert [entry for entry in _entries(server.log) if entry["level"] == "error"] == []
