"""Starting a communication and landing, over real connections at a running server."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from running import make_site, running_house
from visitors import Answer, Program, Started, Visitor, connections, emptied, give_back, take

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import aiohttp

    from running import Site
    from servers import RedisServer

pytestmark = [pytest.mark.one_kind, pytest.mark.asyncio(loop_scope="module")]
IMPATIENT = 'preparing = "2 s"\nother_browser = "refuse"'


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with connections() as session:
        yield session


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def site(redis_server: RedisServer, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Site]:
    """The server, shared by the tests of this module."""
    made = make_site(tmp_path_factory.mktemp("site"), emptied(redis_server))
    async with running_house(made) as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def impatient(
    site: Site, redis_server: RedisServer, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Site]:
    """Another one, with short deadlines, that refuses other browsers, and that few may come to."""
    del site
    made = make_site(
        tmp_path_factory.mktemp("impatient"), redis_server.url, live=IMPATIENT, top='redis_prefix = "quick"'
    )
    async with running_house(made) as running:
        yield running


@pytest.fixture
def core(session: aiohttp.ClientSession, site: Site) -> Program:
    """Whoever calls the internal application."""
    return Program(session, site)


@pytest.fixture
def visitor(session: aiohttp.ClientSession, site: Site) -> Visitor:
    return Visitor(session, site)


@pytest.fixture
def other(session: aiohttp.ClientSession, site: Site) -> Visitor:
    """Another browser, of somebody who reads English."""
    return Visitor(session, site, "en")


# --- start_communication --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("message", "code", "field"),
    [
        ({"purpose": "nothing"}, "bad_request", "purpose"),
        ({}, "bad_request", "purpose"),
        ({"purpose": 7}, "bad_request", "purpose"),
        ({"purpose": "report_move", "auth_result": "no.token.at.all.x"}, "token_rejected", None),
        ({"purpose": "report_move", "context": {"auth": "perhaps"}}, "bad_request", "context.auth"),
        (
            {
                "purpose": "report_move",
                "context": {"auth": "none", "channel": "chat", "language": "nl", "return_url": "javascript:alert(1)"},
            },
            "bad_request",
            "context.return_url",
        ),
        (b"purpose=report_move", "bad_request", None),
        (b"\xff", "bad_request", None),
        (b"[]", "bad_request", None),
    ],
)
async def test_a_start_that_makes_no_sense_names_what_is_wrong(
    core: Program, message: object, code: str, field: str | None
) -> None:
    assert (await core.start_raw(message)).error == (400, code, field)


async def test_a_value_that_is_none_of_the_known_ones_is_not_repeated(core: Program) -> None:
    answer = await core.start_raw({"purpose": "report_move", "context": {"auth": "Suzanne Moulin"}})
    assert answer.error == (400, "bad_request", "context.auth")
    assert "Suzanne" not in answer.text


async def test_a_start_that_is_too_large_is_refused(core: Program) -> None:
    answer = await core.start_raw({"purpose": "report_move", "auth_result": "x" * 9000})
    assert answer.error == (413, "too_large", None)


async def test_members_that_nobody_knows_are_ignored_and_null_means_absent(core: Program) -> None:
    answer = await core.start_raw({"purpose": "report_move", "auth_result": None, "context": None, "colour": ["red"]})
    assert answer.status == 200
    assert set(answer.json) == {"client_url", "attr_url", "cancel_url"}
    assert answer.json["attr_url"].startswith(f"{core.site.live}/attr/")


async def test_a_session_that_is_never_identified_has_nowhere_to_deliver_a_result(core: Program) -> None:
    started = await core.start(context={"auth": "none", "channel": "chat", "language": "nl"})
    assert started.attr_url is None


async def test_a_communication_that_is_called_off_leaves_nothing(core: Program, visitor: Visitor) -> None:
    answer = await core.start_raw({"purpose": "report_move"})
    cancel_url, land = answer.json["cancel_url"], answer.json["client_url"]
    assert (await core.request("POST", f"{cancel_url[:-1]}{'A' if cancel_url[-1] != 'A' else 'B'}")).status == 200
    assert (await visitor.get(land)).status == 200, "who does not know the secret calls nothing off"
    for _ in range(2):
        assert (await core.request("POST", cancel_url)).status == 200
    assert (await visitor.get(land)).status == 410
    assert (await core.deliver(answer.json["attr_url"], core.site.token())).status == 404


async def test_who_is_here_already_cannot_be_called_off(core: Program, visitor: Visitor) -> None:
    answer = await core.start_raw({"purpose": "report_move"})
    land = answer.json["client_url"].removeprefix(core.site.url)
    page = await visitor.get((await visitor.post(land)).location)
    assert page.status == 200
    assert (await core.request("POST", answer.json["cancel_url"])).status == 200
    assert (await core.deliver(answer.json["attr_url"], core.site.token())).status == 200


async def test_without_context_the_language_is_the_browsers_and_the_result_is_awaited(
    core: Program, other: Visitor
) -> None:
    started = await core.start()
    page = await other.land(started)
    assert '<html lang="en"' in page.text
    async with other.at(started.conversation) as socket:
        view = await socket.view(phase="preparing")
        assert (view["auth"], view["purpose_label"], view.get("return_url")) == (
            {"status": "pending"},
            "Report a move",
            None,
        )
        assert (await core.deliver(started.attr_url, core.site.token())).status == 200
        await socket.view(phase="waiting")


async def test_the_language_and_the_way_back_of_the_session_are_kept(core: Program, other: Visitor) -> None:
    back = "https://www.voorbeeld.example/verhuizen"
    context = {"auth": "none", "channel": "chat", "language": "nl", "return_url": back}
    started = await core.start(context=context)
    assert '<html lang="nl"' in (await other.land(started)).text
    async with other.at(started.conversation) as socket:
        view = await socket.view(phase="waiting")
        assert (view["purpose_label"], view["return_url"], view["auth"]) == (
            "Verhuizing doorgeven",
            back,
            {"status": "none"},
        )


INTERNAL_ONLY = [
    "/plugins/live/start_communication",
    "/start_communication",
    "/plugins/live/attr/{place}",
    "/attr/{place}",
    "/plugins/auth_test/start_authentication",
    "/start_authentication",
]


@pytest.mark.parametrize("path", INTERNAL_ONLY)
async def test_what_is_for_machines_cannot_be_reached_at_the_public_door(core: Program, path: str) -> None:
    started = await core.start()
    place = started.land.removeprefix("/land/")
    outside = await core.request("POST", path.format(place=place), b'{"purpose":"report_move"}', Origin=core.site.url)
    assert outside.error == (404, "not_found", None)
    crafted = await core.request("POST", path.format(place=place), b'{"purpose":"report_move"}')
    assert crafted.error == (403, "not_allowed", None)


async def test_what_is_for_people_cannot_be_reached_at_the_internal_door(core: Program) -> None:
    for path in ("/session_options", "/staff/login", "/console", "/land/x", "/plugins/live/land/x", "/c/x"):
        assert (await core.request("GET", f"{core.site.internal}{path}")).status == 404


# --- landing --------------------------------------------------------------------------------------------------------


async def test_programs_that_look_into_links_do_not_use_a_ticket_up(
    core: Program, visitor: Visitor, other: Visitor
) -> None:
    started = await core.start()
    for _ in range(10):
        for method in ("GET", "HEAD"):
            looked = await other.request(method, started.land)
            assert (looked.status, looked.set_cookies) == (200, [])
    assert (await visitor.land(started)).status == 200


async def test_landing_gives_a_cookie_for_this_conversation_alone_and_a_clean_address(
    core: Program, visitor: Visitor
) -> None:
    started = await core.start()
    answer = await visitor.post(started.land)
    assert (answer.status, answer.location) == (303, f"/c/{started.conversation}")
    [cookie] = answer.set_cookies
    assert re.fullmatch(
        rf"__Host-idc-c-{started.conversation}=[A-Za-z0-9_-]{{43}}; HttpOnly; Max-Age=[0-9]+; "
        "Path=/; SameSite=lax; Secure",
        cookie,
    )
    page = await visitor.get(answer.location)
    assert page.status == 200
    assert f'conversation="{started.conversation}"' in page.text
    assert started.land.rpartition(".")[2] not in page.text


async def test_nothing_of_a_ticket_is_passed_on_or_kept_by_the_browser(core: Program, visitor: Visitor) -> None:
    started = await core.start()
    for answer in (await visitor.get(started.land), await visitor.post(started.land)):
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert answer.headers["Cache-Control"] == "no-store"


async def test_a_landing_whose_answer_was_lost_can_be_repeated_until_a_cookie_came_back(
    core: Program, visitor: Visitor, other: Visitor
) -> None:
    started = await core.start()
    first, second = await visitor.post(started.land), await other.post(started.land)
    assert (first.status, second.status) == (303, 303)
    assert (await other.get(second.location)).status == 200
    assert (await visitor.get(first.location)).status == 401, "the ticket went to whose cookie came back first"


async def test_a_ticket_is_spent_for_another_browser_but_the_same_one_still_goes_on(
    core: Program, visitor: Visitor, other: Visitor
) -> None:
    started = await core.start()
    await visitor.land(started)
    for again in (await visitor.get(started.land), await visitor.post(started.land)):
        assert (again.status, again.location) == (303, f"/c/{started.conversation}")
    for refused in (await other.get(started.land), await other.post(started.land)):
        assert refused.status == 410
        assert "This link no longer works" in refused.text
    dutch = await other.get(started.land, Accept_Language="nl-NL")
    assert "Deze link werkt niet meer" in dutch.text
    assert other.cookies == {}


async def test_a_ticket_that_cannot_be_one_is_not_found_and_an_unknown_one_is_as_if_expired(
    core: Program, visitor: Visitor
) -> None:
    started = await core.start()
    for malformed in ("x", started.land[6:-1], started.land[6:] + "=", started.land[6:].upper(), "%00" * 5):
        assert (await visitor.get(f"/land/{malformed}")).status == 404
        assert (await visitor.post(f"/land/{malformed}")).status == 404
    for unknown in (f"/land/{started.conversation}.{'x' * 43}", f"/land/{'a' * 26}{started.land[-44:]}"):
        assert (await visitor.get(unknown)).status == 410
        assert (await visitor.post(unknown)).status == 410
    assert visitor.cookies == {}
    assert (await visitor.land(started)).status == 200


async def test_an_hour_after_the_start_a_ticket_no_longer_works(
    session: aiohttp.ClientSession, impatient: Site
) -> None:
    """An hour is two seconds here."""
    visitor = Visitor(session, impatient, "en")
    started = await visitor.start()
    for expired in (await visitor.until(410, started.land), await visitor.post(started.land)):
        assert expired.status == 410
        assert "This link no longer works" in expired.text
    assert (await visitor.deliver(started.attr_url, impatient.token())).status == 404


async def test_another_website_cannot_make_a_browser_land(core: Program, visitor: Visitor) -> None:
    started = await core.start()
    for refused in (
        await visitor.post(started.land, Origin="https://evil.example"),
        await visitor.post(started.land, Origin="null"),
        await visitor.post(started.land, Origin="null", Sec_Fetch_Site="cross-site"),
        await visitor.post(started.land, Origin="null", Sec_Fetch_Site="same-site"),
    ):
        assert (refused.status, refused.set_cookies) == (403, [])
    own_page = await visitor.post(started.land, Origin="null", Sec_Fetch_Site="same-origin")
    assert own_page.status == 303


# --- the page of a conversation -------------------------------------------------------------------------------------


async def test_the_page_of_a_conversation_opens_only_with_its_own_cookie(
    core: Program, visitor: Visitor, other: Visitor
) -> None:
    one, two = await core.start(), await core.start()
    await visitor.land(one)
    await other.land(two)
    stranger = await other.get(f"/c/{one.conversation}")
    assert stranger.status == 401
    assert "This conversation belongs to another browser" in stranger.text
    own = other.cookies[f"__Host-idc-c-{two.conversation}"]
    borrowed = await other.get(f"/c/{one.conversation}", Cookie=f"__Host-idc-c-{one.conversation}={own}")
    assert borrowed.status == 401
    assert (await visitor.get("/c/unknown")).status == 401


async def _agents_view(core: Program, agent: Visitor, visitor: Visitor, started: Started) -> bool:
    async with visitor.at(started.conversation), agent.at_console() as console:
        view = await take(console, started.conversation)
        await give_back(console, started.conversation)
        return bool(view.get("other_device", False))


async def test_a_landing_in_another_browser_is_shown_to_the_agent(
    core: Program, session: aiohttp.ClientSession, visitor: Visitor, other: Visitor
) -> None:
    agent = Visitor(session, core.site)
    assert (await agent.log_in("ann")).status == 303
    context = {"auth": "none", "channel": "chat", "language": "nl", "browser": visitor.started_session()}
    same, elsewhere = await core.start(context=context), await core.start(context=context)
    await visitor.land(same)
    await other.land(elsewhere)
    assert not await _agents_view(core, agent, visitor, same)
    assert await _agents_view(core, agent, other, elsewhere)


async def test_a_landing_in_another_browser_is_refused_where_the_settings_say_so(
    session: aiohttp.ClientSession, impatient: Site
) -> None:
    visitor, other = Visitor(session, impatient), Visitor(session, impatient, "en")
    context = {"auth": "pending", "channel": "chat", "language": "nl", "browser": visitor.started_session()}
    started = await visitor.start(context=context)
    refused = await other.post(started.land)
    assert (refused.status, refused.set_cookies) == (403, [])
    assert "belongs to another browser" in refused.text
    assert (await visitor.land(started)).status == 200


# --- how often ------------------------------------------------------------------------------------------------------


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def narrow(
    site: Site, redis_server: RedisServer, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Site]:
    """A server that lets people do things three times."""
    del site
    made = make_site(tmp_path_factory.mktemp("narrow"), redis_server.url, top='redis_prefix = "narrow"')
    text = re.sub(r'(start|landing)_limit = "1000 per min"', r'\1_limit = "3 per min"', made.config.read_text())
    made.config.write_text(f'{text}\n[staff.log_in]\nby_address_and_account = "3 per min"\n')
    async with running_house(made) as running:
        yield running


def _must_wait(answer: Answer) -> bool:
    return answer.status == 429 and 1 <= int(answer.headers["Retry-After"]) <= 120


async def test_who_lands_too_often_has_to_wait(session: aiohttp.ClientSession, narrow: Site) -> None:
    visitor = Visitor(session, narrow)
    started = await visitor.start()
    assert [(await visitor.post(started.land)).status for _ in range(3)] == [303] * 3
    refused = await Visitor(session, narrow).post(started.land)
    assert _must_wait(refused)
    assert "Even wachten" in refused.text


async def test_who_starts_too_often_has_to_wait(session: aiohttp.ClientSession, narrow: Site) -> None:
    visitor = Visitor(session, narrow)
    fields = {"purpose": "report_move", "auth_method": "test", "comm_method": "chat"}
    assert [(await visitor.post("/start", fields)).status for _ in range(3)] == [303] * 3
    assert _must_wait(await visitor.post("/start", fields))


async def test_a_password_cannot_be_guessed_at_leisure_and_its_owner_is_not_locked_out(
    session: aiohttp.ClientSession, narrow: Site
) -> None:
    owner, guesser = Visitor(session, narrow), Visitor(session, narrow)
    assert (await owner.log_in("ann")).status == 303
    tries = [await guesser.log_in("ann", f"guess {number}") for number in range(20)]
    assert [answer.status for answer in tries] == [401] * 3 + [429] * 17
    assert all(_must_wait(answer) for answer in tries[3:])
    del owner.cookies["__Host-idc-staff"]  # the session is over; the browser is still the one it was
    assert (await owner.log_in("ann")).status == 303
