"""What was seen of one server under load, round after round."""

from __future__ import annotations

import asyncio
import statistics
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from benchmarks.machine import Figures, Generator, cpu_seconds

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_WARM_UP = 0.5
_UP_WITHIN = 20.0


@dataclass
class Row:
    """One server under load, and what was seen of it. CPU times are microseconds per message."""

    name: str
    generator: Generator
    processes: dict[str, int]
    others: dict[str, int] = field(default_factory=dict)
    """A second process of the same name, whose time counts with the first's."""
    closed: list[Figures] = field(default_factory=list)
    opened: list[Figures] = field(default_factory=list)
    cpu: dict[str, list[float]] = field(default_factory=dict)
    open_cpu: dict[str, list[float]] = field(default_factory=dict)

    def round(self, kind: Literal["closed", "open"], value: int, seconds: float) -> None:
        """One run, kept."""
        before = {name: self._cpu_seconds(name) for name in self.processes}
        figures = self.generator.run(kind, value, _WARM_UP, seconds)
        (self.closed if kind == "closed" else self.opened).append(figures)
        costs = self.cpu if kind == "closed" else self.open_cpu
        for name in self.processes:
            used = self._cpu_seconds(name) - before[name]
            costs.setdefault(name, []).append(used * 1e6 / max(figures.delivered, 1))

    def _cpu_seconds(self, name: str) -> float:
        return cpu_seconds(self.processes[name]) + (cpu_seconds(self.others[name]) if name in self.others else 0.0)

    @property
    def per_second(self) -> float:
        """Messages, median of the rounds; 1 where there were none, so that others can be compared with it."""
        return max(statistics.median(figures.per_second for figures in self.closed), 1.0)

    def cost(self, process: str) -> float:
        """CPU microseconds per message, median of the rounds."""
        return statistics.median(self.cpu[process]) if process in self.cpu else 0.0

    def median(self, of: Callable[[Figures], float], *, opened: bool = False) -> float:
        """The median of the rounds."""
        return statistics.median(of(figures) for figures in (self.opened if opened else self.closed))

    def faults(self) -> Iterator[str]:
        """What must not happen."""
        for figures in (*self.closed, *self.opened):
            if figures.lost or figures.wrong:
                yield f"{self.name}: {figures.lost} lost, {figures.wrong} doubled, out of order or refused"


async def listening(port: int) -> None:
    """Until a server takes connections there."""
    deadline = time.monotonic() + _UP_WITHIN
    while True:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            if time.monotonic() > deadline:
                raise
            await asyncio.sleep(0.05)
        else:
            writer.close()
            await writer.wait_closed()
            return
