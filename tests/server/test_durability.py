"""What the store may lose: what it has to be set to, and what is said when it is not."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest
from redis.asyncio import Redis

from idcontact.config import load_config
from idcontact.durability import Durability, check_store
from idcontact.errors import SettingsError
from running import make_site, running_house

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from servers import RedisServer


@pytest.fixture
async def own(own_redis_server: RedisServer) -> AsyncIterator[Redis]:
    """A client of a server with an append-only file, to be set otherwise."""
    async with Redis.from_url(own_redis_server.url, protocol=2, decode_responses=False) as client:
        yield client


async def manage(redis: Redis) -> None:
    """As managed services do: nobody may ask how it is set."""
    await redis.execute_command("ACL", "SETUSER", "default", "-config")  # type: ignore[no-untyped-call]


async def refused(redis: Redis, durability: Durability | None = None) -> str:
    with pytest.raises(SettingsError) as error:
        await check_store(redis, durability)
    return str(error.value)


@pytest.mark.parametrize("policy", ["allkeys-lru", "volatile-ttl", "volatile-random", "allkeys-lfu"])
async def test_a_store_that_evicts_is_refused_with_what_to_set(own: Redis, policy: str) -> None:
    await own.config_set("maxmemory-policy", policy)
    said = await refused(own)
    assert said.startswith(f"redis_url: its maxmemory-policy is {policy}")
    assert said.endswith("set maxmemory-policy to noeviction")


async def test_a_managed_store_that_evicts_is_refused_by_its_own_figures(own: Redis) -> None:
    await own.config_set("maxmemory-policy", "allkeys-lru")
    await manage(own)
    assert "its maxmemory-policy is allkeys-lru" in await refused(own)


async def test_a_store_that_is_set_well_is_taken_without_a_word(own: Redis, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        await check_store(own, None)
        await check_store(own, "everysec")
        await own.config_set("appendfsync", "always")
        await check_store(own, "everysec")
        await check_store(own, "always")
    assert caplog.messages == []


async def test_a_store_that_flushes_less_than_was_promised_is_refused(own: Redis) -> None:
    await own.config_set("appendfsync", "everysec")
    said = await refused(own, "always")
    assert said.startswith("durability: always is promised, but the appendfsync of Redis is everysec")
    assert said.endswith("set it to always")
    await own.config_set("appendfsync", "no")
    assert "the appendfsync of Redis is no" in await refused(own, "everysec")


@pytest.mark.parametrize("durability", ["everysec", "always"])
async def test_a_store_without_an_append_only_file_is_refused_where_one_was_promised(
    own: Redis, durability: Durability
) -> None:
    await own.config_set("appendonly", "no")
    assert await refused(own, durability) == (
        f"durability: {durability} needs an append-only file; set appendonly to yes in Redis"
    )
    await manage(own)
    assert "needs an append-only file" in await refused(own, durability)


async def test_where_nothing_was_promised_a_store_without_a_file_is_warned_about(
    own: Redis, caplog: pytest.LogCaptureFixture
) -> None:
    await own.config_set("appendonly", "no")
    await check_store(own, None)
    assert [message for message in caplog.messages if "when it restarts, all conversations are gone" in message]


async def test_what_a_managed_store_does_not_say_is_warned_about(own: Redis, caplog: pytest.LogCaptureFixture) -> None:
    await manage(own)
    await check_store(own, "always")
    (said,) = caplog.messages
    assert said.startswith("durability: Redis does not say whether it keeps what always promises")
    assert said.endswith("see to it that appendonly is yes and appendfsync always")


async def test_replicas_that_are_not_there_yet_are_warned_about(own: Redis, caplog: pytest.LogCaptureFixture) -> None:
    await check_store(own, "replicated", 1)
    assert caplog.messages[0].startswith("durability: 0 replicas are connected, 1 are needed")


async def test_the_server_does_not_start_on_a_store_that_evicts(own_redis_server: RedisServer, tmp_path: Path) -> None:
    with own_redis_server.client() as client:
        client.config_set("maxmemory-policy", "allkeys-lru")
    with pytest.raises(SettingsError, match="set maxmemory-policy to noeviction"):
        async with running_house(make_site(tmp_path, own_redis_server.url)):
            pass


def test_replicas_of_a_store_of_our_own_are_refused(tmp_path: Path) -> None:
    site = make_site(tmp_path, "", top='durability = "replicated"')
    site.config.write_text(site.config.read_text().replace('redis_url = ""\n', ""))
    with pytest.raises(SettingsError, match="durability: replicated needs a Redis with replicas"):
        load_config(site.config, {})


@pytest.mark.parametrize("wait", ["5 s", "0 s", "a while"])
def test_a_wait_for_replicas_that_no_command_could_last_is_refused(tmp_path: Path, wait: str) -> None:
    site = make_site(tmp_path, "redis://x", top=f'durability = "replicated"\ndurability_wait = "{wait}"')
    with pytest.raises(SettingsError, match="durability_wait: expected a length of time"):
        load_config(site.config, {})


def test_what_replicas_are_waited_for_follows_from_the_settings(tmp_path: Path) -> None:
    top = 'durability = "replicated"\ndurability_replicas = 2\ndurability_wait = "500 ms"'
    replicas = load_config(make_site(tmp_path, "redis://x", top=top).config, {}).replicas
    assert replicas is not None
    assert (replicas.count, replicas.milliseconds) == (2, 500)
    assert load_config(make_site(tmp_path, "redis://x", top='durability = "always"').config, {}).replicas is None
