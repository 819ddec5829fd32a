from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING

import pytest
from starlette.responses import PlainTextResponse, Response

from comm_house import (
    FROM_OWN_PAGE,
    INTERNAL,
    PUBLIC,
    SESSION_URL,
    CommHouse,
    auth_token,
    comm_settings,
    open_comm_house,
)
from idcontact.errors import BadRequest, SettingsError
from idcontact.plugin import CommPlugin, CommSession, CommSettings, PluginHost
from plugin_house import NOW, error_of, key_pair

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from starlette.requests import Request

SUZANNE = {"fullname": "Suzanne Moulin", "city": "Rotterdam"}


class Desk(CommPlugin):
    """A plugin as an author writes one: it says how it stands with the result, in one line."""

    async def check(self, purpose: str) -> None:
        if purpose == "complaint":
            raise BadRequest("nobody does that here", field="purpose")

    async def show(self, request: Request, session: CommSession) -> Response:
        session = await self.active(session)
        line = f"{session.purpose} {self.language(request, session)} {session.state}"
        received = session.received
        if received is not None:
            line += f" {received.method} {received.level} {received.identified_at} {received.attributes}"
        return PlainTextResponse(line)

    async def act(self, request: Request, session: CommSession, fields: Mapping[str, str]) -> Response:
        await self.end(session)
        return PlainTextResponse("ended")


def desk(host: PluginHost, settings: Mapping[str, object]) -> Desk:
    return Desk(host, host.read_settings(settings, CommSettings))


@pytest.fixture
async def house() -> AsyncIterator[CommHouse]:
    async with open_comm_house(desk, {}) as opened:
        yield opened


@pytest.fixture
async def by_address() -> AsyncIterator[CommHouse]:
    """A plugin that asks for results in the address of the landing."""
    async with open_comm_house(desk, {"attr_url": False}) as opened:
        yield opened


# --- start_communication --------------------------------------------------------------------------------------------


async def test_a_start_is_answered_with_a_page_and_where_the_result_is_to_come(house: CommHouse) -> None:
    started = await house.start()
    secret = "[A-Za-z0-9_-]{43}"
    assert re.fullmatch(rf"{PUBLIC}/session/{secret}", started.client_url)
    assert re.fullmatch(rf"{INTERNAL}/attr/{secret}\.{secret}", started.attr_url or "")
    assert re.fullmatch(rf"{INTERNAL}/cancel/{secret}\.{secret}", started.cancel_url or "")
    assert await house.see(started) == "report_move en awaited"


async def test_a_plugin_that_wants_results_in_the_address_names_no_attr_url(by_address: CommHouse) -> None:
    assert (await by_address.start()).attr_url is None


async def test_a_result_in_the_start_leaves_nothing_to_come(house: CommHouse) -> None:
    started = await house.start(auth_result=auth_token(SUZANNE))
    assert (started.attr_url, started.cancel_url) == (None, None)
    assert await house.see(started) == f"report_move en given test low {int(NOW)} {SUZANNE}"


async def test_a_start_with_a_result_that_is_not_accepted_is_refused(house: CommHouse) -> None:
    message = {"purpose": "report_move", "auth_result": auth_token(SUZANNE, sign="nobodys")}
    assert error_of(await house.start_raw(message)) == (400, None)


def with_receipt(receipt: str, **members: object) -> dict[str, object]:
    context = {"auth": "given", "channel": "chat", "language": "en", "receipt": receipt}
    return {"purpose": "report_move", "context": context, **members}


async def test_a_result_that_the_core_verified_long_ago_is_taken_by_its_receipt_once(house: CommHouse) -> None:
    assert house.host.receipts is not None
    receipt = await house.host.receipts.keep(auth_token(SUZANNE), NOW)
    house.now[0] += 100
    receipt_of_old = await house.host.receipts.keep(auth_token(SUZANNE, at=NOW - 900), NOW - 890)
    started = await house.start(**with_receipt(receipt))
    assert await house.see(started) == f"report_move en given test low {int(NOW)} {SUZANNE}"
    old = await house.start(**with_receipt(receipt_of_old))
    assert f"given test low {int(NOW) - 900}" in await house.see(old)
    assert error_of(await house.start_raw(with_receipt(receipt))) == (400, "context.receipt")


