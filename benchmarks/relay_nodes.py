"""Chat messages between two nodes: the product beside what others use for that, in turns; see README.md."""

from __future__ import annotations

import asyncio
import statistics
import sys
import tempfile
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.machine import Generator, compiled
from benchmarks.pairs import make_busy_site, talking_pairs
from benchmarks.relay_peers import BARE, CHANNELS, PYTHON_SOCKETIO, SOCKETIO, peer_rows, single_rows
from benchmarks.rows import Row
from benchmarks.stores import flushing_store, pid_of
from running import ServerProcess

if TYPE_CHECKING:
    from benchmarks.relay import Plan
    from running import Site

GOALS = {BARE: 0.5, SOCKETIO: 0.8, PYTHON_SOCKETIO: 4.0, CHANNELS: 7.0}
"""How many times what they carry the product carries on two nodes; and how many times less CPU of servers it takes."""
HOP_GOAL = 180.0
"""µs that a message takes longer than through the bare relay, median."""
WINDOW = 4
SLOW_RATE = 300
_SLOW_ROUNDS = 3


@dataclass(frozen=True)
class Rows:
    """All that are measured."""

    crossing: Row
    beside: Row
    """The same nodes; both sides of each pair on the first."""
    bare: Row
    """The one that the goals are set by: on uvicorn as it comes."""
    bare_on_ours: Row
    """The same application on the product's own frame path."""
    bound: Row
    peers: list[Row]
    slow: list[Row] = field(default_factory=list)
    """The product and its peers once more, at `SLOW_RATE`."""

    @property
    def in_closed_loop(self) -> list[Row]:
        """Without the product on one node: with two processes and one of them idle it would say little."""
        return [self.crossing, self.bare, self.bare_on_ours, *self.peers, self.bound]

    @property
    def in_open_loop(self) -> list[Row]:
        """Without the relay in C: it is there for what the generator can drive."""
        return [self.crossing, self.beside, self.bare, self.bare_on_ours, *self.peers]


def measure_nodes(plan: Plan) -> bool:
    """Do it, print it; whether the goals are met and nothing was lost."""
    return asyncio.run(_measured(plan))


async def _measured(plan: Plan) -> bool:
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="idcontact-bench-")))
        load, bound = compiled("load", folder), compiled("bound", folder)
        store = stack.enter_context(flushing_store(plan.redis))
        (folder / "second").mkdir()
        site = make_busy_site(folder, store.url, 2 * plan.pairs)
        second = make_busy_site(folder / "second", store.url, 2 * plan.pairs, beside=site)
        peers = [row async for row in peer_rows(stack, load, store, plan.pairs, folder)]
        bare, bare_on_ours, in_c = [row async for row in single_rows(stack, load, bound, plan.pairs, site.config)]
        pids = [await _node(stack, one) for one in (site, second)]
        processes, others = {"server": pids[0], "Redis": pid_of(store)}, {"server": pids[1]}
        generators = [
            await _talking(plan, stack, load, site, desk, first) for desk, first in ((second, 0), (site, plan.pairs))
        ]
        crossing, beside = (
            Row(f"product, {where}", generator, processes, others)
            for where, generator in zip(("two nodes", "one node"), generators, strict=True)
        )
        rows = Rows(crossing, beside, bare, bare_on_ours, in_c, peers)
        _take_turns(plan, rows)
        return _report(plan, rows)


async def _node(stack: AsyncExitStack, site: Site) -> int:
    server = ServerProcess(site, "info")
    server.start()
    stack.callback(server.stop)
    await server.wait_until_up()
    return server.pid


async def _talking(plan: Plan, stack: AsyncExitStack, load: Path, site: Site, desk: Site, first: int) -> Generator:
    sockets = site.folder / f"from-{first}.sockets"
    async with talking_pairs(site, plan.pairs, sockets, desk=desk, first=first):
        generator = stack.enter_context(Generator(load, site.port, "live", sockets, core=None))
        await asyncio.to_thread(generator.wait_until_ready)
    return generator


def _take_turns(plan: Plan, rows: Rows) -> None:
    """ABC ABC ABC: what disturbs the machine for a while disturbs all."""
    rows.slow.extend(Row(row.name, row.generator, row.processes, row.others) for row in (rows.crossing, *rows.peers))
    for what, among, kind, value, rounds in (
        ("closed loop", rows.in_closed_loop, "closed", WINDOW, plan.rounds),
        ("open loop", rows.in_open_loop, "open", plan.rate, plan.rounds),
        ("slow open loop", rows.slow, "open", SLOW_RATE, _SLOW_ROUNDS),
    ):
        for number in range(rounds):
            print(f"\r{what + f', round {number + 1} of {rounds}':40}", end="", file=sys.stderr, flush=True)
            for row in among:
                row.round("closed" if kind == "closed" else "open", value, plan.seconds)
    print("\r" + " " * 40, end="\r", file=sys.stderr)


