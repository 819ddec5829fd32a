"""The copy of the queue that a node keeps by its changes: where one is missing, the whole is read again."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, cast

import msgspec
import pytest

from idcontact.live.board import Board
from idcontact.live.routing_store import Delta, EntryRecord, RoutingSnapshot
from idcontact.tasks import Tasks

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from idcontact.live.routing_store import RoutingStore


def entry(conversation: str) -> EntryRecord:
    return EntryRecord(
        conversation=conversation,
        purpose="move",
        channel="chat",
        language="nl",
        priority=5,
        arrival=1,
        entered_at=1,
        version=1,
        generation=0,
        state="waiting",
        present=True,
    )


class Queue:
    """The queue in the store, of which a board hears what it is told."""

    def __init__(self) -> None:
        self.version = 7
        self.waiting = ["a"]
        self.read = asyncio.Event()
        """Somebody read the whole of it."""

    async def snapshot(self) -> RoutingSnapshot:
        self.read.set()
        return RoutingSnapshot(version=self.version, entries={name: entry(name) for name in self.waiting}, agents={})

    def change(self, *, comes: str) -> bytes:
        """Somebody comes; what is published of it."""
        self.version += 1
        self.waiting.append(comes)
        return msgspec.json.encode(Delta(version=self.version, entries=[entry(comes)]))


class Ears:
    """A listener that counts."""

    def __init__(self) -> None:
        self.changes = 0
        self.reloads: asyncio.Queue[None] = asyncio.Queue()

    def board_changed(self, delta: Delta) -> None:
        del delta
        self.changes += 1

    def board_reloaded(self) -> None:
        self.reloads.put_nowait(None)


@pytest.fixture
def queue() -> Queue:
    return Queue()


@pytest.fixture
def ears() -> Ears:
    return Ears()


@pytest.fixture
async def board(queue: Queue, ears: Ears) -> AsyncIterator[Board]:
    """One that has read the queue."""
    board = Board(cast("RoutingStore", queue))
    board.listeners.add(ears)
    async with Tasks() as tasks, asyncio.timeout(10):
        tasks.keep(board.run, "board")
        await ears.reloads.get()
        queue.read.clear()
        yield board


async def test_changes_that_follow_on_are_taken_each_once(board: Board, queue: Queue, ears: Ears) -> None:
    first, second = queue.change(comes="b"), queue.change(comes="c")
    for change in (first, first, second, first):
        board.published(change)
    assert (board.version, list(board.entries), ears.changes) == (9, ["a", "b", "c"], 2)
    assert not queue.read.is_set()


async def test_where_a_version_is_missing_the_whole_is_read_again(board: Board, queue: Queue, ears: Ears) -> None:
    queue.change(comes="b")  # and nobody hears of it
    board.published(queue.change(comes="c"))
    assert (board.version, list(board.entries), ears.changes) == (7, ["a"], 0)
    await ears.reloads.get()
    assert (board.version, list(board.entries)) == (9, ["a", "b", "c"])
    board.published(queue.change(comes="d"))
    assert (board.version, ears.changes) == (10, 1)


async def test_after_an_interruption_the_whole_is_read_again_though_nothing_more_is_heard(
    board: Board, queue: Queue, ears: Ears
) -> None:
    queue.change(comes="b")
    board.distrust()
    await ears.reloads.get()
    assert list(board.entries) == ["a", "b"]