async def test_a_result_that_the_core_used_may_be_brought_again_after_an_answer_that_was_lost(house: CommHouse) -> None:
    assert house.host.receipts is not None
    token = auth_token(SUZANNE)
    for _ in range(2):
        started = await house.start(**with_receipt(await house.host.receipts.keep(token, NOW)))
        assert "Suzanne Moulin" in await house.see(started)


async def test_a_receipt_that_is_not_known_or_comes_beside_a_token_is_refused(house: CommHouse) -> None:
    for message in (with_receipt("r" * 43), with_receipt("r" * 43, auth_result=auth_token(SUZANNE))):
        assert error_of(await house.start_raw(message)) == (400, "context.receipt")


async def test_members_that_are_not_known_are_ignored_and_null_is_absent(house: CommHouse) -> None:
    started = await house.start(auth_result=None, context=None, colour="blue")
    assert started.attr_url is not None


@pytest.mark.parametrize(
    ("message", "field"),
    [({}, "purpose"), ({"purpose": 7}, "purpose"), ({"purpose": "complaint"}, "purpose"), ([], None),
     ({"purpose": "x", "context": {"auth": "maybe"}}, "context.auth"),
     ({"purpose": "x", "context": {"auth": "none", "channel": "chat", "language": "nl", "return_url": "javascript:1"}},
      "context.return_url")],
)  # fmt: skip
async def test_a_start_that_is_not_one_is_refused_by_the_member_at_fault(
    house: CommHouse, message: object, field: str | None
) -> None:
    assert error_of(await house.start_raw(message)) == (400, field)


async def test_a_core_that_says_so_gets_the_persons_language_and_no_attr_url_where_nobody_identifies(
    house: CommHouse,
) -> None:
    context = {"auth": "none", "channel": "chat", "language": "nl"}
    started = await house.start(context=context)
    assert (started.attr_url, started.cancel_url) == (None, None)
    assert await house.see(started) == "report_move nl none"
    in_english = await house.browser.get(f"{started.client_url}?lang=en")
    assert in_english.text == "report_move en none"


# --- attr_url -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("content_type", ["application/jwt", "text/plain", "application/json"])
async def test_a_result_may_come_before_the_person_whatever_it_is_called(house: CommHouse, content_type: str) -> None:
    started = await house.start()
    assert (await house.deliver(started, auth_token(SUZANNE), content_type)).status_code == 200
    assert "given test" in await house.see(started)


async def test_a_result_may_come_after_the_person(house: CommHouse) -> None:
    started = await house.start()
    assert "awaited" in await house.see(started)
    await house.deliver(started, auth_token(SUZANNE))
    assert "given test" in await house.see(started)


async def test_who_did_not_identify_is_known_as_that(house: CommHouse) -> None:
    started = await house.start()
    await house.deliver(started, auth_token(None))
    assert "failed test" in await house.see(started)


async def test_a_result_tells_by_its_key_which_method_it_was(house: CommHouse) -> None:
    started = await house.start()
    await house.deliver(started, auth_token({"fullname": "Suzanne"}, sign="other sign", acr="high", auth_time=9))
    assert await house.see(started) == "report_move en given other high 9 {'fullname': 'Suzanne'}"


async def test_an_attribute_that_the_method_may_not_give_makes_the_result_a_bad_token(house: CommHouse) -> None:
    started = await house.start()
    answer = await house.deliver(started, auth_token(SUZANNE, sign="other sign"))
    assert error_of(answer) == (400, None)
    assert "awaited" in await house.see(started)


async def test_a_bad_token_is_told_before_an_unknown_place(house: CommHouse) -> None:
    nowhere = f"{INTERNAL}/attr/{'x' * 43}.{'y' * 43}"
    assert (await house.post(nowhere, b"not a token")).status_code == 400
    assert (await house.post(nowhere, auth_token(SUZANNE).encode())).status_code == 404


