"""kill -9 of the server: nothing that was acknowledged is lost, nothing is said twice, and everybody goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from live_floor import Floor, floor_of
from running import ATTRIBUTES, ServerProcess, make_site

if TYPE_CHECKING:
    from pathlib import Path

    from live_client import Client

pytestmark = pytest.mark.one_kind

IN_FLIGHT = 40


async def test_a_killed_server_loses_nothing_that_it_acknowledged(redis_url: str, tmp_path: Path) -> None:
    async with ServerProcess(make_site(tmp_path, redis_url)) as server, floor_of(server.site) as floor:
        await _killed_with_messages_in_flight(floor, server)
        await _killed_with_a_standing_offer(floor, server)
        await _stopped_in_good_order(floor, server)


async def _killed_with_messages_in_flight(floor: Floor, server: ServerProcess) -> None:
    end_user, ann = await floor.talk()
    conversation = end_user.conversation
    mine = [
        await end_user.begin("send", conversation=conversation, text=f"end user {number}")
        for number in range(IN_FLIGHT)
    ]
    theirs = [await ann.begin("send", conversation=conversation, text=f"agent {number}") for number in range(IN_FLIGHT)]
    await end_user.until(mine[IN_FLIGHT // 4].answer.done, "some acks")
    server.kill()
    assert await end_user.closed() == 1006
    assert await ann.closed() == 1006
    acknowledged = [command.answer.result() for command in (*mine, *theirs) if command.answer.done()]

    server.start()
    await server.wait_until_up()
    welcome = await end_user.resume()
    assert welcome["conversation"]["phase"] == "active"
    await ann.resume()
    acks = [await command.ack() for command in (*mine, *theirs)]
    assert all(ack in acks for ack in acknowledged)
    for client in (end_user, ann):
        await client.has_seq(conversation, max(ack["seq"] for ack in acks))
        _said_once_and_in_order(client, conversation)
    assert end_user.events(conversation) == ann.events(conversation)
    assert await ann.disclosed(conversation) == ATTRIBUTES
    await end_user.end()
    await ann.in_phase(conversation, "wrapping_up")
    await ann.finish(conversation)


def _said_once_and_in_order(client: Client, conversation: str) -> None:
    said = [event for event in client.events(conversation) if event["type"] == "message"]
    assert len({event["command"] for event in said}) == len(said) == 2 * IN_FLIGHT
    for who in ("end user", "agent"):
        texts = [event["text"] for event in said if event["text"].startswith(who)]
        assert texts == [f"{who} {number}" for number in range(IN_FLIGHT)]


async def _killed_with_a_standing_offer(floor: Floor, server: ServerProcess) -> None:
    end_user = await floor.waits()
    ann = await floor.agent("ann")
    offer = await ann.offered()
    server.kill()
    await ann.closed()
    server.start()
    await server.wait_until_up()
    welcome = await ann.connect()
    assert welcome["me"]["status"] == "available"
    assert (await end_user.connect())["conversation"]["phase"] == "waiting"
    again = await ann.offered()
    assert again["entered_at"] == offer["entered_at"]
    await ann.accept(again)
    await end_user.in_phase("active")
    await ann.away()


async def _stopped_in_good_order(floor: Floor, server: ServerProcess) -> None:
    bob_side, bob = await floor.talk("bob")
    assert server.stop() == 0
    assert await bob.closed() == 1012
    assert await bob_side.closed() == 1012
    server.start()
    await server.wait_until_up()
    await bob.connect()
    await bob_side.connect()
    await bob_side.say("there you are")
    await bob.said(bob_side.conversation, "there you are")
