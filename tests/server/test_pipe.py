"""The pipelined connection takes no more than it may hold: who comes with one too many hears so at once."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from idcontact import pipe as pipes
from idcontact.errors import Unavailable
from idcontact.pipe import Pipe
from idcontact.redis import connect
from idcontact.tasks import Tasks

if TYPE_CHECKING:
    import pytest


async def test_one_call_too_many_is_refused_at_once_and_those_before_it_are_answered(
    one_redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipes, "_MAX_PENDING", 2)
    async with connect(one_redis_url) as redis, Tasks() as tasks, asyncio.timeout(10):
        pipe = Pipe(redis, [])
        tasks.keep(pipe.run, "connection")
        await pipe.up.wait()
        answers: asyncio.Queue[object] = asyncio.Queue()
        for word in ("one", "two", "three"):
            pipe.call(("ECHO", word), answers.put_nowait)
        assert isinstance(answers.get_nowait(), Unavailable)
        assert [await answers.get(), await answers.get()] == [b"one", b"two"]
        pipe.call(("ECHO", "three"), answers.put_nowait)
        assert await answers.get() == b"three"
