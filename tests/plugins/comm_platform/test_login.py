"""Hosts who log in at a real OpenID provider before they see anything."""

from __future__ import annotations

import asyncio
import re
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from idcontact.errors import SettingsError
from openid import CLIENT, SECRET, OpenIdProvider, log_in, openid_provider
from platform_house import (
    AS_PERSON,
    AS_PROGRAM,
    PUBLIC,
    PlatformHouse,
    guest_token,
    host_token,
    open_platform_house,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    import httpx2

REDIRECT = f"{PUBLIC}/host/auth/redirect"
OWN = {"Origin": "https://core.example.org", **AS_PERSON}


@pytest.fixture(scope="module")
def provider() -> Iterator[OpenIdProvider]:
    with openid_provider(REDIRECT) as running:
        yield running


def settings(provider: OpenIdProvider, **changes: Any) -> dict[str, object]:
    login = {
        "issuer": provider.issuer,
        "client_id": CLIENT,
        "client_secret": SECRET,
        "scopes": ["groups"],
        "claim": "groups",
        "values": ["desk"],
        **changes,
    }
    return {"login": login}


@asynccontextmanager
async def guarded(provider: OpenIdProvider, **changes: Any) -> AsyncIterator[PlatformHouse]:
    async with open_platform_house(settings(provider, **changes), clock=time.time) as opened:
        yield opened


@pytest.fixture
async def house(provider: OpenIdProvider) -> AsyncIterator[PlatformHouse]:
    async with guarded(provider) as opened:
        yield opened


async def come_back(house: PlatformHouse, account: str) -> httpx2.Response:
    """Log in with this account; what the plugin answers in the end."""
    begun = await house.browser.get(f"{PUBLIC}/host/auth/login")
    assert begun.status_code == 303, begun.text
    back = await log_in(begun.headers["location"], account, REDIRECT)
    return await house.browser.get(back, headers=AS_PERSON)


async def test_who_is_not_logged_in_is_asked_to_and_sees_nothing(house: PlatformHouse) -> None:
    await house.identify(guest_token(), {"fullname": "Henk de Vries"})
    page = await house.see(host_token())
    assert page.status_code == 200
    assert "Log in to see details" in page.text
    assert f'href="{PUBLIC}/host/auth/login" target="_blank"' in page.text
    assert "Henk" not in page.text
    assert "Henk" not in (await house.see(host_token(), AS_PROGRAM)).text
    assert "frame-ancestors https://video.example;" in page.headers["content-security-policy"]


async def test_a_bad_link_is_one_also_before_logging_in(house: PlatformHouse) -> None:
    assert (await house.see("x")).status_code == 400


async def test_who_logs_in_with_an_account_of_the_desk_sees_the_room_and_hears_of_it(house: PlatformHouse) -> None:
    answer = await come_back(house, "ann.desk")
    assert (answer.status_code, "You are logged in" in answer.text) == (200, True)
    [cookie] = [value for value in answer.headers.get_list("set-cookie") if "idc-host" in value]
    assert re.fullmatch(
        r"__Host-idc-host-[0-9a-f]{16}=[\w-]{43}; HttpOnly; Max-Age=28800; Path=/; SameSite=none; Secure", cookie
    )
    await house.identify(guest_token(), {"fullname": "Henk de Vries"})
    page = await house.see(host_token())
    assert "Henk de Vries" in page.text
    assert f'action="{PUBLIC}/host/auth/logout"' in page.text
    headers = {"cookie": cookie.partition(";")[0]}
    async with house.listen(host_token(), **headers) as stream:
        assert await stream.next() == "start"


@pytest.mark.parametrize("account", ["eve", "eve.other", "desk"])
async def test_another_account_of_the_same_provider_does_not_get_in(house: PlatformHouse, account: str) -> None:
    answer = await come_back(house, account)
    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers
    assert "Log in to see details" in (await house.see(host_token())).text


async def test_a_claim_that_is_one_value_counts_too(provider: OpenIdProvider) -> None:
    async with guarded(provider, claim="sub", values=["ann"]) as house:
        assert (await come_back(house, "bob")).status_code == 403
        assert (await come_back(house, "ann")).status_code == 200


BY_EMAIL: dict[str, Any] = {"scopes": ["email"], "claim": "email", "values": ["ann@example.org"]}


async def test_a_verified_email_address_of_the_settings_lets_a_host_in(provider: OpenIdProvider) -> None:
    async with guarded(provider, **BY_EMAIL) as house:
        assert (await come_back(house, "bob")).status_code == 403
        assert (await come_back(house, "ann")).status_code == 200


@pytest.mark.parametrize("account", ["ann.unverified", "ann.unsaid", "ann.said_as_text"])
async def test_an_email_address_that_is_not_verified_lets_nobody_in_and_they_hear_why(
    provider: OpenIdProvider, account: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with guarded(provider, **BY_EMAIL) as house:
        answer = await come_back(house, account)
        assert answer.status_code == 403
        assert "set-cookie" not in answer.headers
        assert "Your e-mail address has not been verified" in answer.text
        assert "Log in to see details" in (await house.see(host_token())).text
        begun = await house.browser.get(f"{PUBLIC}/host/auth/login")
        back = await log_in(begun.headers["location"], account, REDIRECT)
        program = await house.browser.get(back, headers=AS_PROGRAM)
        assert (program.status_code, program.json()["error"]["code"]) == (403, "not_allowed")
    assert "ann@" not in caplog.text
    assert "does not say that the e-mail address is verified" in caplog.text


async def test_who_logs_out_sees_nothing_any_more_also_in_the_stream(house: PlatformHouse) -> None:
    answer = await come_back(house, "ann.desk")
    cookie = next(value for value in answer.headers.get_list("set-cookie") if "idc-host" in value).partition(";")[0]
    async with house.listen(host_token(), cookie=cookie) as stream:
        assert await stream.next() == "start"
        out = await house.browser.post(f"{PUBLIC}/host/auth/logout", headers=OWN)
        assert (out.status_code, "You are logged out" in out.text) == (200, True)
        assert "Max-Age=0" in out.headers["set-cookie"]
        await house.begin(guest_token())
        assert [await stream.next(), await stream.next()] == ["forbidden", None]
    # The cookie itself opens nothing any more, whoever kept it.
    kept = await house.browser.get(f"{PUBLIC}/host/{host_token()}", headers={**AS_PERSON, "Cookie": cookie})
    assert "Log in to see details" in kept.text


async def test_who_logs_out_in_the_frame_is_told_there_also_of_what_went_wrong(house: PlatformHouse) -> None:
    logged_in = await come_back(house, "ann.desk")
    assert "frame-ancestors 'none';" in logged_in.headers["content-security-policy"]
    for origin, status in (("https://evil.example", 403), (OWN["Origin"], 200)):
        out = await house.browser.post(f"{PUBLIC}/host/auth/logout", headers={**AS_PERSON, "Origin": origin})
        assert out.status_code == status
        assert "frame-ancestors https://video.example;" in out.headers["content-security-policy"]


@pytest.mark.parametrize(("room", "leads_back"), [(host_token(), True), ("", False), ("..", False), ('x"y', False)])
async def test_who_logged_out_of_a_room_can_go_back_to_it(house: PlatformHouse, room: str, leads_back: bool) -> None:
    await come_back(house, "ann.desk")
    page = await house.see(host_token())
    assert f'name="room" value="{host_token()}"' in page.text
    out = await house.browser.post(f"{PUBLIC}/host/auth/logout", data={"room": room}, headers=OWN)
    assert (f'href="{PUBLIC}/host/{room}"' in out.text) is leads_back
    assert ("Log in again" in out.text) is leads_back


async def test_no_other_site_logs_somebody_out(house: PlatformHouse) -> None:
    await come_back(house, "ann.desk")
    for origin in ("https://evil.example", "https://video.example", "null"):
        answer = await house.browser.post(f"{PUBLIC}/host/auth/logout", headers={"Origin": origin})
        assert answer.status_code == 403
    assert "Details of participants" in (await house.see(host_token())).text


async def test_who_is_not_logged_in_is_forbidden_to_listen(house: PlatformHouse) -> None:
    async with house.listen(host_token()) as stream:
        assert [await stream.next(), await stream.next()] == ["forbidden", None]


async def test_two_tabs_log_in_at_once(house: PlatformHouse) -> None:
    addresses = [(await house.browser.get(f"{PUBLIC}/host/auth/login")).headers["location"] for _ in range(2)]
    backs = await asyncio.gather(*(log_in(address, "ann.desk", REDIRECT) for address in addresses))
    assert [(await house.browser.get(back)).status_code for back in backs] == [200, 200]


async def test_who_begins_to_log_in_all_the_time_has_to_wait(provider: OpenIdProvider) -> None:
    async with guarded(provider, limit="2 per min") as house:
        answers = [(await house.browser.get(f"{PUBLIC}/host/auth/login")).status_code for _ in range(3)]
    assert answers == [303, 303, 429]


async def test_a_log_in_that_somebody_else_began_is_refused(house: PlatformHouse, provider: OpenIdProvider) -> None:
    begun = await house.browser.get(f"{PUBLIC}/host/auth/login")
    back = await log_in(begun.headers["location"], "ann.desk", REDIRECT)
    house.browser.cookies.clear()
    answer = await house.browser.get(back)
    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers


async def test_an_id_of_something_else_is_no_log_in(house: PlatformHouse) -> None:
    begun = await house.browser.get(f"{PUBLIC}/host/auth/login")
    state = urlsplit(begun.headers["location"]).query.partition("state=")[2].partition("&")[0]
    name = begun.headers["set-cookie"].partition("=")[0].replace("login", "host")
    answer = await house.browser.get(
        f"{PUBLIC}/host/{host_token()}", headers={**AS_PERSON, "Cookie": f"{name}={state}"}
    )
    assert "Log in to see details" in answer.text
    assert (await house.deliver(f"http://core.internal:8001/plugins/comm_platform/auth_result/{state}", "x")) == 400


async def test_without_a_provider_there_is_nothing_to_log_in_at() -> None:
    async with open_platform_house() as house:
        for path in ("login", "redirect"):
            assert (await house.browser.get(f"{PUBLIC}/host/auth/{path}")).status_code == 404
        assert "logout" not in (await house.see(host_token())).text


async def test_mistakes_in_the_settings_of_the_log_in_are_named(provider: OpenIdProvider) -> None:
    for change, where in (
        ({"values": []}, "values"),
        ({"algorithms": []}, "algorithms"),
        ({"claim": None}, "claim"),
        ({"session": 0}, "session"),
        ({"session": "59 s"}, "session"),
    ):
        with pytest.raises(SettingsError) as caught:
            async with guarded(provider, **change):
                pass
        assert caught.value.mistakes[0].startswith(f"plugins.comm_platform.login.{where}: expected")
