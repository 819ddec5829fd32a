"""What a message costs while 10, 1,000 and 10,000 idle conversations lie in the store, in turns; see README.md."""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.houses import house, opened_store
from benchmarks.machine import compiled, cpu_seconds

if TYPE_CHECKING:
    from benchmarks.rows import Row
    from servers import Kind

GOAL = 1.15
"""The cost of a message with many idle conversations, as a part of its cost with ten, at most."""
_NUMBERS = (10, 1_000, 10_000)
_PAIRS = 10
_ALONE = 10.0
_ROUNDS = 5
_WINDOW = 2
_SECONDS = 1.0


@dataclass
class _Measured:
    """One row: a node under load, and what it takes with nothing to do (CPU milliseconds a second)."""

    row: Row
    alone: dict[str, float] = field(default_factory=dict)

    @property
    def costs(self) -> list[float]:
        """Of a message, round after round: node and store, CPU microseconds."""
        return [node + store for node, store in zip(self.row.cpu["server"], self.row.cpu["Redis"], strict=True)]

    def to(self, other: _Measured) -> float:
        """The cost of a message as a part of that in `other`, median of the rounds."""
        return statistics.median(ours / theirs for ours, theirs in zip(self.costs, other.costs, strict=True))

    def used(self) -> dict[str, float]:
        """CPU seconds so far."""
        return {name: cpu_seconds(pid) for name, pid in self.row.processes.items()}


def measure_idle(kind: Kind) -> bool:
    """Do it, print it; whether a message costs the same, and none was lost."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="idcontact-bench-")))
        load = compiled("load", folder)
        measured = []
        for number in _NUMBERS:
            print(f"\rmaking {number:,} conversations ", end="", file=sys.stderr, flush=True)
            home = house(stack, folder, f"{number:,} idle", opened_store(stack, kind), pairs=_PAIRS, idle=number)
            home.start()
            measured.append(_Measured(home.row(stack, load)))
        for number in range(_ROUNDS):
            print(f"\rround {number + 1} of {_ROUNDS}{'':20}", end="", file=sys.stderr, flush=True)
            for one in measured:
                one.row.round("closed", _WINDOW, _SECONDS)
        print("\r" + " " * 40, end="\r", file=sys.stderr)
        _alone(measured)
        return _report(kind, measured)


def _alone(measured: list[_Measured]) -> None:
    """All of them at once with nothing to do but to look after deadlines, leases and themselves."""
    before, began = [one.used() for one in measured], time.monotonic()
    time.sleep(_ALONE)
    passed = time.monotonic() - began
    for one, was in zip(measured, before, strict=True):
        one.alone = {name: (used - was[name]) / passed * 1000 for name, used in one.used().items()}


def _report(kind: Kind, measured: list[_Measured]) -> bool:
    print(
        f"{_PAIRS} pairs talk, {_WINDOW} messages under way on each socket; {_ROUNDS} rounds in turns, medians\n"
        f"{kind}; CPU µs per message with all that node and store do meanwhile; alone: CPU ms a second with\n"
        f"nobody talking, for the deadlines of all buckets twice a second, leases, and what is kept ({_ALONE:g} s)\n"
    )
    print(f"{'':14}{'msg/s':>9}{'server':>9}{'Redis':>8}{'ratio':>8}{'server alone':>15}{'Redis alone':>13}")
    for one in measured:
        row = one.row
        print(
            f"{row.name:14}{row.per_second:9,.0f}{row.cost('server'):9.1f}{row.cost('Redis'):8.1f}"
            f"{one.to(measured[0]):8.2f}{one.alone['server']:15.1f}{one.alone['Redis']:13.1f}"
        )
    worst = max(one.to(measured[0]) for one in measured)
    faults = [fault for one in measured for fault in one.row.faults()]
    print("\n".join(["", *faults]))
    print(f"at most {worst:.2f} of the cost with {_NUMBERS[0]}; goal {GOAL}: {'met' if worst <= GOAL else 'MISSED'}")
    return worst <= GOAL and not faults
