"""Redis is gone for a while: health says so, sockets stay, and everything goes on by itself afterwards."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final, Literal

import aiohttp
import pytest

from idcontact import pipe, subscriber
from idcontact import redis as store
from idcontact.live import attendance
from live_client import Refused
from live_floor import Floor, Logins, floor_of
from running import make_site, running_house
from servers import Kind, RedisServer, wanted_kinds

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from live_client import Client
    from running import Site

GONE: Final = 4404
NOT_LOGGED_IN: Final = 4401


def a_quick_eye(monkeypatch: pytest.MonkeyPatch) -> None:
    """A store that is silent is noticed sooner than by those who have all day."""
    monkeypatch.setattr(store, "_ANSWER_WITHIN", 2.0)
    monkeypatch.setattr(pipe, "_ANSWER_WITHIN", 2.0)
    monkeypatch.setattr(subscriber, "_BEAT", 0.8)
    monkeypatch.setattr(subscriber, "_DEAD_AFTER", 2.8)


@pytest.mark.parametrize(
    ("kind", "how"), [*((kind, "killed") for kind in wanted_kinds()), (wanted_kinds()[0], "paused")]
)
async def test_an_outage_of_redis_is_survived_by_everybody(
    kind: Kind, how: Literal["killed", "paused"], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if how == "paused":
        a_quick_eye(monkeypatch)
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    with RedisServer(kind, appendonly=True) as redis:
        site = make_site(tmp_path / "one", redis.url)
        beside = make_site(tmp_path / "two", redis.url, beside=site)
        async with running_house(site), running_house(beside), floor_of(site) as floor:
            await _through_an_outage(floor, beside, redis, how)


async def _through_an_outage(floor: Floor, beside: Site, redis: RedisServer, how: str) -> None:
    end_user, ann = await floor.talk(at=beside)
    waiting = await floor.waits("passport")
    offer = await ann.offered()
    conversation = end_user.conversation
    await end_user.say("before")
    await ann.said(conversation, "before")

    if how == "killed":
        redis.kill()
    else:
        redis.pause()
    await _ready_is(floor.site, 503)
    await asyncio.gather(_in_vain(end_user, conversation, "during"), _in_vain(ann, conversation, "meanwhile"))
    await _ready_is(beside, 503)
    if how == "killed":
        redis.start()
    else:
        redis.resume()
    await _ready_is(floor.site, 200)
    await _ready_is(beside, 200)

    await _again(end_user, conversation, "during")
    await _again(ann, conversation, "meanwhile")
    assert [one.close_code for one in (end_user, ann, waiting)] == [None, None, None]
    await end_user.has_seq(conversation, 6)
    assert end_user.texts()[0] == "before"
    assert sorted(end_user.texts()) == ["before", "during", "meanwhile"]
    await ann.has_seq(conversation, 6)
    assert ann.events(conversation) == end_user.events(conversation)

    assert (await ann.offered())["entered_at"] == offer["entered_at"]
    await ann.accept_next(waiting.conversation)
    await waiting.say("here I am")
    await ann.said(waiting.conversation, "here I am")
    newcomer = await floor.waits()
    await ann.accept_next(newcomer.conversation)
    await ann.say(newcomer.conversation, "welcome")
    await newcomer.said("welcome")


async def test_a_store_that_comes_back_without_its_data_leaves_nobody_hanging(
    server_kind: Kind, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attendance, "RENEW_EVERY", 4.0)  # that a log-in is gone is noticed when it is renewed
    with RedisServer(server_kind) as redis:
        async with running_house(make_site(tmp_path, redis.url)) as site:
            async with strangers(site) as floor:
                end_user, ann = await floor.talk()
                waiting = await floor.waits("passport")
                redis.kill()
                redis.start()
                assert await end_user.closed() == GONE
                assert await waiting.closed() == GONE
                await ann.until(lambda: not ann.queue, "an empty queue")
                await ann.until(lambda: not ann.conversations, "no conversations")
                assert await ann.closed() == NOT_LOGGED_IN
                assert not (faults := [*end_user.faults, *waiting.faults, *ann.faults]), faults
            async with floor_of(site) as floor:
                newcomer, ann = await floor.talk()
                await newcomer.say("from the beginning")
                await ann.said(newcomer.conversation, "from the beginning")


async def test_with_a_full_memory_nothing_more_is_said_but_all_that_was_can_be_read_and_ended(
    server_kind: Kind, tmp_path: Path
) -> None:
    with RedisServer(server_kind, appendonly=True) as redis:
        async with running_house(make_site(tmp_path, redis.url)) as site, floor_of(site) as floor:
            end_user, ann = await floor.talk()
            other = await floor.waits("passport")
            conversation = end_user.conversation
            await end_user.say("before")
            _fill(redis)
            assert "takes nothing" in await _ready_is(site, 503)
            for client in (end_user, ann):
                with pytest.raises(Refused, match=r"^unavailable"):
                    await client.command("send", command_id="during", conversation=conversation, text="during")
            assert (await end_user.resume())["conversation"]["phase"] == "active"
            await ann.resume()
            await ann.said(conversation, "before")
            await other.end()
            assert other.is_open

            _make_room(redis)
            await _ready_is(site, 200)
            await _again(end_user, conversation, "during")
            await ann.said(conversation, "before", "during")
            _fill(redis)
            await end_user.end()
            await ann.in_phase(conversation, "wrapping_up")
            await ann.finish(conversation)
            await end_user.in_phase("closed")
            _make_room(redis)


@asynccontextmanager
async def strangers(site: Site) -> AsyncIterator[Floor]:
    """People who leave as they are: nothing of them is left to be ended."""
    logins = Logins()
    floor = Floor(site, logins)
    try:
        yield floor
    finally:
        await floor.leave()
        await logins.close()


def _fill(redis: RedisServer) -> None:
    """From now on there is no room for anything more."""
    with redis.client() as client:
        client.config_set("maxmemory", client.info("memory")["used_memory"] // 2)


def _make_room(redis: RedisServer) -> None:
    with redis.client() as client:
        client.config_set("maxmemory", 0)


async def _in_vain(client: Client, conversation: str, text: str) -> None:
    """It is refused for the time being, with the word when to try again; the connection itself lives."""
    with pytest.raises(Refused, match=r"^unavailable") as refused:
        await client.command("send", command_id="during", conversation=conversation, text=text)
    assert refused.value.retry_after_ms is not None
    await client.ping()


async def _again(client: Client, conversation: str, text: str) -> None:
    """As the page says: the same command again, after the pause that the answer names."""
    for _ in range(60):
        try:
            await client.command("send", command_id="during", conversation=conversation, text=text)
        except Refused as refused:
            if refused.code != "unavailable":
                raise
            await asyncio.sleep((refused.retry_after_ms or 0) / 1000)
        else:
            return
    raise AssertionError("still unavailable")


async def _ready_is(site: Site, status: int) -> str:
    """Until it is so; what it says then."""
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=60)) as session:
        for _ in range(10_000):
            async with session.get(f"{site.url}/health/ready") as answer:
                if answer.status == status:
                    said: str = (await answer.json())["status"]
                    return said
    raise AssertionError(f"/health/ready never answered {status}")
