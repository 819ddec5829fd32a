"""A socket that says much while the store is slow: only so much is under way at once, and all in its order."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import msgspec

from idcontact.live import messages as m
from idcontact.live.socket import MAX_UNDER_WAY, Line, Socket

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.types import Message

    from idcontact.live.socket import Answer

MANY = 3 * MAX_UNDER_WAY


class Page:
    """The other end of a line. What the server does not take at once waits, as it does before our own server."""

    def __init__(self) -> None:
        self.waiting: asyncio.Queue[dict[str, str]] = asyncio.Queue()
        self.heard: list[dict[str, Any]] = []
        self.taken_at_once = 0
        self._takes: Callable[[bytes], bool] | None = None
        self.line = Line(self.waiting.get, self._hear, listen=self._listen)

    def say(self, **frame: Any) -> None:
        text = json.dumps(frame)
        if self._takes is not None and self.waiting.empty() and self._takes(text.encode()):
            self.taken_at_once += 1
        else:
            self.waiting.put_nowait({"type": "websocket.receive", "text": text})

    def _listen(self, takes: Callable[[bytes], bool] | None) -> None:
        self._takes = takes

    async def _hear(self, message: Message) -> None:
        self.heard.append(json.loads(message["text"]))


class Store:
    """A handler whose store answers when the test says so."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.greeted = asyncio.Event()
        self._unanswered: list[tuple[m.SendMessage, Answer]] = []

    async def hello(self, frame: m.Hello) -> None:
        del frame
        self.greeted.set()

    def say(self, frame: m.SendMessage, answer: Answer) -> None:
        self.said.append(frame.text)
        self._unanswered.append((frame, answer))

    async def handle(self, frame: m.EndUserFrame) -> m.Ack | None:
        del frame
        return None

    async def bye(self) -> None:
        """Nobody is told."""

    async def answers(self) -> None:
        """All that is under way; and what follows from that is begun."""
        unanswered, self._unanswered = self._unanswered, []
        for frame, answer in unanswered:
            answer(m.Ack(id=frame.id))
        for _ in range(3 * MANY):
            await asyncio.sleep(0)


async def test_no_more_than_so_many_messages_are_under_way_at_once_and_all_are_answered_in_their_order() -> None:
    page, store = Page(), Store()
    socket = Socket(page.line, msgspec.json.Decoder(m.EndUserFrame), allowed=10 * MANY)
    running = asyncio.create_task(socket.run(store))
    page.say(type="hello", have=[])
    await store.greeted.wait()
    await store.answers()
    for number in range(MANY):
        page.say(type="send", id=f"c{number}", conversation="a" * 26, text=str(number))
    for so_far in (MAX_UNDER_WAY, 2 * MAX_UNDER_WAY, MANY):
        assert store.said == [str(number) for number in range(so_far)]
        await store.answers()
    assert [frame["id"] for frame in page.heard] == [f"c{number}" for number in range(MANY)]
    assert page.taken_at_once == MAX_UNDER_WAY
    page.waiting.put_nowait({"type": "websocket.disconnect"})
    await running
