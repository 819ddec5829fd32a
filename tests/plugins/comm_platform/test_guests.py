"""What the browser of a guest meets, and where results are delivered."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Any

import jwt
import pytest
from starlette.responses import JSONResponse, PlainTextResponse, Response

from comm_house import auth_token
from idcontact.plugin.testkit import MemoryRecords
from platform_house import (
    INTERNAL,
    PUBLIC,
    PlatformHouse,
    guest_token,
    host_token,
    open_platform_house,
)
from plugin_house import NOW, error_of, key_pair

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

HENK = {"fullname": "Henk de Vries", "city": "Utrecht"}


@pytest.fixture
async def house() -> AsyncIterator[PlatformHouse]:
    async with open_platform_house() as opened:
        yield opened


# --- init -----------------------------------------------------------------------------------------------------------


async def widget_params(house: PlatformHouse, token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    answer = await house.init(token)
    assert answer.status_code == 303
    widget, _, params = answer.headers["location"].partition("?")
    assert widget == "https://widget.example/"
    claims = jwt.decode(params, key_pair("widget")[1], algorithms=["ES256"], options={"verify_iat": False})
    return dict(jwt.get_unverified_header(params)), claims


async def test_a_guest_is_sent_to_the_widget_which_is_told_what_to_ask_and_where_to_go_on(house: PlatformHouse) -> None:
    token = guest_token()
    header, claims = await widget_params(house, token)
    assert header == {"typ": "JWT", "alg": "ES256"}
    assert claims == {
        "sub": "verder-helpen-widget-params",
        "purpose": "report_move",
        "start_url": f"{PUBLIC}/guest/start/{token}",
        "cancel_url": "https://video.example/room?guest",
        "display_name": "Video",
        "iat": NOW,
        "exp": NOW + 300,
    }


async def test_in_the_dialect_of_2021_the_widget_is_told_of_no_way_back() -> None:
    async with open_platform_house({"dialect": "id-contact"}) as house:
        claims = (await widget_params(house, guest_token()))[1]
    assert claims["sub"] == "id-contact-widget-params"
    assert "cancel_url" not in claims


@pytest.mark.parametrize("token", ["x", guest_token(secret="x" * 32), host_token(), guest_token(purpose="other")])
async def test_a_link_that_does_not_hold_leads_nowhere(house: PlatformHouse, token: str) -> None:
    assert (await house.init(token)).status_code == 400
    assert (await house.start(token)).status_code == 400
    assert house.core.asked == []


# --- start ----------------------------------------------------------------------------------------------------------


async def test_a_start_asks_the_core_by_a_signed_request(house: PlatformHouse) -> None:
    answer = await house.start(guest_token())
    assert (answer.status_code, answer.json()) == (200, {"client_url": "https://auth.example/session"})
    [(headers, token)] = house.core.asked
    assert (headers[b"content-type"], headers[b"accept"]) == (b"application/jwt", b"application/json")
    assert jwt.get_unverified_header(token) == {"typ": "JWT", "alg": "ES256", "kid": "platform"}
    claims = jwt.decode(token, key_pair("start")[1], algorithms=["ES256"], options={"verify_iat": False})
    attr_url = claims["request"].pop("attr_url")
    assert re.fullmatch(rf"{re.escape(INTERNAL)}/auth_result/[\w-]{{64}}", attr_url)
    assert claims == {
        "request": {
            "purpose": "report_move",
            "auth_method": "test",
            "comm_url": "https://video.example/room?guest",
        },
        "iat": NOW,
        "exp": NOW + 300,
    }


class StubbornRecords(MemoryRecords):
    """Say that nothing is there, and take nothing."""

    async def put(self, record_id: str, value: bytes, ttl: float) -> bool:
        del record_id, value, ttl
        return False


async def test_a_start_that_the_store_keeps_refusing_ends() -> None:
    async with open_platform_house(records=StubbornRecords()) as house:
        assert (await house.start(guest_token())).status_code == 503


async def test_a_guest_whose_name_was_cut_in_half_is_seen_all_the_same(house: PlatformHouse) -> None:
    await house.identify(guest_token(name="Henk\ud83d"), HENK)
    assert [person["name"] for person in await house.seen(host_token())] == ["Henk\ufffd"]


async def test_a_start_is_answered_as_json_also_to_a_browser(house: PlatformHouse) -> None:
    answer = await house.start(guest_token(), headers={"Accept": "text/html"})
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")


async def test_another_purpose_than_that_of_the_link_is_refused(house: PlatformHouse) -> None:
    assert error_of(await house.start(guest_token(), purpose="passport")) == (400, "purpose")
    assert house.core.asked == []


@pytest.mark.parametrize(
    ("body", "field"),
    [("{}", "purpose"), ('{"purpose":"report_move"}', "auth_method"), ("no json", None), ('{"purpose":1}', "purpose")],
)
async def test_a_start_that_makes_no_sense_names_what_is_wrong(house: PlatformHouse, body: str, field: str) -> None:
    answer = await house.browser.post(f"{PUBLIC}/guest/start/{guest_token()}", content=body)
    assert error_of(answer) == (400, field)


async def test_the_widget_of_another_site_may_start_and_other_sites_do_not_hear_the_answer(
    house: PlatformHouse,
) -> None:
    url = f"{PUBLIC}/guest/start/{guest_token()}"
    asks = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"}
    allowed = await house.browser.options(url, headers={"Origin": "https://widget.example", **asks})
    assert (allowed.status_code, allowed.headers["access-control-allow-origin"]) == (200, "https://widget.example")
    assert (await house.browser.options(url, headers={"Origin": "https://evil.example", **asks})).status_code == 400
    for origin, hears in (("https://widget.example", True), ("https://evil.example", False)):
        answer = await house.start(guest_token(), headers={"Origin": origin})
        assert ("access-control-allow-origin" in answer.headers) is hears
        refused = await house.start("x", headers={"Origin": origin})
        assert ("access-control-allow-origin" in refused.headers) is hears


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (lambda: JSONResponse({}, 400), 400),
        (lambda: JSONResponse({}, 503), 502),
        (lambda: Response(status_code=303, headers={"Location": "https://auth.example/"}), 502),
        (lambda: PlainTextResponse("x"), 502),
        (lambda: JSONResponse({"client_url": "javascript:alert(1)"}), 502),
        (lambda: JSONResponse({"url": "https://auth.example"}), 502),
    ],
)
async def test_what_the_core_does_not_start_has_not_begun(
    house: PlatformHouse, answer: Callable[[], Response], status: int
) -> None:
    house.core.answer = answer
    assert (await house.start(guest_token())).status_code == status
    page = await house.see(host_token())
    assert "Nobody has shared" in page.text


async def test_a_guest_who_begins_all_the_time_has_to_wait_and_others_do_not(house: PlatformHouse) -> None:
    for _ in range(10):
        await house.begin(guest_token())
    refused = await house.start(guest_token(claims={"exp": NOW + 60}))
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "60")
    assert len(house.core.asked) == 10
    await house.begin(guest_token("g2"))
    house.now[0] += 60
    await house.begin(guest_token())


# --- the result -----------------------------------------------------------------------------------------------------


async def test_a_result_is_what_the_host_sees_however_long_ago_its_token_expired(house: PlatformHouse) -> None:
    await house.identify(guest_token(), HENK)
    house.now[0] += 10 * 60
    assert await house.seen(host_token()) == [{"purpose": "report_move", "name": "Henk", "attributes": HENK}]


async def test_a_result_that_is_no_good_is_400_before_the_place_is_looked_at(house: PlatformHouse) -> None:
    attr_url = await house.begin(guest_token())
    expired = auth_token(HENK, at=NOW - 301)
    for token in ("x", expired, auth_token({"bsn": "1"})):
        assert await house.deliver(attr_url, token) == 400
        assert await house.deliver(f"{INTERNAL}/auth_result/{'x' * 64}", token) == 400
    assert await house.seen(host_token()) == []


async def test_the_same_result_again_is_fine_and_another_one_is_not_expected(house: PlatformHouse) -> None:
    attr_url, token = await house.begin(guest_token()), auth_token(HENK)
    assert await house.deliver(attr_url, token) == 200
    assert await house.deliver(attr_url, token) == 200
    assert await house.deliver(attr_url, auth_token({"fullname": "Somebody else"})) == 404
    assert await house.deliver(f"{INTERNAL}/auth_result/{'x' * 64}", auth_token(HENK)) == 404
    assert [person["attributes"] for person in await house.seen(host_token())] == [HENK]


async def test_a_result_is_used_for_one_guest(house: PlatformHouse) -> None:
    one, other, token = await house.begin(guest_token("g1")), await house.begin(guest_token("g2")), auth_token(HENK)
    assert await house.deliver(one, token) == 200
    assert await house.deliver(other, token) == 400
    assert len(await house.seen(host_token())) == 1


async def test_only_what_the_purpose_asks_for_is_kept(house: PlatformHouse) -> None:
    await house.identify(guest_token(purpose="passport"), HENK, purpose="passport")
    assert [person["attributes"] for person in await house.seen(host_token())] == [{"fullname": HENK["fullname"]}]


async def test_an_attribute_that_the_method_may_not_give_is_refused(house: PlatformHouse) -> None:
    attr_url = await house.begin(guest_token())
    assert await house.deliver(attr_url, auth_token({"fullname": "x", "city": "y"}, sign="other sign")) == 400


async def test_who_begins_again_has_a_new_place_and_the_old_one_is_closed(house: PlatformHouse) -> None:
    first = await house.begin(guest_token())
    second = await house.begin(guest_token())
    assert first != second
    assert await house.deliver(first, auth_token(HENK)) == 404
    assert await house.deliver(second, auth_token(HENK)) == 200
    assert len(await house.seen(host_token())) == 1


async def test_who_failed_or_refused_tries_again(house: PlatformHouse) -> None:
    await house.identify(guest_token(), None)
    assert "did not work" in (await house.see(host_token())).text
    await house.identify(guest_token(), HENK)
    assert [person["attributes"] for person in await house.seen(host_token())] == [HENK]


async def test_who_has_identified_does_not_again(house: PlatformHouse) -> None:
    await house.identify(guest_token(), HENK)
    asked = len(house.core.asked)
    assert (await house.start(guest_token())).status_code == 400
    assert len(house.core.asked) == asked


async def test_two_guests_at_once_each_get_their_own_result(house: PlatformHouse) -> None:
    names = [f"Person {number}" for number in range(12)]
    urls = [await house.begin(guest_token(f"g{number}", name=name)) for number, name in enumerate(names)]
    delivered = [house.deliver(url, auth_token({"fullname": name})) for url, name in zip(urls, names, strict=True)]
    assert set(await asyncio.gather(*delivered)) == {200}
    people = await house.seen(host_token())
    assert sorted(person["name"] for person in people) == sorted(names)
    assert all(person["attributes"] == {"fullname": person["name"]} for person in people)


async def test_guests_of_two_instances_are_two_though_they_have_one_number(house: PlatformHouse) -> None:
    one, other = (guest_token(instance=instance, domain="guest") for instance in ("one.nl", "other.nl"))
    await house.identify(one, {"fullname": "One"})
    await house.identify(other, {"fullname": "Other"})
    assert len(await house.seen(host_token())) == 2
    for instance, name in (("one.nl", "One"), ("other.nl", "Other")):
        people = await house.seen(host_token(instance=instance, domain="user"))
        assert [person["attributes"]["fullname"] for person in people] == [name]


async def test_results_are_not_taken_at_the_public_door(house: PlatformHouse) -> None:
    attr_url = await house.begin(guest_token())
    path = attr_url.removeprefix(INTERNAL)
    assert (await house.browser.post(f"{PUBLIC}{path}", content=auth_token(HENK))).status_code == 404


async def test_an_internal_address_that_ends_as_the_published_plugins_works_too(house: PlatformHouse) -> None:
    path = (await house.begin(guest_token())).removeprefix(INTERNAL)
    assert await house.deliver(f"{INTERNAL}/internal{path}", auth_token(HENK)) == 200
