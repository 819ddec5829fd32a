"""Redis is gone for a while: health says so, sockets stay, and everything goes on by itself afterwards."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Literal

import aiohttp
import pytest

from live_client import Refused
from live_floor import Floor, floor_of
from running import make_site, running_house

if TYPE_CHECKING:
    from pathlib import Path

    from live_client import Client
    from running import Site
    from servers import RedisServer


@pytest.mark.parametrize("how", ["killed", "paused"])
async def test_an_outage_of_redis_is_survived_by_everybody(
    own_redis_server: RedisServer, tmp_path: Path, how: Literal["killed", "paused"]
) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    site = make_site(tmp_path / "one", own_redis_server.url)
    beside = make_site(tmp_path / "two", own_redis_server.url, beside=site)
    async with running_house(site), running_house(beside), floor_of(site) as floor:
        await _through_an_outage(floor, beside, own_redis_server, how)


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
    for client, members in ((end_user, {"text": "during"}), (ann, {"text": "meanwhile"})):
        with pytest.raises(Refused, match=r"^unavailable") as refused:
            await client.command("send", command_id="during", conversation=conversation, **members)
        assert refused.value.retry_after_ms is not None
        await client.ping()
    await _ready_is(beside, 503)
    if how == "killed":
        redis.start()
    else:
        redis.resume()
    await _ready_is(floor.site, 200)
    await _ready_is(beside, 200)

    await _again(end_user, conversation, "during")
    await _again(ann, conversation, "meanwhile")
    assert end_user.is_open
    assert ann.is_open
    assert waiting.is_open
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


async def _ready_is(site: Site, status: int) -> None:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=60)) as session:
        for _ in range(10_000):
            async with session.get(f"{site.url}/health/ready") as answer:
                if answer.status == status:
                    return
    raise AssertionError(f"/health/ready never answered {status}")
