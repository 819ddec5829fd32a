"""What operators can see of sockets that are closed: how many, by code; never whose."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from idcontact.live import stream as live_stream
from idcontact.live.socket import CODES, MALFORMED_LIMIT
from live_client import PATIENCE
from live_stream import StreamConnection
from scraping import measured, scraped

if TYPE_CHECKING:
    from live_floor import Floor
    from running import Site

pytestmark = pytest.mark.asyncio(loop_scope="module")

WAYS = ("socket", "stream")
LIVE_SETTINGS = "frames_per_10_seconds = 50"
PING = json.dumps({"type": "ping", "nonce": "x"})


async def closes(site: Site) -> Counter[int]:
    """By code, until now."""
    return Counter(
        {code: int(await measured(site, "idcontact_sockets_closed_total", code=str(code))) for code in CODES}
    )


async def until_closed(site: Site, before: Counter[int], expected: Counter[int]) -> None:
    """Until these came since; and no others."""
    async with asyncio.timeout(PATIENCE):
        while (since := await closes(site) - before) != expected:
            assert since <= expected, since


async def test_every_close_is_counted_once_by_its_code_and_says_nothing_of_anybody(floor: Floor) -> None:
    before = await closes(floor.site)
    end_user, _ = await floor.talk()
    stranger, tab = floor.tab(end_user), floor.tab(end_user)
    await stranger.open(cookie="")
    assert await stranger.closed() == 4401
    await stranger.open(origin="https://elsewhere.example")
    assert await stranger.closed() == 4403
    await tab.connect()
    assert await end_user.closed() == 4409
    for _ in range(MALFORMED_LIMIT):
        await tab.send_raw("{")
    assert await tab.closed() == 4400
    await end_user.connect()
    for _ in range(60):
        await end_user.send_raw(PING)
    assert await end_user.closed() == 4429
    await until_closed(floor.site, before, Counter({4400: 1, 4401: 1, 4403: 1, 4409: 1, 4429: 1}))
    page = await scraped(floor.site)
    assert end_user.conversation not in page
    assert "ann" not in {label for line in page.splitlines() for label in line.split('"')[1::2]}


async def test_who_leaves_by_themselves_is_not_counted(floor: Floor) -> None:
    before = await closes(floor.site)
    end_user, ann = await floor.talk()
    end_user.lose()
    await ann.until(lambda: not ann.conversations[end_user.conversation]["end_user_present"], "nobody there")
    await ann.disconnect()
    assert await closes(floor.site) - before == Counter()


async def test_a_stream_that_ends_itself_is_counted_too(floor: Floor, monkeypatch: pytest.MonkeyPatch) -> None:
    before = await closes(floor.site)
    monkeypatch.setattr(live_stream, "BATCH_PATIENCE", 0.05)
    floor.by_stream = True
    end_user = await floor.waits()
    stream = end_user.line
    assert isinstance(stream, StreamConnection)
    assert await stream.post(PING, stream.batches + 2) == 204
    assert await end_user.closed() == 4408
    await until_closed(floor.site, before, Counter({4408: 1}))
