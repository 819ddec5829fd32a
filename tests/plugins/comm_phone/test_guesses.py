from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from idcontact.errors import NotFound, TooManyRequests, Unavailable
from idcontact.limits import Limit, Limiter
from idcontact.plugin.testkit import MemoryLimiter
from idcontact.redis import connect
from idcontact_comm_phone.guesses import Guesses

if TYPE_CHECKING:
    from redis.asyncio import Redis

    from idcontact.plugin import Limiter as Counts
    from servers import RedisServer


def guesses(limiter: Counts, *, wrong: int = 3, tries: int = 5) -> Guesses:
    return Guesses(limiter, "comm_phone", Limit(tries, 60), Limit(wrong, 60))


class Codes:
    """Where codes are looked up; what was tried in time."""

    def __init__(self, *right: str) -> None:
        self.right = right
        self.looked_up: list[str] = []

    async def look_up(self, code: str) -> None:
        self.looked_up.append(code)
        await asyncio.sleep(0)
        if code not in self.right:
            raise NotFound("nobody has this code")


async def attempt(of: Guesses, codes: Codes, code: str, *, call: str, address: str = "192.0.2.1") -> str:
    try:
        async with of.attempt(call, address):
            await codes.look_up(code)
    except (NotFound, TooManyRequests) as refusal:
        return type(refusal).__name__
    return "tied"


async def test_of_many_guesses_at_the_same_moment_no_more_are_looked_up_than_the_limit_has(
    redis: Redis, caplog: pytest.LogCaptureFixture
) -> None:
    codes, counted = Codes("right"), guesses(Limiter(redis, "idc"), wrong=3)
    done = await asyncio.gather(*(attempt(counted, codes, str(n), call=str(n)) for n in range(40)))
    assert (done.count("NotFound"), done.count("TooManyRequests")) == (3, 37)
    assert len(codes.looked_up) == 3
    assert "wrong_codes is reached" in caplog.text
    assert await attempt(counted, codes, "right", call="honest") == "TooManyRequests"
    assert await attempt(counted, codes, "right", call="honest", address="192.0.2.2") == "tied"


async def test_right_codes_are_never_too_many_for_an_address() -> None:
    codes, counted = Codes("right"), guesses(MemoryLimiter(), wrong=1)
    assert [await attempt(counted, codes, "right", call=str(n)) for n in range(10)] == ["tied"] * 10


async def test_a_call_tries_what_it_may_also_from_two_addresses() -> None:
    codes, counted = Codes("right"), guesses(MemoryLimiter(), wrong=100, tries=2)
    assert await attempt(counted, codes, "1", call="c", address="a") == "NotFound"
    assert await attempt(counted, codes, "2", call="c", address="b") == "NotFound"
    assert await attempt(counted, codes, "right", call="c", address="a") == "TooManyRequests"
    assert await attempt(counted, codes, "right", call="d", address="a") == "tied"


async def test_a_failure_of_another_kind_is_no_guess() -> None:
    counted = guesses(MemoryLimiter(), wrong=1)
    with pytest.raises(ConnectionError):
        async with counted.attempt("c", "a"):
            raise ConnectionError
    assert await attempt(counted, Codes("right"), "right", call="d", address="a") == "tied"


async def test_two_plugins_of_one_installation_count_apart() -> None:
    limiter, codes = MemoryLimiter(), Codes("right")
    one, other = guesses(limiter, wrong=1), Guesses(limiter, "second_phone", Limit(5, 60), Limit(1, 60))
    assert await attempt(one, codes, "wrong", call="c") == "NotFound"
    assert await attempt(one, codes, "right", call="c") == "TooManyRequests"
    assert await attempt(other, codes, "right", call="c") == "tied"


async def test_nothing_is_looked_up_while_nobody_can_count(own_redis_server: RedisServer) -> None:
    client, codes = connect(own_redis_server.url), Codes("right")
    try:
        own_redis_server.kill()
        with pytest.raises(Unavailable):
            await attempt(guesses(Limiter(client, "idc")), codes, "right", call="c")
        assert codes.looked_up == []
    finally:
        await client.aclose()