async def test_the_address_of_a_session_does_not_take_results_without_its_secret(house: CommHouse) -> None:
    started = await house.start()
    session = started.client_url.rpartition("/")[2]
    for place in (session, f"{session}.", f"{session}.{'x' * 43}"):
        answer = await house.post(f"{INTERNAL}/attr/{place}", auth_token(SUZANNE).encode())
        assert answer.status_code == 404
    assert "awaited" in await house.see(started)


async def test_the_same_token_again_is_fine_and_another_one_finds_the_place_filled(house: CommHouse) -> None:
    started, token = await house.start(), auth_token(SUZANNE)
    for _ in range(3):
        assert (await house.deliver(started, token)).status_code == 200
    assert (await house.deliver(started, auth_token({"fullname": "Eve"}))).status_code == 404
    assert "Suzanne" in await house.see(started)


async def test_a_result_is_used_once_until_it_ends_by_itself(house: CommHouse) -> None:
    token = auth_token(SUZANNE)
    assert (await house.deliver(await house.start(), token)).status_code == 200
    other = await house.start()
    assert (await house.deliver(other, token)).status_code == 400
    house.now[0] += 299
    assert (await house.deliver(other, token)).status_code == 400
    house.now[0] += 1
    assert (await house.deliver(other, token)).status_code == 400


async def test_five_minutes_end_on_receipt(house: CommHouse) -> None:
    started = await house.start()
    await house.deliver(started, auth_token(SUZANNE))
    house.now[0] += 3000
    assert "given test" in await house.see(started)


async def test_a_session_ends_with_its_lifetime(house: CommHouse) -> None:
    started = await house.start()
    await house.see(started)
    house.now[0] += 3600
    assert (await house.browser.get(started.client_url)).status_code == 410
    assert (await house.deliver(started, auth_token(SUZANNE, at=house.now[0]))).status_code == 404


# --- cancel_url -----------------------------------------------------------------------------------------------------


async def test_a_session_that_nobody_will_come_to_is_ended_by_the_core(house: CommHouse) -> None:
    started = await house.start()
    assert started.cancel_url is not None
    assert (await house.post(started.cancel_url)).status_code == 200
    assert (await house.browser.get(started.client_url)).status_code == 410
    assert (await house.post(started.cancel_url)).status_code == 200


async def test_a_session_is_not_cancelled_once_somebody_is_there_nor_by_who_may_deliver_to_it(
    house: CommHouse,
) -> None:
    started = await house.start()
    assert started.attr_url is not None
    assert started.cancel_url is not None
    await house.post(started.attr_url.replace("/attr/", "/cancel/"))
    await house.see(started)
    await house.post(started.cancel_url)
    assert "awaited" in await house.see(started)


# --- the landing ----------------------------------------------------------------------------------------------------


async def test_a_result_in_the_address_is_taken_and_leaves_the_address_at_once(by_address: CommHouse) -> None:
    started = await by_address.start()
    answer = await by_address.browser.get(f"{started.client_url}?result={auth_token(SUZANNE)}")
    assert (answer.status_code, answer.headers["location"]) == (303, started.client_url)
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["cache-control"] == "no-store"
    assert "given test" in await by_address.see(started)


async def test_a_result_in_the_address_is_taken_also_where_it_was_expected_at_the_attr_url(house: CommHouse) -> None:
    started, token = await house.start(), auth_token(SUZANNE)
    assert (await house.browser.get(f"{started.client_url}?result={token}")).status_code == 303
    assert (await house.deliver(started, token)).status_code == 200
    assert "given test" in await house.see(started)


@pytest.mark.parametrize("token", ["", "x", "a.b.c.d.e", "%00", f"{auth_token(SUZANNE)}&result=x"])
async def test_an_address_with_a_bad_token_changes_nothing(by_address: CommHouse, token: str) -> None:
    started = await by_address.start()
    assert (await by_address.browser.get(f"{started.client_url}?result={token}")).status_code == 400
    assert "awaited" in await by_address.see(started)


