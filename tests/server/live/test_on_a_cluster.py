"""Two servers on a Cluster: slots that move and primaries that are lost are noticed by nobody who talks."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from idcontact.live.keys import keys_of
from live_client import Refused
from live_floor import Floor, floor_of
from running import Site, make_site, running_house

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from clusters import Cluster
    from live_client import Client
    from live_people import EndUser, Staff

ROUTING = "{routing}"
REPLICATED = 'durability = "replicated"\ndurability_wait = "300 ms"'


@dataclass
class Town:
    """Two nodes on a Cluster, and the people there."""

    cluster: Cluster
    floor: Floor
    beside: Site


@pytest.fixture
async def town(cluster: Cluster, tmp_path: Path) -> AsyncIterator[Town]:
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    site = make_site(tmp_path / "one", cluster.url, top=REPLICATED)
    beside = make_site(tmp_path / "two", cluster.url, top=REPLICATED, beside=site)
    async with running_house(site), running_house(beside), floor_of(site) as floor:
        yield Town(cluster, floor, beside)


@asynccontextmanager
async def moving(cluster: Cluster, key: str) -> AsyncIterator[None]:
    """The slot of this key is on its way: nothing of it has moved until this is left, and then it is elsewhere."""
    to = cluster.others(key)[0]
    await asyncio.to_thread(cluster.opened, key, to)
    try:
        yield
    finally:
        await asyncio.to_thread(cluster.closed, key, to)
    assert cluster.serving(key) is to


def slot_key(conversation: str) -> str:
    """A key in the slot of a conversation."""
    return keys_of(conversation, "idc").hash


async def insist(client: Client, conversation: str, text: str) -> int:
    """Say it, again and again with the same id, until it is taken; its seq."""
    for _ in range(100):
        try:
            ack = await client.command("send", command_id=text.replace(" ", "-"), conversation=conversation, text=text)
        except Refused as refused:
            if refused.code != "unavailable":
                raise
            await asyncio.sleep((refused.retry_after_ms or 0) / 1000)
        else:
            seq: int = ack["seq"]
            return seq
    raise AssertionError("still unavailable")


async def both_say(end_user: EndUser, ann: Staff, what: str, times: int) -> None:
    """Each their part, one after the other; and each hears all of the other's."""
    conversation = end_user.conversation

    async def say(client: Client, who: str) -> int:
        return max([await insist(client, conversation, f"{who} {what} {number}") for number in range(times)])

    last = max(await asyncio.gather(say(end_user, "user"), say(ann, "agent")))
    await ann.has_seq(conversation, last)
    await end_user.has_seq(conversation, last)


def assert_whole(end_user: EndUser, ann: Staff, *said: tuple[str, int]) -> None:
    """Both have the same, each text once, and what each said in the order in which they said it."""
    conversation = end_user.conversation
    assert ann.events(conversation) == end_user.events(conversation)
    texts = end_user.texts()
    for who in ("user", "agent"):
        expected = [f"{who} {what} {number}" for what, times in said for number in range(times)]
        assert [text for text in texts if text.startswith(who)] == expected


async def test_people_on_two_nodes_talk_wherever_their_conversations_lie(town: Town) -> None:
    ann = await town.floor.agent("ann", site=town.beside)
    people = [await town.floor.waits() for _ in range(3)]
    for end_user in people:
        await ann.accept_next(end_user.conversation)
        await end_user.in_phase("active")
        await end_user.say("from the user")
        await ann.said(end_user.conversation, "from the user")
        await ann.say(end_user.conversation, "from the agent")
        await end_user.said("from the user", "from the agent")
    for end_user in people:
        await end_user.end()
        await ann.in_phase(end_user.conversation, "wrapping_up")


async def test_a_slot_that_moves_while_people_talk_loses_nothing_and_doubles_nothing(town: Town) -> None:
    end_user, ann = await town.floor.talk(at=town.beside)
    conversation = end_user.conversation
    async with moving(town.cluster, slot_key(conversation)):
        said = [
            await client.begin("send", conversation=conversation, text=f"{who} meanwhile {number}")
            for number in range(5)
            for client, who in ((end_user, "user"), (ann, "agent"))
        ]
    for command in said:
        await command.ack()
    await both_say(end_user, ann, "after", 5)
    assert_whole(end_user, ann, ("meanwhile", 5), ("after", 5))


async def test_the_queue_goes_on_when_its_slot_has_moved(town: Town) -> None:
    waiting = await town.floor.waits()
    ann = await town.floor.agent("ann", site=town.beside)
    offer = await ann.offered(waiting.conversation)
    async with moving(town.cluster, ROUTING):
        accepting = await ann.begin("accept", conversation=waiting.conversation, offer=offer["id"])
    await accepting.ack()
    await waiting.in_phase("active")
    another = await town.floor.waits()
    await ann.accept_next(another.conversation)
    await another.in_phase("active")


async def test_a_replica_that_takes_over_has_all_that_was_acknowledged(town: Town) -> None:
    end_user, ann = await town.floor.talk(at=town.beside)
    await both_say(end_user, ann, "before", 3)
    lost = town.cluster.serving(slot_key(end_user.conversation))
    talking = asyncio.create_task(both_say(end_user, ann, "meanwhile", 10))
    lost.kill()
    try:
        # Its replica is not followed by any: what is said then is taken, and acknowledged once the lost one is back.
        await asyncio.to_thread(town.cluster.await_served)
    finally:
        lost.start()
        await asyncio.to_thread(town.cluster.await_whole)
    await talking
    assert_whole(end_user, ann, ("before", 3), ("meanwhile", 10))
