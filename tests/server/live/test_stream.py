"""Where WebSockets are blocked: the same protocol by an endless answer and POSTs, and what only those can get wrong.

What people do over it is in `test_story.py`, which runs both ways.
"""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

import aiohttp
import pytest

from idcontact.live import stream as live_stream
from live_client import PATIENCE
from live_stream import StreamConnection

if TYPE_CHECKING:
    from live_client import Client
    from live_floor import Floor
    from live_people import EndUser

pytestmark = [pytest.mark.one_kind, pytest.mark.asyncio(loop_scope="module")]

WAYS = ("stream",)
LIVE_SETTINGS = "frames_per_10_seconds = 2000"
NOBODY = "a" * 26
LONG = "\N{PARTY POPPER}" * 4000


def line_of(client: Client) -> StreamConnection:
    """The stream that this client has open."""
    stream = client.line
    assert isinstance(stream, StreamConnection)
    return stream


def said(end_user: EndUser, text: str, command_id: str) -> str:
    """The frame of a message."""
    return json.dumps({"type": "send", "id": command_id, "conversation": end_user.conversation, "text": text})


async def test_an_endless_answer_is_kept_by_nobody_on_its_way(floor: Floor) -> None:
    end_user = await floor.waits()
    headers = line_of(end_user).headers
    assert headers["Cache-Control"] == "no-store, no-transform"
    assert headers["X-Accel-Buffering"] == "no"
    assert headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("who", ["end user", "staff"])
async def test_a_stream_without_a_cookie_is_closed_with_4401(floor: Floor, who: str) -> None:
    client = await floor.waits() if who == "end user" else await floor.console("ann")
    await client.disconnect()
    await client.open(cookie="")
    assert await client.closed() == 4401


async def test_a_stream_from_another_origin_is_closed_with_4403(floor: Floor) -> None:
    end_user, ann = await floor.waits(), await floor.console("ann")
    for client in (floor.tab(end_user), ann):
        await client.open(origin="https://elsewhere.example")
        assert await client.closed() == 4403
        assert client.frames == []


async def test_a_conversation_that_does_not_exist_is_said_to_whoever_holds_its_cookie(floor: Floor) -> None:
    end_user = await floor.waits()
    tab = floor.tab(end_user)
    tab.path = f"/c/{NOBODY}/socket"
    await tab.open(cookie=end_user.browser.cookie_header.replace(end_user.conversation, NOBODY))
    assert await tab.closed() == 4404


async def test_asking_for_the_headers_alone_opens_nothing(floor: Floor) -> None:
    end_user = await floor.waits()
    url = f"{floor.site.url}/c/{end_user.conversation}/events"
    headers = {"Origin": floor.site.url, "Cookie": end_user.browser.cookie_header}
    async with aiohttp.ClientSession() as session, session.head(url, headers=headers) as answer:
        assert answer.status == 200
        assert await answer.read() == b""
    await end_user.ping()


async def test_what_is_posted_without_a_right_to_it_is_refused(floor: Floor) -> None:
    mine, ann = await floor.talk()
    await ann.away()
    theirs, _ = await floor.talk("bob")
    stream, other = line_of(mine), line_of(theirs)
    frame = said(mine, "let me in", "intruder")
    number = stream.batches + 1
    refusals = [
        await stream.post(frame, number, Cookie=""),
        await stream.post(frame, number, Origin="https://elsewhere.example"),
        await stream.post(frame, number, **{"Idcontact-Stream": other.token}),
        await other.post(frame, number, **{"Idcontact-Stream": stream.token}),
        await stream.post(frame, number, **{"Idcontact-Stream": stream.token[:-1] + "!"}),
        await stream.post(frame, number, **{"Idcontact-Stream": f"{'0' * 12}.{stream.token.split('.', 1)[1]}"}),
        await stream.post(frame, number, **{"Idcontact-Stream": ""}),
        await stream.post(frame, 0),
        await stream.post(frame, 10**16),
        await stream.post(b"\xff", number),
        await stream.post("x" * (1024 * 1024), number),
    ]
    assert refusals == [403, 403, 410, 410, 410, 410, 400, 400, 400, 400, 413]
    await mine.say("all mine")
    assert mine.texts() == ["all mine"]
    assert theirs.texts() == []


