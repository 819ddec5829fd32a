"""Conversations of the product under way: as many end users, each with an agent of their own."""

from __future__ import annotations

import asyncio
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
capacity = 1
"""
_LOG_IN = '\n[staff.log_in]\nby_address = "100000 per min"\n'


def make_busy_site(folder: Path, redis_url: str, pairs: int) -> Site:
    """A site with an agent for each pair, and without limits on how often they may speak."""
    site = make_site(folder, redis_url, live=_LIVE)
    password_hash = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
    with site.config.open("a", encoding="utf-8") as config:
        for number in range(pairs):
            config.write(_ACCOUNT.format(account=_account(number), number=number, password_hash=password_hash))
        config.write(_LOG_IN)
    return site


def _account(number: int) -> str:
    return f"agent{number}"


@asynccontextmanager
async def talking_pairs(site: Site, pairs: int, sockets: Path) -> AsyncIterator[None]:
    """Bring `pairs` people and agents together through the doors, and write their sockets to a file.

    They hold on to their own sockets until left, so that nobody is absent before others take over.
    """
    everybody: list[EndUser | Staff] = []
    lines = []
    try:
        for number in range(pairs):
            agent = await _at_work(site, _account(number))
            everybody.append(agent)
            person = await _waiting(site)
            everybody.append(person)
            await agent.accept_next(person.conversation)  # everyone before is occupied
            await person.in_phase("active")
            lines += [_line(site, person.conversation, one.path, one.browser) for one in (person, agent)]
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


def _line(site: Site, conversation: str, path: str, browser: Browser) -> str:
    headers = {"Origin": site.url, "Cookie": browser.cookie_header, "Sec-WebSocket-Protocol": PROTOCOL}
    return f"{conversation}\t{path}\t" + "".join(f"{name}: {value}\\r\\n" for name, value in headers.items()) + "\n"


def write_bare_pairs(pairs: int, sockets: Path) -> None:
    """The same for a relay that knows no conversations: a place for each side. Ids as long as the product's."""
    lines = (
        f"{pair:026}\t/relay/{pair}/{side}\tOrigin: http://127.0.0.1\\r\\n\n"
        for pair in range(pairs)
        for side in (0, 1)
    )
    sockets.write_text("".join(lines))
