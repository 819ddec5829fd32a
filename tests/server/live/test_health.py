"""Health turns red when it should: each cause made true, and mended again."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import aiohttp
import pytest

from idcontact import sealing
from idcontact.keystore import DirectoryKeyStore, SystemClock
from idcontact.live import deadlines, measures, part
from idcontact.live.keys import Keys
from live_floor import floor_of
from running import Site, make_site, running_house
from scraping import measured, scraped, until_measured

if TYPE_CHECKING:
    from redis.asyncio import Redis

    from servers import RedisServer

pytestmark = pytest.mark.one_kind

PREFIX = "idc"
GUIDE = (Path(__file__).resolve().parents[3] / "docs/operate.md").read_text()


@pytest.fixture(autouse=True)
def looks_often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever looks into the store does so at once, so that nobody has to wait here."""
    monkeypatch.setattr(part, "ROUND", 0.2)
    monkeypatch.setattr(sealing, "_INTERVAL", 0.1)


class Yesterday(SystemClock):
    """Numbers of epochs begin at the time of day: a key that is made anew today has another one."""

    def wall(self) -> float:
        return super().wall() - 86_400


async def until_ready_says(site: Site, status: int, said: str) -> None:
    """Ask, at both doors, until both answer that; the guide for operators says what it means."""
    assert status == 200 or f"| `{said}` |" in GUIDE
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=60)) as session:
        for door in (site.url, site.internal):
            heard: tuple[int, str] | None = None
            for _ in range(2_000):
                async with session.get(f"{door}/health/ready") as answer:
                    heard = (answer.status, (await answer.json())["status"])
                if heard == (status, said):
                    break
            assert heard == (status, said)
            async with session.get(f"{door}/health/live") as answer:
                assert (answer.status, await answer.json()) == (200, {"status": "ok"})


async def test_a_node_that_does_not_hear_the_others_is_red_until_it_does(
    own_redis_server: RedisServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(measures, "DEAF", 0.1)
    with own_redis_server.client() as redis:
        site = make_site(tmp_path, own_redis_server.url)
        redis.execute_command("ACL", "SETUSER", "default", "-ssubscribe")
        async with running_house(site):
            await until_ready_says(site, 503, "other nodes are not heard")
            assert await measured(site, "idcontact_subscription_up") == 0
            redis.execute_command("ACL", "SETUSER", "default", "+ssubscribe")
            await until_ready_says(site, 200, "ok")
            assert await measured(site, "idcontact_subscription_up") == 1
            redis.execute_command("ACL", "SETUSER", "default", "-ssubscribe")
            redis.execute_command("CLIENT", "KILL", "TYPE", "pubsub")
            await until_ready_says(site, 503, "other nodes are not heard")
            redis.execute_command("ACL", "SETUSER", "default", "+ssubscribe")


async def test_a_deadline_that_nobody_meets_turns_it_red_until_somebody_does(
    redis_url: str, redis: Redis, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "beside").mkdir()
    site = make_site(tmp_path, redis_url)
    monkeypatch.setattr(deadlines, "PASS_EVERY", 3600)  # after the first pass this node's sweeper stands still
    async with running_house(site):
        await until_ready_says(site, 200, "ok")
        forgotten = Keys("a" * 26, PREFIX)
        seconds, _ = await redis.time()
        await redis.zadd(forgotten.due, {f"hard_limit|{forgotten.id}": (int(seconds) - 60) * 1000})
        await until_ready_says(site, 503, "deadlines are late")
        assert forgotten.id not in await scraped(site)
        assert 60 <= await measured(site, "idcontact_deadline_overdue_seconds") < 600
        monkeypatch.setattr(deadlines, "PASS_EVERY", 0.05)
        async with running_house(make_site(tmp_path / "beside", redis_url, beside=site)):
            await until_ready_says(site, 200, "ok")
        assert await measured(site, "idcontact_deadline_overdue_seconds") == 0


async def test_a_store_that_is_full_turns_it_red_until_there_is_room(
    own_redis_server: RedisServer, tmp_path: Path
) -> None:
    site = make_site(tmp_path, own_redis_server.url)
    async with running_house(site):
        await until_ready_says(site, 200, "ok")
        with own_redis_server.client() as client:
            client.config_set("maxmemory", 1)
            await until_ready_says(site, 503, "the store answers and takes nothing")
            client.config_set("maxmemory", 0)
        await until_ready_says(site, 200, "ok")


async def test_attributes_that_outlive_their_conversation_turn_it_red_until_they_are_gone(
    redis_url: str, redis: Redis, tmp_path: Path
) -> None:
    site = make_site(tmp_path, redis_url)
    async with running_house(site), floor_of(site) as floor:
        end_user, _ = await floor.talk()
        kept = Keys(end_user.conversation, PREFIX).hash
        attributes, at = await redis.hmget(kept, ["attributes", "attributes_at"])
        assert attributes is not None
        assert at is not None
        await until_measured(site, "idcontact_conversations", 1, phase="active")
        await until_ready_says(site, 200, "ok")
        await end_user.end()
        await end_user.in_phase("wrapping_up", "closed")
        assert await redis.hmget(kept, ["attributes", "attributes_at"]) == [None, None]
        await redis.hset(kept, mapping={"attributes": attributes, "attributes_at": at})  # as by a mistake
        await until_ready_says(site, 503, "attributes are kept longer than allowed")
        assert await measured(site, "idcontact_attributes_overstayed_seconds") > 0
        await redis.hdel(kept, "attributes", "attributes_at")
        await until_ready_says(site, 200, "ok")
        assert await measured(site, "idcontact_attributes_overstayed_seconds") == 0


async def test_conversations_whose_keys_are_not_here_turn_it_red_until_the_keys_are_back(
    redis_url: str, tmp_path: Path
) -> None:
    site = make_site(tmp_path, redis_url)
    keys, elsewhere = tmp_path / "keys", tmp_path / "not-mounted"
    made_yesterday = DirectoryKeyStore(keys, Yesterday())
    made_yesterday.current()
    made_yesterday.close()
    async with running_house(site), floor_of(site) as floor:
        await floor.arrives()
        await until_ready_says(site, 200, "ok")
        await floor.leave()
    keys.rename(elsewhere)
    async with running_house(site):
        await until_ready_says(site, 503, "conversations cannot be read: their keys are not here")
        assert await measured(site, "idcontact_unreadable") == 1
    keys.rename(tmp_path / "mistaken")
    elsewhere.rename(keys)
    async with running_house(site):
        await until_ready_says(site, 200, "ok")
        assert await measured(site, "idcontact_unreadable") == 0
