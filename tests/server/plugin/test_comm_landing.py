"""The page of a communication: results in its address, its browser, its forms."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from comm_house import FROM_OWN_PAGE, PUBLIC, SUZANNE, CommHouse, Desk, auth_token, desk, open_comm_house
from idcontact.plugin import CommSession, CommSettings, PluginHost

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from starlette.requests import Request
    from starlette.responses import Response


@pytest.fixture
async def house() -> AsyncIterator[CommHouse]:
    async with open_comm_house(desk, {}) as opened:
        yield opened


@pytest.fixture
async def by_address() -> AsyncIterator[CommHouse]:
    """A plugin that asks for results in the address of the landing."""
    async with open_comm_house(desk, {"attr_url": False}) as opened:
        yield opened


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


@pytest.mark.parametrize("token", ["x", "a.b.c.d.e", auth_token(SUZANNE)])
async def test_a_result_is_not_even_read_for_who_may_not_open_the_page(by_address: CommHouse, token: str) -> None:
    taken = await by_address.start()
    await by_address.see(taken)
    async with by_address.another_browser() as other:
        for address in (taken.client_url, f"{PUBLIC}/session/{'x' * 43}"):
            assert (await other.get(f"{address}?result={token}")).status_code == 410
    assert "awaited" in await by_address.see(taken)


async def test_one_address_brings_a_limited_number_of_results_and_pages_are_not_counted() -> None:
    async with open_comm_house(desk, {"attr_url": False, "landing_limit": "2 per min"}) as by_address:
        started = await by_address.start()
        with_result = f"{started.client_url}?result={auth_token(SUZANNE)}"
        for _ in range(3):
            nowhere = await by_address.browser.get(f"{PUBLIC}/session/{'x' * 43}?result=x")
            assert nowhere.status_code == 410, "who finds no session is not counted"
        for bad in ("x", "x&result=y"):
            assert (await by_address.browser.get(f"{started.client_url}?result={bad}")).status_code == 400
        refused = await by_address.browser.get(with_result)
        assert (refused.status_code, refused.headers["retry-after"]) == (429, "60")
        assert "awaited" in await by_address.see(started)
        by_address.now[0] += 60
        assert (await by_address.browser.get(with_result)).status_code == 303
        assert "given test" in await by_address.see(started)


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
