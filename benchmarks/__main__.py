"""`python -m benchmarks`, which is what `make bench` runs."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

# The server and the clients of the tests are used here, too.
sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))


def main() -> int:
    """Measure, print, and say by the exit status whether the goal is met."""
    from benchmarks.machine import Missing
    from benchmarks.relay import Plan, measure

    given = Plan()
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__, allow_abbrev=False)
    parser.add_argument("--rounds", type=int, default=given.rounds, help="of each server (%(default)s)")
    parser.add_argument("--seconds", type=float, default=given.seconds, help="of each round (%(default)s)")
    parser.add_argument("--pairs", type=int, default=given.pairs, help="people who talk to an agent (%(default)s)")
    parser.add_argument("--window", type=int, default=given.window, help="messages under way, each (%(default)s)")
    parser.add_argument("--rate", type=int, default=given.rate, help="messages a second for latency (%(default)s)")
    parser.add_argument("--redis", choices=("valkey", "redis"), default=given.redis, help="which store (%(default)s)")
    plan = Plan(**vars(parser.parse_args()))
    try:
        return 0 if measure(plan) else 1
    except Missing as missing:
        print(missing, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
