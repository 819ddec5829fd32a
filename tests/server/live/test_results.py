"""Auth results at a running server: by attr_url, in the start, in the landing's address, or never."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from idcontact.tokens import ResultStatus
from plugin_house import key_pair
from running import ATTRIBUTES, make_site, running_house
from visitors import Program, Visitor, connections, emptied, give_back, take

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    import aiohttp

    from running import Site
    from servers import RedisServer
    from visitors import Frame, Started

pytestmark = pytest.mark.asyncio(loop_scope="module")


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
async def hasty(site: Site, redis_server: RedisServer, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Site]:
    """Another one, that waits a second for a result."""
    del site
    folder = tmp_path_factory.mktemp("hasty")
    made = make_site(folder, redis_server.url, live='auth_wait = "1 s"', top='redis_prefix = "hasty"')
    async with running_house(made) as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def agent(session: aiohttp.ClientSession, site: Site) -> Visitor:
    """Ann, logged in."""
    agent = Visitor(session, site)
    assert (await agent.log_in("ann")).status == 303
    return agent


@pytest.fixture
def plugin(session: aiohttp.ClientSession, site: Site) -> Program:
    """Whoever calls the internal application."""
    return Program(session, site)


@pytest.fixture
def visitor(session: aiohttp.ClientSession, site: Site) -> Visitor:
    return Visitor(session, site, "en")


async def shown(agent: Visitor, visitor: Visitor, conversation: str) -> tuple[Frame, dict[str, str]]:
    """What the agent who accepts is shown: how the person identified, and the attributes."""
    async with visitor.at(conversation), agent.at_console() as console:
        view = await take(console, conversation)
        told = await console.next("attributes", conversation=conversation)
        await give_back(console, conversation)
        return view["auth"], {attribute["tag"]: attribute["value"] for attribute in told["attributes"]}


async def auth_seen_by(visitor: Visitor, started: Started) -> Frame:
    async with visitor.at(started.conversation) as socket:
        view: Frame = socket.frames[0]["conversation"]
        auth: Frame = view["auth"]
        return auth


# --- in the start ---------------------------------------------------------------------------------------------------


async def test_a_result_in_the_start_leaves_no_attr_url_and_is_there_after_landing(
    agent: Visitor, visitor: Visitor
) -> None:
    started = await visitor.start(auth_result=visitor.site.token())
    assert started.attr_url is None
    await visitor.land(started)
    auth, attributes = await shown(agent, visitor, started.conversation)
    assert (auth["status"], auth["method"], attributes) == ("given", "test", ATTRIBUTES)


async def test_a_start_with_a_result_that_was_used_is_refused(plugin: Program) -> None:
    token = plugin.site.token()
    await plugin.start(auth_result=token)
    assert (await plugin.start_raw({"purpose": "passport", "auth_result": token})).error == (
        400,
        "token_rejected",
        None,
    )


# --- at attr_url ----------------------------------------------------------------------------------------------------


async def test_what_the_purpose_does_not_ask_is_dropped_and_when_it_was_verified_is_kept(
    agent: Visitor, visitor: Visitor
) -> None:
    started = await visitor.start("passport")
    verified_at = int(time.time()) - 60
    answer = await visitor.deliver(started.attr_url, visitor.site.token(at=verified_at))
    assert (answer.status, answer.text) == (200, "")
    await visitor.land(started)
    auth, attributes = await shown(agent, visitor, started.conversation)
    assert attributes == {"fullname": ATTRIBUTES["fullname"]}
    assert (auth["method_label"], auth.get("level"), auth["at"]) == ("Proefpersoon", None, verified_at * 1000)


async def test_the_key_says_which_method_it_was_whatever_was_chosen(agent: Visitor, visitor: Visitor) -> None:
    context = {"auth": "pending", "method": "test", "channel": "chat", "language": "nl"}
    started = await visitor.start(context=context)
    token = visitor.site.token({"fullname": "Iemand Anders"}, sign="other-sign.pem")
    assert (await visitor.deliver(started.attr_url, token)).status == 200
    await visitor.land(started)
    auth, attributes = await shown(agent, visitor, started.conversation)
    assert (auth["method"], auth["method_label"], auth["level"]) == ("other", "Another method", "high")
    assert attributes == {"fullname": "Iemand Anders"}


def altered(token: str) -> str:
    head, _, rest = token.rpartition(".")
    return f"{head}.{'A' if rest[0] != 'A' else 'B'}{rest[1:]}"


def signed_by_a_stranger(site: Site) -> str:
    (site.folder / "stranger.pem").write_text(key_pair("stranger")[0])
    return site.token(sign="stranger.pem")


def encrypted_to_another(site: Site) -> str:
    own = (site.folder / "encrypt.pem").read_text()
    (site.folder / "encrypt.pem").write_text(key_pair("another")[1])
    try:
        return site.token()
    finally:
        (site.folder / "encrypt.pem").write_text(own)


NOT_ACCEPTED: dict[str, Callable[[Site], str]] = {
    "empty": lambda _: "",
    "not a token": lambda _: "result=1",
    "not text": lambda _: "\x00\xff",
    "altered": lambda site: altered(site.token()),
    "forged": signed_by_a_stranger,
    "encrypted to another": encrypted_to_another,
    "expired": lambda site: site.token(at=time.time() - 301),
    "of the future": lambda site: site.token(at=time.time() + 120),
    "an attribute that its method may not give": lambda site: site.token(ATTRIBUTES, sign="other-sign.pem"),
    "an attribute that nobody knows": lambda site: site.token({"bsn": "1"}),
}


@pytest.mark.parametrize("kind", NOT_ACCEPTED)
async def test_a_token_that_is_not_accepted_is_refused_before_anything_is_said_of_the_place(
    plugin: Program, kind: str
) -> None:
    started = await plugin.start()
    token = NOT_ACCEPTED[kind](plugin.site)
    assert started.attr_url is not None
    for place in (started.attr_url, f"{plugin.site.live}/attr/nowhere", started.attr_url[:-1] + "~"):
        refused = await plugin.deliver(place, token)
        assert refused.error == (400, "token_rejected", None)
        assert refused.json["error"]["message"] == "the token is not accepted"
    assert (await plugin.deliver(started.attr_url, plugin.site.token())).status == 200, "the place is still free"


async def test_a_token_over_the_limit_is_too_large(plugin: Program) -> None:
    started = await plugin.start()
    assert (await plugin.deliver(started.attr_url, "x" * 8193)).error == (413, "too_large", None)


async def test_a_good_token_finds_nobody_at_an_unknown_place_and_is_not_used_up(plugin: Program) -> None:
    started, token = await plugin.start(), plugin.site.token()
    assert started.attr_url is not None
    ticket = started.land.rpartition(".")[2]
    for place in (
        f"{plugin.site.live}/attr/nowhere",
        f"{plugin.site.live}/attr/{'a' * 26}.{'x' * 43}",
        f"{plugin.site.live}/attr/{started.conversation}.{'x' * 43}",
        f"{plugin.site.live}/attr/{started.conversation}.{ticket}",
    ):
        assert (await plugin.deliver(place, token)).error == (404, "not_found", None)
    assert (await plugin.deliver(started.attr_url, token)).status == 200


async def test_the_same_token_may_come_again_and_another_finds_the_place_taken(
    plugin: Program, visitor: Visitor
) -> None:
    started, token = await plugin.start(), plugin.site.token()
    assert [(await plugin.deliver(started.attr_url, token)).status for _ in range(3)] == [200] * 3
    assert (await plugin.deliver(started.attr_url, token + "\n")).status == 200
    assert (await plugin.deliver(started.attr_url, plugin.site.token())).error == (404, "not_found", None)
    await visitor.land(started)
    assert (await auth_seen_by(visitor, started))["status"] == "given"
    assert (await plugin.deliver(started.attr_url, token)).status == 200, "after the landing too"


async def test_a_token_serves_one_conversation(plugin: Program, visitor: Visitor) -> None:
    one, two, token = await plugin.start(), await plugin.start(), plugin.site.token()
    assert (await plugin.deliver(one.attr_url, token)).status == 200
    assert (await plugin.deliver(two.attr_url, token)).error == (400, "token_rejected", None)
    await visitor.land(two)
    assert (await auth_seen_by(visitor, two))["status"] == "pending"


async def test_of_tokens_that_arrive_together_one_is_taken_however_often_it_comes(plugin: Program) -> None:
    started = await plugin.start()
    tokens = [plugin.site.token() for _ in range(5)]
    answers = await asyncio.gather(*(plugin.deliver(started.attr_url, token) for token in tokens * 3))
    statuses = [answer.status for answer in answers]
    taken = statuses.index(200) % 5
    assert statuses == [200 if number == taken else 404 for number in range(5)] * 3


async def test_of_conversations_that_get_one_token_together_one_has_it(plugin: Program) -> None:
    places = [(await plugin.start()).attr_url for _ in range(5)]
    token = plugin.site.token()
    answers = await asyncio.gather(*(plugin.deliver(place, token) for place in places))
    assert sorted(answer.status for answer in answers) == [200, 400, 400, 400, 400]


# --- failed, or never -----------------------------------------------------------------------------------------------


async def test_a_failed_result_ends_it_where_the_purpose_needs_identification(
    plugin: Program, visitor: Visitor
) -> None:
    started = await plugin.start("report_move")
    failed = plugin.site.token(status=ResultStatus.FAILED)
    assert (await plugin.deliver(started.attr_url, failed)).status == 200
    await visitor.land(started)
    async with visitor.at(started.conversation) as socket:
        view = await socket.view(phase="closed")
        assert (view["auth"]["status"], view["end_reason"]) == ("failed", "not_identified")
        assert (await socket.next("not_identified"))["status"] == "failed"


async def test_a_failed_result_that_comes_after_the_landing_is_said_at_once(plugin: Program, visitor: Visitor) -> None:
    started = await plugin.start("passport")
    await visitor.land(started)
    async with visitor.at(started.conversation) as socket:
        await socket.view(phase="preparing")
        failed = plugin.site.token(status=ResultStatus.FAILED)
        assert (await plugin.deliver(started.attr_url, failed)).status == 200
        assert (await socket.next("not_identified"))["status"] == "failed"
        view = await socket.view(can_continue_unverified=True)
        assert view["auth"]["status"] == "failed"
        await socket.send(type="continue_unverified", id="on", conversation=started.conversation)
        await socket.next("ack", id="on")
        assert (await socket.view(phase="waiting"))["auth"]["status"] == "failed"


async def test_a_result_that_never_comes_is_said_and_the_person_may_go_on_where_the_purpose_allows_it(
    session: aiohttp.ClientSession, hasty: Site
) -> None:
    visitor = Visitor(session, hasty)
    started = await visitor.start("passport")
    await visitor.land(started)
    async with visitor.at(started.conversation) as socket:
        assert (await socket.next("not_identified"))["status"] == "missing"
        view = await socket.view(can_continue_unverified=True)
        assert (view["phase"], view["auth"]) == ("preparing", {"status": "missing"})
        await socket.send(type="continue_unverified", id="on", conversation=started.conversation)
        await socket.next("ack", id="on")
        await socket.view(phase="waiting")
        assert "unverified" in [frame["type"] for frame in socket.frames]
    assert (await visitor.deliver(started.attr_url, visitor.site.token())).status == 404, "it is too late for one"


async def test_a_result_that_never_comes_ends_it_where_the_purpose_needs_identification(
    session: aiohttp.ClientSession, hasty: Site
) -> None:
    visitor = Visitor(session, hasty)
    started = await visitor.start("report_move")
    await visitor.land(started)
    async with visitor.at(started.conversation) as socket:
        assert (await socket.next("not_identified"))["status"] == "missing"
        assert (await socket.next("ended"))["reason"] == "not_identified"
        view = await socket.view(phase="closed")
        assert (view["end_reason"], view.get("can_continue_unverified", False)) == ("not_identified", False)
        await socket.send(type="continue_unverified", id="on", conversation=started.conversation)
        assert (await socket.next("error", id="on"))["code"] == "conflict"


async def test_a_late_result_is_still_welcome_while_the_person_has_not_gone_on(
    session: aiohttp.ClientSession, hasty: Site
) -> None:
    visitor = Visitor(session, hasty)
    started = await visitor.start("passport")
    await visitor.land(started)
    async with visitor.at(started.conversation) as socket:
        await socket.next("not_identified")
        assert (await visitor.deliver(started.attr_url, visitor.site.token())).status == 200
        assert (await socket.view(phase="waiting"))["auth"]["status"] == "given"


# --- in the address of the landing ----------------------------------------------------------------------------------


async def test_a_result_in_the_address_is_taken_and_leaves_it_at_once(agent: Visitor, visitor: Visitor) -> None:
    started = await visitor.start()
    answer = await visitor.get(f"{started.land}?result={visitor.site.token()}")
    assert (answer.status, answer.location, answer.text) == (303, started.land, "")
    assert (answer.headers["Referrer-Policy"], answer.headers["Cache-Control"]) == ("no-referrer", "no-store")
    assert answer.set_cookies == []
    await visitor.land(started)
    auth, attributes = await shown(agent, visitor, started.conversation)
    assert (auth["status"], attributes) == ("given", ATTRIBUTES)


async def test_two_results_in_the_address_are_none_and_a_program_that_looks_into_links_uses_none_up(
    visitor: Visitor,
) -> None:
    started = await visitor.start()
    address = f"{started.land}?result={visitor.site.token()}"
    assert (await visitor.get(f"{address}&result={visitor.site.token()}")).status == 400
    assert (await visitor.request("HEAD", address)).status == 200
    assert (await visitor.get(address)).status == 303


async def test_the_same_address_may_be_loaded_again_before_and_after_the_landing(visitor: Visitor) -> None:
    started = await visitor.start()
    address = f"{started.land}?result={visitor.site.token()}&lang=en"
    assert [(await visitor.get(address)).location for _ in range(2)] == [started.land] * 2
    await visitor.land(started)
    assert (await visitor.get(address)).location == started.land
    assert (await visitor.get(started.land)).location == f"/c/{started.conversation}"
    assert (await auth_seen_by(visitor, started))["status"] == "given"


async def test_a_result_in_the_address_that_is_none_is_a_page_that_says_so_and_the_ticket_still_works(
    visitor: Visitor,
) -> None:
    started = await visitor.start()
    for result in ("", "not-a-token-7f3a", altered(visitor.site.token())):
        refused = await visitor.get(f"{started.land}?result={result}")
        assert (refused.status, refused.headers["Content-Type"]) == (400, "text/html; charset=utf-8")
        assert "Your details could not be checked" in refused.text
        assert refused.headers["Referrer-Policy"] == "no-referrer"
        assert result == "" or result not in refused.text
        assert started.land not in refused.text
    dutch = await visitor.get(f"{started.land}?result=x", Accept_Language="nl")
    assert "Uw gegevens konden niet worden gecontroleerd" in dutch.text
    assert (await visitor.land(started)).status == 200


async def test_a_result_in_the_address_of_a_used_ticket_is_refused_for_who_has_no_cookie(
    session: aiohttp.ClientSession, visitor: Visitor
) -> None:
    started = await visitor.start()
    await visitor.land(started)
    token = visitor.site.token()
    assert (await Visitor(session, visitor.site).get(f"{started.land}?result={token}")).status == 410
    assert (await auth_seen_by(visitor, started))["status"] == "pending"
    assert (await visitor.get(f"{started.land}?result={token}")).status == 303
    assert (await auth_seen_by(visitor, started))["status"] == "given"
