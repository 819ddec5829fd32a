"""People talk while everything breaks; then everything heals, and their own journals are held to what was promised.

`make test` runs short ones, from a fixed seed; `make soak` long ones with many people, from a seed of chance that they
print. `IDCONTACT_SOAK_SECONDS` (300), `IDCONTACT_SOAK_PAIRS` (200) and `IDCONTACT_SOAK_SEED` change that;
`IDCONTACT_SOAK_JOURNALS` is a directory for the journals of one that failed.
"""

from __future__ import annotations

import asyncio
import os
import random
import secrets
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from servers import wanted_kinds
from soak.checker import Checker
from soak.crowd import Crowd
from soak.falls import Falls
from soak.faults import Plan
from soak.figures import Figures, Run
from soak.house import CAPACITY, OFFER_TIMEOUT, running_soak_house
from soak.people import Pace
from soak.stores import Alone, Three, Twins

if TYPE_CHECKING:
    from collections.abc import Iterator

    from servers import Kind
    from soak.stores import Store


async def soak(
    folder: Path, store: Store, *, pairs: int, seconds: float, seed: int, think: float, connections: bool = True
) -> Run:
    """All of it; prints what there was. Without `connections`, none of those break: nodes and the store do."""
    chance = random.Random(seed)
    agents = -(-pairs // CAPACITY)
    async with running_soak_house(folder, store, random.Random(seed), agents) as house:
        pace = Pace(random.Random(seed), think)
        async with Crowd(house, pace) as crowd:
            await crowd.gather(visitors=pairs + agents)
            plan = Plan(house, pace, crowd.agents, chance, connections=connections)
            await plan.run(seconds)
            await crowd.calm_down()
        verdict = Checker(crowd.journals, crowd.values, Falls(store.falls), OFFER_TIMEOUT).verdict()
        verdict.faults += crowd.failures
    run = Run(store.title, seed, pairs, seconds, plan.counts, verdict)
    _report(run)
    if verdict.faults and (kept := os.environ.get("IDCONTACT_SOAK_JOURNALS")):
        for journal in crowd.journals:
            journal.write(Path(kept))
    return run


def _report(run: Run) -> None:
    print(f"\n{run.title}")  # noqa: T201 - what a soak is run for
    for what, figure in run.lines().items():
        print(f"{figure:>9}  {what}")  # noqa: T201
    for fault in run.verdict.faults[:50]:
        print(f"FAULT  {fault}")  # noqa: T201


@pytest.fixture(scope="session")
def figures() -> Iterator[Figures]:
    """What the long ones came to: printed in the end, as docs/guarantees.md shows it."""
    figures = Figures()
    yield figures
    if figures.runs:
        print(f"\n\n{figures.table()}\n")  # noqa: T201


async def short(folder: Path, store: Store, *, connections: bool) -> None:
    """Every kind of fault once, among a few people who say much. On a busy machine fewer of them come to an end."""
    verdict = (await soak(folder, store, pairs=6, seconds=0, seed=4, think=0.15, connections=connections)).verdict
    assert verdict.faults == []
    assert verdict.counts.messages_acknowledged > 50
    assert verdict.counts.people_served > 2
    assert verdict.counts.reconnections > 5


async def long(folder: Path, store: Store, figures: Figures) -> None:
    """Many people for a long time, as is asked for."""
    pairs = int(os.environ.get("IDCONTACT_SOAK_PAIRS", "200"))
    seconds = float(os.environ.get("IDCONTACT_SOAK_SECONDS", "300"))
    seed = int(os.environ.get("IDCONTACT_SOAK_SEED", secrets.randbelow(10**6)))
    async with asyncio.timeout(seconds + 300):
        run = await soak(folder, store, pairs=pairs, seconds=seconds, seed=seed, think=pairs / 100)
    figures.runs.append(run)
    assert run.verdict.faults == []
    assert run.verdict.counts.messages_acknowledged > seconds


async def test_nothing_acknowledged_is_lost_and_nobody_forgotten_while_everything_breaks(tmp_path: Path) -> None:
    await short(tmp_path, Alone(wanted_kinds()[0]), connections=True)


async def test_nor_when_replicas_take_over(tmp_path: Path) -> None:
    await short(tmp_path, Twins(wanted_kinds()[-1]), connections=False)


async def test_nor_on_a_cluster(tmp_path: Path) -> None:
    await short(tmp_path, Three(wanted_kinds()[0]), connections=False)


@pytest.mark.soak
@pytest.mark.parametrize("kind", wanted_kinds())
async def test_nor_is_it_in_a_long_time_with_many_people(kind: Kind, tmp_path: Path, figures: Figures) -> None:
    await long(tmp_path, Alone(kind), figures)


@pytest.mark.soak
@pytest.mark.parametrize("kind", wanted_kinds())
async def test_nor_when_replicas_take_over_again_and_again(kind: Kind, tmp_path: Path, figures: Figures) -> None:
    await long(tmp_path, Twins(kind), figures)


@pytest.mark.soak
@pytest.mark.parametrize("kind", wanted_kinds())
async def test_nor_in_a_long_time_on_a_cluster(kind: Kind, tmp_path: Path, figures: Figures) -> None:
    await long(tmp_path, Three(kind), figures)
