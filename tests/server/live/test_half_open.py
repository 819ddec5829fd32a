"""A connection over which nothing comes any more, and whose end nobody was told of: the server finds it by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from websockets.asyncio.client import ClientConnection

from idcontact import serve
from live_floor import floor_of
from running import make_site, running_house
from scraping import measured

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


async def test_who_answers_no_ping_is_missed_and_the_other_side_is_told(
    one_redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serve, "PING_EVERY", 0.3)
    monkeypatch.setattr(serve, "PONG_WITHIN", 2.0)
    async with running_house(make_site(tmp_path, one_redis_url)) as site, floor_of(site) as floor:
        end_user, ann = await floor.talk()
        silent = end_user.line
        assert isinstance(silent, ClientConnection)
        silent.transport.pause_reading()
        await ann.wait_for("conversation", conversation={"id": end_user.conversation, "end_user_present": False})
        assert await measured(site, "idcontact_sockets", role="end_user") == 0
        assert await measured(site, "idcontact_sockets", role="agent") == 1
        assert ann.is_open, "who answers is left in peace"
        silent.transport.resume_reading()
        assert await end_user.closed() == 1011
        await end_user.resume()
        await ann.say(end_user.conversation, "are you there?")
        await end_user.said("are you there?")
