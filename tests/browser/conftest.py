"""One Chromium for all tests, on one event loop; a Redis for a module; for each test a house, and a town around it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from chromium import chromium_running
from idcontact.demo_site import DemoSite
from running import make_site, running_house
from servers import RedisServer, wanted_kinds
from web_town import SETTINGS, Town

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from playwright.async_api import Browser

    from running import Site


@pytest_asyncio.fixture(loop_scope="session", scope="session")
async def running_chromium() -> AsyncIterator[Browser]:
    """The browser of all tests. Starting it takes seconds."""
    async with chromium_running() as browser:
        yield browser


@pytest_asyncio.fixture(loop_scope="session")
async def chromium(running_chromium: Browser) -> AsyncIterator[Browser]:
    """It, for one test; every person has windows and cookies of their own in it.

    Whoever is left there afterwards goes home: a page that stays open keeps drawing what moves on it, in every test
    that follows.
    """
    yield running_chromium
    for context in running_chromium.contexts:
        await context.close()


@pytest.fixture(scope="module")
def redis_of_the_house() -> Iterator[RedisServer]:
    """On one kind of server: which one it is makes no difference to a browser."""
    with RedisServer(wanted_kinds()[0], appendonly=True) as server:
        yield server


@pytest_asyncio.fixture(loop_scope="session")
async def house(request: pytest.FixtureRequest, redis_of_the_house: RedisServer, tmp_path: Path) -> AsyncIterator[Site]:
    """A running server and the municipality's pages, with nobody there yet; a module's `LIVE_SETTINGS` go into it."""
    with redis_of_the_house.client() as client:
        client.flushall()
    live: str = getattr(request.module, "LIVE_SETTINGS", "")
    site = make_site(tmp_path, redis_of_the_house.url, top=SETTINGS, live=live)
    async with running_house(site, DemoSite) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="session")
async def town(house: Site, chromium: Browser) -> AsyncIterator[Town]:
    """The people of one test. When it is over, none of their pages may have had a trouble that was not expected."""
    people = Town(house, chromium)
    try:
        yield people
    finally:
        await people.go_home()
    assert people.troubles() == []
