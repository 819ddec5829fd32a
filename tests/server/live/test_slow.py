"""A client that does not read: it is cut off when it reads again, told to resume, and nobody else notices."""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING

import pytest

from scraping import until_measured

if TYPE_CHECKING:
    from live_floor import Floor

pytestmark = [pytest.mark.one_kind, pytest.mark.asyncio(loop_scope="module")]

LIVE_SETTINGS = "frames_per_10_seconds = 100000"

LONG = "\N{PARTY POPPER}" * 4000
MESSAGES = 1000
"""16 MB: more than the server queues for one socket and the kernel holds for it together."""


async def test_a_client_that_never_reads_hurts_nobody_and_may_resume(floor: Floor) -> None:
    end_user, ann = await floor.talk()
    other = await floor.waits()
    await ann.accept_next(other.conversation)
    deaf = floor.tab(end_user)
    await deaf.open(reading=False, sock=_unbuffered(floor.site.port), max_queue=1)
    await deaf.send_frame({"type": "hello", "have": []})
    assert await end_user.closed() == 4409

    for start in range(0, MESSAGES, 100):
        await asyncio.gather(*(ann.say(end_user.conversation, LONG) for _ in range(100)))
        await other.say(f"and meanwhile {start}")
    await ann.said(other.conversation, *(f"and meanwhile {start}" for start in range(0, MESSAGES, 100)))

    deaf.read()
    assert await deaf.closed() == 4408
    await until_measured(floor.site, "idcontact_sockets_closed_total", 1, code="4408")
    last = ann.events(end_user.conversation)[-1]["seq"]
    assert len(deaf.events(end_user.conversation)) < last
    await deaf.connect()
    await deaf.has_seq(end_user.conversation, last)
    assert deaf.events(end_user.conversation) == ann.events(end_user.conversation)


async def test_a_long_conversation_can_be_loaded_again_from_its_beginning(floor: Floor) -> None:
    end_user, ann = await floor.talk()
    for start in range(0, 2500, 100):
        await asyncio.gather(*(ann.say(end_user.conversation, f"message {start + i}") for i in range(100)))
    await end_user.has_seq(end_user.conversation, 2500)
    await end_user.connect(())
    await end_user.has_seq(end_user.conversation, 2503)
    assert end_user.texts() == [f"message {number}" for number in range(2500)]


async def test_long_messages_of_many_byte_characters_never_make_a_reader_too_slow(floor: Floor) -> None:
    end_user, ann = await floor.talk()
    for _ in range(5):
        await asyncio.gather(*(ann.say(end_user.conversation, LONG) for _ in range(100)))
        await end_user.has_seq(end_user.conversation, ann.events(end_user.conversation)[-1]["seq"])
    assert end_user.is_open
    assert ann.is_open


def _unbuffered(port: int) -> socket.socket:
    """A connection whose receiver holds as little as the kernel allows."""
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.connect(("127.0.0.1", port))
    connection.setblocking(False)
    return connection
