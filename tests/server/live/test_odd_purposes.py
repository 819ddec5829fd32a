"""Tags of purposes may be anything, and lead through the queue to an agent like any other."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

import pytest
import pytest_asyncio

from running import ATTRIBUTES, make_site, running_house

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from live_floor import Floor
    from running import Site
    from servers import RedisServer

pytestmark = [pytest.mark.one_kind, pytest.mark.asyncio(loop_scope="module")]

ODD: Final = ["/a//b/", "\"quoted\" 'twice' <b>{x}</b>", "🚚 %2F:*", " "]


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def house(redis_server: RedisServer, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Site]:
    """A house that has them."""
    with redis_server.client() as client:
        client.flushall()
    purposes = "".join(
        f"[[purposes]]\ntag = {json.dumps(tag, ensure_ascii=False)}\n"
        'attributes = ["fullname"]\nallowed_auth = ["*"]\nallowed_comm = ["*"]\n'
        for tag in ODD
    )
    site = make_site(tmp_path_factory.mktemp("house"), redis_server.url)
    site.config.write_text(site.config.read_text().replace("[live]\n", f"{purposes}[live]\n", 1))
    async with running_house(site) as running:
        yield running


@pytest.mark.parametrize("purpose", ODD)
async def test_a_conversation_about_anything_is_offered_to_an_agent_as_what_it_is(floor: Floor, purpose: str) -> None:
    end_user = await floor.waits(purpose)
    assert (await end_user.wait_for("position"))["position"] == 1
    ann = await floor.agent("ann")
    offer = await ann.offered()
    assert (offer["purpose"], offer["conversation"]) == (purpose, end_user.conversation)
    await ann.accept(offer)
    assert await ann.disclosed(end_user.conversation) == {"fullname": ATTRIBUTES["fullname"]}
    await end_user.say(purpose)
    await ann.said(end_user.conversation, purpose)