async def test_a_batch_posted_twice_is_taken_once(floor: Floor) -> None:
    end_user, ann = await floor.talk()
    stream = line_of(end_user)
    command = await end_user.begin("send", command_id="once", conversation=end_user.conversation, text="once")
    await command.ack()
    assert await stream.post(said(end_user, "twice", "another"), stream.batches) == 204
    await end_user.say("and on")
    await ann.said(end_user.conversation, "once", "and on")


async def test_batches_that_overtake_each_other_are_taken_in_their_order(floor: Floor) -> None:
    end_user, ann = await floor.talk()
    stream = line_of(end_user)
    first = stream.batches + 1
    for number in (2, 1, 3, 0):
        assert await stream.post(json.dumps({"type": "ping", "nonce": f"n{number}"}), first + number) == 204
    stream.batches += 4
    await end_user.ping()
    assert [frame["nonce"] for frame in end_user.heard("pong")][-5:-1] == ["n0", "n1", "n2", "n3"]
    await end_user.say("still here")
    await ann.said(end_user.conversation, "still here")


async def test_many_frames_in_one_batch_are_each_answered(floor: Floor) -> None:
    end_user, ann = await floor.talk()
    stream = line_of(end_user)
    frames = [json.dumps({"type": "ping", "nonce": f"p{number}"}) for number in range(50)]
    assert await stream.post("\n".join([*frames, "{", ""]), stream.batches + 1) == 204
    stream.batches += 1
    await end_user.wait_for("error", code="malformed")
    assert [frame["nonce"] for frame in end_user.heard("pong")][-50:] == [f"p{number}" for number in range(50)]
    await ann.ping()


async def test_a_batch_that_never_comes_makes_the_page_resume(floor: Floor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_stream, "BATCH_PATIENCE", 0.1)
    end_user, ann = await floor.talk()
    stream = line_of(end_user)
    assert await stream.post(said(end_user, "too early", "early"), stream.batches + 2) == 204
    assert await end_user.closed() == 4408
    await end_user.connect()
    await end_user.say("again", command_id="again")
    await ann.said(end_user.conversation, "again")


async def test_who_skips_more_numbers_than_any_network_does_is_closed(floor: Floor) -> None:
    end_user = await floor.waits()
    stream = line_of(end_user)
    first = stream.batches + 2
    await asyncio.gather(*(stream.post("{}", first + number) for number in range(live_stream.MAX_EARLY + 1)))
    assert await end_user.closed() == 4400


async def test_ten_thousand_frames_in_one_breath_close_the_stream_and_no_other(floor: Floor) -> None:
    end_user, ann = await floor.talk()
    stream = line_of(end_user)
    ping = json.dumps({"type": "ping", "nonce": "x"})
    first = stream.batches + 1
    for number in range(10):
        await stream.post("\n".join([ping] * 1000), first + number)
    assert await end_user.closed() == 4429
    await ann.ping()


async def test_a_frame_over_32_kib_is_refused_and_the_stream_stays(floor: Floor) -> None:
    end_user = await floor.waits()
    await end_user.send_frame({"type": "ping", "nonce": "", "filler": "x" * 32_769})
    assert (await end_user.wait_for("error"))["code"] == "too_large"
    await end_user.ping()


async def test_a_quiet_stream_has_a_heartbeat(floor: Floor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_stream, "BEAT_EVERY", 0.02)
    end_user = await floor.waits()
    stream = line_of(end_user)
    async with asyncio.timeout(PATIENCE):
        while stream.beats < 3:
            await end_user.ping()
    assert end_user.is_open


async def test_who_says_nothing_any_more_is_given_up(floor: Floor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_stream, "BEAT_EVERY", 0.05)
    monkeypatch.setattr(live_stream, "SILENT_FOR", 0.1)
    end_user = await floor.waits()
    assert await end_user.closed() == 1001


