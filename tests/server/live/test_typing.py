"""That somebody types is told to the other side while it lasts, and to nobody else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from idcontact.live import typist
from idcontact.live.hub import Hub

if TYPE_CHECKING:
    from live_client import Client
    from live_floor import Floor

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def types(client: Client, conversation: str, *, on: bool = True) -> None:
    await client.send_frame({"type": "typing", "conversation": conversation, "on": on})


def heard(client: Client) -> list[tuple[str, bool]]:
    return [(frame["by"], frame["on"]) for frame in client.heard("typing_by")]


async def test_each_side_is_told_that_the_other_types_and_that_it_stopped(floor: Floor) -> None:
    end_user, ann = await floor.talk()
    conversation = end_user.conversation
    for writer, reader, by in ((end_user, ann, "end_user"), (ann, end_user, "agent")):
        for on in (True, False):
            await types(writer, conversation, on=on)
            await reader.wait_for("typing_by", conversation=conversation, by=by, on=on)
    assert [by for by, _ in heard(end_user)] == ["agent", "agent"]
    assert [by for by, _ in heard(ann)] == ["end_user", "end_user"]


async def test_it_is_passed_on_now_and_then_however_often_it_is_said(
    floor: Floor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(typist, "AT_MOST_EVERY", 3600.0)
    end_user, ann = await floor.talk()
    for _ in range(10):
        await types(end_user, end_user.conversation)
    for _ in range(3):
        await types(end_user, end_user.conversation, on=False)
    await end_user.say("so much for that")
    await ann.said(end_user.conversation, "so much for that")
    assert heard(ann) == [("end_user", True), ("end_user", False)]


async def test_it_is_not_told_after_the_message_that_it_announced(
    floor: Floor, monkeypatch: pytest.MonkeyPatch
) -> None:
    published, late = Hub.published, list[tuple[Hub, str, bytes]]()

    def slowly(hub: Hub, channel: str, raw: bytes) -> None:
        if raw.startswith(b"T"):
            late.append((hub, channel, raw))
        else:
            published(hub, channel, raw)

    end_user, ann = await floor.talk()
    monkeypatch.setattr(Hub, "published", slowly)
    await types(end_user, end_user.conversation)
    await end_user.say("there it is")
    await ann.said(end_user.conversation, "there it is")
    while not late:
        await ann.ping()
    for one in late:
        published(*one)
    await ann.ping()
    assert heard(ann) == []


async def test_who_waits_types_to_nobody(floor: Floor) -> None:
    waiting = await floor.waits()
    await types(waiting, waiting.conversation)
    await waiting.ping()
    ann = await floor.agent("ann")
    await ann.accept_next(waiting.conversation)
    await waiting.say("there you are")
    await ann.said(waiting.conversation, "there you are")
    assert heard(ann) == []


async def test_nobody_types_in_a_conversation_of_others_or_after_its_end(floor: Floor) -> None:
    end_user, ann = await floor.talk("ann")
    bob, stranger = await floor.staff("bob"), await floor.waits("passport")
    conversation = end_user.conversation
    for outsider in (bob, stranger):
        await types(outsider, conversation)
        await outsider.wait_for("error")
    await end_user.end()
    await ann.in_phase(conversation, "wrapping_up")
    await types(ann, conversation)
    await ann.ping()
    await ann.finish(conversation)
    await end_user.in_phase("closed")
    assert heard(end_user) == []
