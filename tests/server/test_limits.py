"""Limits: what passes, who is counted, and what happens while Redis is away."""

from __future__ import annotations

import asyncio
import ipaddress
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import HTTPConnection

from idcontact.errors import TooManyRequests, Unavailable
from idcontact.limits import Limit, Limiter, client_address
from idcontact.redis import connect
from idcontact.settings_values import MisfitError
from idcontact.tasks import Tasks

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable

    from redis.asyncio import Redis

    from servers import RedisServer


@pytest.fixture(params=["over the pool", "over a connection of its own"])
async def limiter(request: pytest.FixtureRequest, redis: Redis) -> AsyncIterator[Limiter]:
    made = Limiter(redis, "idc")
    async with Tasks() as tasks:
        if request.param == "over a connection of its own":
            tasks.keep(made.run, "limits")
            await made.up.wait()
        yield made


async def over(hit: Awaitable[None]) -> TooManyRequests | None:
    """The refusal of a hit, if it was refused."""
    try:
        await hit
    except TooManyRequests as refusal:
        return refusal
    return None


def connection(host: str | None) -> HTTPConnection:
    return HTTPConnection({"type": "http", "headers": [], "client": None if host is None else (host, 1)})


async def test_what_fits_the_limit_passes_and_the_next_is_told_how_long_to_wait(limiter: Limiter) -> None:
    for _ in range(3):
        await limiter.hit("start", "192.0.2.1", Limit(3, 60))
    with pytest.raises(TooManyRequests) as refusal:
        await limiter.hit("start", "192.0.2.1", Limit(3, 60))
    assert 1 <= refusal.value.retry_after <= 60


async def test_one_who_is_over_the_limit_takes_nothing_from_another(limiter: Limiter) -> None:
    await limiter.hit("start", "192.0.2.1", Limit(1, 60))
    with pytest.raises(TooManyRequests):
        await limiter.hit("start", "192.0.2.1", Limit(1, 60))
    await limiter.hit("start", "192.0.2.2", Limit(1, 60))
    await limiter.hit("landing", "192.0.2.1", Limit(1, 60))


async def test_a_store_that_has_forgotten_the_script_counts_on(limiter: Limiter, redis: Redis) -> None:
    await limiter.hit("start", "192.0.2.1", Limit(2, 60))
    await redis.script_flush()
    await limiter.hit("start", "192.0.2.1", Limit(2, 60))
    with pytest.raises(TooManyRequests):
        await limiter.hit("start", "192.0.2.1", Limit(2, 60))


async def test_whichever_way_a_hit_goes_it_counts_against_the_same_limit(limiter: Limiter, redis: Redis) -> None:
    other = Limiter(redis, "idc")  # whose connection does not stand: over the pool
    await limiter.hit("start", "192.0.2.1", Limit(2, 60))
    await other.hit("start", "192.0.2.1", Limit(2, 60))
    for one in (limiter, other):
        with pytest.raises(TooManyRequests):
            await one.hit("start", "192.0.2.1", Limit(2, 60))


async def test_a_look_at_a_limit_refuses_what_a_hit_would_and_counts_nothing(limiter: Limiter) -> None:
    for _ in range(3):
        await limiter.check("start", "192.0.2.1", Limit(1, 60))
    await limiter.hit("start", "192.0.2.1", Limit(1, 60))
    with pytest.raises(TooManyRequests) as refusal:
        await limiter.check("start", "192.0.2.1", Limit(1, 60))
    assert 1 <= refusal.value.retry_after <= 60
    await limiter.check("start", "192.0.2.2", Limit(1, 60))


async def test_hits_at_the_same_moment_never_pass_the_limit_together(limiter: Limiter) -> None:
    outcomes = await asyncio.gather(
        *(limiter.hit("start", "192.0.2.1", Limit(5, 60)) for _ in range(40)), return_exceptions=True
    )
    assert sum(outcome is None for outcome in outcomes) == 5


async def test_two_nodes_count_together(redis: Redis, redis_url: str) -> None:
    other = connect(redis_url)
    try:
        await Limiter(redis, "idc").hit("start", "192.0.2.1", Limit(1, 60))
        with pytest.raises(TooManyRequests):
            await Limiter(other, "idc").hit("start", "192.0.2.1", Limit(1, 60))
    finally:
        await other.aclose()


async def test_a_forgotten_key_starts_from_nothing(limiter: Limiter) -> None:
    await limiter.hit("log-in", "a", Limit(1, 60))
    await limiter.forget("log-in", "a", Limit(1, 60))
    await limiter.hit("log-in", "a", Limit(1, 60))


