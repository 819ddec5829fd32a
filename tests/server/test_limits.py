"""Limits: what passes, who is counted, and what happens while Redis is away."""

from __future__ import annotations

import asyncio
import ipaddress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import HTTPConnection

from idcontact.errors import TooManyRequests, Unavailable
from idcontact.limits import Limit, Limiter, client_address
from idcontact.redis import connect
from idcontact.settings_values import MisfitError

if TYPE_CHECKING:
    from redis.asyncio import Redis

    from servers import RedisServer


def connection(host: str | None) -> HTTPConnection:
    return HTTPConnection({"type": "http", "headers": [], "client": None if host is None else (host, 1)})


async def test_what_fits_the_limit_passes_and_the_next_is_told_how_long_to_wait(redis: Redis) -> None:
    limiter = Limiter(redis, "idc")
    for _ in range(3):
        await limiter.hit("start", "192.0.2.1", Limit(3, 60))
    with pytest.raises(TooManyRequests) as refusal:
        await limiter.hit("start", "192.0.2.1", Limit(3, 60))
    assert 1 <= refusal.value.retry_after <= 60


async def test_one_who_is_over_the_limit_takes_nothing_from_another(redis: Redis) -> None:
    limiter = Limiter(redis, "idc")
    await limiter.hit("start", "192.0.2.1", Limit(1, 60))
    with pytest.raises(TooManyRequests):
        await limiter.hit("start", "192.0.2.1", Limit(1, 60))
    await limiter.hit("start", "192.0.2.2", Limit(1, 60))
    await limiter.hit("landing", "192.0.2.1", Limit(1, 60))


async def test_a_look_at_a_limit_refuses_what_a_hit_would_and_counts_nothing(redis: Redis) -> None:
    limiter = Limiter(redis, "idc")
    for _ in range(3):
        await limiter.check("start", "192.0.2.1", Limit(1, 60))
    await limiter.hit("start", "192.0.2.1", Limit(1, 60))
    with pytest.raises(TooManyRequests) as refusal:
        await limiter.check("start", "192.0.2.1", Limit(1, 60))
    assert 1 <= refusal.value.retry_after <= 60
    await limiter.check("start", "192.0.2.2", Limit(1, 60))


async def test_hits_at_the_same_moment_never_pass_the_limit_together(redis: Redis) -> None:
    limiter = Limiter(redis, "idc")
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


async def test_a_forgotten_key_starts_from_nothing(redis: Redis) -> None:
    limiter = Limiter(redis, "idc")
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
