"""Starts and options, through the product and through a bare Starlette application, in turns; see README.md."""

from __future__ import annotations

import asyncio
import statistics
import sys
import tempfile
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import aiohttp
import msgspec

from benchmarks.core_servers import OPTIONS
from benchmarks.machine import GENERATOR_CORE, SERVER_CORE, Generator, compiled, on_core, running
from benchmarks.rows import Row, listening
from benchmarks.stores import flushing_store
from idcontact.opening_hours import WEEKDAYS
from running import free_port

START_GOAL = 0.8
"""Starts per second with plugins behind HTTP, as a part of what a bare handler does that asks the same."""
MOUNTED_GOAL = 4.0
"""Starts per second with plugins in the process, as a multiple of that with plugins behind HTTP."""
OPTIONS_GOAL = 0.8
"""Options per second, as a part of those of a bare JSON route."""

_SETTINGS = """
public_url = "http://127.0.0.1:8000"
redis_url = "{redis_url}"
keys_dir = "keys"
start_limit = "100000000 per min"
[attributes.fullname]
name = {{ nl = "Naam", en = "Name" }}
[attributes.city]
name = {{ nl = "Woonplaats", en = "City" }}
[[auth_methods]]
tag = "digid"
name = "DigiD"
description = {{ nl = "Met uw gebruikersnaam of de app", en = "With your user name or the app" }}
start = "http://127.0.0.1:{port}/auth"
[[comm_methods]]
tag = "phone"
name = {{ nl = "Bellen", en = "Telephone" }}
start = "http://127.0.0.1:{port}/phone"
[[comm_methods]]
tag = "chat"
name = {{ nl = "Chatten", en = "Chat" }}
start = "http://127.0.0.1:{port}/chat"
context = true
[[purposes]]
tag = "report_move"
name = {{ nl = "Verhuizing doorgeven", en = "Report a move" }}
attributes = ["fullname", "city"]
allowed_auth = ["*"]
allowed_comm = ["*"]
opening_hours = "hall"
[opening_hours.hall]
time_zone = "Europe/Amsterdam"
{days}
"""
_PURPOSE = "report_move"


@dataclass(frozen=True)
class CorePlan:
    """What to measure."""

    rounds: int = 5
    seconds: float = 2.0
    connections: int = 50
    redis: Literal["valkey", "redis"] = "valkey"


@dataclass(frozen=True)
class _Servers:
    """The ports and numbers of the processes, by role."""

    ports: dict[str, int]
    pids: dict[str, int]


def measure_core(plan: CorePlan) -> bool:
    """Do it, print it; whether the goals are met and nothing was refused."""
    starts, options = asyncio.run(_measured(plan))
    print(f"{plan.connections} connections, {plan.rounds} rounds of {plan.seconds:g} s in turns, medians\n")
    met = _report_starts(starts)
    print()
    return _report_options(options) and met


async def _measured(plan: CorePlan) -> tuple[list[Row], list[Row]]:
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="idcontact-bench-")))
        program = compiled("requests", folder)
        with on_core(GENERATOR_CORE):
            store = stack.enter_context(flushing_store(plan.redis))
        servers = await _started(stack, folder, store.url)
        rows = []
        for name, requests in (("start", _start_request()), ("options", _options_request())):
            file = folder / f"{name}.request"
            file.write_bytes(requests)
            of = []
            for role in ("bare", "product", "mounted") if name == "start" else ("bare", "product"):
                connections = str(plan.connections)
                generator = stack.enter_context(Generator(program, servers.ports[role], connections, file))
                generator.wait_until_ready()
                of.append(Row(role, generator, {"server": servers.pids[role]}))
            _take_turns(plan, name, of)
            rows.append(of)
        return rows[0], rows[1]


async def _started(stack: AsyncExitStack, folder: Path, redis_url: str) -> _Servers:
    """The product first: the bare application answers the options that the product does."""
    ports = {role: free_port() for role in ("stubs", "product", "mounted", "bare")}
    days = "\n".join(f'{day} = ["00:00-24:00"]' for day in WEEKDAYS)
    config = folder / "idcontact.toml"
    config.write_text(_SETTINGS.format(redis_url=redis_url, port=ports["stubs"], days=days))
    pids = {}
    for role, port in ports.items():
        if role == "bare":
            (folder / OPTIONS).write_bytes(await _options_of(ports["product"]))
        command = [sys.executable, "-m", "benchmarks.core_servers", role, str(config), str(port)]
        with (folder / f"{role}.log").open("wb") as log:
            core = GENERATOR_CORE if role == "stubs" else SERVER_CORE
            pids[role] = stack.enter_context(running([*command, str(ports["stubs"])], core, log))
        await listening(port)
    return _Servers(ports, pids)


