"""What each setting of `durability` costs: the same load on three nodes in turns; see README.md."""

from __future__ import annotations

import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.houses import house, opened_store
from benchmarks.machine import compiled
from benchmarks.stores import pid_of
from running import free_port

if TYPE_CHECKING:
    from benchmarks.houses import House
    from benchmarks.rows import Row
    from idcontact.durability import Durability
    from servers import Kind, RedisServer

_PAIRS = 25
_WINDOW = 2
_RATE = 500
_ROUNDS = 4
_SECONDS = 1.0


def measure_durability(kind: Kind) -> bool:
    """Do it, print it; whether nothing was lost. There is no goal: each promises something else."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="idcontact-bench-")))
        load, homes = compiled("load", folder), _homes(stack, folder, kind)
        rows: list[Row] = []
        for home, replica in homes:
            home.start()
            row = home.row(stack, load)
            if replica is not None:
                row.processes["replica"] = pid_of(replica)
            rows.append(row)
        for loop, value in (("closed", _WINDOW), ("open", _RATE)):
            for number in range(_ROUNDS):
                print(f"\r{loop} loop, round {number + 1} of {_ROUNDS} ", end="", file=sys.stderr, flush=True)
                for row in rows:
                    row.round("closed" if loop == "closed" else "open", value, _SECONDS)
        print("\r" + " " * 40, end="\r", file=sys.stderr)
        return _report(kind, rows)


def _homes(stack: ExitStack, folder: Path, kind: Kind) -> list[tuple[House, RedisServer | None]]:
    """One for each setting, and the replica of the last."""
    homes: list[tuple[House, RedisServer | None]] = []
    settings: tuple[Durability, ...] = ("everysec", "always", "replicated")
    for setting in settings:
        fsync = "always" if setting == "always" else "everysec"
        store = opened_store(stack, kind, fsync, port=free_port() if setting == "replicated" else 0)
        replica = None
        if setting == "replicated":
            replica = opened_store(stack, kind, fsync, port=free_port(), of=store)
            replica.wait_until_following()
        home = house(stack, folder, setting, store, pairs=_PAIRS)
        written = home.site.config.read_text(encoding="utf-8")
        home.site.config.write_text(f'durability = "{setting}"\n{written}', encoding="utf-8")
        homes.append((home, replica))
    return homes


def _report(kind: Kind, rows: list[Row]) -> bool:
    first = rows[0]
    print(
        f"{_PAIRS} pairs, both sides talk; {_ROUNDS} rounds in turns, medians; each with a {kind} of its own;\n"
        f"ratio to {first.name}; closed loop, {_WINDOW} messages under way a socket; open loop, {_RATE} a second\n"
    )
    print(
        f"{'':14}{'msg/s':>9}{'ratio':>7}{'server':>9}{'Redis':>8}{'replica':>9}  CPU µs per message"
        f"{'p50 µs':>10}{'above':>9}{'p99 µs':>10}"
    )
    for row in rows:
        p50, p99 = row.median(lambda f: f.p50, opened=True), row.median(lambda f: f.p99, opened=True)
        ratio = row.per_second / first.per_second
        above = p50 - first.median(lambda f: f.p50, opened=True)
        print(
            f"{row.name:14}{row.per_second:9,.0f}{ratio:7.2f}{row.cost('server'):9.1f}{row.cost('Redis'):8.1f}"
            f"{row.cost('replica'):9.1f}{'':20}{p50:10,.0f}{above:9,.0f}{p99:10,.0f}"
        )
    faults = [fault for row in rows for fault in row.faults()]
    total = sum(figures.delivered for row in rows for figures in (*row.closed, *row.opened))
    print("\n" + ("\n".join(faults) or f"{total:,} messages: each acknowledged and delivered once"))
    return not faults
