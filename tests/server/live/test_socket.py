"""What a socket does with what it should never get: each time the answer that the page promises, and no harm."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest
from websockets.exceptions import InvalidStatus

from idcontact.errors import Conflict, Unavailable
from idcontact.live import socket as live_socket
from idcontact.live.attendance import Attendance
from idcontact.live.conversations import Conversations
from idcontact.live.hub import Hub
from live_client import PATIENCE

if TYPE_CHECKING:
    from live_client import Client, Frame
    from live_floor import Floor

pytestmark = [pytest.mark.one_kind, pytest.mark.asyncio(loop_scope="module")]

NOBODY = "a" * 26
"""The id of a conversation that does not exist."""


@pytest.mark.parametrize("who", ["end user", "staff"])
async def test_a_socket_without_a_cookie_is_closed_with_4401(floor: Floor, who: str) -> None:
    client = await floor.waits() if who == "end user" else await floor.console("ann")
    await client.disconnect()
    before = len(client.frames)
    await client.open(cookie="")
    assert await client.closed() == 4401
    assert client.frames[before:] == []
    if who == "end user":
        await client.connect()


async def test_the_cookie_of_one_conversation_does_not_open_another(floor: Floor) -> None:
    mine, theirs = await floor.waits(), await floor.waits()
    await mine.disconnect()
    stolen = theirs.browser.cookie_header.replace(theirs.conversation, mine.conversation)
    for cookie in (theirs.browser.cookie_header, stolen):
        await mine.open(cookie=cookie)
        assert await mine.closed() == 4401


@pytest.mark.parametrize("origin", ["https://elsewhere.example", "null", "http://127.0.0.1:1"])
async def test_a_socket_from_another_origin_is_closed_with_4403(floor: Floor, origin: str) -> None:
    end_user, ann = await floor.waits(), await floor.console("ann")
    for client in (end_user.second_tab(), ann):
        await client.open(origin=origin)
        assert await client.closed() == 4403
        assert client.frames == []


@pytest.mark.parametrize("subprotocol", [None, "idcontact.live.v0"])
async def test_a_socket_without_our_subprotocol_is_closed_with_4400(floor: Floor, subprotocol: str | None) -> None:
    end_user = await floor.waits()
    tab = end_user.second_tab()
    await tab.open(subprotocol=subprotocol)
    assert await tab.closed() == 4400
    await end_user.ping()


async def test_a_conversation_that_does_not_exist_is_said_to_whoever_holds_its_cookie(floor: Floor) -> None:
    end_user = await floor.waits()
    tab = end_user.second_tab()
    tab.path = f"/c/{NOBODY}/socket"
    await tab.open(cookie=end_user.browser.cookie_header.replace(end_user.conversation, NOBODY))
    assert await tab.closed() == 4404


@pytest.mark.parametrize("path", ["/c/socket", "/socket", "/c/../console/socket", "/c/a/b/socket"])
async def test_a_path_that_is_no_socket_opens_none(floor: Floor, path: str) -> None:
    console = await floor.console("ann")
    console.path = path
    with pytest.raises(InvalidStatus) as refused:
        await console.open()
    assert refused.value.response.status_code == 403


MALFORMED: dict[str, tuple[str, str, str | None]] = {
    "not JSON": ("{", "malformed", None),
    "empty": ("", "malformed", None),
    "a list": ("[]", "malformed", None),
    "null": ("null", "malformed", None),
    "no type": ('{"have": []}', "malformed", "type"),
    "a number as type": ('{"type": 1}', "malformed", "type"),
    "unknown type": ('{"type": "dance"}', "unknown_type", "type"),
    "a type of staff": ('{"type": "set_status", "id": "a", "status": "away"}', "unknown_type", "type"),
    "missing member": ('{"type": "end", "id": "a"}', "malformed", "conversation"),
    "missing id": (f'{{"type": "end", "conversation": "{NOBODY}"}}', "malformed", "id"),
    "id that is none": (f'{{"type": "end", "id": "a b", "conversation": "{NOBODY}"}}', "malformed", "id"),
    "conversation that is none": ('{"type": "end", "id": "a", "conversation": "../a"}', "malformed", "conversation"),
    "number below zero": (f'{{"type": "seen", "conversation": "{NOBODY}", "seq": -1}}', "malformed", "seq"),
    "number far too high": (f'{{"type": "seen", "conversation": "{NOBODY}", "seq": 1e400}}', "malformed", "seq"),
    "long nonce": (json.dumps({"type": "ping", "nonce": "n" * 65}), "malformed", "nonce"),
    "have that is none": ('{"type": "hello", "have": [{"log": "public"}]}', "malformed", "conversation"),
    "nested too deep": ('{"type": "ping", "x": ' + "[" * 16_000 + "]" * 16_000 + "}", "malformed", None),
}


async def test_a_malformed_frame_is_answered_by_an_error_that_names_the_member(floor: Floor) -> None:
    end_user = await floor.waits()
    for mistake, (raw, code, field) in MALFORMED.items():
        await end_user.send_raw(raw)
        error = await end_user.wait_for("error")
        assert (error["code"], error.get("field")) == (code, field), mistake
        assert error["message"], mistake
        await end_user.ping()


async def test_a_value_that_is_none_of_the_known_ones_is_not_repeated(floor: Floor) -> None:
    end_user = await floor.waits()
    have = {"conversation": end_user.conversation, "log": "Suzanne Moulin", "log_id": "x", "seq": 1}
    await end_user.send_raw(json.dumps({"type": "hello", "have": [have]}))
    error = await end_user.wait_for("error")
    assert (error["code"], "Suzanne" in error["message"]) == ("malformed", False)
    assert error["field"].endswith("log")


@pytest.mark.parametrize(
    ("text", "field"),
    [("", "text"), ("x" * 4001, "text"), (5, "text"), (None, "text")],
    ids=["empty", "over 4000 characters", "a number", "null"],
)
async def test_a_message_that_is_none_is_refused_by_its_id_and_nothing_is_said(
    floor: Floor, text: object, field: str
) -> None:
    end_user, _ = await floor.talk()
    error = await refusal(end_user, "send", conversation=end_user.conversation, text=text)
    assert (error["code"], error["field"]) == ("malformed", field)
    assert end_user.texts() == []


async def test_half_a_character_is_refused(floor: Floor) -> None:
    end_user, _ = await floor.talk()
    await end_user.send_raw(
        f'{{"type": "send", "id": "half", "conversation": "{end_user.conversation}", "text": "\\ud800"}}'
    )
    assert (await end_user.wait_for("error"))["code"] == "malformed"
    await end_user.say("a whole one")
    assert end_user.texts() == ["a whole one"]


async def test_a_message_of_4000_characters_of_any_kind_is_said_as_it_is(floor: Floor) -> None:
    end_user, ann = await floor.talk()
    texts = ["\N{PARTY POPPER}" * 4000, "<script>alert(1)</script>\n\t\u202e", 'nul \x00 and |:{}*\\ "quote"', " "]
    for text in texts:
        await end_user.say(text)
    await ann.said(end_user.conversation, *texts)


async def test_a_frame_over_32_kib_is_refused_and_the_socket_stays(floor: Floor) -> None:
    end_user = await floor.waits()
    for filler in ("x" * 32_769, "\N{PARTY POPPER}" * 8_200):
        await end_user.send_raw(json.dumps({"type": "ping", "nonce": "", "filler": filler}, ensure_ascii=False))
        assert (await end_user.wait_for("error"))["code"] == "too_large"
    await end_user.ping()


async def test_a_frame_over_a_mebibyte_is_cut_off(floor: Floor) -> None:
    end_user = await floor.waits()
    await end_user.send_raw("x" * (1024 * 1024 + 1))
    assert await end_user.closed() == 1009
    await end_user.connect()


async def test_bytes_are_refused_and_the_socket_stays(floor: Floor) -> None:
    end_user = await floor.waits()
    await end_user.send_raw(b'{"type": "ping"}')
    assert (await end_user.wait_for("error"))["code"] == "malformed"
    await end_user.ping()


async def test_twenty_malformed_frames_close_the_socket(floor: Floor) -> None:
    end_user = await floor.waits()
    for _ in range(19):
        await end_user.send_raw("{")
    await end_user.ping()
    await end_user.send_raw("{")
    assert await end_user.closed() == 4400
    assert len(end_user.heard("error", code="malformed")) == 20
    await end_user.connect()


async def test_nothing_is_done_before_hello(floor: Floor) -> None:
    end_user = await floor.waits()
    tab = floor.tab(end_user)
    await tab.open()
    command = await tab.begin("end", conversation=tab.conversation)
    error = await tab.wait_for("error")
    assert (error["code"], error["id"]) == ("hello_expected", command.frame["id"])
    welcome = await tab.hello()
    assert welcome["conversation"]["phase"] == "waiting"


async def test_who_says_no_hello_in_time_may_come_back(floor: Floor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_socket, "HELLO_WITHIN", 0.2)
    end_user = await floor.waits()
    tab = end_user.second_tab()
    await tab.open()
    assert await tab.closed() == 1013
    await end_user.ping()


@pytest.mark.parametrize("who", ["end user", "staff"])
async def test_a_page_that_cannot_be_welcomed_again_is_sent_away_and_comes_back(
    floor: Floor, monkeypatch: pytest.MonkeyPatch, who: str
) -> None:
    end_user, ann = await floor.talk()
    client = end_user if who == "end user" else ann

    async def away(*_: object) -> None:
        raise Unavailable("the store cannot be reached")

    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(Hub, "open", away)
        meanwhile.setattr(Attendance, "begin", away)
        await client.send_frame({"type": "hello", "have": client.have()})
        assert await client.closed() == 1013
    await client.resume()
    await end_user.say("still there")
    await ann.said(end_user.conversation, "still there")


async def test_a_page_in_whose_conversation_too_much_happens_at_once_is_to_come_back(
    floor: Floor, monkeypatch: pytest.MonkeyPatch
) -> None:
    end_user, ann = await floor.talk()

    async def overrun(*_: object) -> None:
        raise Conflict("too much happens in this conversation at once; try again")

    for greet_again in (True, False):
        with monkeypatch.context() as meanwhile:
            meanwhile.setattr(Conversations, "happen", overrun)
            if not greet_again:
                await end_user.disconnect()
                await end_user.open()
            await end_user.send_frame({"type": "hello", "have": end_user.have()})
            assert (await end_user.wait_for("error"))["code"] == "conflict"
            assert await end_user.closed() == 1013
        await end_user.resume()
    await end_user.say("still there")
    await ann.said(end_user.conversation, "still there")


async def test_a_command_sent_twice_has_one_effect_and_one_answer(floor: Floor) -> None:
    end_user, ann = await floor.talk()
    first = await end_user.begin("send", command_id="once", conversation=end_user.conversation, text="only once")
    await end_user.begin("send", command_id="once", conversation=end_user.conversation, text="only once")
    await end_user.until(lambda: len(first.answers) == 2, "both answers")
    assert first.answers[0] == first.answers[1]

    tab = floor.tab(end_user)
    await tab.connect(())
    again = await tab.say("only once", command_id="once")
    other_text = await tab.say("another text", command_id="once")
    assert first.answers[0] == again == other_text
    await tab.say("and on")
    await ann.said(end_user.conversation, "only once", "and on")
    assert tab.texts() == ["only once", "and on"]


async def test_the_same_id_of_two_people_is_two_commands(floor: Floor) -> None:
    end_user, ann = await floor.talk()
    await end_user.say("mine", command_id="same")
    await ann.say(end_user.conversation, "yours", command_id="same")
    await end_user.said("mine", "yours")


async def test_acceptance_end_and_finish_sent_twice_are_answered_alike(floor: Floor) -> None:
    end_user = await floor.waits()
    ann = await floor.agent("ann")
    offer = await ann.offered()
    steps: list[tuple[str, Frame]] = [
        ("accept", {"conversation": end_user.conversation, "offer": offer["id"]}),
        ("end", {"conversation": end_user.conversation}),
        ("finish", {"conversation": end_user.conversation}),
    ]
    for kind, members in steps:
        first = await ann.command(kind, command_id=kind, **members)
        assert await ann.command(kind, command_id=kind, **members) == first
        if kind == "accept":
            await end_user.in_phase("active")
    await end_user.in_phase("closed")
    assert len(end_user.heard("joined")) == len(end_user.heard("ended")) == 1


async def test_an_agent_cannot_touch_a_conversation_of_another(floor: Floor) -> None:
    end_user, ann = await floor.talk("ann")
    bob = await floor.staff("bob")
    for kind, members in (("send", {"text": "let me in"}), ("end", {}), ("finish", {})):
        error = await refusal(bob, kind, conversation=end_user.conversation, **members)
        assert error["code"] in {"not_allowed", "not_found"}, kind
    await bob.send_frame({"type": "seen", "conversation": end_user.conversation, "seq": 3})
    await bob.ping()
    await end_user.say("still ours")
    await ann.said(end_user.conversation, "still ours")
    assert end_user.state["phase"] == "active"
    assert not end_user.heard("seen_by")
    assert not [frame for frame in bob.frames if frame["type"] in {"conversation", "message", "attributes"}]


async def test_who_has_no_part_any_more_is_refused(floor: Floor) -> None:
    end_user, ann = await floor.talk("ann")
    await ann.end(end_user.conversation)
    await ann.finish(end_user.conversation)
    await ann.gone(end_user.conversation)
    error = await refusal(ann, "send", conversation=end_user.conversation, text="too late")
    assert error["code"] in {"not_allowed", "not_found", "conflict"}
    assert end_user.texts() == []


async def test_an_end_user_cannot_speak_in_another_conversation(floor: Floor) -> None:
    mine, ann = await floor.talk("ann")
    await ann.away()
    theirs, _ = await floor.talk("bob")
    for kind, members in (("send", {"text": "hello"}), ("end", {})):
        error = await refusal(mine, kind, conversation=theirs.conversation, **members)
        assert error["code"] in {"not_allowed", "not_found"}
    await theirs.say("all mine")
    await theirs.said("all mine")


async def test_an_offer_to_somebody_else_cannot_be_accepted(floor: Floor) -> None:
    end_user = await floor.waits()
    ann = await floor.agent("ann")
    offer = await ann.offered()
    bob = await floor.agent("bob")
    for kind in ("accept", "decline"):
        error = await refusal(bob, kind, conversation=end_user.conversation, offer=offer["id"])
        assert error["code"] in {"conflict", "not_allowed", "not_found"}
    assert end_user.state["phase"] == "waiting"
    assert ann.offers == {offer["id"]: offer}
    await ann.accept(offer)


@pytest.mark.parametrize("made_up", ["0", "-1", "999999", "1e3", "nonsense", "", "1|2", "9" * 400])
async def test_a_made_up_offer_cannot_be_accepted(floor: Floor, made_up: str) -> None:
    end_user = await floor.waits()
    ann = await floor.agent("ann")
    await ann.offered()
    error = await refusal(ann, "accept", conversation=end_user.conversation, offer=made_up)
    assert error["code"] in {"conflict", "not_found"}
    await ann.accept_next()


async def test_a_declined_offer_cannot_be_accepted_after_all(floor: Floor) -> None:
    end_user = await floor.waits()
    ann = await floor.agent("ann")
    offer = await ann.offered()
    await ann.decline(offer)
    error = await refusal(ann, "accept", conversation=end_user.conversation, offer=offer["id"])
    assert error["code"] == "conflict"
    assert end_user.state["phase"] == "waiting"


async def test_a_supervisor_only_watches(floor: Floor) -> None:
    sue = await floor.staff("sue")
    waiting = await floor.waits()
    ann = await floor.agent("ann")
    offer = await ann.offered()
    conversation = waiting.conversation
    refused = [
        await refusal(sue, "set_status", status="available"),
        await refusal(sue, "accept", conversation=conversation, offer=offer["id"]),
    ]
    await ann.accept(offer)
    await ann.disclosed(conversation)
    for kind, members in (("send", {"text": "hello"}), ("end", {}), ("finish", {})):
        refused.append(await refusal(sue, kind, conversation=conversation, **members))
    assert {error["code"] for error in refused} <= {"not_allowed", "conflict", "not_found"}
    await sue.ping()
    assert not {frame["type"] for frame in sue.frames} & {"attributes", "conversation", "message", "offer"}
    assert "sue" not in sue.agents
    await waiting.say("hello")


async def test_more_frames_than_the_limit_close_the_socket_and_no_other(floor: Floor) -> None:
    end_user, ann = await floor.talk()
    await end_user.connect()
    limit = (await end_user.hello())["limits"]["frames_per_10_seconds"]
    assert limit == 100
    await asyncio.gather(*(end_user.send_frame({"type": "ping", "nonce": "x"}) for _ in range(limit - 2)))
    await end_user.until(lambda: len(end_user.heard("pong", nonce="x")) == limit - 2, "every pong")
    await end_user.send_frame({"type": "ping", "nonce": "one too many"})
    assert await end_user.closed() == 4429
    assert not end_user.heard("pong", nonce="one too many")
    await ann.ping()


async def refusal(client: Client, kind: str, **members: Any) -> Frame:
    """The error with which this command is answered."""
    command = await client.begin(kind, **members)
    async with asyncio.timeout(PATIENCE):
        answer = await command.answer
    assert answer["type"] == "error", answer
    return answer
