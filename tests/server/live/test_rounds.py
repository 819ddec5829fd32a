"""Who cannot be reached keeps nobody else waiting; when nobody can, a round ends soon."""

from __future__ import annotations

import asyncio
import time
from functools import partial

import pytest

from idcontact.errors import Unavailable
from idcontact.live import rounds
from idcontact.live.rounds import Round


class Town:
    """Houses at addresses, of which some are cut off: who goes there comes back after a moment, having done nothing."""

    def __init__(self, *cut_off: str) -> None:
        self.cut_off = set(cut_off)
        self.asked: list[str] = []
        self.reached: list[str] = []

    async def visit(self, house: str) -> None:
        self.asked.append(house)
        await asyncio.sleep(0)
        if house[0] in self.cut_off:
            raise Unavailable("cut off")
        self.reached.append(house)

    async def round(self, at_once: int, *houses: str, suspects: set[str] | None = None) -> None:
        """The first letter of a house is where it lies."""
        round_ = Round(at_once, suspects)
        await round_.each((house[0], partial(self.visit, house)) for house in houses)
        round_.end()


async def test_a_round_reaches_all_others_and_says_in_the_end_that_some_were_away() -> None:
    town = Town("b")
    with pytest.raises(Unavailable):
        await town.round(2, "a1", "b1", "c1", "d1", "e1", "f1")
    assert town.reached == ["a1", "c1", "d1", "e1", "f1"]


async def test_a_round_over_some_time_begins_each_in_its_turn() -> None:
    times: list[float] = []

    async def visit() -> None:
        times.append(time.monotonic() - began)

    began = time.monotonic()
    await Round(4).each([("a", visit)] * 5, over=0.2)
    assert all(at >= turn * 0.2 / 5 for turn, at in enumerate(times))
    assert len(times) == 5


async def test_a_round_that_reaches_all_ends_well() -> None:
    town = Town()
    await town.round(2, "a1", "b1", "a2")
    assert town.reached == ["a1", "b1", "a2"]


async def test_what_was_away_is_asked_once_in_a_round() -> None:
    town = Town("b")
    with pytest.raises(Unavailable):
        await town.round(1, "a1", "b1", "b2", "b3", "a2")
    assert town.asked == ["a1", "b1", "a2"]


async def test_what_was_away_comes_last_in_the_next_round_until_it_is_reached() -> None:
    town, suspects = Town("a"), set[str]()
    houses = ("a1", "b1", "c1")
    with pytest.raises(Unavailable):
        await town.round(2, *houses, suspects=suspects)
    town.cut_off.clear()
    for expected in (["b1", "c1", "a1"], ["a1", "b1", "c1"]):
        town.asked.clear()
        await town.round(1, *houses, suspects=suspects)
        assert town.asked == expected


async def test_a_round_ends_when_all_hands_reached_nothing() -> None:
    town = Town(*"abcdefgh")
    with pytest.raises(Unavailable):
        await town.round(3, *(f"{at}1" for at in "abcdefgh"))
    assert len(town.asked) <= 5  # each of three hands once, and those that began before the third came back


async def test_a_round_ends_when_its_hands_have_waited_in_vain_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rounds, "PATIENCE", 0.0)
    town = Town("b")
    with pytest.raises(Unavailable):
        await town.round(1, "a1", "b1", "c1", "d1")
    assert town.asked == ["a1", "b1"]


async def test_who_is_silent_for_long_is_out_of_reach(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rounds, "WITHIN", 0.01)
    town, round_ = Town(), Round(1)
    visits = [(at, partial(town.visit, f"{at}1")) for at in "ac"]
    await round_.each([visits[0], ("b", asyncio.Event().wait), visits[1]])
    assert (round_.away, town.reached) == ({"b"}, ["a1", "c1"])
    with pytest.raises(Unavailable):
        round_.end()


async def test_any_other_error_ends_a_round() -> None:
    async def fails() -> None:
        raise ValueError

    town = Town()
    with pytest.raises(ValueError):  # noqa: PT011 - it has no text
        await Round(1).each([("a", fails), ("b", partial(town.visit, "b1"))])
    assert town.asked == []
