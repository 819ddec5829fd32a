"""What a broken, hasty or hostile page sends: it has the effect that the page of the protocol says, and no other."""

from __future__ import annotations

import asyncio
import json
import random
from typing import TYPE_CHECKING, Any

import pytest
from websockets.asyncio.client import ClientConnection

from idcontact.live import set_backs
from live_client import PATIENCE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from live_client import Client, Command, Frame
    from live_floor import Floor
    from live_people import EndUser

pytestmark = pytest.mark.asyncio(loop_scope="module")

LIVE_SETTINGS = "frames_per_10_seconds = 500"
MEBIBYTE = 1024 * 1024


def socket_of(client: Client) -> ClientConnection:
    """The WebSocket of this client."""
    line = client.line
    assert isinstance(line, ClientConnection)
    return line


async def answer_to(client: Client, kind: str, **members: Any) -> Frame:
    """What this command is answered with."""
    command = await client.begin(kind, **members)
    async with asyncio.timeout(PATIENCE):
        return await command.answer


async def refused(client: Client, kind: str, **members: Any) -> None:
    """That this command does not fit the state, and is answered so."""
    answer = await answer_to(client, kind, **members)
    assert answer["type"] == "error", answer
    assert answer["code"] in {"conflict", "not_allowed", "not_found"}, answer


# --- ids --------------------------------------------------------------------------------------------------------------


async def test_commands_that_are_sent_again_in_any_order_get_their_first_answers(floor: Floor) -> None:
    end_user, ann = await floor.talk()
    acks = {f"c{number}": await end_user.say(f"said {number}", command_id=f"c{number}") for number in range(20)}
    again = [*acks, *acks]
    random.Random(4).shuffle(again)
    for command_id in again:
        assert await end_user.say("other words", command_id=command_id) == acks[command_id]
    await ann.said(end_user.conversation, *(f"said {number}" for number in range(20)))
    assert len(end_user.texts()) == 20


async def test_the_same_commands_on_two_sockets_at_once_are_done_once(floor: Floor) -> None:
    end_user, ann = await floor.talk()
    tabs = [end_user, floor.tab(end_user), floor.tab(end_user)]
    begun: list[list[Command]] = []
    for tab in tabs:
        await tab.connect()  # the tab before has been replaced, and may not know it yet
        begun.append([await send(earlier, number) for number in range(10) for earlier in tabs[: tabs.index(tab) + 1]])
    last = begun[-1][len(tabs) - 1 :: len(tabs)]
    answers = [await command.ack() for command in last]
    for command in (one for commands in begun for one in commands):
        for answer in command.answers:
            assert answer == answers[int(command.frame["id"][1:])]
    await ann.until(lambda: len(texts(ann.events(end_user.conversation))) == 10, "ten messages")
    said = texts(ann.events(end_user.conversation))
    assert sorted(said) == [f"said {number}" for number in range(10)]
    assert tabs[-1].texts() == said


async def send(tab: EndUser, number: int) -> Command:
    """Say this on that tab, which may be lost."""
    conversation = tab.conversation
    return await tab.begin("send", command_id=f"c{number}", conversation=conversation, text=f"said {number}")


def texts(events: Sequence[Frame]) -> list[str]:
    """Of the messages among them."""
    return [event["text"] for event in events if event["type"] == "message"]


async def test_two_consoles_of_one_agent_that_do_the_same_do_it_once(floor: Floor) -> None:
    end_user = await floor.waits()
    ann = await floor.agent("ann")
    offer = await ann.offered()
    newer = await floor.console("ann")
    members = {"conversation": end_user.conversation, "offer": offer["id"], "command_id": "accept"}
    first = await ann.begin("accept", **members)
    await newer.connect()
    second = await newer.begin("accept", **members)
    assert (await second.ack())["id"] == "accept"
    assert await ann.closed() == 4409
    assert all(answer["type"] == "ack" for answer in first.answers)
    await end_user.in_phase("active")
    await newer.in_phase(end_user.conversation, "active")
    assert len(end_user.heard("joined")) == 1
    assert newer.me["load"] == 1


async def test_a_status_that_is_sent_again_does_not_undo_what_was_chosen_since(floor: Floor) -> None:
    ann = await floor.agent("ann")
    for command_id, status in (("s1", "available"), ("s2", "away"), ("s1", "available")):
        command = await ann.begin("set_status", command_id=command_id, status=status)
        await command.ack()
    newer = await floor.console("ann")
    await newer.connect()
    assert await ann.closed() == 4409
    assert newer.me["status"] == "away"


# --- states -----------------------------------------------------------------------------------------------------------


