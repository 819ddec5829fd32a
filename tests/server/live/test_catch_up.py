"""A log that is sent again goes on where it was when the store went away meanwhile."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import msgspec

from idcontact.errors import Unavailable
from idcontact.live import catch_up
from idcontact.live.catch_up import CatchUp
from idcontact.live.frames import seal_event
from idcontact.live.local import Feed, Local
from idcontact.live.messages import MessageEvent
from idcontact.live.stored import Say
from live_parts import Parts, parts

if TYPE_CHECKING:
    from pathlib import Path

    import pytest
    from redis.asyncio import Redis

    from idcontact.live import messages as m
    from idcontact.live.keys import LogName
    from idcontact.live.stored import Sealed, Stored

MESSAGES = 70


class Listener:
    """A seat that keeps the numbers of what it gets."""

    def __init__(self) -> None:
        self.who: m.Sender = "end_user"
        self.logs: tuple[LogName, ...] = ("public",)
        self.numbers: list[int] = []

    def deliver(self, frame: bytes) -> None:
        self.numbers.append(msgspec.json.decode(frame)["seq"])

    async def room(self) -> None:
        """There is always room."""

    def changed(self, stored: Stored) -> None:
        """Only what is said counts here."""

    def set_back(self, stored: Stored) -> None:
        """The same."""

    def gone(self) -> None:
        """The same."""


async def long_talk(live: Parts) -> Stored:
    conversation = await live.active()
    stored = await live.store.load(conversation)
    for number in range(MESSAGES):
        text = MessageEvent(
            conversation=conversation, log="public", log_id="", seq=0, at=0, by="end_user", text="t", command="c"
        )
        await live.store.append(Say(conversation, "end_user", "", f"c{number}", seal_event(text, stored.key), "n"))
    return await live.store.load(conversation)


async def test_each_event_is_sent_again_once_though_the_store_goes_away_between_two_pages(
    redis: Redis, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with parts(redis, tmp_path) as live:
        stored = await long_talk(live)
        read, calls = live.store.read, 0

        async def every_other_time(*args: Any) -> list[Sealed]:
            nonlocal calls
            calls += 1
            if calls % 2 == 0:
                raise Unavailable("the store cannot be reached now; try again in a moment")
            return await read(*args)

        monkeypatch.setattr(live.store, "read", every_other_time)
        monkeypatch.setattr(catch_up, "_RETRY", 0)
        local = Local(stored, {log: Feed(seq + 1) for log, seq in stored.seqs.items()})
        listener = Listener()
        local.seats.append(listener)
        async with asyncio.timeout(10):
            await CatchUp(live.store).send_again(local, listener, "public")
        assert listener.numbers == list(range(1, stored.seqs["public"] + 1))
        assert listener not in local.feeds["public"].catching_up
        assert calls > 3
