"""Frames that say nothing, thousands a second: pings of the WebSocket and pieces that never become a message."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from websockets.asyncio.client import ClientConnection
from websockets.frames import Frame, Opcode

from idcontact.socket_server import OTHER_FRAMES

if TYPE_CHECKING:
    from live_client import Client
    from live_floor import Floor

pytestmark = [pytest.mark.one_kind, pytest.mark.asyncio(loop_scope="module")]

MANY = 20_000


async def flood(client: Client, first: list[Frame], frame: Frame) -> None:
    """Write these frames, and that one very often, past everything that would wait for room."""
    line = client.line
    assert isinstance(line, ClientConnection)
    line.transport.write(b"".join(one.serialize(mask=True) for one in first))
    line.transport.write(frame.serialize(mask=True) * MANY)


@pytest.mark.parametrize(
    ("first", "frame"),
    [
        ([], Frame(Opcode.PING, b"x" * 100)),
        ([], Frame(Opcode.PONG, b"")),
        ([Frame(Opcode.TEXT, b"", fin=False)], Frame(Opcode.CONT, b"", fin=False)),
    ],
    ids=["pings", "pongs", "pieces of nothing"],
)
async def test_frames_that_say_nothing_close_the_socket_too_and_slow_nobody_down(
    floor: Floor, first: list[Frame], frame: Frame
) -> None:
    end_user, ann = await floor.talk()
    await flood(end_user, first, frame)
    await ann.ping()
    assert await end_user.closed() == 4429
    await end_user.connect()
    await end_user.say("sorry")
    await ann.said(end_user.conversation, "sorry")


async def test_as_many_as_a_page_has_use_for_do_no_harm(floor: Floor) -> None:
    end_user, _ = await floor.talk()
    line = end_user.line
    assert isinstance(line, ClientConnection)
    for _ in range(OTHER_FRAMES // 2):
        await line.ping()
    await (await line.ping())
    await end_user.say("still here")
