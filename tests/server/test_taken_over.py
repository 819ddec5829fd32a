"""Connections of redis-py whose bytes are handed out where they come in."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from idcontact.taken_over import TakenOver

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


@asynccontextmanager
async def connected(folder: Path) -> AsyncIterator[tuple[SimpleNamespace, asyncio.StreamWriter]]:
    """A connection as redis-py has it, and the other side of it."""
    others: asyncio.Queue[asyncio.StreamWriter] = asyncio.Queue()

    async def come(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        others.put_nowait(writer)

    server = await asyncio.start_unix_server(come, folder / "store.sock")
    reader, writer = await asyncio.open_unix_connection(folder / "store.sock")
    other = await others.get()
    try:
        yield SimpleNamespace(_reader=reader, _writer=writer), other
    finally:
        other.close()
        writer.close()
        await writer.wait_closed()
        server.close()


async def test_what_came_before_it_is_heard_first(tmp_path: Path) -> None:
    heard: asyncio.Queue[bytes] = asyncio.Queue()
    async with connected(tmp_path) as (connection, other):
        other.write(b"line\nbefore")
        assert await connection._reader.readline() == b"line\n"
        await TakenOver.of(connection, heard.put_nowait)
        assert await heard.get() == b"before"
        other.write(b"after")
        assert await heard.get() == b"after"


async def test_it_ends_when_the_other_side_ends_it(tmp_path: Path) -> None:
    async with connected(tmp_path) as (connection, other):
        taken = await TakenOver.of(connection, lambda _: None)
        other.close()
        await taken.end()


@pytest.mark.parametrize("last", [b"", b"last words"])
async def test_one_that_had_ended_already_ends_at_once(tmp_path: Path, last: bytes) -> None:
    heard: list[bytes] = []
    async with connected(tmp_path) as (connection, other):
        other.write(b"line\n" + last)
        other.close()
        assert await connection._reader.readline() == b"line\n"
        while not connection._reader._eof:  # noqa: ASYNC110 - nobody says when that is
            await asyncio.sleep(0)
        taken = await TakenOver.of(connection, heard.append)
        await taken.end()
    assert b"".join(heard) == last


async def test_a_mistake_in_what_hears_it_is_the_end_and_nothing_is_heard_after_it(tmp_path: Path) -> None:
    heard: list[bytes] = []

    def hear(piece: bytes) -> None:
        heard.append(piece)
        raise ValueError("not understood")

    async with connected(tmp_path) as (connection, other):
        taken = await TakenOver.of(connection, hear)
        other.write(b"one")
        with pytest.raises(ValueError, match="not understood"):
            await taken.end()
        taken.data_received(b"two")
    assert heard == [b"one"]


async def test_one_that_is_given_up_ends_and_can_be_closed(tmp_path: Path) -> None:
    async with connected(tmp_path) as (connection, _):
        taken = await TakenOver.of(connection, lambda _: None)
        taken.give_up()
        await taken.end()
        connection._writer.close()
        await connection._writer.wait_closed()
