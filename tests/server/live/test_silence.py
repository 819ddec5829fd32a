"""Silence of both: they are asked, and then it ends. And no conversation lasts for ever."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import pytest

from idcontact.live import deadlines
from live_client import Refused

if TYPE_CHECKING:
    from collections.abc import Iterator

    from live_floor import Floor

pytestmark = [pytest.mark.one_kind, pytest.mark.asyncio(loop_scope="module")]

LIVE_SETTINGS = """
idle = "500 ms"
asked = "1200 ms"
hard_limit = "4 s"
"""


@pytest.fixture(autouse=True, scope="module")
def looked_after_often() -> Iterator[None]:
    """What is due is done soon: it is the order of things that is tested here."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(deadlines, "PASS_EVERY", 0.1)
        yield


async def test_after_silence_both_are_asked_and_then_it_ends(floor: Floor) -> None:
    end_user, ann = await floor.talk()
    asked = await end_user.wait_for("still_there")
    assert asked["until"] > asked["at"]
    await ann.wait_for("still_there")
    assert (await end_user.wait_for("ended"))["reason"] == "idle"
    assert (await ann.wait_for("ended"))["at"] >= asked["until"]


async def test_who_answers_goes_on_until_the_longest_time_is_over(floor: Floor) -> None:
    end_user, ann = await floor.talk()
    answers: list[str] = []

    def asked_or_over() -> bool:
        return len(end_user.heard("still_there")) > len(answers) or bool(end_user.heard("ended"))

    while not end_user.heard("ended"):
        await end_user.until(asked_or_over, "to be asked, or the end")
        if len(end_user.heard("still_there")) > len(answers):
            answers.append(f"still here {len(answers) + 1}")
            with contextlib.suppress(Refused):  # it ends just now
                await end_user.say(answers[-1])
    assert len(answers) > 1
    for client in (end_user, ann):
        assert (await client.wait_for("ended"))["reason"] == "time_limit"
    assert ann.texts(end_user.conversation)[:2] == answers[:2]
