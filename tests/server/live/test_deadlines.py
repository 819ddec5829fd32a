"""What happens by itself when nobody does anything, with every deadline set short."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from idcontact.live import attendance, deadlines
from running import ATTRIBUTES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from live_floor import Floor

pytestmark = [pytest.mark.one_kind, pytest.mark.asyncio(loop_scope="module")]

LIVE_SETTINGS = """
offer_timeout = "1 s"
agent_grace = "500 ms"
user_grace = "500 ms"
waiting_grace = "800 ms"
wrap_up = "1 s"
auth_wait = "1 s"
"""


@pytest.fixture(autouse=True, scope="module")
def short_linger() -> Iterator[None]:
    """An agent whose console closed is held to be there for a moment; here a short one, and looked after at once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(attendance, "LINGER_MS", 300)
        patch.setattr(deadlines, "PASS_EVERY", 0.1)
        yield


async def test_an_offer_that_lapses_goes_to_the_next_agent(floor: Floor) -> None:
    end_user = await floor.waits()
    ann = await floor.agent("ann")
    offer = await ann.offered()
    bob = await floor.agent("bob")
    assert (await ann.wait_for("offer_gone", id=offer["id"]))["reason"] == "lapsed"
    assert await bob.accept_next() == end_user.conversation
    assert ann.me["status"] == "available"


async def test_an_agent_who_misses_two_offers_in_a_row_is_set_away_and_told(floor: Floor) -> None:
    first, second = await floor.waits(), await floor.waits()
    ann = await floor.agent("ann")
    me = await ann.wait_for("me", reason="missed_offers")
    assert me["me"]["status"] == "away"
    assert ann.offers == {}
    bob = await floor.agent("bob")
    await bob.accept_next(first.conversation)
    assert second.state["phase"] == "waiting"


async def test_a_conversation_whose_agent_is_lost_goes_to_another_with_its_history(floor: Floor) -> None:
    end_user, ann = await floor.talk("ann")
    await end_user.say("my question")
    await ann.disconnect()
    await end_user.wait_for("left", name="Ann de Boer")
    await end_user.wait_for("queued", again=True)
    assert (await end_user.in_phase("waiting")).get("agent") is None
    bob = await floor.agent("bob")
    await bob.accept_next(end_user.conversation)
    await bob.said(end_user.conversation, "my question")
    assert await bob.disclosed(end_user.conversation) == ATTRIBUTES
    await bob.say(end_user.conversation, "my answer")
    await end_user.said("my question", "my answer")


async def test_an_agent_who_was_lost_comes_back_without_the_conversation(floor: Floor) -> None:
    end_user, ann = await floor.talk("ann")
    await ann.disclosed(end_user.conversation)
    await ann.disconnect()
    await end_user.in_phase("waiting")
    before = len(ann.frames)
    welcome = await ann.connect()
    await ann.ping()
    assert welcome["conversations"] == []
    heard_after = {frame["type"] for frame in ann.frames[before:]}
    assert not heard_after & {"attributes", "conversation", "message"}


async def test_an_agent_who_was_lost_learns_what_was_said_in_time_and_says_nothing_more(floor: Floor) -> None:
    end_user, ann = await floor.talk("ann")
    said = {"conversation": end_user.conversation, "text": "my answer"}
    first = await (await ann.begin("send", command_id="in-time", **said)).ack()
    await ann.disconnect()
    await end_user.in_phase("waiting")
    await ann.connect()
    assert await (await ann.begin("send", command_id="in-time", **said)).ack() == first
    late = await ann.begin("send", command_id="too-late", **said)
    assert (await late.answer)["code"] == "not_allowed"
    nowhere = await ann.begin("send", command_id="nowhere", conversation="a" * 26, text="to nobody")
    assert (await nowhere.answer)["code"] == "not_allowed"
    assert end_user.texts() == ["my answer"]


async def test_a_conversation_that_comes_back_to_its_agent_begins_its_logs_again(floor: Floor) -> None:
    end_user, ann = await floor.talk("ann")
    await end_user.say("my question")
    await ann.said(end_user.conversation, "my question")
    await ann.disconnect()
    await end_user.in_phase("waiting")
    await ann.connect()
    await ann.available()
    await ann.accept_next(end_user.conversation)
    await ann.said(end_user.conversation, "my question")
    assert ann.events(end_user.conversation) == end_user.events(end_user.conversation)


async def test_an_end_user_who_does_not_come_back_ends_the_conversation(floor: Floor) -> None:
    end_user, ann = await floor.talk()
    await end_user.disconnect()
    ended = await ann.wait_for("ended", conversation=end_user.conversation)
    assert ended["reason"] == "abandoned"
    await ann.wait_for("attributes_gone", conversation=end_user.conversation)


async def test_who_stays_away_while_waiting_leaves_the_queue(floor: Floor) -> None:
    sue = await floor.staff("sue")
    end_user = await floor.waits()
    await sue.until(lambda: end_user.conversation in sue.queue, "the end user in the queue")
    await end_user.disconnect()
    await sue.until(lambda: end_user.conversation not in sue.queue, "the place to be given up")
    await end_user.connect()
    assert end_user.state["end_reason"] == "abandoned"


async def test_the_work_after_the_end_is_over_by_itself(floor: Floor) -> None:
    end_user, bob = await floor.talk("bob")
    await end_user.end()
    view = await bob.in_phase(end_user.conversation, "wrapping_up")
    assert view["wrap_up_until"] is not None
    await bob.gone(end_user.conversation)
    await bob.until(lambda: bob.me["load"] == 0, "room for another")


async def test_a_result_that_never_comes_is_said_and_ends_it_where_it_must(floor: Floor) -> None:
    end_user = await floor.arrives("report_move")
    await end_user.land()
    await end_user.connect()
    assert end_user.state["phase"] == "preparing"
    assert (await end_user.wait_for("not_identified"))["status"] == "missing"
    assert (await end_user.in_phase("closed", "wrapping_up"))["end_reason"] == "not_identified"


async def test_a_result_that_never_comes_may_be_gone_on_without_where_the_purpose_allows_it(floor: Floor) -> None:
    end_user = await floor.arrives("passport")
    await end_user.land()
    await end_user.connect()
    assert (await end_user.wait_for("not_identified"))["status"] == "missing"
    await end_user.until(lambda: end_user.state.get("can_continue_unverified"), "the choice to go on")
    await end_user.command("continue_unverified", conversation=end_user.conversation)
    await end_user.in_phase("waiting")
    ann = await floor.agent("ann")
    offer = await ann.offered()
    assert offer["auth"]["status"] == "missing"
    await ann.accept(offer)
    await ann.ping()
    assert ann.attributes == {}
    assert ann.conversations[end_user.conversation]["auth"]["status"] == "missing"
