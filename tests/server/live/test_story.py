"""The main job, by the protocol: an end user waits, talks to an agent who knows who it is, and it ends."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

import pytest

from live_client import Refused
from running import ATTRIBUTES

if TYPE_CHECKING:
    from live_client import Client
    from live_floor import Floor

pytestmark = pytest.mark.asyncio(loop_scope="module")

WAYS = ("socket", "stream")


def heard_values(client: Client) -> list[str]:
    """The attribute values that stand in anything this client ever heard."""
    everything = json.dumps(client.frames)
    return [value for value in ATTRIBUTES.values() if value in everything]


async def test_an_end_user_waits_and_talks_to_an_agent_who_sees_who_it_is(floor: Floor) -> None:
    end_user = await floor.waits()
    assert (await end_user.wait_for("position"))["position"] == 1
    assert end_user.state["auth"]["status"] == "given"

    ann = await floor.agent("ann")
    offer = await ann.offered()
    assert offer["conversation"] == end_user.conversation
    assert offer["auth"]["method_label"] == "Test person"

    await ann.accept(offer)
    assert await ann.disclosed(end_user.conversation) == ATTRIBUTES
    view = await end_user.in_phase("active")
    assert view["agent"] == {"name": "Ann de Boer", "present": True}

    await end_user.say("Good morning")
    await ann.said(end_user.conversation, "Good morning")
    await ann.say(end_user.conversation, "Good morning, what can I do for you?")
    await end_user.said("Good morning", "Good morning, what can I do for you?")

    await end_user.end()
    assert (await end_user.in_phase("wrapping_up", "closed"))["end_reason"] == "ended_by_end_user"
    await ann.in_phase(end_user.conversation, "wrapping_up")
    await ann.finish(end_user.conversation)
    await ann.gone(end_user.conversation)
    kinds = [event["type"] for event in end_user.events(end_user.conversation)]
    assert kinds == ["identified", "queued", "joined", "message", "message", "ended"]


async def test_attributes_are_shown_after_acceptance_and_to_the_acceptor_alone(floor: Floor) -> None:
    sue, ann, bob = await floor.staff("sue"), await floor.agent("ann"), await floor.agent("bob")
    end_user = await floor.waits()
    agents = {"ann": ann, "bob": bob}
    await ann.until(lambda: ann.queue.get(end_user.conversation, {}).get("state") == "offered", "an offer to anyone")
    acceptor = agents.pop(ann.queue[end_user.conversation]["agent"])
    (other,) = agents.values()
    offer = await acceptor.offered()
    await acceptor.ping()
    assert heard_values(acceptor) == []

    await acceptor.accept(offer)
    assert await acceptor.disclosed(end_user.conversation) == ATTRIBUTES
    disclosures = acceptor.events(end_user.conversation, "staff")
    assert [(one["type"], one["name"], sorted(one["tags"])) for one in disclosures] == [
        ("disclosed", acceptor.me["name"], sorted(ATTRIBUTES))
    ]
    for client in (other, sue, end_user):
        await client.ping()
        assert heard_values(client) == []
        assert not client.heard("attributes")
    assert not end_user.events(end_user.conversation, "staff")


async def test_attributes_go_when_the_conversation_ends(floor: Floor) -> None:
    end_user, ann = await floor.talk()
    await ann.disclosed(end_user.conversation)
    await ann.end(end_user.conversation)
    await ann.wait_for("attributes_gone", conversation=end_user.conversation)
    before = len(ann.frames)
    await ann.connect(())
    assert ann.conversations[end_user.conversation]["phase"] == "wrapping_up"
    await ann.ping()
    assert not [frame for frame in ann.frames[before:] if frame["type"] == "attributes"]


async def test_messages_of_both_come_in_one_order_with_the_numbers_of_their_acks(floor: Floor) -> None:
    end_user, ann = await floor.talk()
    conversation = end_user.conversation
    await ann.ping()
    acks = await asyncio.gather(
        *(end_user.say(f"from the end user {number}") for number in range(15)),
        *(ann.say(conversation, f"from the agent {number}") for number in range(15)),
    )
    for client in (end_user, ann):
        await client.has_seq(conversation, max(ack["seq"] for ack in acks))
    assert end_user.events(conversation) == ann.events(conversation)
    by_command = {event["command"]: event for event in end_user.messages()}
    assert len(by_command) == 30
    for ack in acks:
        assert (by_command[ack["id"]]["seq"], by_command[ack["id"]]["at"]) == (ack["seq"], ack["at"])
    for author, name in (("end_user", None), ("agent", "Ann de Boer")):
        own = [event for event in end_user.messages() if event["by"] == author]
        assert [event["text"].rsplit(" ", 1)[1] for event in own] == [str(number) for number in range(15)]
        assert {event.get("name") for event in own} == {name}


async def test_what_was_shown_is_told_to_the_other_side(floor: Floor) -> None:
    end_user, ann = await floor.talk()
    ack = await end_user.say("Are you there?")
    await ann.said(end_user.conversation, "Are you there?")
    await ann.send_frame({"type": "seen", "conversation": end_user.conversation, "seq": ack["seq"]})
    assert (await end_user.wait_for("seen_by", by="agent"))["seq"] == ack["seq"]
    await end_user.send_frame({"type": "seen", "conversation": end_user.conversation, "seq": ack["seq"]})
    assert (await ann.wait_for("seen_by", by="end_user"))["seq"] == ack["seq"]


async def test_an_agent_may_end_the_conversation(floor: Floor) -> None:
    end_user, ann = await floor.talk()
    await ann.end(end_user.conversation)
    assert (await end_user.in_phase("wrapping_up"))["end_reason"] == "ended_by_agent"
    assert (await end_user.wait_for("ended"))["by"] == "agent"
    with pytest.raises(Refused, match=r"^(not_allowed|conflict)"):
        await end_user.say("One more thing")
    with pytest.raises(Refused, match=r"^(not_allowed|conflict)"):
        await ann.say(end_user.conversation, "Too late")
    assert end_user.texts() == []


async def test_an_ended_conversation_can_be_read_again_by_its_end_user(floor: Floor) -> None:
    end_user, ann = await floor.talk()
    await ann.say(end_user.conversation, "Your number is 12")
    await ann.end(end_user.conversation)
    await ann.finish(end_user.conversation)
    await end_user.in_phase("closed")
    welcome = await end_user.connect(())
    assert welcome["conversation"]["phase"] == "closed"
    await end_user.said("Your number is 12")


async def test_an_agent_has_no_room_until_the_work_after_the_end_is_done(floor: Floor) -> None:
    first, bob = await floor.talk("bob")
    second = await floor.waits()
    await bob.end(first.conversation)
    await bob.in_phase(first.conversation, "wrapping_up")
    await bob.ping()
    assert bob.me["load"] == 1
    assert bob.offers == {}
    assert bob.queue[second.conversation]["state"] == "waiting"
    await bob.finish(first.conversation)
    await bob.accept_next(second.conversation)


async def test_capacity_is_never_passed(floor: Floor) -> None:
    waiting = [await floor.waits() for _ in range(4)]
    ann = await floor.agent("ann")
    for end_user in waiting[:3]:
        await ann.accept_next(end_user.conversation)
    await ann.ping()
    assert (ann.me["load"], ann.me["capacity"]) == (3, 3)
    assert ann.offers == {}
    assert ann.queue[waiting[3].conversation]["state"] == "waiting"
    assert len(ann.heard("offer")) == 3


async def test_several_conversations_of_one_agent_are_kept_apart(floor: Floor) -> None:
    (first, ann), second = await floor.talk(), await floor.waits()
    await ann.accept_next(second.conversation)
    await first.say("I am the first")
    await second.say("I am the second")
    await ann.say(first.conversation, "to the first")
    await ann.said(first.conversation, "I am the first", "to the first")
    await ann.said(second.conversation, "I am the second")
    await first.said("I am the first", "to the first")
    await second.ping()
    assert second.texts() == ["I am the second"]


async def test_a_declined_conversation_is_offered_to_the_next_agent_and_keeps_its_place(floor: Floor) -> None:
    end_user = await floor.waits()
    ann = await floor.agent("ann")
    offer = await ann.offered()
    bob = await floor.agent("bob")
    await ann.decline(offer)
    assert (await ann.wait_for("offer_gone", id=offer["id"]))["reason"] == "declined"
    next_offer = await bob.offered()
    assert next_offer["conversation"] == end_user.conversation
    assert next_offer["entered_at"] == offer["entered_at"]
    assert next_offer["id"] != offer["id"]
    await bob.accept(next_offer)
    assert (await end_user.in_phase("active"))["agent"]["name"] == "Bob Smit"


async def test_two_agents_get_two_end_users_first_come_first_served(floor: Floor) -> None:
    first, second, third = [await floor.waits() for _ in range(3)]
    bob = await floor.agent("bob")
    await bob.accept_next(first.conversation)
    ann = await floor.agent("ann")
    assert (await ann.offered())["conversation"] == second.conversation
    await ann.accept_next(second.conversation)
    assert (await ann.offered())["conversation"] == third.conversation
    assert (await first.in_phase("active"))["agent"]["name"] == "Bob Smit"
    assert (await second.in_phase("active"))["agent"]["name"] == "Ann de Boer"


async def test_agents_get_only_conversations_of_their_purposes(floor: Floor) -> None:
    bob = await floor.agent("bob")
    passport = await floor.waits("passport")
    move = await floor.waits("report_move")
    await bob.accept_next(move.conversation)
    assert passport.conversation not in bob.queue
    ann = await floor.agent("ann")
    await ann.accept_next(passport.conversation)
    assert await ann.disclosed(passport.conversation) == {"fullname": ATTRIBUTES["fullname"]}


async def test_those_who_wait_see_how_the_queue_moves(floor: Floor) -> None:
    first, second = await floor.waits(), await floor.waits()
    await second.wait_for("position", position=2)
    await first.end()
    assert (await first.in_phase("closed", "wrapping_up"))["end_reason"] == "left_the_queue"
    await second.wait_for("position", position=1)
    await floor.agent("ann")
    assert (await second.wait_for("position"))["agents_present"] == 1


async def test_those_who_wait_hear_how_long_that_will_yet_take_once_it_is_known(floor: Floor) -> None:
    first = await floor.waits()
    assert "expected_wait" not in await first.wait_for("position", position=1)
    await floor.agent("ann")
    await first.wait_for("position", position=1, expected_wait=0)


async def test_a_supervisor_sees_queue_and_agents_live(floor: Floor) -> None:
    sue = await floor.staff("sue")
    end_user, ann = await floor.talk()
    await sue.until(lambda: sue.queue.get(end_user.conversation, {}).get("state") == "assigned", "the conversation")
    await sue.until(lambda: sue.agents["ann"]["load"] == 1, "the agent's load")
    await ann.end(end_user.conversation)
    await ann.finish(end_user.conversation)
    await sue.until(lambda: end_user.conversation not in sue.queue, "it to go")
    assert not sue.missed_a_delta
    assert sue.conversations == {}
