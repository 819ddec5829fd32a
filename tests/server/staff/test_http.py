"""Log in, log out and the console, as a browser meets them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idcontact.staff.http import own_path
from idcontact.staff.sessions import COOKIE
from staff_house import PASSWORDS, House, account, rehashed

if TYPE_CHECKING:
    from redis.asyncio import Redis

    from servers import RedisServer


async def test_who_knows_the_password_comes_in_and_the_console_shows(redis: Redis) -> None:
    browser = House(redis).browser()
    answer = await browser.log_in("anna")
    assert (answer.status_code, answer.headers["location"]) == (303, "/console")
    console = await browser.get("/console")
    assert console.status_code == 200
    assert "<id-contact-console" in console.text
    assert console.headers["cache-control"] == "no-store"


async def test_the_cookies_are_for_this_host_over_https_and_not_for_scripts(redis: Redis) -> None:
    answer = await House(redis).browser().log_in("anna")
    cookies = answer.headers.get_list("set-cookie")
    assert {cookie.partition("=")[0] for cookie in cookies} == {
        "__Host-idc-staff",
        "__Host-idc-known",
        "__Host-idc-login",
    }
    for cookie in cookies:
        assert "HttpOnly" in cookie
        assert "Secure" in cookie
        assert "SameSite=lax" in cookie
        assert "Path=/" in cookie
        assert "Domain" not in cookie


async def test_who_is_not_logged_in_gets_the_log_in_page_instead_of_the_console(redis: Redis) -> None:
    answer = await House(redis).browser().get("/console")
    assert (answer.status_code, answer.headers["location"]) == (303, "/staff/login")


async def test_a_wrong_password_and_an_unknown_account_get_the_same_answer(redis: Redis) -> None:
    house = House(redis)
    wrong = await house.browser("192.0.2.1").log_in("anna", "peren-taart")
    unknown = await house.browser("192.0.2.2").log_in("carl", "peren-taart")
    assert wrong.status_code == unknown.status_code == 401

    def without_what_was_typed(page: str) -> str:
        return re.sub(r'value="[^"]*"', "", page)

    assert without_what_was_typed(wrong.text) == without_what_was_typed(unknown.text)
    assert "peren-taart" not in wrong.text
    assert COOKIE not in "".join(wrong.headers.get_list("set-cookie"))


async def test_a_session_that_somebody_else_planted_is_never_adopted(redis: Redis) -> None:
    browser = House(redis).browser()
    browser.jar.set(COOKIE, "planted", domain="contact.example", path="/")
    await browser.log_in("anna")
    first = browser.cookies()[COOKIE]
    assert first != "planted"
    assert (await browser.get("/console")).status_code == 200


async def test_a_second_log_in_gets_a_new_session_and_ends_the_first(redis: Redis) -> None:
    """Two tabs with the form: one logs anna in, then the other logs bob in."""
    house = House(redis)
    browser = house.browser()
    tab = await browser.get("/staff/login")
    form_cookie = browser.cookies()["__Host-idc-login"]
    token = re.search(r'name="csrf" value="([^"]+)"', tab.text)
    assert token
    await browser.log_in("anna")
    first = browser.cookies()
    browser.jar.set("__Host-idc-login", form_cookie, domain="contact.example", path="/")
    answer = await browser.post("/staff/login", {"account": "bob", "password": PASSWORDS["bob"], "csrf": token[1]})
    assert answer.status_code == 303
    assert browser.cookies()[COOKIE] != first[COOKIE]
    assert await house.staff.sessions.member_of(first) is None
    member = await house.staff.sessions.member_of(browser.cookies())
    assert member is not None
    assert member.id == "bob"


@pytest.mark.parametrize("token", ["", "AAAA", "x" * 43])
async def test_a_form_without_the_token_of_its_page_logs_nobody_in(redis: Redis, token: str) -> None:
    browser = House(redis).browser()
    answer = await browser.log_in("anna", csrf=token)
    assert answer.status_code == 403
    assert COOKIE not in browser.cookies()
    assert "stond te lang open" in answer.text


async def test_the_form_of_another_browser_logs_nobody_in(redis: Redis) -> None:
    house = House(redis)
    page = await house.browser().get("/staff/login")
    token = re.search(r'name="csrf" value="([^"]+)"', page.text)
    assert token
    answer = await house.browser().log_in("anna", csrf=token[1])
    assert answer.status_code == 403


async def test_another_site_can_log_nobody_in_or_out(redis: Redis) -> None:
    house = House(redis)
    browser = house.browser()
    await browser.log_in("anna")
    token = await browser.console_token()
    for path in ("/staff/login", "/staff/logout"):
        answer = await browser.post(path, {"csrf": token}, Origin="https://evil.example")
        assert answer.status_code == 403
    assert await house.staff.sessions.member_of(browser.cookies()) is not None


async def test_log_out_ends_the_session_on_the_server(redis: Redis) -> None:
    house = House(redis)
    browser = house.browser()
    await browser.log_in("anna")
    before = browser.cookies()
    answer = await browser.post("/staff/logout", {"csrf": await browser.console_token()})
    assert (answer.status_code, answer.headers["location"]) == (303, "/staff/login")
    assert COOKIE not in browser.cookies()
    assert await house.staff.sessions.member_of(before) is None


async def test_log_out_without_the_token_of_the_console_is_refused(redis: Redis) -> None:
    house = House(redis)
    browser = house.browser()
    await browser.log_in("anna")
    answer = await browser.post("/staff/logout", {"csrf": "guess"})
    assert answer.status_code == 403
    assert await house.staff.sessions.member_of(browser.cookies()) is not None


async def test_log_out_everywhere_ends_every_session_of_that_account_and_no_other(redis: Redis) -> None:
    house = House(redis)
    desk, phone, colleague = house.browser(), house.browser("192.0.2.2"), house.browser()
    await desk.log_in("anna")
    await phone.log_in("anna")
    await colleague.log_in("bob")
    await desk.post("/staff/logout", {"csrf": await desk.console_token(), "everywhere": "1"})
    assert await house.staff.sessions.member_of(phone.cookies()) is None
    assert await house.staff.sessions.member_of(colleague.cookies()) is not None
    await phone.log_in("anna")
    assert await house.staff.sessions.member_of(phone.cookies()) is not None


async def test_a_removed_account_is_out_at_once(redis: Redis) -> None:
    house = House(redis)
    browser = house.browser()
    await browser.log_in("anna")
    after = house.restarted_with(account("bob"))
    assert await after.staff.sessions.member_of(browser.cookies()) is None


async def test_other_roles_and_purposes_hold_at_once(redis: Redis) -> None:
    house = House(redis)
    browser = house.browser()
    await browser.log_in("anna")
    after = house.restarted_with(account("anna", roles=frozenset({"supervisor"}), purposes=("*",), capacity=1))
    member = await after.staff.sessions.member_of(browser.cookies())
    assert member is not None
    assert (member.roles, member.purposes, member.capacity) == (frozenset({"supervisor"}), ("*",), 1)


async def test_a_new_password_ends_what_was_begun_with_the_old_one(redis: Redis) -> None:
    house = House(redis)
    browser = house.browser()
    await browser.log_in("anna")
    after = house.restarted_with(account("anna", password_hash=rehashed("kersen-vlaai")))
    assert await after.staff.sessions.member_of(browser.cookies()) is None


async def test_who_is_logged_in_goes_straight_on(redis: Redis) -> None:
    browser = House(redis).browser()
    await browser.log_in("anna")
    answer = await browser.get("/staff/login?next=/console?queue=2")
    assert (answer.status_code, answer.headers["location"]) == (303, "/console?queue=2")


@pytest.mark.parametrize(
    "elsewhere",
    [
        "https://evil.example/",
        "//evil.example",
        "/\\evil.example",
        "\\/evil.example",
        "/\t/evil.example",
        "/\n/evil.example",
        "/console\r\nSet-Cookie: a=b",
        "javascript:alert(1)",
        "evil.example",
        "",
    ],
)
async def test_after_log_in_nobody_is_sent_elsewhere(redis: Redis, elsewhere: str) -> None:
    answer = await House(redis).browser().log_in("anna", next=elsewhere)
    assert (answer.status_code, answer.headers["location"]) == (303, "/console")


@given(st.text())
def test_a_path_that_is_followed_is_always_one_of_this_site(path: str) -> None:
    chosen = own_path(path)
    assert chosen.startswith("/")
    assert not chosen.startswith("//")
    assert chosen.isascii()
    assert "\\" not in chosen
    assert chosen.isprintable()


async def test_the_page_speaks_the_language_that_was_chosen_also_after_a_mistake(redis: Redis) -> None:
    browser = House(redis).browser()
    assert "Username" in (await browser.get("/staff/login?lang=en")).text
    answer = await browser.log_in("anna", "wrong", lang="en")
    assert "Please try again" in answer.text
    answer = await browser.log_in("anna", lang="en")
    assert answer.headers["location"] == "/console?lang=en"


async def test_what_was_typed_as_username_is_shown_again_as_text(redis: Redis) -> None:
    answer = await House(redis).browser().log_in('"><script>alert(1)</script>', "x")
    assert "<script>alert" not in answer.text


async def test_a_form_with_a_missing_field_is_refused_by_its_name(redis: Redis) -> None:
    browser = House(redis).browser()
    answer = await browser.post("/staff/login", {"account": "anna"}, Accept="application/json")
    assert answer.status_code == 400
    assert answer.json()["error"]["field"] == "password"


async def test_without_redis_nobody_comes_in_and_the_page_says_so(own_redis_server: RedisServer) -> None:
    from idcontact.redis import connect

    client = connect(own_redis_server.url)
    try:
        house = House(client)
        browser = house.browser()
        page = await browser.get("/staff/login")
        assert page.status_code == 200
        own_redis_server.kill()
        answer = await browser.log_in("anna")
        assert answer.status_code == 503
        assert "storing bij ons" in answer.text
        assert COOKIE not in browser.cookies()
        browser.jar.set(COOKIE, "x", domain="contact.example", path="/")
        assert (await browser.get("/console")).status_code == 503
    finally:
        await client.aclose()


async def test_no_password_cookie_or_typed_name_is_logged(redis: Redis, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    browser = House(redis).browser()
    await browser.log_in("my-password-by-mistake", "hunter-2-hunter")
    await browser.log_in("anna", "hunter-2-hunter")
    await browser.log_in("anna")
    ours = "\n".join(record.getMessage() for record in caplog.records if record.name.startswith("idcontact"))
    assert "POST /staff/login 303" in ours
    for secret in ("my-password-by-mistake", "hunter-2-hunter", PASSWORDS["anna"], *browser.cookies().values()):
        assert secret not in ours


async def test_no_cookie_or_token_can_be_read_from_redis(redis: Redis) -> None:
    browser = House(redis).browser()
    await browser.log_in("anna")
    token = await browser.console_token()
    kept = b"".join([key + (await redis.dump(key) or b"") async for key in redis.scan_iter()])
    assert b"anna" in kept
    for secret in (*browser.cookies().values(), token, PASSWORDS["anna"]):
        assert secret.encode() not in kept