async def test_keys_in_redis_have_the_prefix_an_end_and_no_address(redis: Redis) -> None:
    await Limiter(redis, "idc").hit("start", "192.0.2.1", Limit(1, 60))
    keys = [key async for key in redis.scan_iter()]
    assert keys
    for key in keys:
        assert key.startswith(b"idc:limit:")
        assert b"192.0.2.1" not in key
        assert await redis.ttl(key) > 0


async def test_nothing_passes_while_redis_is_away(own_redis_server: RedisServer) -> None:
    client = connect(own_redis_server.url)
    try:
        limiter = Limiter(client, "idc")
        await limiter.hit("start", "192.0.2.1", Limit(100, 60))
        own_redis_server.kill()
        with pytest.raises(Unavailable):
            await limiter.hit("start", "192.0.2.1", Limit(100, 60))
        own_redis_server.start()
        await limiter.hit("start", "192.0.2.1", Limit(100, 60))
    finally:
        await client.aclose()


async def test_a_connection_of_its_own_that_breaks_is_made_again_and_nothing_passes_meanwhile(
    own_redis_server: RedisServer,
) -> None:
    client = connect(own_redis_server.url)
    limiter = Limiter(client, "idc")
    try:
        async with Tasks() as tasks:
            tasks.keep(limiter.run, "limits")
            await limiter.up.wait()
            await limiter.hit("start", "192.0.2.1", Limit(2, 60))
            own_redis_server.kill()
            with pytest.raises(Unavailable):
                await limiter.hit("start", "192.0.2.1", Limit(2, 60))
            own_redis_server.start()
            await limiter.up.wait()
            await limiter.hit("start", "192.0.2.1", Limit(1, 60))
            with pytest.raises(TooManyRequests):
                await limiter.hit("start", "192.0.2.1", Limit(1, 60))
    finally:
        await client.aclose()


async def test_a_window_slides_what_was_done_long_ago_weighs_less(limiter: Limiter, redis: Redis) -> None:
    """The store's clock is not in the test's hand; the moment at which the window began is."""
    limit = Limit(4, 60)
    for _ in range(4):
        await limiter.hit("start", "192.0.2.1", limit)
    (key,) = [key async for key in redis.scan_iter()]
    begun = int(cast(bytes, await redis.hget(key, "start")))

    async def fitting_after(seconds: int) -> int:
        await redis.hset(key, mapping={"start": begun - seconds * 1000, "count": 4, "before": 0})
        outcomes = [await over(limiter.hit("start", "192.0.2.1", limit)) for _ in range(5)]
        refusals = [outcome for outcome in outcomes if outcome is not None]
        assert refusals
        assert all(1 <= refusal.retry_after <= 60 for refusal in refusals)
        return outcomes.count(None)

    assert [await fitting_after(seconds) for seconds in (0, 50, 62, 77, 92, 107, 121)] == [0, 0, 1, 2, 3, 4, 4]


@pytest.mark.parametrize(
    ("host", "counted_as"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("fe80::1%eth0", "fe80::/64"),
        ("testclient", "testclient"),
        (None, "unknown"),
    ],
)
def test_a_caller_is_an_ipv4_address_or_the_network_of_an_ipv6_subscriber(host: str | None, counted_as: str) -> None:
    assert client_address(connection(host)) == counted_as


@given(st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1))
def test_all_addresses_of_a_subscriber_count_as_one_and_those_of_another_do_not(site: int, one: int, two: int) -> None:

    site |= 1 << 61  # 2000::/3, so that no address here is a mapped IPv4 address
    first, second, neighbour = (
        client_address(connection(str(ipaddress.IPv6Address(number))))
        for number in (site << 64 | one, site << 64 | two, (site ^ 1) << 64 | one)
    )
    assert first == second
    assert first != neighbour


@pytest.mark.parametrize(
    ("written", "limit"),
    [("20 per 10 min", Limit(20, 600)), ("5 per s", Limit(5, 1)), ("1 per 2 h", Limit(1, 7200))],
)
def test_a_limit_is_written_as_a_count_per_time(written: str, limit: Limit) -> None:
    assert Limit.from_setting(written, Path()) == limit


@pytest.mark.parametrize(
    "written", ["", "0 per min", "many", "3 per", "3 per moon", "3 per 0 s", "3 per 1.5 s", 3, None]
)
def test_a_limit_that_is_none_is_refused_with_an_example(written: object) -> None:
    with pytest.raises(MisfitError, match="expected a limit"):
        Limit.from_setting(written, Path())
