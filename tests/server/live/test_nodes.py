"""Two servers on one Redis: who is on which makes no difference."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from live_stream import StreamConnection
from running import ATTRIBUTES, Site, make_site, running_house

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from live_floor import Floor
    from servers import RedisServer

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def other(house: Site, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Site]:
    """A second node of the house: an address of its own, the same keys and Redis."""
    async with running_house(_beside(house, tmp_path_factory)) as site:
        yield site


def _beside(house: Site, tmp_path_factory: pytest.TempPathFactory) -> Site:
    redis_url = next(
        line.partition('"')[2].rstrip('"')
        for line in house.config.read_text().splitlines()
        if line.startswith("redis_url")
    )
    return make_site(tmp_path_factory.mktemp("node"), redis_url, beside=house)


async def test_an_end_user_on_one_node_talks_to_an_agent_on_another(floor: Floor, other: Site) -> None:
    end_user, ann = await floor.talk(at=other)
    conversation = end_user.conversation
    assert await ann.disclosed(conversation) == ATTRIBUTES
    acks = await asyncio.gather(
        *(end_user.say(f"from one {number}") for number in range(20)),
        *(ann.say(conversation, f"from the other {number}") for number in range(20)),
    )
    last = max(ack["seq"] for ack in acks)
    for client in (end_user, ann):
        await client.has_seq(conversation, last)
    assert end_user.events(conversation) == ann.events(conversation)
    assert len(end_user.texts()) == len(set(end_user.texts())) == 40

    await ann.send_frame({"type": "seen", "conversation": conversation, "seq": last})
    assert (await end_user.wait_for("seen_by"))["seq"] == last
    for by, writer, reader in (("end_user", end_user, ann), ("agent", ann, end_user)):
        await writer.send_frame({"type": "typing", "conversation": conversation})
        await reader.wait_for("typing_by", conversation=conversation, by=by, on=True)
    await end_user.end()
    await ann.in_phase(conversation, "wrapping_up")
    await ann.wait_for("attributes_gone", conversation=conversation)
    await ann.finish(conversation)
    await end_user.in_phase("closed")


async def test_a_stream_at_one_node_is_spoken_to_through_another(
    floor: Floor, other: Site, redis_server: RedisServer
) -> None:
    floor.by_stream = True
    end_user, ann = await floor.talk()
    end_user.posts_to = other
    await end_user.connect()
    with redis_server.client() as client:
        heard = client.pubsub()
        heard.ssubscribe(*client.execute_command("PUBSUB", "SHARDCHANNELS", "*:posted"))
        for number in range(20):
            await end_user.say(f"nobody in between reads this {number}")
        await ann.said(end_user.conversation, *(f"nobody in between reads this {number}" for number in range(20)))
        published = [message["data"] for message in iter(heard.get_message, None) if message["type"] == "smessage"]
    assert len(published) >= 20
    assert not any(b"nobody in between" in data for data in published)


async def test_a_batch_that_is_posted_again_at_another_node_is_taken_once(floor: Floor, other: Site) -> None:
    floor.by_stream = True
    end_user, ann = await floor.talk()
    here = end_user.line
    assert isinstance(here, StreamConnection)
    number = here.batches + 1
    for command_id, node in (("first", floor.site), ("second", other), ("third", floor.site)):
        here.posts_go_to(node)
        frame = {"type": "send", "id": command_id, "conversation": end_user.conversation, "text": command_id}
        if command_id == "first":
            end_user.know(frame).sent = 1
        assert await here.post(json.dumps(frame), number) == 204
    here.batches = number
    await end_user.say("and on")
    await ann.said(end_user.conversation, "first", "and on")


async def test_a_stream_at_a_node_that_is_no_more_takes_nothing(floor: Floor, other: Site) -> None:
    floor.by_stream = True
    end_user = await floor.waits()
    end_user.posts_to = other
    await end_user.connect()
    line = end_user.line
    assert isinstance(line, StreamConnection)
    node, _, rest = line.token.partition(".")
    dead = f"{'0' * len(node)}.{rest}"
    assert await line.post("{}", line.batches + 1, **{"Idcontact-Stream": dead}) == 410
    await end_user.ping()


async def test_what_a_node_is_sent_for_a_stream_by_somebody_else_is_not_taken(
    floor: Floor, redis_server: RedisServer
) -> None:
    floor.by_stream = True
    end_user = await floor.waits()
    line = end_user.line
    assert isinstance(line, StreamConnection)
    stream = line.token.split(".")[1].encode()
    with redis_server.client() as client:
        for channel in client.execute_command("PUBSUB", "SHARDCHANNELS", "*:posted"):
            for data in (b"", b"short", stream + (9).to_bytes(8, "big"), stream + (9).to_bytes(8, "big") + b"x" * 64):
                client.execute_command("SPUBLISH", channel, data)
    await end_user.ping()
    assert end_user.is_open


async def test_agents_of_all_nodes_serve_one_queue_first_come_first_served(floor: Floor, other: Site) -> None:
    first, second = await floor.waits(), await floor.waits(site=other)
    third = await floor.waits()
    await third.wait_for("position", position=3)
    bob = await floor.agent("bob")
    await bob.accept_next(first.conversation)
    ann = await floor.agent("ann", site=other)
    await ann.accept_next(second.conversation)
    await ann.accept_next(third.conversation)
    assert len(bob.heard("offer")) == 1
    assert len(ann.heard("offer")) == 2
    assert (await first.in_phase("active"))["agent"]["name"] == "Bob Smit"
    assert (await third.in_phase("active"))["agent"]["name"] == "Ann de Boer"


async def test_who_connects_to_another_node_gets_exactly_what_was_missed(floor: Floor, other: Site) -> None:
    end_user, ann = await floor.talk()
    await end_user.say("one")
    end_user.lose()
    await ann.say(end_user.conversation, "two")
    had = end_user.events(end_user.conversation)[-1]["seq"]
    before = len(end_user.frames)
    end_user.site = other
    await end_user.connect()
    await end_user.said("one", "two")
    assert [frame["seq"] for frame in end_user.frames[before:] if "log" in frame] == [had + 1]
    await end_user.say("three")
    await ann.said(end_user.conversation, "one", "two", "three")


async def test_a_newer_page_on_another_node_replaces_the_older(floor: Floor, other: Site) -> None:
    end_user, ann = await floor.talk()
    tab, console = floor.tab(end_user), await floor.console("ann", site=other)
    tab.site = other
    await tab.connect()
    assert await end_user.closed() == 4409
    await console.connect()
    assert await ann.closed() == 4409
    await tab.say("over here")
    await console.said(end_user.conversation, "over here")


async def test_the_command_of_a_lost_connection_is_done_once_on_whichever_node(floor: Floor, other: Site) -> None:
    end_user, ann = await floor.talk(at=other)
    ack = await end_user.say("once", command_id="once")
    end_user.site = other
    await end_user.connect()
    assert await end_user.say("once", command_id="once") == ack
    await ann.said(end_user.conversation, "once")


@pytest.mark.parametrize("by_stream", [False, True], ids=["sockets", "streams"])
async def test_a_node_that_stops_sends_its_people_to_the_others(
    floor: Floor, house: Site, tmp_path_factory: pytest.TempPathFactory, by_stream: bool
) -> None:
    floor.by_stream = by_stream
    async with running_house(_beside(house, tmp_path_factory)) as leaving:
        end_user, ann = await floor.talk(site=leaving, at=house)
        await end_user.say("before")
    assert await end_user.closed() == 1012
    await ann.say(end_user.conversation, "meanwhile")
    end_user.site = house
    await end_user.connect()
    await end_user.say("after")
    await end_user.said("before", "meanwhile", "after")
    await ann.said(end_user.conversation, "before", "meanwhile", "after")
