"""Bodies of ten megabytes at the doors of a running server: refused, announced or not, and nobody else notices."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import pytest
import pytest_asyncio

from running import make_site, running_house
from visitors import Program, connections, emptied

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from running import Site
    from servers import RedisServer

pytestmark = pytest.mark.asyncio(loop_scope="module")

SIZE: Final = 10_000_000
PIECE: Final = b"x" * 65_536
PLACE: Final = f"{'x' * 43}.{'y' * 43}"
JSON, FORM, JWT = "application/json", "application/x-www-form-urlencoded", "application/jwt"
READ: Final = [
    ("public", "/start", JSON), ("public", "/start", FORM), ("public", "/start", JWT), ("public", "/staff/login", FORM),
    ("internal", "/plugins/live/start_communication", JSON), ("internal", f"/plugins/live/attr/{PLACE}", JWT),
    ("internal", "/plugins/auth_test/start_authentication", JSON), ("internal", f"/core/result/{PLACE}", JWT),
]  # fmt: skip
"""Doors that read what comes."""
UNREAD: Final = [
    ("public", "/start", "text/plain"), ("public", f"/land/{PLACE}", FORM), ("public", "/nothing", FORM),
    ("public", f"/plugins/auth_test/session/{'x' * 43}", FORM), ("internal", f"/plugins/live/cancel/{PLACE}", JSON),
]  # fmt: skip
"""Doors that read nothing, or nothing of who has no business there."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def site(one_redis_server: RedisServer, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Site]:
    async with running_house(make_site(tmp_path_factory.mktemp("site"), emptied(one_redis_server))) as running:
        yield running


async def answer_to(base: str, path: str, content_type: str, length: str) -> tuple[int, int]:
    """The status of what is answered to a body that goes on and on, and how much of it was sent by then."""
    address = urlsplit(base)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    head = f"POST {path} HTTP/1.1\r\nHost: {address.netloc}\r\nOrigin: {base}\r\nContent-Type: {content_type}\r\n"
    writer.write(f"{head}{length}\r\n\r\n".encode())
    answered = asyncio.ensure_future(reader.readline())
    sent = 0
    try:
        with suppress(ConnectionError):
            while sent < SIZE and not answered.done():
                piece = PIECE if length.startswith("Content-Length") else b"%x\r\n%b\r\n" % (len(PIECE), PIECE)
                writer.write(piece)
                await writer.drain()
                sent += len(PIECE)
                await asyncio.wait({answered}, timeout=0)
        async with asyncio.timeout(10):
            return int((await answered).split()[1]), sent
    finally:
        answered.cancel()
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


@pytest.mark.parametrize("length", [f"Content-Length: {SIZE}", "Transfer-Encoding: chunked"])
@pytest.mark.parametrize(("door", "path", "content_type"), [*READ, *UNREAD])
async def test_ten_megabytes_are_refused_before_they_are_there_and_the_next_one_is_served(
    site: Site, door: str, path: str, content_type: str, length: str
) -> None:
    status, sent = await answer_to(site.url if door == "public" else site.internal, path, content_type, length)
    if (door, path, content_type) in READ:
        assert status == 413
    else:
        assert 400 <= status < 500
    assert sent < SIZE
    async with connections() as session:
        assert (await Program(session, site).request("GET", "/health/ready")).status == 200
