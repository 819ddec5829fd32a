"""How long a log-in lasts, and what tells a socket that it has ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

from idcontact.staff.sessions import carries_token, form_token
from idcontact.staff.store import digest_of
from staff_house import House

if TYPE_CHECKING:
    from redis.asyncio import Redis

HOUR = 3600.0


async def logged_in(house: House) -> dict[str, str]:
    browser = house.browser()
    await browser.log_in("anna")
    return browser.cookies()


async def test_a_session_ends_when_it_is_not_used(redis: Redis) -> None:
    house = House(redis)
    cookies = await logged_in(house)
    house.clock.turn(HOUR)
    assert await house.staff.sessions.member_of(cookies) is None


async def test_use_keeps_a_session_but_never_past_its_limit(redis: Redis) -> None:
    house = House(redis)
    cookies = await logged_in(house)
    for _ in range(23):
        house.clock.turn(HOUR / 2)
        assert await house.staff.sessions.member_of(cookies) is not None
    house.clock.turn(HOUR / 2)
    assert await house.staff.sessions.member_of(cookies) is None


async def test_an_open_console_counts_as_use_and_a_look_at_it_does_not(redis: Redis) -> None:
    house = House(redis)
    used, watched = await logged_in(house), await logged_in(house)
    sessions = house.staff.sessions
    first, second = await sessions.member_of(used), await sessions.member_of(watched)
    assert first is not None
    assert second is not None
    for _ in range(2):
        house.clock.turn(HOUR / 2)
        await sessions.seen(first.session)
        await sessions.still_valid(second.session)
    assert await sessions.still_valid(first.session)
    assert not await sessions.still_valid(second.session)


async def test_a_socket_hears_that_its_session_was_ended_elsewhere(redis: Redis) -> None:
    house = House(redis)
    sessions = house.staff.sessions
    member = await sessions.member_of(await logged_in(house))
    assert member is not None
    assert await sessions.still_valid(member.session)
    await sessions.end(member.session)
    assert not await sessions.still_valid(member.session)
    assert await sessions.seen(member.session) is None


async def test_use_at_the_same_moment_does_not_bring_an_ended_session_back(redis: Redis) -> None:
    house = House(redis)
    sessions = house.staff.sessions
    cookies = await logged_in(house)
    member = await sessions.member_of(cookies)
    assert member is not None
    await sessions.end(member.session)
    await sessions._store.seen(member.session, 1, 60_000)
    assert await sessions.member_of(cookies) is None
    assert [key async for key in redis.scan_iter("*session*")] == []


async def test_sessions_leave_redis_by_themselves(redis: Redis) -> None:
    house = House(redis)
    member = await house.staff.sessions.member_of(await logged_in(house))
    assert member is not None
    left = await redis.pttl(f"idc:{{staff}}:session:{member.session}")
    assert 0 < left <= HOUR * 1000
    house.clock.turn(11.9 * HOUR - HOUR * 11)
    await house.staff.sessions.seen(member.session)
    assert 0 < await redis.pttl(f"idc:{{staff}}:session:{member.session}") <= HOUR * 1000


async def test_nobody_is_behind_no_cookie_an_empty_one_or_a_guess(redis: Redis) -> None:
    sessions = House(redis).staff.sessions
    for cookies in ({}, {"__Host-idc-staff": ""}, {"__Host-idc-staff": "x" * 43}, {"__Host-idc-staff": "\udcff"}):
        assert await sessions.member_of(cookies) is None


async def test_the_name_of_a_session_is_not_its_cookie(redis: Redis) -> None:
    house = House(redis)
    cookies = await logged_in(house)
    member = await house.staff.sessions.member_of(cookies)
    assert member is not None
    assert member.session == digest_of(cookies["__Host-idc-staff"])
    assert await house.staff.sessions.member_of({"__Host-idc-staff": member.session}) is None


def test_a_token_is_good_for_its_own_cookie_and_form_only() -> None:
    token = form_token("cookie", "log in")
    assert carries_token("cookie", "log in", token)
    assert not carries_token("cookie", "console", token)
    assert not carries_token("another", "log in", token)
    assert not carries_token(None, "log in", token)
    assert not carries_token("", "log in", form_token("", "log in"))
    assert not carries_token("cookie", "log in", "é")
