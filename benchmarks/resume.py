"""A page that comes back having missed 200 events, beside one that missed none, in turns; see README.md."""

from __future__ import annotations

import asyncio
import statistics
import sys
import tempfile
import time
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Origin, Subprotocol

from benchmarks.houses import house, opened_store
from benchmarks.machine import GENERATOR_CORE, on_core
from live_client import PROTOCOL

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from benchmarks.houses import House
    from benchmarks.under_way import Page
    from servers import Kind

GOAL = 0.05
"""Seconds that it may take longer, median."""
_MISSED = 200
_PAIRS = 4
_ROUNDS = 40
_WITHIN = 10.0
_TEXT = "Goedemiddag, ik ga verhuizen en wil graag weten welke papieren ik daarvoor nodig heb."


@dataclass
class _Seen:
    """How long it took to have all, of those who missed `missed` events. Seconds."""

    missed: int
    took: list[float] = field(default_factory=list)

    @property
    def p50(self) -> float:
        """Median."""
        return statistics.median(self.took)

    @property
    def p95(self) -> float:
        """What one in twenty exceeded."""
        return statistics.quantiles(self.took, n=20)[-1]


def measure_resume(kind: Kind) -> bool:
    """Do it, print it; whether those who missed much have it soon enough."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="idcontact-bench-")))
        home = house(stack, folder, "node", opened_store(stack, kind), pairs=_PAIRS)
        home.start()
        stack.enter_context(on_core(GENERATOR_CORE))
        none, many = asyncio.run(_measured(home))
    return _report(kind, none, many)


async def _measured(home: House) -> tuple[_Seen, _Seen]:
    none, many = _Seen(0), _Seen(_MISSED)
    async with AsyncExitStack() as stack:
        people = []
        for person, agent in zip(home.pages[::2], home.pages[1::2], strict=True):
            people.append(replace(person, have=(await _talk(stack, home, person, agent),)))
        for number in range(_ROUNDS):
            print(f"\rround {number + 1} of {_ROUNDS} ", end="", file=sys.stderr, flush=True)
            person = people[number % _PAIRS]
            for seen in (none, many):
                seen.took.append(await _come_back(home, person, seen.missed))
    print("\r" + " " * 40, end="\r", file=sys.stderr)
    return none, many


async def _talk(stack: AsyncExitStack, home: House, person: Page, agent: Page) -> dict[str, Any]:
    """The agent, who stays, says so much; what the person has who heard it all."""
    desk = await stack.enter_async_context(_connected(home, agent))
    await desk.send(agent.hello())
    for number in range(_MISSED):
        said = {"type": "send", "id": f"m{number}", "conversation": agent.conversation, "text": _TEXT}
        await desk.send(msgspec.json.encode(said).decode())
    async with asyncio.timeout(_WITHIN):
        while True:
            frame = msgspec.json.decode(await desk.recv())
            if frame["type"] == "ack" and frame["id"] == f"m{_MISSED - 1}":
                return {**person.have[0], "seq": frame["seq"]}


async def _come_back(home: House, person: Page, missed: int) -> float:
    """From the hello on an open socket to the last that this page did not have: its state when nothing is missing."""
    have = person.have[0]
    last = have["seq"]
    hello = replace(person, have=({**have, "seq": last - missed},)).hello()
    frames: list[str | bytes] = []
    async with _connected(home, person) as socket, asyncio.timeout(_WITHIN):
        began = time.perf_counter()
        await socket.send(hello)
        wanted = f'"seq":{last},' if missed else '"type":"welcome"'
        while not frames or wanted not in str(frames[-1][:400]):
            frames.append(await socket.recv())
        took = time.perf_counter() - began
    events = [frame["seq"] for frame in map(msgspec.json.decode, frames) if "log" in frame]
    assert events == list(range(last - missed + 1, last + 1)), "not what was missed"
    return took


@asynccontextmanager
async def _connected(home: House, page: Page) -> AsyncIterator[ClientConnection]:
    async with connect(
        home.site.url.replace("http", "ws", 1) + page.path,
        origin=Origin(home.site.url),
        subprotocols=[Subprotocol(PROTOCOL)],
        additional_headers={"Cookie": page.cookie},
        compression=None,
    ) as socket:
        yield socket


def _report(kind: Kind, none: _Seen, many: _Seen) -> bool:
    print(
        f"end users of {_PAIRS} conversations, one at a time, {_ROUNDS} times each way in turns; {kind}\n"
        f"milliseconds from the hello on an open socket to the last of what was missing\n"
    )
    print(f"{'missed':>10}{'p50':>8}{'p95':>8}")
    for seen in (none, many):
        print(f"{seen.missed:10}{seen.p50 * 1000:8.1f}{seen.p95 * 1000:8.1f}")
    above = many.p50 - none.p50
    verdict = "met" if above <= GOAL else "MISSED"
    print(f"\n{above * 1000:.1f} ms above one that missed nothing, p50; goal {GOAL * 1000:g}: {verdict}")
    return above <= GOAL
