"""A thousand sockets of five hundred conversations that return at once when their node is back; see README.md."""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from benchmarks.comers import Came, Comer
from benchmarks.houses import house, opened_store
from benchmarks.machine import GENERATOR_CORE, cpu_seconds, on_core
from benchmarks.stores import pid_of
from idcontact.embedded import ending_with_parent

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.houses import House
    from servers import Kind

GOAL = 2.0
"""Seconds from its connect within which each is served."""
_PAIRS = 500
_ROUNDS = 3


@dataclass(frozen=True)
class _Return:
    """One of them: how it went, and what node and store used of their cores meanwhile (CPU seconds)."""

    came: Came
    server: float
    store: float
    kept_waiting: float
    """Seconds for which the node could have gone on, and others had its core."""

    def at(self, part: float) -> float:
        """The wait, in seconds, that this part of them did not exceed."""
        waits = sorted(self.came.waits)
        return waits[min(int(part * len(waits)), len(waits) - 1)] if waits else float("inf")


def measure_returning(kind: Kind) -> bool:
    """Do it, print it; whether everybody was served in time, each time."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="idcontact-bench-")))
        print("\rmaking 500 conversations ", end="", file=sys.stderr, flush=True)
        home = house(stack, folder, "node", opened_store(stack, kind), pairs=_PAIRS)
        comers = stack.enter_context(_comers(home, folder / "comers"))
        returns = []
        for number in range(_ROUNDS):
            print(f"\rround {number + 1} of {_ROUNDS}{'':20}", end="", file=sys.stderr, flush=True)
            home.start()
            returns.append(_return(home, comers))
            home.server.kill()
            _say(comers)  # who was there goes; the next time they come to a node that has just begun
        print("\r" + " " * 40, end="\r", file=sys.stderr)
        return _report(kind, returns)


def _return(home: House, comers: subprocess.Popen[str]) -> _Return:
    pids = home.server.pid, pid_of(home.store)
    before, waited = [cpu_seconds(pid) for pid in pids], _kept_waiting(home.server.pid)
    _say(comers)
    came = msgspec.json.decode(_line(comers), type=Came)
    server, store = (cpu_seconds(pid) - was for pid, was in zip(pids, before, strict=True))
    return _Return(came, server, store, _kept_waiting(home.server.pid) - waited)


def _kept_waiting(pid: int) -> float:
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[1]) / 1e9


@contextmanager
def _comers(home: House, file: Path) -> Iterator[subprocess.Popen[str]]:
    lines = [msgspec.json.encode(Comer(page.path, page.headers(home.site), page.hello())) for page in home.pages]
    file.write_bytes(b"\n".join(lines))
    with on_core(GENERATOR_CORE):
        process = subprocess.Popen(
            ending_with_parent([sys.executable, "-m", "benchmarks.comers", str(home.site.port), str(file)]),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
    try:
        assert _line(process) == "ready"
        yield process
    finally:
        process.terminate()
        process.communicate()


def _say(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()


def _line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        raise AssertionError(f"those who come ended with status {process.wait()}")
    return line.strip()


def _report(kind: Kind, returns: list[_Return]) -> bool:
    print(
        f"{_PAIRS} end users and {_PAIRS} agents connect at once to one node that has just started; {kind}\n"
        f"seconds from each one's connect to the answer to its hello\n"
    )
    print(
        f"{'':10}{'p50':>7}{'p99':>7}{'max':>7}   CPU seconds: {'node':>6}{'store':>7}{'clients':>9}{'refused':>10}"
        f"{'kept from its core':>21}"
    )
    for number, one in enumerate(returns, 1):
        print(
            f"{f'round {number}':10}{one.at(0.5):7.2f}{one.at(0.99):7.2f}{one.at(1):7.2f}{'':16}{one.server:6.2f}"
            f"{one.store:7.2f}{one.came.cpu:9.2f}{one.came.refused:10}{one.kept_waiting:21.2f}"
        )
    slowest = statistics.median(one.at(1) for one in returns)
    refused = sum(one.came.refused for one in returns)
    share = statistics.median(one.came.cpu / one.came.wall for one in returns)
    print(f"\nthe clients used {share:.0%} of a core")
    met = slowest <= GOAL and not refused
    print(
        f"the last was served after {slowest:.2f} s, median of the rounds; goal {GOAL:g}: {'met' if met else 'MISSED'}"
    )
    return met
