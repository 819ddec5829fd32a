"""How often a password may be tried, and who is kept out by it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from idcontact.errors import TooManyRequests, Unavailable
from idcontact.staff.accounts import Accounts
from idcontact.staff.log_in import Attempt
from staff_house import PASSWORDS, House, account

if TYPE_CHECKING:
    from redis.asyncio import Redis

    from staff_house import Browser


async def guess(browser: Browser, name: str, times: int) -> list[int]:
    return [(await browser.log_in(name, f"guess {number}")).status_code for number in range(times)]


async def test_after_ten_guesses_an_address_has_to_wait_and_is_told_how_long(redis: Redis) -> None:
    house = House(redis)
    thief = house.browser("203.0.113.9")
    assert await guess(thief, "anna", 20) == [401] * 10 + [429] * 10
    answer = await thief.log_in("anna")
    assert answer.status_code == 429
    assert 1 <= int(answer.headers["retry-after"]) <= 600
    assert "te vaak geprobeerd" in answer.text


async def test_twenty_guesses_from_one_address_do_not_keep_the_owner_out_at_another(redis: Redis) -> None:
    house = House(redis)
    await guess(house.browser("203.0.113.9"), "anna", 20)
    assert (await house.browser("192.0.2.1").log_in("anna")).status_code == 303


async def test_guesses_from_the_owners_own_address_do_not_keep_out_the_device_they_use(redis: Redis) -> None:
    house = House(redis)
    owner = house.browser("192.0.2.1")
    await owner.log_in("anna")
    await owner.post("/staff/logout", {"csrf": await owner.console_token()})
    await guess(house.browser("192.0.2.1"), "anna", 20)
    assert (await owner.log_in("anna")).status_code == 303


async def test_guesses_from_everywhere_do_not_keep_out_the_device_they_use(redis: Redis) -> None:
    house = House(redis)
    owner = house.browser("192.0.2.1")
    await owner.log_in("anna")
    await owner.post("/staff/logout", {"csrf": await owner.console_token()})
    outcomes = [code for number in range(11) for code in await guess(house.browser(f"203.0.113.{number}"), "anna", 10)]
    assert outcomes.count(401) <= 100
    assert (await house.browser("198.51.100.1").log_in("anna")).status_code == 429
    assert (await owner.log_in("anna")).status_code == 303


async def test_a_known_device_may_not_guess_without_end_either(redis: Redis) -> None:
    house = House(redis)
    browser = house.browser()
    await browser.log_in("anna")
    await browser.post("/staff/logout", {"csrf": await browser.console_token()})
    assert await guess(browser, "anna", 12) == [401] * 10 + [429] * 2


async def test_a_device_is_known_for_the_account_that_logged_in_there_and_no_other(redis: Redis) -> None:
    house = House(redis)
    await guess(house.browser("192.0.2.1"), "anna", 10)
    browser = house.browser("192.0.2.1")
    await browser.log_in("bob")
    await browser.post("/staff/logout", {"csrf": await browser.console_token()})
    assert (await browser.log_in("anna")).status_code == 429


async def test_colleagues_on_one_device_are_both_known_there(redis: Redis) -> None:
    house = House(redis)
    browser = house.browser("192.0.2.1")
    for name in ("anna", "bob"):
        await browser.log_in(name)
        await browser.post("/staff/logout", {"csrf": await browser.console_token()})
    for name in ("anna", "bob"):
        await guess(house.browser("192.0.2.1"), name, 10)
    for name in ("anna", "bob"):
        assert (await browser.log_in(name)).status_code == 303
        await browser.post("/staff/logout", {"csrf": await browser.console_token()})


async def test_a_device_is_forgotten_after_its_time(redis: Redis) -> None:
    house = House(redis)
    browser = house.browser("192.0.2.1")
    await browser.log_in("anna")
    house.clock.turn(house.settings.known_device + 1)
    await guess(house.browser("192.0.2.1"), "anna", 10)
    assert (await browser.log_in("anna")).status_code == 429


async def test_honest_mistakes_are_forgotten_after_a_log_in(redis: Redis) -> None:
    house = House(redis)
    for _ in range(3):
        browser = house.browser("192.0.2.1")
        assert await guess(browser, "anna", 9) == [401] * 9
        assert (await browser.log_in("anna")).status_code == 303


async def test_one_address_cannot_try_one_password_on_many_accounts(redis: Redis) -> None:
    house = House(redis)
    browser = house.browser("203.0.113.9")
    outcomes = [(await browser.log_in(f"someone{number}", "welkom01")).status_code for number in range(65)]
    assert outcomes == [401] * 60 + [429] * 5


async def test_an_account_that_does_not_exist_is_limited_like_one_that_does(redis: Redis) -> None:
    house = House(redis)
    existing = await guess(house.browser("203.0.113.1"), "anna", 12)
    missing = await guess(house.browser("203.0.113.2"), "carl", 12)
    assert existing == missing


async def test_capitals_and_spaces_around_a_username_do_not_matter(redis: Redis) -> None:
    browser = House(redis).browser()
    assert (await browser.log_in(" Anna ", PASSWORDS["anna"])).status_code == 303


@pytest.mark.parametrize("password", ["x" * 1025, "é" * 513])
async def test_a_password_that_is_too_long_to_be_one_is_wrong(redis: Redis, password: str) -> None:
    assert (await House(redis).browser().log_in("anna", password)).status_code == 401


async def test_an_unknown_account_costs_as_much_work_as_a_known_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Counted in hashes with the same parameters, not in time, which a busy machine bends."""
    from argon2 import PasswordHasher, extract_parameters

    verified: list[object] = []
    real = PasswordHasher.verify

    def counting(self: PasswordHasher, encoded: str | bytes, password: str | bytes) -> bool:
        verified.append(extract_parameters(str(encoded)))
        return bool(real(self, encoded, password))

    monkeypatch.setattr(PasswordHasher, "verify", counting)
    accounts = Accounts([account("anna")])
    assert await accounts.verify("anna", "wrong", known_device=False) is None
    assert await accounts.verify("carl", "wrong", known_device=False) is None
    assert len(verified) == 2
    assert verified[0] == verified[1]


