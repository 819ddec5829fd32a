"""A subscription over which nothing comes any more, though nobody closed it: it is made again, and that is said."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from idcontact import subscriber
from idcontact.redis import connect
from idcontact.subscriber import Subscriber
from idcontact.tasks import Tasks
from soak.relay import Relay, Unix

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from servers import RedisServer


async def test_a_subscription_that_is_silently_dead_is_made_again_and_it_is_said_that_something_may_be_missed(
    one_redis_server: RedisServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subscriber, "_BEAT", 0.1)
    monkeypatch.setattr(subscriber, "_DEAD_AFTER", 0.5)
    heard: asyncio.Queue[bytes] = asyncio.Queue()
    gaps: asyncio.Queue[None] = asyncio.Queue()
    relay = Relay(Unix(tmp_path / "r"), lambda: Unix(one_redis_server.socket))
    async with relay, connect(f"unix://{tmp_path}/r") as redis, Tasks() as tasks, asyncio.timeout(15):
        listening = Subscriber(
            redis,
            ["idc:news"],
            "idc:beat",
            on_message=lambda _, data: heard.put_nowait(data),
            on_gap=lambda: gaps.put_nowait(None),
        )
        tasks.keep(listening.run, "subscription")
        await gaps.get()
        with one_redis_server.client() as client:
            client.execute_command("SPUBLISH", "idc:news", "before")
            assert await heard.get() == b"before"
            min(relay.links, key=lambda link: link.number).go_silent()
            client.execute_command("SPUBLISH", "idc:news", "missed")
            await gaps.get()
            assert listening.interruptions == 1
            client.execute_command("SPUBLISH", "idc:news", "after")
        assert await heard.get() == b"after"
