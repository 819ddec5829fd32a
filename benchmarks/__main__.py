"""`python -m benchmarks`, which is what `make bench` runs."""

from __future__ import annotations

import argparse
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

# The server and the clients of the tests are used here, too.
sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))


_PARTS = ("relay", "nodes", "load", "resume", "returning", "idle", "durability", "core", "tokens")


def main() -> int:
    """Measure, print, and say by the exit status whether the goals are met."""
    from benchmarks.core import CorePlan, measure_core
    from benchmarks.crowd import measure_crowd
    from benchmarks.durability import measure_durability
    from benchmarks.idle import measure_idle
    from benchmarks.machine import Missing
    from benchmarks.relay import Plan, measure
    from benchmarks.relay_nodes import measure_nodes
    from benchmarks.resume import measure_resume
    from benchmarks.returning import measure_returning
    from benchmarks.tokens import measure_tokens

    given = Plan()
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__, allow_abbrev=False)
    parser.add_argument("--only", choices=_PARTS, action="append", help="one part; may be given again (all)")
    parser.add_argument("--rounds", type=int, default=given.rounds, help="of each server (%(default)s)")
    parser.add_argument("--seconds", type=float, default=given.seconds, help="of each round (%(default)s)")
    parser.add_argument("--pairs", type=int, default=given.pairs, help="people who talk to an agent (%(default)s)")
    parser.add_argument("--window", type=int, default=given.window, help="messages under way, each (%(default)s)")
    parser.add_argument("--rate", type=int, default=given.rate, help="messages a second for latency (%(default)s)")
    parser.add_argument("--redis", choices=("valkey", "redis"), default=given.redis, help="which store (%(default)s)")
    parser.add_argument("--connections", type=int, default=50, help="for starts and options (%(default)s)")
    asked = vars(parser.parse_args())
    only, connections = asked.pop("only") or _PARTS, asked.pop("connections")
    plan = Plan(**asked)
    core = CorePlan(plan.rounds, plan.seconds, connections, plan.redis)
    parts: dict[str, Callable[[], bool]] = {
        "relay": partial(measure, plan),
        "nodes": partial(measure_nodes, plan),
        "load": partial(measure_crowd, plan.redis),
        "resume": partial(measure_resume, plan.redis),
        "returning": partial(measure_returning, plan.redis),
        "idle": partial(measure_idle, plan.redis),
        "durability": partial(measure_durability, plan.redis),
        "core": partial(measure_core, core),
        "tokens": measure_tokens,
    }
    met = True
    for part in only:
        print(f"\n--- {part} ---\n", flush=True)
        try:
            met = parts[part]() and met
        except (Missing, AssertionError, TimeoutError) as failure:
            print(f"{part} could not be measured: {failure}", flush=True)
            met = False
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
