"""Conversations of the product under way: as many end users, each with an agent of their own."""

from __future__ import annotations

import asyncio
import re
import tomllib
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from argon2 import PasswordHasher

from live_client import PROTOCOL
from live_people import EndUser, Staff
from running import PASSWORD, Site, make_site

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from live_browser import Browser

_LIVE = """
frames_per_10_seconds = 1000000000
agent_grace = "1 h"
user_grace = "1 h"
idle = "1 h"
"""
_ACCOUNT = """
[[staff.accounts]]
id = "{account}"
name = "Agent {number}"
roles = ["agent"]
purposes = ["report_move"]
password_hash = "{password_hash}"
capacity = {capacity}
"""
_LIMITED, _UNLIMITED = re.compile(r"(?m)^(start|landing|socket)_limit = .*$"), r'\1_limit = "100000000 per min"'
_LOG_IN = '\n[staff.log_in]\nby_address = "100000 per min"\n'


def make_busy_site(folder: Path, redis_url: str, agents: int, *, capacity: int = 1, beside: Site | None = None) -> Site:
    """A site with that many agents, and without limits on how often they may speak; `beside`: another node of it."""
    site = make_site(folder, redis_url, live=_LIVE, beside=beside)
    password_hash = _hash() if beside is None else _hash_of(beside)  # another one would end their sessions
    text = _LIMITED.sub(_UNLIMITED, site.config.read_text(encoding="utf-8"))
    with site.config.open("w", encoding="utf-8") as config:
        config.write(text)
        for number in range(agents):
            config.write(
                _ACCOUNT.format(
                    account=account_of(number), number=number, password_hash=password_hash, capacity=capacity
                )
            )
        config.write(_LOG_IN)
    return site


def _hash() -> str:
    return PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)


def _hash_of(site: Site) -> str:
    """That of the accounts there."""
    accounts = tomllib.loads(site.config.read_text(encoding="utf-8"))["staff"]["accounts"]
    return str(accounts[-1]["password_hash"])


def account_of(number: int) -> str:
    """The id of an agent's account."""
    return f"agent{number}"


@asynccontextmanager
async def talking_pairs(
    site: Site, pairs: int, sockets: Path, *, desk: Site | None = None, first: int = 0
) -> AsyncIterator[None]:
    """Bring `pairs` people and agents together through the doors, and write their sockets to a file.

    The agents, from number `first`, are at the node `desk`: the people's own unless given. They hold on to their own
    sockets until left, so that nobody is absent before others take over.
    """
    everybody: list[EndUser | Staff] = []
    lines = []
    try:
        for number in range(first, first + pairs):
            agent = await _at_work(desk or site, account_of(number))
            everybody.append(agent)
            person = await _waiting(site)
            everybody.append(person)
            await agent.accept_next(person.conversation)  # everyone before is occupied
            await person.in_phase("active")
            lines += [line_of(one.site, person.conversation, one.path, one.browser) for one in (person, agent)]
        await asyncio.to_thread(sockets.write_text, "".join(lines))
        yield
    finally:
        for one in everybody:
            await one.disconnect()
            await one.browser.close()


async def _at_work(site: Site, account: str) -> Staff:
    staff = await Staff.log_in(site, account)
    await staff.connect()
    await staff.available()
    return staff


async def _waiting(site: Site) -> EndUser:
    person = await EndUser.start(site)
    assert await person.identify(site.token()) == 200
    await person.land()
    await person.connect()
    return person


def line_of(site: Site, conversation: str, path: str, browser: Browser) -> str:
    """A socket, for the load generator: at the node `site`, with the cookies of `browser`."""
    headers = {"Origin": site.url, "Cookie": browser.cookie_header, "Sec-WebSocket-Protocol": PROTOCOL}
    written = "".join(f"{name}: {value}\\r\\n" for name, value in headers.items())
    return f"{conversation}\t:{site.port}{path}\t{written}\n"


def write_bare_pairs(pairs: int, sockets: Path, ports: tuple[int, int] | None = None) -> None:
    """The same for a relay that knows no conversations: a place for each side. Ids as long as the product's.

    With `ports` each side of a pair has its own.
    """
    _write_places(pairs, sockets, ports, "/relay/{pair}/{side}")


def write_socketio_pairs(pairs: int, sockets: Path, ports: tuple[int, int]) -> None:
    """The same for a server that speaks Socket.IO."""
    _write_places(pairs, sockets, ports, "/socket.io/?EIO=4&transport=websocket&pair={pair}&side={side}")


def _write_places(pairs: int, sockets: Path, ports: tuple[int, int] | None, path: str) -> None:
    lines = []
    for pair in range(pairs):
        for side in (0, 1):
            node = "" if ports is None else f":{ports[side]}"  # which is also how an origin ends
            place = path.format(pair=pair, side=side)
            lines.append(f"{pair:026}\t{node}{place}\tOrigin: http://127.0.0.1{node}\\r\\n\n")
    sockets.write_text("".join(lines))