async def test_who_runs_into_a_crowd_of_strangers_is_told_and_a_known_device_is_not_kept_waiting() -> None:
    import anyio

    accounts = Accounts([account("anna")])
    async with anyio.create_task_group() as crowd:
        await accounts._strangers.acquire_on_behalf_of("first")
        await accounts._strangers.acquire_on_behalf_of("second")

        async def stranger() -> None:
            await accounts.verify("anna", "wrong", known_device=False)

        for _ in range(20):
            crowd.start_soon(stranger)
        await anyio.wait_all_tasks_blocked()
        with pytest.raises(Unavailable):
            await accounts.verify("anna", PASSWORDS["anna"], known_device=False)
        assert await accounts.verify("anna", PASSWORDS["anna"], known_device=True) is not None
        accounts._strangers.release_on_behalf_of("first")
        accounts._strangers.release_on_behalf_of("second")


def test_a_weak_hash_in_the_settings_is_noted_at_start(caplog: pytest.LogCaptureFixture) -> None:
    Accounts([account("anna")])
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "anna" in caplog.text
    assert "hash-password" in caplog.text
    assert "argon2id$" not in caplog.text


async def test_guesses_at_the_same_moment_do_not_pass_the_limit_together(redis: Redis) -> None:
    import asyncio

    house = House(redis)
    log_in = house.staff._pages._log_in
    attempts = (log_in.attempt(Attempt("anna", f"guess {number}", "203.0.113.9", None)) for number in range(30))
    outcomes = await asyncio.gather(*attempts, return_exceptions=True)
    assert sum(isinstance(outcome, TooManyRequests) for outcome in outcomes) == 20
    assert sum(outcome is None for outcome in outcomes) == 10
