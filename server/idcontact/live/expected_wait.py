"""How long somebody who comes now will wait, from recent hand-overs: plain code, no I/O, no clock.

While people wait, every hand-over ends an interval in which all agents of the queue were occupied: the time in which
one of them becomes free. The mean of those intervals, times those who go before, is what a newcomer waits. Hand-overs
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


def expected_wait(queue: Queue, recent: Sequence[HandOver], now: int) -> int | None:
    """Milliseconds that who comes now will wait; None when that cannot be said. `recent`: oldest first."""
    if queue.agents == 0:
        return None
    if queue.waiting == queue.offered and queue.free > 0:
        return 0
    intervals = [after.at - max(after.since, before.at) for before, after in pairwise(recent) if after.since < after.at]
    intervals = intervals[-MOST:]
    if len(intervals) < LEAST:
        return None
    running = 0 if queue.oldest is None else max(0, now - max(queue.oldest, recent[-1].at))
    return (sum(intervals) + running) * (queue.waiting + 1) // len(intervals)