async def test_what_does_not_fit_the_state_of_a_conversation_is_refused_and_changes_nothing(floor: Floor) -> None:
    end_user = await floor.waits()
    ann = await floor.agent("ann")
    here = {"conversation": end_user.conversation}
    offer = await ann.offered()
    for kind, members in (("send", {"text": "too early"}), ("continue_unverified", {})):
        await refused(end_user, kind, **here, **members)
    for kind, members in (("send", {"text": "too early"}), ("end", {}), ("finish", {})):
        await refused(ann, kind, **here, **members)
    assert end_user.state["phase"] == "waiting"

    await ann.accept(offer)
    await end_user.in_phase("active")
    await refused(end_user, "continue_unverified", **here)
    for kind in ("accept", "decline"):
        await refused(ann, kind, **here, offer=offer["id"])
    await refused(ann, "finish", **here)
    assert end_user.state["phase"] == "active"

    await end_user.end()
    await ann.in_phase(end_user.conversation, "wrapping_up")
    for client in (end_user, ann):
        await refused(client, "send", **here, text="too late")
        await refused(client, "end", **here)
    for kind in ("accept", "decline"):
        await refused(ann, kind, **here, offer=offer["id"])
    assert end_user.texts() == []
    assert [event["type"] for event in end_user.events(end_user.conversation)].count("ended") == 1


# --- hello ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seq", [4, 2**31, 2**53 - 1])
async def test_a_hello_from_the_future_gets_the_whole_log_under_another_id(floor: Floor, seq: int) -> None:
    end_user, ann = await floor.talk()
    (have,) = end_user.have()
    assert have["seq"] == 3
    history = end_user.events(end_user.conversation)
    await end_user.disconnect()
    end_user.logs.clear()
    await end_user.connect([{**have, "seq": seq}])
    await end_user.has_seq(end_user.conversation, 4)
    *again, told = end_user.events(end_user.conversation)
    assert told["type"] == "maybe_lost"
    assert {one["log_id"] for one in again}.isdisjoint({have["log_id"]})
    assert [{**one, "log_id": have["log_id"]} for one in again] == history
    await ann.say(end_user.conversation, "and on")
    await end_user.said("and on")
    assert ann.events(end_user.conversation) == end_user.events(end_user.conversation)


async def test_who_says_so_again_and_again_is_to_come_back_later_and_the_log_stays_as_it_is(floor: Floor) -> None:
    end_user, ann = await floor.talk()
    conversation = end_user.conversation
    await end_user.connect([{**have, "seq": 1000} for have in end_user.have()])
    for client in (end_user, ann):
        await client.until(lambda: client.events(conversation)[-1]["type"] == "maybe_lost", "the log again")  # noqa: B023
    await end_user.connect([{**have, "at": 1} for have in end_user.have()])
    assert (await end_user.wait_for("error"))["code"] == "unavailable"
    assert await end_user.closed() == 1013
    await end_user.connect()
    await ann.say(conversation, "and on")
    await end_user.said("and on")
    assert [one["type"] for one in ann.events(conversation)].count("maybe_lost") == 1