async def _options_of(port: int) -> bytes:
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"http://127.0.0.1:{port}/session_options/{_PURPOSE}") as answer,
    ):
        assert answer.status == 200
        return await answer.read()


def _start_request() -> bytes:
    body = msgspec.json.encode({"purpose": _PURPOSE, "auth_method": "digid", "comm_method": "phone"})
    return _request("POST", "/start", ["Content-Type: application/json", f"Content-Length: {len(body)}"]) + body


def _options_request() -> bytes:
    return _request("GET", f"/session_options/{_PURPOSE}", ["Accept-Language: nl-NL,nl;q=0.9,en;q=0.8"])


def _request(method: str, path: str, headers: list[str]) -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", "Accept: application/json", *headers, "", ""]
    return "\r\n".join(lines).encode()


def _take_turns(plan: CorePlan, name: str, rows: list[Row]) -> None:
    for number in range(plan.rounds):
        print(f"\r{name}, round {number + 1} of {plan.rounds} ", end="", file=sys.stderr, flush=True)
        for row in rows:
            row.round("closed", 1, plan.seconds)
    print("\r" + " " * 40, end="\r", file=sys.stderr)


def _ratio(row: Row, to: Row) -> float:
    """The median of the rounds' ratios: each round's two runs are beside each other in time."""
    return statistics.median(a.per_second / b.per_second for a, b in zip(row.closed, to.closed, strict=True))


def _table(rows: list[Row], names: dict[str, str]) -> None:
    print(f"{'':34}{'per s':>9}{'ratio':>7}{'p50 ms':>8}{'p99 ms':>8}{'server µs':>11}{'ratio':>7}   generator's CPU")
    for row in rows:
        p50, p99 = row.median(lambda figures: figures.p50 / 1000), row.median(lambda figures: figures.p99 / 1000)
        print(
            f"{names[row.name]:34}{row.per_second:9,.0f}{_ratio(row, rows[0]):7.2f}{p50:8.1f}{p99:8.1f}"
            f"{row.cost('server'):11.0f}{rows[0].cost('server') / row.cost('server'):7.2f}"
            f"{row.median(lambda figures: figures.cpu_share):14.0%}"
        )


def _report_starts(rows: list[Row]) -> bool:
    bare, product, mounted = rows
    print("POST /start, a full session with two stub plugins")
    names = {"bare": "bare handler, plugins by HTTP", "product": "product, plugins by HTTP"}
    _table(rows, {**names, "mounted": "product, plugins in the process"})
    by_http, in_process = _ratio(product, bare), _ratio(mounted, product)
    print(f"by HTTP / bare: {by_http:.2f}; {_judged(by_http, START_GOAL)}")
    print(f"in the process / by HTTP: {in_process:.1f}; {_judged(in_process, MOUNTED_GOAL)}")
    return _without_faults(rows) and by_http >= START_GOAL and in_process >= MOUNTED_GOAL


def _report_options(rows: list[Row]) -> bool:
    bare, product = rows
    print("GET /session_options/{purpose}, with who is there")
    _table(rows, {"bare": "bare Starlette JSON route", "product": "product"})
    ratio = _ratio(product, bare)
    print(f"product / bare: {ratio:.2f}; {_judged(ratio, OPTIONS_GOAL)}")
    return _without_faults(rows) and ratio >= OPTIONS_GOAL


def _judged(ratio: float, goal: float) -> str:
    return f"goal {goal:g}: {'met' if ratio >= goal else 'MISSED'}"


def _without_faults(rows: list[Row]) -> bool:
    faults = [fault for row in rows for fault in row.faults()]
    print(
        "\n".join(faults)
        if faults
        else f"{sum(f.delivered for r in rows for f in r.closed):,} requests, each answered 200"
    )
    return not faults
