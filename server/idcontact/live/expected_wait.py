"""How long people will wait, who come now or wait already, from recent hand-overs: plain code, no I/O, no clock.

While people wait, every hand-over ends an interval in which all agents of the queue were occupied: the time in which
one of them becomes free. The mean of those intervals, times the place in the queue, is what somebody waits. Hand-overs
to an agent who was free already say nothing of that, and are left out. The interval that is still running counts as
well: when agents have gone and nobody is handed over any more, the estimate grows while that lasts.

Times are milliseconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

LEAST: Final = 4
"""Intervals below which nothing is said: with fewer, one long conversation makes the estimate."""

MOST: Final = 20
"""Intervals of which the mean is taken, the last ones: with more, it lags behind when agents come and go."""


@dataclass(frozen=True)
class HandOver:
    """An agent accepted somebody at `at`, who had waited for want of a free one since `since`; `at` itself: had not."""

    at: int
    since: int


@dataclass(frozen=True, kw_only=True)
class Queue:
    """A queue now: who waits, and to how many of those it is offered; the agents, and to how many may be offered.

    `oldest`: since when the first of those who wait has waited; None when nobody does.
    """

    waiting: int
    offered: int
    oldest: int | None
    agents: int
    free: int


@dataclass(frozen=True)
class Pace:
    """How fast people of a queue are helped now. `interval`: mean time between two hand-overs; None: not known."""

    queue: Queue
    interval: float | None

    def wait_in(self, place: int) -> int | None:
        """Time that who waits in this place, 1 is next, will yet wait; None when that cannot be said."""
        if self.queue.agents == 0:
            return None
        if place <= self.queue.offered:
            return 0
        return None if self.interval is None else round(self.interval * place)

    def wait_of_newcomer(self) -> int | None:
        """Time that who comes now will wait; None when that cannot be said."""
        if self.queue.agents > 0 and self.queue.waiting == self.queue.offered and self.queue.free > 0:
            return 0
        return self.wait_in(self.queue.waiting + 1)


def pace(queue: Queue, recent: Sequence[HandOver], now: int) -> Pace:
    """Of a queue at `now`. `recent`: oldest first."""
    intervals = [after.at - max(after.since, before.at) for before, after in pairwise(recent) if after.since < after.at]
    intervals = intervals[-MOST:]
    if len(intervals) < LEAST:
        return Pace(queue, None)
    running = 0 if queue.oldest is None else max(0, now - max(queue.oldest, recent[-1].at))
    return Pace(queue, (sum(intervals) + running) / len(intervals))
