"""What several soaks came to stands beside each other, ready for the documentation."""

from __future__ import annotations

from soak.checker import Counts, Verdict
from soak.figures import Figures, Run


def run(title: str, broken: dict[str, int], *faults: str) -> Run:
    return Run(title, 7, 200, 300.4, broken, Verdict(Counts(clients=403, events_received=6908), list(faults)))


def test_each_has_a_column_and_what_any_of_them_has_a_line() -> None:
    figures = Figures([run("Valkey", {"nodes killed": 11}), run("Redis 7", {"failed over": 3}, "a message was lost")])
    lines = figures.table().splitlines()
    assert lines[:2] == ["| | Valkey | Redis 7 |", "| --- | ---: | ---: |"]
    assert "| pairs | 200 | 200 |" in lines
    assert "| seconds | 300 | 300 |" in lines
    assert lines.index("| failed over | - | 3 |") < lines.index("| nodes killed | 11 | - |")
    assert "| events received | 6,908 | 6,908 |" in lines
    assert lines[-1] == "| faults | 0 | 1 |"