def _report(plan: Plan, rows: Rows) -> bool:
    print(
        f"{plan.pairs} pairs, both sides talk, each at its own process; {plan.rounds} rounds of {plan.seconds:g} s "
        f"in turns, medians\nall processes on all cores; {plan.redis} with an append-only file, flushed every second\n"
    )
    print(f"closed loop, {WINDOW} messages under way on each of {2 * plan.pairs} sockets")
    print(
        f"{'':26}{'msg/s':>8}{'ratio':>7}{'servers':>9}{'ratio':>7}{'Redis':>8}  CPU µs per message   generator's CPU"
    )
    for row in rows.in_closed_loop:
        print(
            f"{row.name:26}{row.per_second:8,.0f}{rows.crossing.per_second / row.per_second:7.2f}"
            f"{row.cost('server'):9.1f}{row.cost('server') / rows.crossing.cost('server'):7.2f}{row.cost('Redis'):8.1f}"
            f"{row.median(lambda figures: figures.cpu_share):37.0%}"
        )
    _print_open(plan.rate, rows.in_open_loop)
    _print_open(SLOW_RATE, rows.slow)
    return _judged(rows)


def _print_open(rate: int, rows: list[Row]) -> None:
    print(f"\nopen loop, {rate:,} messages a second, timed from when each was due; µs")
    print(f"{'':26}{'p50':>8}{'p99':>9}{'servers':>9}{'Redis':>8}  CPU per message   the generator's own p99 lag")
    for row in rows:
        costs = [statistics.median(row.open_cpu[name]) if name in row.open_cpu else 0.0 for name in ("server", "Redis")]
        print(
            f"{row.name:26}{row.median(lambda f: f.p50, opened=True):8,.0f}"
            f"{row.median(lambda f: f.p99, opened=True):9,.0f}{costs[0]:9.1f}{costs[1]:8.1f}"
            f"{row.median(lambda f: f.lag_p99, opened=True):47,.0f}"
        )


def _judged(rows: Rows) -> bool:
    product, met = rows.crossing, True
    print(
        f"\nthe generator drives {rows.bound.per_second / rows.bare.per_second:.1f} times what the bare relay carries"
    )
    for row in (rows.bare, *rows.peers):
        goal, carried, saved = GOALS[row.name], *_ratios(product, row)
        verdict = "met" if min(carried, saved) >= goal else "MISSED"
        print(f"product / {row.name}: {carried:.2f} messages, {saved:.2f} by CPU of servers; goal {goal}: {verdict}")
        met = met and verdict == "met"
    carried, saved = _ratios(product, rows.bare_on_ours)
    print(f"product / {rows.bare_on_ours.name}: {carried:.2f} messages, {saved:.2f} by CPU of servers; no goal")
    met = _judged_by_latency(rows) and met
    faults = [
        fault for row in (product, rows.beside, rows.bare, rows.bare_on_ours, rows.slow[0]) for fault in row.faults()
    ]
    total = sum(one.delivered for row in (product, rows.beside, rows.slow[0]) for one in (*row.closed, *row.opened))
    print(
        "\n".join(faults) if faults else f"{total:,} messages through the product: each acknowledged and delivered once"
    )
    for fault in (fault for row in rows.peers for fault in row.faults()):
        print(f"{fault}; no goal of ours")
    return met and not faults


def _ratios(product: Row, row: Row) -> tuple[float, float]:
    """How many times as many messages, and how many times less CPU for each."""
    return product.per_second / row.per_second, row.cost("server") / product.cost("server")


def _judged_by_latency(rows: Rows) -> bool:
    crossing, beside, bare, ours = (
        row.median(lambda figures: figures.p50, opened=True)
        for row in (rows.crossing, rows.beside, rows.bare, rows.bare_on_ours)
    )
    added = crossing - bare
    verdict = "met" if added <= HOP_GOAL else "MISSED"
    print(f"added by nodes and store, p50: {added:,.0f} µs above the {rows.bare.name}; goal {HOP_GOAL:g}: {verdict}")
    print(f"and {crossing - ours:,.0f} above the {rows.bare_on_ours.name}, {crossing - beside:,.0f} above one node")
    return added <= HOP_GOAL
