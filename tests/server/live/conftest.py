"""One running house for all live tests of a module, on the module's own event loop."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest_asyncio

from live_floor import Floor, Logins
from running import make_site, running_house

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import pytest

    from running import Site
    from servers import RedisServer


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def house(
    request: pytest.FixtureRequest, redis_server: RedisServer, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Site]:
    """A running server on an empty Redis; a module's `LIVE_SETTINGS` go into its `[live]`."""
    with redis_server.client() as client:
        client.flushall()
    live: str = getattr(request.module, "LIVE_SETTINGS", "")
    async with running_house(make_site(tmp_path_factory.mktemp("house"), redis_server.url, live=live)) as site:
        yield site


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def logins() -> AsyncIterator[Logins]:
    """The log-ins of the house's staff."""
    kept = Logins()
    try:
        yield kept
    finally:
        await kept.close()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A module's `WAYS` are the ways in which its people connect: `socket` where it says nothing, `stream`."""
    ways = getattr(metafunc.module, "WAYS", None)
    if ways is not None and "floor" in metafunc.fixturenames:
        metafunc.parametrize("floor", ways, indirect=True)


@pytest_asyncio.fixture(loop_scope="module")
async def floor(house: Site, logins: Logins, request: pytest.FixtureRequest) -> AsyncIterator[Floor]:
    """The people of one test; the floor is empty before and after."""
    people = Floor(house, logins)
    people.by_stream = getattr(request, "param", "socket") == "stream"
    try:
        yield people
    finally:
        await people.clear()
