"""The expected wait: what it is worked out from, and how often it is right in a queue that behaves as queues do."""

from __future__ import annotations

import heapq
import random
from collections import deque
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idcontact.live.expected_wait import LEAST, HandOver, Queue, pace
from idcontact.live.routing import AT_ONCE, HAND_OVERS

if TYPE_CHECKING:
    from collections.abc import Sequence

MINUTE = 60_000
BUSY = Queue(waiting=2, offered=0, oldest=10 * MINUTE, agents=3, free=0)
EVERY_MINUTE = [HandOver(at=number * MINUTE, since=0) for number in range(1, 11)]


def expected_wait(queue: Queue, recent: Sequence[HandOver], now: int) -> int | None:
    """Of who comes now."""
    return pace(queue, recent, now).wait_of_newcomer()


def test_nobody_waits_for_who_is_free() -> None:
    assert expected_wait(replace(BUSY, waiting=0, oldest=None, free=1), [], 0) == 0
    assert expected_wait(replace(BUSY, waiting=1, offered=1, free=1), [], 0) == 0


def test_nothing_is_promised_while_nobody_is_there() -> None:
    nobody = Queue(waiting=0, offered=0, oldest=None, agents=0, free=0)
    assert expected_wait(nobody, EVERY_MINUTE, 10 * MINUTE) is None


def test_a_hand_over_a_minute_and_two_ahead_is_three_minutes() -> None:
    assert expected_wait(BUSY, EVERY_MINUTE, 10 * MINUTE) == 3 * MINUTE


def test_too_few_hand_overs_say_nothing() -> None:
    assert expected_wait(BUSY, EVERY_MINUTE[: LEAST + 1], 10 * MINUTE) is not None
    assert expected_wait(BUSY, EVERY_MINUTE[:LEAST], 10 * MINUTE) is None
    assert expected_wait(BUSY, [], 10 * MINUTE) is None


def test_hand_overs_to_who_was_free_already_say_nothing() -> None:
    at_once = [HandOver(at=number * 1000, since=number * 1000) for number in range(1, 11)]
    assert expected_wait(BUSY, at_once, 10 * MINUTE) is None


def test_only_the_time_that_somebody_waited_counts() -> None:
    """A quiet hour between two hand-overs is not an hour that agents were occupied."""
    after_quiet = [HandOver(at=hour * 60 * MINUTE, since=hour * 60 * MINUTE - MINUTE) for hour in range(1, 11)]
    assert expected_wait(replace(BUSY, oldest=600 * MINUTE), after_quiet, 600 * MINUTE) == 3 * MINUTE


def test_the_wait_grows_while_nobody_is_handed_over() -> None:
    waits = [expected_wait(BUSY, EVERY_MINUTE, (10 + minutes) * MINUTE) for minutes in (0, 9, 18)]
    assert waits == [3 * MINUTE, 6 * MINUTE, 9 * MINUTE]


def test_who_waits_already_waits_as_long_as_their_place_says() -> None:
    helped = pace(BUSY, EVERY_MINUTE, 10 * MINUTE)
    assert [helped.wait_in(place) for place in (1, 2)] == [MINUTE, 2 * MINUTE]


def test_who_is_offered_to_somebody_is_helped_at_once() -> None:
    helped = pace(replace(BUSY, offered=1), EVERY_MINUTE, 10 * MINUTE)
    assert [helped.wait_in(place) for place in (1, 2)] == [0, 2 * MINUTE]
    assert pace(replace(BUSY, offered=1), [], 0).wait_in(1) == 0


def test_who_waits_while_nobody_is_there_is_promised_nothing() -> None:
    assert pace(replace(BUSY, agents=0), EVERY_MINUTE, 10 * MINUTE).wait_in(1) is None


@given(
    records=st.lists(st.tuples(st.integers(0, 10**12), st.integers(0, 10**7)), max_size=HAND_OVERS),
    waiting=st.integers(0, 500),
    oldest=st.none() | st.integers(0, 10**12),
    now=st.integers(0, 10**13),
)
def test_whatever_was_remembered_it_is_never_negative_and_grows_with_the_queue(
    records: list[tuple[int, int]], waiting: int, oldest: int | None, now: int
) -> None:
    recent = sorted((HandOver(at, at - waited) for at, waited in records), key=lambda hand_over: hand_over.at)
    queue = Queue(waiting=waiting, offered=0, oldest=oldest, agents=1, free=0)
    found = expected_wait(queue, recent, now)
    longer = expected_wait(replace(queue, waiting=waiting + 1), recent, now)
    assert (found is None) is (longer is None)
    if found is not None and longer is not None:
        assert 0 <= found <= longer
        helped = pace(queue, recent, now)
        along_the_queue = [helped.wait_in(place) or 0 for place in range(1, waiting + 1)]
        assert along_the_queue == sorted(along_the_queue)
        assert all(wait <= found for wait in along_the_queue)


