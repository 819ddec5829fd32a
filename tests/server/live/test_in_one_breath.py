"""Commands that a client sends without waiting for answers: they have their effect in the order in which they came."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from live_client import Refused

if TYPE_CHECKING:
    from live_floor import Floor

pytestmark = [pytest.mark.one_kind, pytest.mark.asyncio(loop_scope="module")]

MANY = 45  # more than a socket has under way at once


async def test_messages_sent_in_one_breath_are_stored_in_the_order_in_which_they_were_said(floor: Floor) -> None:
    end_user, _ = await floor.talk()
    commands = [
        await end_user.begin("send", conversation=end_user.conversation, text=f"number {number}")
        for number in range(MANY)
    ]
    seqs = [(await command.ack())["seq"] for command in commands]
    assert seqs == list(range(seqs[0], seqs[0] + MANY))
    await end_user.has_seq(end_user.conversation, seqs[-1])
    assert end_user.texts() == [f"number {number}" for number in range(MANY)]


async def test_what_is_said_before_the_end_in_the_same_breath_is_stored_and_what_is_said_after_it_refused(
    floor: Floor,
) -> None:
    end_user, _ = await floor.talk()
    conversation = end_user.conversation
    before = await end_user.begin("send", conversation=conversation, text="before the end")
    end = await end_user.begin("end", conversation=conversation)
    after = await end_user.begin("send", conversation=conversation, text="after the end")
    said, ended = await before.ack(), await end.ack()
    assert said["seq"] < ended["seq"]
    with pytest.raises(Refused, match="conflict"):
        await after.ack()
    assert end_user.texts() == ["before the end"]


async def test_a_pong_comes_after_the_answers_to_everything_before_the_ping(floor: Floor) -> None:
    end_user, _ = await floor.talk()
    commands = [
        await end_user.begin("send", conversation=end_user.conversation, text=f"number {number}")
        for number in range(20)
    ]
    await end_user.ping()
    assert all(command.answer.done() for command in commands)