async def test_who_comes_back_to_an_address_with_another_result_gets_the_page_and_the_first_result_stays(
    by_address: CommHouse,
) -> None:
    started = await by_address.start()
    for attributes in (SUZANNE, {"fullname": "Eve"}):
        answer = await by_address.browser.get(f"{started.client_url}?result={auth_token(attributes)}")
        assert answer.status_code == 303
    assert "Suzanne" in await by_address.see(started)


async def test_a_session_belongs_to_the_first_browser_also_for_results_in_its_address(by_address: CommHouse) -> None:
    started = await by_address.start()
    await by_address.see(started)
    async with by_address.another_browser() as other:
        assert (await other.get(started.client_url)).status_code == 410
        assert (await other.get(f"{started.client_url}?result={auth_token(SUZANNE)}")).status_code == 410
        form = await other.post(started.client_url, data={}, headers=FROM_OWN_PAGE)
        assert form.status_code == 403
    assert "awaited" in await by_address.see(started)


async def test_the_cookie_is_for_this_session_and_out_of_reach_of_scripts_and_other_sites(house: CommHouse) -> None:
    started = await house.start()
    cookie = (await house.browser.get(started.client_url)).headers["set-cookie"]
    assert re.match(r"__Host-idc-comm-[0-9a-f]{16}=[A-Za-z0-9_-]{43};", cookie)
    for part in ("HttpOnly", "Secure", "SameSite=lax", "Path=/", "Max-Age=3600"):
        assert part.lower() in cookie.lower()


@pytest.mark.parametrize("headers", [{"Sec-Purpose": "prefetch;prerender"}, {}])
async def test_a_look_ahead_takes_nothing_from_the_person(house: CommHouse, headers: dict[str, str]) -> None:
    started = await house.start()
    method = "GET" if headers else "HEAD"
    async with house.another_browser() as other:
        ahead = await other.request(method, f"{started.client_url}?result={auth_token(SUZANNE)}", headers=headers)
        assert ahead.status_code == 503
    assert "awaited" in await house.see(started)


class Form(Desk):
    """A plugin whose pages hold forms."""

    async def show(self, request: Request, session: CommSession) -> Response:
        return self.page(request, session, "landing.html")


@pytest.mark.parametrize(
    ("known", "targets"),
    [({}, "'self'"), ({"return_url": "https://www.voorbeeld.example/a?b=2"}, "'self' https://www.voorbeeld.example")],
)
async def test_a_form_may_lead_back_to_where_the_person_came_from(known: dict[str, str], targets: str) -> None:
    context = {"auth": "none", "channel": "chat", "language": "nl", **known}

    def form(host: PluginHost, settings: Mapping[str, object]) -> Form:
        return Form(host, host.read_settings(settings, CommSettings))

    async with open_comm_house(form, {}) as house:
        page = await house.browser.get((await house.start(context=context)).client_url)
        assert page.status_code == 200
        assert f"form-action {targets};" in page.headers["content-security-policy"]
        assert page.headers["referrer-policy"] == "no-referrer"


async def test_a_form_of_another_site_does_nothing(house: CommHouse) -> None:
    started = await house.start()
    await house.see(started)
    answer = await house.browser.post(started.client_url, data={}, headers={"Origin": "https://evil.example"})
    assert answer.status_code == 403
    assert "awaited" in await house.see(started)


# --- updates to the auth plugin -------------------------------------------------------------------------------------


async def test_activity_is_told_once_a_minute_to_who_asked(house: CommHouse) -> None:
    started = await house.start()
    await house.deliver(started, auth_token(SUZANNE, session_url=SESSION_URL))
    for seconds in (0, 30, 29, 1):
        house.now[0] += seconds
        await house.see(started)
    assert house.updates.told == ["type=user_active", "type=user_active"]
    assert house.updates.bodies == [b"", b""]


async def test_an_update_is_added_to_the_query_that_is_there(house: CommHouse) -> None:
    await house.see(await house.start(auth_result=auth_token(SUZANNE, session_url=f"{SESSION_URL}?a=1")))
    assert house.updates.told == ["a=1&type=user_active"]


