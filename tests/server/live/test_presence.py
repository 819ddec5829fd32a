"""Reloads, lost connections, second tabs and newer consoles: who comes back has everything, once, in order."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from idcontact.live import attendance
from running import ATTRIBUTES

if TYPE_CHECKING:
    from live_floor import Floor

pytestmark = [pytest.mark.one_kind, pytest.mark.asyncio(loop_scope="module")]


async def test_an_end_user_who_comes_back_gets_exactly_what_was_missed(floor: Floor) -> None:
    end_user, ann = await floor.talk()
    await end_user.say("before")
    had = end_user.events(end_user.conversation)[-1]["seq"]
    end_user.lose()
    await end_user.until(lambda: not end_user.is_open, "the connection to be lost")
    await ann.say(end_user.conversation, "meanwhile")
    await ann.say(end_user.conversation, "and again")

    before = len(end_user.frames)
    await end_user.connect()
    await end_user.said("before", "meanwhile", "and again")
    await end_user.ping()
    came = [frame["seq"] for frame in end_user.frames[before:] if "log" in frame]
    assert came == [had + 1, had + 2]


async def test_a_reload_shows_the_whole_history_again(floor: Floor) -> None:
    end_user, ann = await floor.talk()
    await end_user.say("one")
    await ann.say(end_user.conversation, "two")
    await end_user.said("one", "two")
    history = end_user.events(end_user.conversation)
    welcome = await end_user.connect(())
    assert welcome["conversation"]["phase"] == "active"
    await end_user.said("one", "two")
    assert end_user.events(end_user.conversation) == history


async def test_who_claims_to_have_another_log_gets_the_whole_one(floor: Floor) -> None:
    end_user, _ = await floor.talk()
    await end_user.say("one")
    (have,) = end_user.have()
    history = end_user.events(end_user.conversation)
    await end_user.disconnect()
    end_user.logs.clear()
    await end_user.connect([{**have, "log_id": "0000000000000000"}])
    await end_user.said("one")
    assert end_user.events(end_user.conversation) == history


async def test_who_claims_to_have_what_is_yet_to_come_is_believed_that_the_store_lost_it(floor: Floor) -> None:
    end_user, _ = await floor.talk()
    await end_user.say("one")
    (have,) = end_user.have()
    await end_user.disconnect()
    end_user.logs.clear()
    await end_user.connect([{**have, "seq": have["seq"] + 5}])
    await end_user.wait_for("maybe_lost")
    await end_user.said("one")
    assert end_user.have()[0]["log_id"] != have["log_id"]


async def test_hello_again_on_the_same_socket_brings_what_is_missing(floor: Floor) -> None:
    end_user, _ = await floor.talk()
    await end_user.say("one")
    await end_user.say("two")
    (have,) = end_user.have()
    before = len(end_user.frames)
    last = next(event for event in end_user.events(end_user.conversation) if event["seq"] == have["seq"] - 2)
    await end_user.hello([{**have, "seq": last["seq"], "at": last["at"]}])
    await end_user.said("one", "two")
    await end_user.ping()
    assert [frame["seq"] for frame in end_user.frames[before:] if "log" in frame] == [have["seq"] - 1, have["seq"]]
    await end_user.say("three")
    await end_user.said("one", "two", "three")


async def test_the_agent_is_told_when_the_end_user_goes_and_comes_back(floor: Floor) -> None:
    end_user, ann = await floor.talk()
    end_user.lose()
    gone = await ann.wait_for("conversation", conversation={"id": end_user.conversation, "end_user_present": False})
    assert gone["conversation"]["end_user_absent_since"] is not None
    await end_user.connect()
    await ann.until(lambda: ann.conversations[end_user.conversation]["end_user_present"], "the end user to be back")


async def test_a_second_tab_takes_the_conversation_over(floor: Floor) -> None:
    end_user, ann = await floor.talk()
    await end_user.say("from the first tab")
    tab = floor.tab(end_user)
    await tab.connect()
    assert await end_user.closed() == 4409
    await tab.said("from the first tab")
    await tab.say("from the second tab")
    await ann.said(end_user.conversation, "from the first tab", "from the second tab")
    assert ann.conversations[end_user.conversation]["end_user_present"]
    await end_user.connect()
    assert await tab.closed() == 4409
    await end_user.said("from the first tab", "from the second tab")


async def test_a_reloaded_console_has_everything_again(floor: Floor) -> None:
    end_user, ann = await floor.talk()
    await end_user.say("a question")
    await ann.said(end_user.conversation, "a question")
    public, staff = ann.events(end_user.conversation), ann.events(end_user.conversation, "staff")
    waiting = await floor.waits()
    offer = await ann.offered(waiting.conversation)

    reloaded = await floor.console("ann")
    welcome = await reloaded.connect(())
    assert [one["id"] for one in welcome["conversations"]] == [end_user.conversation]
    assert welcome["me"]["status"] == "available"
    assert await reloaded.offered() == offer
    await reloaded.said(end_user.conversation, "a question")
    assert await reloaded.disclosed(end_user.conversation) == ATTRIBUTES
    await reloaded.has_seq(end_user.conversation, len(staff), "staff")
    assert reloaded.events(end_user.conversation) == public
    assert reloaded.events(end_user.conversation, "staff") == staff
    await reloaded.until(lambda: waiting.conversation in reloaded.queue, "the queue")
    await reloaded.accept(offer)
    await reloaded.say(end_user.conversation, "an answer")
    await end_user.said("a question", "an answer")


async def test_a_newer_console_replaces_the_older(floor: Floor) -> None:
    end_user, ann = await floor.talk()
    newer = await floor.console("ann")
    await newer.connect()
    assert await ann.closed() == 4409
    await newer.in_phase(end_user.conversation, "active")
    await end_user.say("are you still there?")
    await newer.said(end_user.conversation, "are you still there?")
    assert end_user.state["agent"] == {"name": "Ann de Boer", "present": True}


async def test_who_is_away_while_waiting_keeps_the_place(floor: Floor) -> None:
    sue = await floor.staff("sue")
    first, second, third = [await floor.waits() for _ in range(3)]
    first.lose()
    await sue.until(lambda: sue.queue.get(first.conversation, {}).get("state") == "absent", "the first to be away")
    bob = await floor.agent("bob")
    await bob.accept_next(second.conversation)

    await first.connect()
    await sue.until(lambda: sue.queue[first.conversation]["state"] == "waiting", "the first to be back")
    await first.wait_for("position", position=1)
    ann = await floor.agent("ann")
    await ann.accept_next(first.conversation)
    await ann.accept_next(third.conversation)


async def test_an_offer_is_withdrawn_when_the_end_user_goes_away(floor: Floor) -> None:
    end_user = await floor.waits()
    ann = await floor.agent("ann")
    offer = await ann.offered()
    end_user.lose()
    assert (await ann.wait_for("offer_gone", id=offer["id"]))["reason"] == "withdrawn"
    await end_user.connect()
    again = await ann.offered()
    assert again["entered_at"] == offer["entered_at"]
    await ann.accept(again)


async def test_an_agent_whose_console_is_gone_is_told_to_be_and_gets_no_offers(
    floor: Floor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attendance, "LINGER_MS", 500)
    end_user, ann = await floor.talk()
    sue = await floor.staff("sue")
    ann.lose()
    await end_user.until(lambda: end_user.state["agent"]["present"] is False, "the agent to be away")
    assert not sue.agents["ann"]["present"]
    waiting = await floor.waits()
    await sue.until(lambda: waiting.conversation in sue.queue, "the end user in the queue")
    assert sue.queue[waiting.conversation]["state"] == "waiting"
    await ann.connect()
    await end_user.until(lambda: end_user.state["agent"]["present"] is True, "the agent to be back")
    await ann.accept_next(waiting.conversation)
