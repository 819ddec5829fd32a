"""Who comes too often: whoever may come in is counted by who they are, and nobody for somebody else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest
import pytest_asyncio

from idcontact.live import stream as live_stream
from idcontact.live.keys import keys_of
from live_client import Refused
from live_floor import Floor, floor_of
from live_stream import StreamConnection
from running import make_site, running_house

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from redis.asyncio import Redis

    from live_client import Client
    from live_people import EndUser

pytestmark = pytest.mark.one_kind

LIMIT: Final = 8
NOT_LOGGED_IN: Final = 4401
TOO_OFTEN: Final = 4429


@pytest_asyncio.fixture
async def few(redis_url: str, tmp_path: Path) -> AsyncIterator[Floor]:
    """A house that lets nobody come more than eight times a minute."""
    site = make_site(tmp_path, redis_url)
    allowed = site.config.read_text().replace('socket_limit = "10000 per min"', f'socket_limit = "{LIMIT} per min"')
    site.config.write_text(allowed)
    async with running_house(site), floor_of(site) as floor:
        yield floor


async def closed_after(client: Client, cookie: str | None = None) -> int:
    """The code with which this side is closed when it comes once more."""
    await client.open(cookie=cookie)
    return await client.closed()


async def test_more_people_behind_one_address_than_one_may_come_all_come_in_at_once(few: Floor) -> None:
    visitors = [await few.waits() for _ in range(LIMIT + 2)]
    agent = await few.agent("ann")
    for visitor in visitors:
        visitor.lose()
        assert (await visitor.resume())["conversation"]["phase"] == "waiting"
    agent.lose()
    assert await agent.resume()


@pytest.mark.parametrize("by_stream", [False, True], ids=["socket", "stream"])
async def test_strangers_keep_nobody_at_their_address_out(few: Floor, *, by_stream: bool) -> None:
    few.by_stream = by_stream
    stranger = await few.waits()
    codes = [await closed_after(stranger, cookie="") for _ in range(LIMIT + 2)]
    assert codes == [NOT_LOGGED_IN] * LIMIT + [TOO_OFTEN] * 2
    end_user, ann = await few.talk()
    await end_user.say("nothing in the way")
    await ann.said(end_user.conversation, "nothing in the way")


async def test_who_comes_too_often_is_kept_out_alone(few: Floor) -> None:
    restless, other = await few.waits(), await few.waits()
    await restless.end()
    await restless.in_phase("closed")
    for _ in range(LIMIT - 1):
        await restless.resume()
    assert await closed_after(restless) == TOO_OFTEN
    assert await other.resume()


async def test_posts_of_who_may_not_post_have_an_end_and_hinder_nobody(few: Floor) -> None:
    few.by_stream = True
    end_user = await few.waits()
    stream = end_user.line
    assert isinstance(stream, StreamConnection)
    answers = [await stream.post("{}", stream.batches + 1, Cookie="") for _ in range(LIMIT + 2)]
    assert answers == [403] * LIMIT + [429] * 2
    nowhere = [
        await stream.post("{}", stream.batches + 1, **{"Idcontact-Stream": stream.token[:-1] + "!"})
        for _ in range(LIMIT + 1)
    ]
    assert nowhere[0] == 410
    assert nowhere[-1] == 429
    await end_user.end()
    await end_user.in_phase("closed")


async def test_a_page_that_posts_the_same_again_and_again_is_closed(
    few: Floor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_stream, "MAX_REPEATS", 5)
    few.by_stream = True
    end_user = await few.waits()
    stream = end_user.line
    assert isinstance(stream, StreamConnection)
    assert [await stream.post("{}", 1) for _ in range(6)] == [204] * 6
    assert await end_user.closed() == TOO_OFTEN


async def test_who_says_too_much_over_many_sockets_has_to_wait_and_the_other_side_has_not(
    redis_url: str, redis: Redis, tmp_path: Path
) -> None:
    site = make_site(tmp_path, redis_url, live="frames_per_10_seconds = 20")
    async with running_house(site), floor_of(site) as floor:
        end_user, ann = await floor.talk()
        number, refused = await _says_too_much(end_user)
        assert refused.code == "rate_limited"
        assert 0 < (refused.retry_after_ms or 0) <= 11_000
        assert end_user.is_open
        await ann.say(end_user.conversation, "a word in between")
        await end_user.said(*map(str, range(number)), "a word in between")

        # As if the ten seconds were over.
        await redis.hdel(keys_of(end_user.conversation, "idc").hash, "said_end_user")
        await end_user.say(str(number), command_id=f"c{number}")
        await ann.until(lambda: ann.texts(end_user.conversation)[-1] == str(number), "what had to wait")


async def _says_too_much(end_user: EndUser) -> tuple[int, Refused]:
    """Count aloud, by a new socket for every ten numbers; the number that was refused, and how."""
    for number in range(100):
        if number % 10 == 0:
            await end_user.resume()
        try:
            await end_user.say(str(number), command_id=f"c{number}")
        except Refused as refused:
            return number, refused
    raise AssertionError("nothing was too much")