@pytest.mark.parametrize("status", [404, 500, None])
async def test_an_auth_plugin_that_does_not_take_updates_disturbs_nobody(house: CommHouse, status: int | None) -> None:
    house.updates.status = status
    started = await house.start(auth_result=auth_token(SUZANNE, session_url=SESSION_URL))
    assert "given test" in await house.see(started)
    ended = await house.browser.post(started.client_url, data={}, headers=FROM_OWN_PAGE)
    assert ended.text == "ended"
    assert house.updates.told == ["type=user_active", "type=logout"]


async def test_what_has_ended_is_gone_and_the_auth_plugin_hears_of_it(house: CommHouse) -> None:
    started = await house.start(auth_result=auth_token(SUZANNE, session_url=SESSION_URL))
    await house.see(started)
    await house.browser.post(started.client_url, data={}, headers=FROM_OWN_PAGE)
    assert house.updates.told[-1] == "type=logout"
    assert (await house.browser.get(started.client_url)).status_code == 410


async def test_who_did_not_ask_hears_nothing(house: CommHouse) -> None:
    started = await house.start(auth_result=auth_token(SUZANNE))
    await house.see(started)
    await house.browser.post(started.client_url, data={}, headers=FROM_OWN_PAGE)
    assert house.updates.told == []


# --- what is written down -------------------------------------------------------------------------------------------


async def test_no_log_holds_a_token_a_value_or_an_address_of_a_session(
    house: CommHouse, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    house.updates.status = None
    started, token = await house.start(), auth_token(SUZANNE, session_url=SESSION_URL)
    await house.deliver(started, token)
    await house.browser.get(f"{started.client_url}?result={auth_token({'fullname': 'Eve'})}")
    await house.see(started)
    told = [record.getMessage() for record in caplog.records if record.name.startswith("idcontact")]
    assert told
    for secret in (token, "Suzanne", "Eve", SESSION_URL, started.client_url.rpartition("/")[2]):
        assert secret not in "\n".join(told)


# --- settings -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("second", "mistake"),
    [({"tag": "test"}, "auth_methods[1].tag: is the tag of an earlier one too; each needs its own"),
     ({"verify_keys": [{"type": "EC", "key": key_pair("sign")[1]}]},
      "test, other: expected keys of their own, got the same key for both")],
)  # fmt: skip
async def test_two_methods_that_cannot_be_told_apart_are_refused(second: dict[str, object], mistake: str) -> None:
    methods = comm_settings()["auth_methods"]
    assert isinstance(methods, list)
    with pytest.raises(SettingsError) as caught:
        async with open_comm_house(desk, {"auth_methods": [methods[0], {**methods[1], **second}]}):
            pass
    assert caught.value.mistakes[0].endswith(mistake)


@pytest.mark.parametrize("lifetime", ["0 s", "59 s", 0])
async def test_a_lifetime_that_nobody_can_come_in_is_refused(lifetime: object) -> None:
    with pytest.raises(SettingsError) as caught:
        async with open_comm_house(desk, {"lifetime": lifetime}):
            pass
    assert caught.value.mistakes == [
        'plugins.comm_test.lifetime: expected a length of time of a minute or more, such as "1 h", got a shorter one'
    ]


async def test_a_lifetime_of_a_minute_is_one() -> None:
    async with open_comm_house(desk, {"lifetime": "1 min"}) as house:
        await house.see(await house.start())


async def test_a_method_that_the_settings_no_longer_have_is_called_by_its_tag(house: CommHouse) -> None:
    assert isinstance(house.plugin, Desk)
    assert house.plugin.method_name("test", "nl") == "Proefpersoon"
    assert house.plugin.method_name("gone", "nl") == "gone"


async def test_an_attribute_without_a_name_is_called_by_its_tag(house: CommHouse) -> None:
    assert isinstance(house.plugin, Desk)
    assert house.plugin.attribute_name("fullname", "nl") == "fullname"
