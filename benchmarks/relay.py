"""Chat messages between pairs, through the product and through a bare relay, in turns; see README.md."""

from __future__ import annotations

import asyncio
import statistics
import sys
import tempfile
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from benchmarks.machine import GENERATOR_CORE, SERVER_CORE, Generator, compiled, on_core, running
from benchmarks.pairs import make_busy_site, talking_pairs, write_bare_pairs
from benchmarks.rows import Row, listening
from benchmarks.stores import flushing_store, pid_of
from running import ServerProcess, free_port

if TYPE_CHECKING:
    from running import Site
    from servers import RedisServer

GOAL = 0.35
"""Messages per second of the product, as a part of the bare relay's."""


@dataclass(frozen=True)
class Plan:
    """What to measure."""

    rounds: int = 5
    seconds: float = 2.0
    pairs: int = 50
    window: int = 2
    rate: int = 1000
    redis: Literal["valkey", "redis"] = "valkey"


def measure(plan: Plan) -> bool:
    """Do it, print it; whether the goal is met and nothing was lost."""
    rows = asyncio.run(_measured(plan))
    return _report(plan, rows)


async def _measured(plan: Plan) -> list[Row]:
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="idcontact-bench-")))
        load, bound = compiled("load", folder), compiled("bound", folder)
        with on_core(GENERATOR_CORE):
            store = stack.enter_context(flushing_store(plan.redis))
        site = make_busy_site(folder, store.url, plan.pairs)
        bare_sockets = folder / "bare.sockets"
        write_bare_pairs(plan.pairs, bare_sockets)
        rows = [await _product(plan, stack, load, site, store)]
        for name, command in (
            ("bare Starlette relay", [sys.executable, "-m", "benchmarks.bare", str(site.config)]),
            ("relay in C", [str(bound)]),
        ):
            port = free_port()
            pid = stack.enter_context(running([*command, str(port)], SERVER_CORE))
            await listening(port)
            generator = stack.enter_context(Generator(load, port, "relay", bare_sockets))
            generator.wait_until_ready()
            rows.append(Row(name, generator, {"server": pid}))
        _take_turns(plan, rows)
        return rows


async def _product(plan: Plan, stack: AsyncExitStack, load: Path, site: Site, store: RedisServer) -> Row:
    server = ServerProcess(site, "info")
    with on_core(SERVER_CORE):
        server.start()
    stack.callback(server.stop)
    await server.wait_until_up()
    sockets = site.folder / "live.sockets"
    async with talking_pairs(site, plan.pairs, sockets):
        generator = stack.enter_context(Generator(load, site.port, "live", sockets))
        await asyncio.to_thread(generator.wait_until_ready)
    return Row("product", generator, {"server": server.pid, "Redis": pid_of(store)})


def _take_turns(plan: Plan, rows: list[Row]) -> None:
    """ABC ABC ABC: what disturbs the machine for a while disturbs all."""
    for kind, value in (("closed", plan.window), ("open", plan.rate)):
        for number in range(plan.rounds):
            print(f"\r{kind} loop, round {number + 1} of {plan.rounds} ", end="", file=sys.stderr, flush=True)
            for row in rows:
                row.round("closed" if kind == "closed" else "open", value, plan.seconds)
    print("\r" + " " * 40, end="\r", file=sys.stderr)


def _report(plan: Plan, rows: list[Row]) -> bool:
    product, bare, bound = rows
    print(
        f"{plan.pairs} pairs, both sides talk; {plan.rounds} rounds of {plan.seconds:g} s in turns, medians\n"
        f"server on core {SERVER_CORE}; load generator and {plan.redis} "
        f"(append-only file, every second) on core {GENERATOR_CORE}\n"
    )
    print(f"closed loop, {plan.window} messages under way on each of {2 * plan.pairs} sockets")
    print(f"{'':22}{'msg/s':>9}{'ratio':>7}{'server':>9}{'Redis':>8}  CPU µs per message   generator's CPU")
    for row in rows:
        print(
            f"{row.name:22}{row.per_second:9,.0f}{row.per_second / bare.per_second:7.2f}{row.cost('server'):9.1f}"
            f"{row.cost('Redis'):8.1f}{'':22}{row.median(lambda figures: figures.cpu_share):14.0%}"
        )
    print(f"\nopen loop, {plan.rate:,} messages a second, timed from when each was due")
    print(f"{'':22}{'p50 µs':>9}{'ratio':>7}{'p99 µs':>9}{'ratio':>7}   server µs   the generator's own p99 lag, µs")
    for row in rows:
        p50, p99 = row.median(lambda f: f.p50, opened=True), row.median(lambda f: f.p99, opened=True)
        print(
            f"{row.name:22}{p50:9,.0f}{p50 / bare.median(lambda f: f.p50, opened=True):7.2f}{p99:9,.0f}"
            f"{p99 / bare.median(lambda f: f.p99, opened=True):7.2f}{statistics.median(row.open_cpu['server']):12.1f}"
            f"{row.median(lambda f: f.lag_p99, opened=True):12,.0f}"
        )
    return _judged(product, bare, bound)


def _judged(product: Row, bare: Row, bound: Row) -> bool:
    ratio = product.per_second / bare.per_second
    faults = [fault for row in (product, bare, bound) for fault in row.faults()]
    total = sum(figures.delivered for figures in (*product.closed, *product.opened))
    print(f"\nthe generator drives {bound.per_second / bare.per_second:.1f} times what the bare relay carries")
    print(
        "\n".join(faults) if faults else f"{total:,} messages through the product: each acknowledged and delivered once"
    )
    print(f"product / bare relay: {ratio:.2f}; goal {GOAL}: {'met' if ratio >= GOAL else 'MISSED'}")
    return ratio >= GOAL and not faults
