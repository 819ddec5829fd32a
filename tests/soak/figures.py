"""What soaks came to, beside each other: a table for docs/guarantees.md."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from soak.checker import Verdict


@dataclass(frozen=True)
class Run:
    """One soak: how long, of whom, what broke how often, and what the checker counted and found."""

    title: str
    seed: int
    pairs: int
    seconds: float
    broken: Mapping[str, int]
    verdict: Verdict

    def lines(self) -> dict[str, str]:
        """What stands in its column, by what it is."""
        counted = {name.replace("_", " "): value for name, value in asdict(self.verdict.counts).items()}
        return {
            "seed": str(self.seed),
            "pairs": f"{self.pairs:,}",
            "seconds": f"{self.seconds:,.0f}",
            **{what: f"{times:,}" for what, times in sorted(self.broken.items())},
            **{what: f"{times:,}" for what, times in counted.items()},
            "faults": f"{len(self.verdict.faults):,}",
        }


@dataclass
class Figures:
    """Of all soaks of one session."""

    runs: list[Run] = field(default_factory=list)

    def table(self) -> str:
        """Markdown: a column for each, and a line for whatever any of them has; `-` where it has not."""
        columns = [run.lines() for run in self.runs]
        order = ["seed", "pairs", "seconds", *sorted({what for run in self.runs for what in run.broken})]
        order += [what for what in columns[0] if what not in order]
        head = ["| |", *(f" {run.title} |" for run in self.runs)]
        rows = ["".join([f"| {what} |", *(f" {column.get(what, '-')} |" for column in columns)]) for what in order]
        return "\n".join(["".join(head), "| --- |" + " ---: |" * len(columns), *rows])