async def test_who_lies_for_the_fourth_time_has_the_log_again_alone(
    floor: Floor, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(set_backs, "_BETWEEN_CLAIMS", 0)
    end_user, ann = await floor.talk()
    conversation = end_user.conversation
    for times, lie in enumerate(({"seq": 1000}, {"at": 1}, {"seq": 2**31}), 1):
        await end_user.connect([{**have, **lie} for have in end_user.have()])
        for client in (end_user, ann):
            await told_so_often(client, conversation, times)
    before = [*ann.events(conversation)]
    for lie in ({"seq": 1000}, {"at": 1}):
        claim = [{**have, **lie} for have in end_user.have()]
        await end_user.disconnect()
        end_user.logs.clear()
        await end_user.connect(claim)
        await end_user.has_seq(conversation, len(before))
        assert end_user.events(conversation) == before
    await ann.say(conversation, "and on")
    await end_user.said("and on")
    assert ann.events(conversation)[:-1] == before
    assert ann.events(conversation) == end_user.events(conversation)
    said = [record for record in caplog.records if record.name == set_backs.__name__]
    assert [record.levelname for record in said] == ["WARNING"] * 3
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


async def told_so_often(client: Client, conversation: str, times: int) -> None:
    """Until this client has the log with so many words that something may be missing."""

    def told() -> bool:
        events = client.events(conversation)
        return [one["type"] for one in events].count("maybe_lost") == times and events[-1]["type"] == "maybe_lost"

    await client.until(told, "the log again")


async def test_the_agent_is_believed_however_often_the_end_user_lied(
    floor: Floor, monkeypatch: pytest.MonkeyPatch
) -> None:
    end_user, ann = await floor.talk()
    conversation = end_user.conversation
    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(set_backs, "_BETWEEN_CLAIMS", 0)
        for times in (1, 2, 3):
            await end_user.connect([{**have, "seq": 1000} for have in end_user.have()])
            for client in (end_user, ann):
                await told_so_often(client, conversation, times)
    await ann.connect([{**have, "seq": 1000} for have in ann.have()])
    for client in (end_user, ann):
        await told_so_often(client, conversation, 4)


async def test_a_hello_with_a_log_of_another_conversation_says_nothing_about_that_one(floor: Floor) -> None:
    mine, ann = await floor.talk()
    await ann.away()
    theirs, bob = await floor.talk("bob")
    await bob.say(theirs.conversation, "for somebody else")
    await theirs.said("for somebody else")
    (have,) = theirs.have()
    await mine.disconnect()
    history = mine.events(mine.conversation)
    for claim in (have, {**have, "seq": 0}, {**have, "conversation": mine.conversation, "seq": 0}):
        mine.logs.clear()
        before = len(mine.frames)
        await mine.connect([claim])
        await mine.has_seq(mine.conversation, len(history))
        assert mine.events(mine.conversation) == history
        assert theirs.conversation not in json.dumps(mine.frames[before:])
        assert "for somebody else" not in json.dumps(mine.frames[before:])


async def test_a_console_that_claims_conversations_of_others_gets_none_of_them(floor: Floor) -> None:
    mine, ann = await floor.talk()
    bob = await floor.staff("bob")
    claims = [{**have, "seq": 0} for have in ann.have()]
    welcome = await bob.connect(claims)
    assert welcome["conversations"] == []
    await bob.ping()
    assert (mine.conversation, "public") not in bob.logs


async def test_a_hello_with_more_claims_than_a_frame_holds_is_refused_and_the_socket_stays(floor: Floor) -> None:
    end_user, _ = await floor.talk()
    (have,) = end_user.have()
    await end_user.send_frame({"type": "hello", "have": [have] * 1000})
    assert (await end_user.wait_for("error"))["code"] == "too_large"
    await end_user.ping()


# --- frames -----------------------------------------------------------------------------------------------------------


async def test_ten_thousand_frames_in_one_breath_close_the_socket_and_slow_nobody_down(floor: Floor) -> None:
    end_user, ann = await floor.talk()
    socket = socket_of(end_user)
    ping = json.dumps({"type": "ping", "nonce": "x"})

    async def flood() -> None:
        for _ in range(10_000):
            await end_user.send_raw(ping)

    flooding = asyncio.create_task(flood())
    await ann.ping()
    assert await end_user.closed() == 4429
    await flooding
    assert socket.close_code == 4429
    assert len(end_user.heard("pong", nonce="x")) <= 500
    await ann.ping()
    await end_user.connect()
    await end_user.say("sorry")
    await ann.said(end_user.conversation, "sorry")


async def test_a_frame_of_a_mebibyte_is_refused_and_the_socket_stays(floor: Floor) -> None:
    end_user = await floor.waits()
    head, tail = '{"type": "ping", "nonce": "big", "filler": "', '"}'
    await end_user.send_raw(head + "x" * (MEBIBYTE - len(head) - len(tail)) + tail)
    assert (await end_user.wait_for("error"))["code"] == "too_large"
    await end_user.ping()
    assert not end_user.heard("pong", nonce="big")


@pytest.mark.parametrize("size", [1, 2, 7, 10_000])
async def test_a_frame_in_fragments_is_one_frame(floor: Floor, size: int) -> None:
    end_user, ann = await floor.talk()
    socket = socket_of(end_user)
    for number, text in enumerate(("in pieces", "\N{PARTY POPPER}" * 40)):
        frame = {"type": "send", "id": f"f{number}", "conversation": end_user.conversation, "text": text}
        whole = json.dumps(frame, ensure_ascii=False)
        command = end_user.know(frame)
        command.sent = 1
        await socket.send([whole[start : start + size] for start in range(0, len(whole), size)])
        await command.ack()
        await end_user.say(f"whole {number}")
    await ann.said(end_user.conversation, "in pieces", "whole 0", "\N{PARTY POPPER}" * 40, "whole 1")


async def test_fragments_that_never_end_are_cut_off(floor: Floor) -> None:
    end_user = await floor.waits()
    socket = socket_of(end_user)

    async def pieces() -> Any:
        for _ in range(200):
            yield "x" * 10_000

    sending = asyncio.create_task(socket.send(pieces()))
    assert await end_user.closed() == 1009
    await asyncio.gather(sending, return_exceptions=True)
    await end_user.connect()


async def test_a_ping_of_the_websocket_between_fragments_is_answered(floor: Floor) -> None:
    end_user, ann = await floor.talk()
    socket = socket_of(end_user)
    frame = {"type": "send", "id": "slow", "conversation": end_user.conversation, "text": "slowly"}
    whole = json.dumps(frame)
    command = end_user.know(frame)
    command.sent = 1

    async def pieces() -> Any:
        yield whole[:20]
        await (await socket.ping())
        yield whole[20:]

    await socket.send(pieces())
    await command.ack()
    await ann.said(end_user.conversation, "slowly")