async def test_the_newest_of_a_stream_and_a_socket_has_the_conversation(floor: Floor) -> None:
    by_stream, ann = await floor.talk()
    await by_stream.say("from behind a proxy")
    floor.by_stream = False
    by_socket = floor.tab(by_stream)
    await by_socket.connect()
    assert await by_stream.closed() == 4409
    await by_socket.say("from anywhere")
    await by_stream.connect()
    assert await by_socket.closed() == 4409
    await by_stream.said("from behind a proxy", "from anywhere")
    await ann.said(by_stream.conversation, "from behind a proxy", "from anywhere")


async def test_what_was_missed_comes_after_a_loss_and_an_unanswered_command_counts_once(floor: Floor) -> None:
    end_user, ann = await floor.talk()
    await end_user.say("before")
    end_user.lose()
    await end_user.closed()
    for number in range(200):
        await ann.say(end_user.conversation, f"missed {number}")
    command = await end_user.begin("send", conversation=end_user.conversation, text="after")
    await end_user.resume()
    await command.ack()
    await end_user.said("before", *(f"missed {number}" for number in range(200)), "after")


async def test_who_never_reads_hurts_nobody_and_may_resume(floor: Floor) -> None:
    end_user, ann = await floor.talk()
    deaf = floor.tab(end_user)
    await deaf.open(reading=False, buffered=False)
    await deaf.send_frame({"type": "hello", "have": []})
    assert await end_user.closed() == 4409
    for _ in range(10):
        await asyncio.gather(*(ann.say(end_user.conversation, LONG) for _ in range(100)))
    deaf.read()
    assert await deaf.closed() == 4408
    await deaf.connect()
    await deaf.has_seq(end_user.conversation, ann.events(end_user.conversation)[-1]["seq"])
    assert deaf.events(end_user.conversation) == ann.events(end_user.conversation)


async def test_who_never_reads_and_never_speaks_is_cut_off(floor: Floor, monkeypatch: pytest.MonkeyPatch) -> None:
    end_user = await floor.waits()
    deaf = floor.tab(end_user)
    floor.by_stream = False
    ann = await floor.agent("ann")
    await ann.accept_next(end_user.conversation)
    monkeypatch.setattr(live_stream, "BEAT_EVERY", 0.2)
    await deaf.open(reading=False, buffered=False)
    await deaf.send_frame({"type": "hello", "have": []})
    for _ in range(10):
        await asyncio.gather(*(ann.say(end_user.conversation, LONG) for _ in range(100)))
    monkeypatch.setattr(live_stream, "LAST_WORD_WITHIN", 0)
    monkeypatch.setattr(live_stream, "SILENT_FOR", 0.2)
    await ann.until(lambda: not ann.conversations[end_user.conversation]["end_user_present"], "the deaf one to be gone")
    deaf.read()
    assert await deaf.closed() == 1006


async def test_who_stops_reading_in_the_middle_of_a_long_history_is_cut_off(
    floor: Floor, monkeypatch: pytest.MonkeyPatch
) -> None:
    end_user = await floor.waits()
    deaf = floor.tab(end_user)
    floor.by_stream = False
    ann = await floor.agent("ann")
    await ann.accept_next(end_user.conversation)
    await end_user.disconnect()
    for _ in range(10):
        await asyncio.gather(*(ann.say(end_user.conversation, LONG) for _ in range(100)))
    monkeypatch.setattr(live_stream, "BEAT_EVERY", 0.2)
    await deaf.open(reading=False, buffered=False)
    await deaf.send_frame({"type": "hello", "have": []})
    await ann.until(lambda: ann.conversations[end_user.conversation]["end_user_present"], "the deaf one to be there")
    monkeypatch.setattr(live_stream, "LAST_WORD_WITHIN", 0)
    monkeypatch.setattr(live_stream, "SILENT_FOR", 0.2)
    await ann.until(lambda: not ann.conversations[end_user.conversation]["end_user_present"], "the deaf one to be gone")
    deaf.read()
    assert await deaf.closed() == 1006
