"""Ten thousand sockets on two nodes, and what each of them takes; see README.md."""

from __future__ import annotations

import asyncio
import resource
import statistics
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from benchmarks.machine import Generator, Missing, compiled, resident_bytes, running
from benchmarks.pairs import make_busy_site, write_bare_pairs
from benchmarks.rows import Row, listening
from benchmarks.stores import flushing_store, pid_of
from benchmarks.under_way import put_crowd_under_way
from running import ServerProcess, free_port

if TYPE_CHECKING:
    from benchmarks.machine import Figures
    from running import Site
    from servers import Kind

TAIL_GOAL: Final = 10.0
"""p99 as times p50, with all sockets open."""
MEMORY_GOAL: Final = 1.6
"""Memory for one more idle socket, as times what a bare Starlette socket takes."""
SOCKETS: Final = 10_000
PAIRS: Final = 500
RATE: Final = 1000
_ROUNDS = 3
_SECONDS = 4.0
_SPARE_FILES = 500


@dataclass(frozen=True)
class Crowd:
    """What was seen of two nodes while a crowd came. Times in seconds, memory in bytes."""

    making: float
    opening: float
    few: list[Figures]
    """With only those who talk."""
    many: list[Figures]
    faults: list[str]
    cpu: dict[str, float]
    """µs per message, with all sockets open."""
    each: float
    """Memory for one more idle socket."""


def measure_crowd(kind: Kind) -> bool:
    """Do it, print it; whether the goals are met and nothing was lost."""
    _let_files_be_opened()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="idcontact-bench-")))
        load = compiled("load", folder)
        with ExitStack() as alone:
            crowd = _product(alone, load, kind, folder)
        bare = _bare(stack, load, folder)
    return _report(crowd, bare, kind)


def _let_files_be_opened() -> None:
    """As many as the machine lets us, for the processes that are started too."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if most != resource.RLIM_INFINITY and most < SOCKETS + _SPARE_FILES:
        raise Missing(f"{SOCKETS:,} sockets take as many open files, and this machine allows {most:,}: see ulimit -Hn")
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _product(stack: ExitStack, load: Path, kind: Kind, folder: Path) -> Crowd:
    store = stack.enter_context(flushing_store(kind))
    (folder / "second").mkdir()
    site = make_busy_site(folder, store.url, PAIRS)
    second = make_busy_site(folder / "second", store.url, PAIRS, beside=site)
    started = time.monotonic()
    sockets = _people(site, second)
    making = time.monotonic() - started
    nodes = [_node(stack, one) for one in (site, second)]
    generator = stack.enter_context(Generator(load, site.port, "live", sockets, core=None, talkers=2 * PAIRS))
    generator.wait_until_ready()
    few = Row("those who talk", generator, {"server": nodes[0], "store": pid_of(store)}, {"server": nodes[1]})
    _rounds(few)
    before, started = sum(map(resident_bytes, nodes)), time.monotonic()
    generator.open_the_others()
    opening, after = time.monotonic() - started, sum(map(resident_bytes, nodes))
    many = Row("all", generator, few.processes, few.others)
    _rounds(many)
    return Crowd(
        making=making,
        opening=opening,
        few=few.opened,
        many=many.opened,
        faults=[*few.faults(), *many.faults()],
        cpu={name: statistics.median(costs) for name, costs in many.open_cpu.items()},
        each=(after - before) / (SOCKETS - 2 * PAIRS),
    )


def _people(site: Site, second: Site) -> Path:
    """Everybody's sockets, in a file: pairs with a side at each node, then end users at the one and the other in turns.

    Their conversations were accepted; the agents of the others do not come.
    """
    couples, others = put_crowd_under_way(site, PAIRS, SOCKETS - 2 * PAIRS)
    lines = [page.line(node) for couple in couples for page, node in zip(couple, (site, second), strict=True)]
    lines += [page.line((site, second)[number % 2]) for number, page in enumerate(others)]
    sockets = site.folder / "crowd.sockets"
    sockets.write_text("".join(lines))
    return sockets


def _node(stack: ExitStack, site: Site) -> int:
    server = ServerProcess(site, "info")
    server.start()
    stack.callback(server.stop)
    asyncio.run(server.wait_until_up())
    return server.pid


def _rounds(row: Row) -> None:
    for number in range(_ROUNDS):
        print(f"\r{row.name}, round {number + 1} of {_ROUNDS} ", end="", file=sys.stderr, flush=True)
        row.round("open", RATE, _SECONDS)
    print("\r" + " " * 40, end="\r", file=sys.stderr)


def _bare(stack: ExitStack, load: Path, folder: Path) -> float:
    """Memory that one more idle socket takes in a bare Starlette relay, which has as many as one of the nodes."""
    port, sockets = free_port(), folder / "bare.sockets"
    write_bare_pairs(SOCKETS // 4, sockets)
    command = [sys.executable, "-m", "benchmarks.bare", str(folder / "idcontact.toml"), str(port)]
    pid = stack.enter_context(running(command, None))
    asyncio.run(listening(port))
    generator = stack.enter_context(Generator(load, port, "relay", sockets, core=None, talkers=PAIRS))
    generator.wait_until_ready()
    generator.run("open", RATE, 0.5, _SECONDS)
    before = resident_bytes(pid)
    generator.open_the_others()
    return (resident_bytes(pid) - before) / (SOCKETS // 2 - PAIRS)


def _report(crowd: Crowd, bare: float, kind: Kind) -> bool:
    print(
        f"{PAIRS} pairs talk, {RATE:,} messages a second, a side at each of two nodes; {_ROUNDS} rounds of "
        f"{_SECONDS:g} s, medians\n"
        f"{SOCKETS - 2 * PAIRS:,} more end users of accepted conversations are connected; {kind}\n"
        f"conversations made in {crowd.making:.0f} s, the others' sockets opened in {crowd.opening:.0f} s\n"
    )
    print(f"{'':24}{'p50 µs':>9}{'p99 µs':>9}{'p99/p50':>9}   the generator's own p99 lag, µs")
    for name, figures in ((f"{2 * PAIRS:,} sockets", crowd.few), (f"{SOCKETS:,} sockets", crowd.many)):
        p50, p99, lag = (statistics.median(getattr(one, part) for one in figures) for part in ("p50", "p99", "lag_p99"))
        print(f"{name:24}{p50:9,.0f}{p99:9,.0f}{_tail(figures):9.1f}{lag:12,.0f}")
    tail, memory = _tail(crowd.many), crowd.each / bare
    total = sum(one.delivered for one in (*crowd.few, *crowd.many))
    print(f"\nCPU µs per message, all sockets open: nodes {crowd.cpu['server']:.0f}, store {crowd.cpu['store']:.0f}")
    print("\n".join(crowd.faults) if crowd.faults else f"{total:,} messages: each acknowledged and delivered once")
    print(f"p99 / p50: {tail:.1f}; goal {TAIL_GOAL:g}: {'met' if tail <= TAIL_GOAL else 'MISSED'}")
    print(
        f"memory for one more idle socket: {crowd.each / 1000:.1f} kB, a bare Starlette socket {bare / 1000:.1f} kB: "
        f"{memory:.2f}; goal {MEMORY_GOAL:g}: {'met' if memory <= MEMORY_GOAL else 'MISSED'}"
    )
    return tail <= TAIL_GOAL and memory <= MEMORY_GOAL and not crowd.faults


def _tail(figures: list[Figures]) -> float:
    """p99 as times p50, median of the rounds."""
    return statistics.median(one.p99 / one.p50 for one in figures)