# --- in a queue -----------------------------------------------------------------------------------------------------

TALK = 5 * MINUTE
"""Mean length of a conversation."""


@dataclass(frozen=True)
class Waited:
    """One who had to wait: what was said, how long it was, and what somebody who knows the agents would have said."""

    said: float | None
    real: float
    ideal: float


@dataclass
class ContactCentre:
    """M/M/c: people come, and talk, at random; an accept takes an agent some seconds; who loses patience leaves."""

    agents: int
    load: float
    patience: float
    chance: random.Random = field(default_factory=lambda: random.Random(7))
    recent: deque[HandOver] = field(default_factory=lambda: deque(maxlen=HAND_OVERS))
    waited: list[Waited] = field(default_factory=list)
    occupied: int = 0
    queue: deque[tuple[float, float, Waited]] = field(default_factory=deque)
    """When somebody came, when they will have lost patience, and what they were told."""
    events: list[tuple[float, int, str, tuple[float, Waited | None]]] = field(default_factory=list)

    def run(self, people: int) -> list[Waited]:
        """So many people come."""
        at = 0.0
        for _ in range(people):
            at += self.chance.expovariate(self.load * self.agents / TALK)
            while self.events and self.events[0][0] <= at:
                self._happens()
            self._comes(at)
        return self.waited

    def _comes(self, at: float) -> None:
        if self.occupied < self.agents:
            self.occupied += 1
            self._offer(at, (at, None))
            return
        here = [entered for entered, leaves, _ in self.queue if leaves > at]
        offered = [whose[0] for _, _, kind, whose in self.events if kind == "accept"]
        queue = Queue(
            waiting=len(here) + len(offered),
            offered=len(offered),
            oldest=int(min(here + offered, default=at)),
            agents=self.agents,
            free=0,
        )
        said = expected_wait(queue, self.recent, int(at))
        waited = Waited(said, real=0.0, ideal=(queue.waiting + 1) * TALK / self.agents)
        self.queue.append((at, at + self.chance.expovariate(1 / self.patience), waited))

    def _offer(self, at: float, whose: tuple[float, Waited | None]) -> None:
        heapq.heappush(self.events, (at + self.chance.uniform(AT_ONCE, 5000), id(whose), "accept", whose))

    def _happens(self) -> None:
        at, _, kind, (entered, waited) = heapq.heappop(self.events)
        if kind == "accept":
            self.recent.append(HandOver(int(at), int(at if waited is None else entered)))
            if waited is not None:
                self.waited.append(replace(waited, real=at - entered))
            heapq.heappush(self.events, (at + self.chance.expovariate(1 / TALK), id(waited), "end", (at, None)))
            return
        while self.queue and self.queue[0][1] < at:
            self.queue.popleft()
        if not self.queue:
            self.occupied -= 1
            return
        entered, _, waited = self.queue.popleft()
        self._offer(at, (entered, waited))


def within_twice(found: list[tuple[float, float]]) -> float:
    """The part of pairs that differ by a factor of two at most."""
    return sum(first / 2 <= second <= first * 2 for first, second in found) / len(found)


@pytest.mark.parametrize("agents", [1, 3, 8])
@pytest.mark.parametrize(("load", "patience"), [(0.7, 1e99), (0.9, 1e99), (1.2, 3 * TALK)])
def test_it_is_within_a_factor_of_two_of_what_is_to_be_expected(agents: int, load: float, patience: float) -> None:
    """Of what one who knows how long talks take would say; that itself is right as often as chance allows."""
    waited = ContactCentre(agents, load, patience).run(6000)
    said = [(one.said, one) for one in waited if one.said is not None]
    assert len(said) > 0.9 * len(waited), "most who wait are told how long"
    assert within_twice([(wait, one.ideal) for wait, one in said]) > 0.95
    attainable = within_twice([(one.ideal, one.real) for _, one in said])
    assert within_twice([(wait, one.real) for wait, one in said]) > 0.9 * attainable
