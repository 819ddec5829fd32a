"""What a socket sends: at once while there is room, in order when there is none, and never without bound."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from idcontact.live.outflow import MAX_QUEUED_BYTES, MAX_QUEUED_FRAMES, TOO_SLOW, Outflow

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.types import Message


class Line:
    """A connection whose room and end the test decides."""

    def __init__(self) -> None:
        self.room = asyncio.Event()
        self.room.set()
        self.sent: list[object] = []
        self.broken = False
        self._heard = asyncio.Event()

    async def send(self, message: Message) -> None:
        """As uvicorn does: wait for room, then send."""
        await self.room.wait()
        if self.broken:
            raise OSError("gone")
        self.sent.append(message.get("text", message.get("code")))
        self._heard.set()

    def write(self, text: bytes) -> bool:
        """As our server does: send now, or say that there is no room."""
        if not self.room.is_set():
            return False
        self.sent.append(text.decode())
        self._heard.set()
        return True

    async def has_sent(self, count: int) -> None:
        """Come back when that many frames have gone out."""
        async with asyncio.timeout(5):
            while len(self.sent) < count:
                self._heard.clear()
                await self._heard.wait()


@asynccontextmanager
async def flowing(outflow: Outflow) -> AsyncIterator[asyncio.Task[None]]:
    """The outflow, with its task waiting for something to do."""
    task = asyncio.create_task(outflow.run())
    await asyncio.sleep(0)
    yield task
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


@pytest.fixture
def line() -> Line:
    return Line()


async def test_a_frame_goes_out_at_once_while_there_is_room(line: Line) -> None:
    outflow = Outflow(line.send, line.write)
    async with flowing(outflow):
        outflow.put(b"one")
        outflow.put(b"two")
        assert line.sent == ["one", "two"]


async def test_frames_keep_their_order_when_there_is_no_room_for_a_while(line: Line) -> None:
    outflow = Outflow(line.send, line.write)
    async with flowing(outflow):
        outflow.put(b"one")
        line.room.clear()
        outflow.put(b"two")
        outflow.put(b"three")
        await asyncio.sleep(0)
        outflow.put(b"four")
        assert line.sent == ["one"]
        line.room.set()
        outflow.put(b"five")
        await line.has_sent(5)
        outflow.put(b"six")
        await line.has_sent(6)
        assert line.sent == ["one", "two", "three", "four", "five", "six"]


async def test_a_server_that_cannot_write_at_once_is_waited_for(line: Line) -> None:
    outflow = Outflow(line.send)
    async with flowing(outflow):
        outflow.put(b"one")
        outflow.put(b"two")
        await line.has_sent(2)
        assert line.sent == ["one", "two"]


async def test_what_is_queued_is_sent_before_the_close_and_nothing_after_it(line: Line) -> None:
    outflow = Outflow(line.send)
    async with flowing(outflow) as task:
        line.room.clear()
        outflow.put(b"one")
        outflow.put(b"two")
        outflow.close(4409)
        outflow.put(b"three")
        line.room.set()
        await asyncio.wait_for(task, 5)
        assert line.sent == ["one", "two", 4409]


async def test_one_frame_too_many_closes_the_socket_as_too_slow(line: Line) -> None:
    outflow = Outflow(line.send)
    async with flowing(outflow) as task:
        line.room.clear()
        outflow.put(b"on its way")
        await asyncio.sleep(0)
        for _ in range(MAX_QUEUED_FRAMES + 1):
            outflow.put(b"x")
        line.room.set()
        await asyncio.wait_for(task, 5)
        assert line.sent == ["on its way", TOO_SLOW]


async def test_one_frame_may_have_any_size_where_nothing_stands_before_it(line: Line) -> None:
    """As a queue of thousands has, which a console gets in one piece."""
    outflow = Outflow(line.send)
    async with flowing(outflow) as task:
        outflow.put(b"q" * (MAX_QUEUED_BYTES + 1))
        outflow.put(b"then")
        await line.has_sent(2)
        line.room.clear()
        outflow.put(b"on its way")
        await asyncio.sleep(0)
        outflow.put(b"waits")
        outflow.put(b"q" * (MAX_QUEUED_BYTES + 1))
        line.room.set()
        await asyncio.wait_for(task, 5)
        assert [len(str(one)) for one in line.sent] == [MAX_QUEUED_BYTES + 1, 4, 10, len(str(TOO_SLOW))]


async def test_text_of_several_bytes_a_character_leaves_nothing_counted_behind(line: Line) -> None:
    outflow = Outflow(line.send)
    async with flowing(outflow):
        for times in (1, 2, 3, 4, 5):
            line.room.clear()
            for _ in range(1_000):
                outflow.put(("é" * 1_000).encode())
            line.room.set()
            await line.has_sent(1_000 * times)
        assert TOO_SLOW not in line.sent


async def test_a_connection_that_is_gone_ends_it_and_takes_no_more(line: Line) -> None:
    outflow = Outflow(line.send)
    async with flowing(outflow) as task:
        line.broken = True
        outflow.put(b"one")
        await asyncio.wait_for(task, 5)
        outflow.put(b"two")
        outflow.close(4400)
        assert line.sent == []
