"""Silence of both: they are asked, and then it ends. And no conversation lasts for ever."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from live_floor import Floor

pytestmark = [pytest.mark.one_kind, pytest.mark.asyncio(loop_scope="module")]

LIVE_SETTINGS = """
idle = "1 s"
asked = "1500 ms"
hard_limit = "6 s"
"""


async def test_after_silence_both_are_asked_and_then_it_ends(floor: Floor) -> None:
    end_user, ann = await floor.talk()
    asked = await end_user.wait_for("still_there")
    assert asked["until"] > asked["at"]
    await ann.wait_for("still_there")
    assert (await end_user.wait_for("ended"))["reason"] == "idle"
    assert (await ann.wait_for("ended"))["at"] >= asked["until"]


async def test_who_answers_goes_on_until_the_longest_time_is_over(floor: Floor) -> None:
    end_user, ann = await floor.talk()
    for number in (1, 2):
        await end_user.wait_for("still_there")
        await end_user.say(f"still here {number}")
        await ann.wait_for("message", text=f"still here {number}")
    assert end_user.state["phase"] == "active"
