"""Conversations in the store."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from idcontact.errors import Conflict, NotFound
from idcontact.live.conversation_state import Rules
from idcontact.live.happenings import DeadlineReached, Ended, WrapUpDone
from idcontact.live.keys import hashed
from idcontact.live.stored import Change, Say
from live_parts import Parts, parts

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from redis.asyncio import Redis

NODE = "n1"


async def everything(redis: Redis) -> AsyncIterator[tuple[str, list[str]]]:
    """Every key, with the names of what is in it."""
    async for key in redis.scan_iter():
        name = text(key)
        match text(await redis.type(key)):
            case "zset":
                members = await redis.zrange(name, 0, -1)
            case "set":
                members = list(await redis.smembers(name))
            case "hash":
                members = await redis.hkeys(name)
            case _:
                members = []
        yield name, [text(member).rpartition("|")[2] for member in members]


def text(answer: object) -> str:
    """An answer of the client: bytes here, whatever its stubs say."""
    assert isinstance(answer, bytes)
    return answer.decode("latin-1")


@pytest.fixture
async def live(redis: Redis, tmp_path: Path) -> AsyncIterator[Parts]:
    async with parts(redis, tmp_path) as made:
        yield made


async def test_messages_are_numbered_without_holes_whoever_says_them(live: Parts) -> None:
    conversation = await live.active()
    first = (await live.store.load(conversation)).seqs["public"] + 1
    said = await asyncio.gather(
        *(live.store.append(Say(conversation, "agent", "ann", f"m{n}", b"x", NODE)) for n in range(50)),
        *(live.store.append(Say(conversation, "end_user", "", f"m{n}", b"x", NODE)) for n in range(50)),
    )
    assert sorted(one.seq for one in said) == list(range(first, first + 100))
    assert [one.seq for one in await live.store.read(conversation, "public", first)] == list(range(first, first + 100))


async def test_a_command_that_is_sent_again_has_no_second_effect_and_the_first_answer(live: Parts) -> None:
    conversation = await live.active()
    once = await live.store.append(Say(conversation, "agent", "ann", "m1", b"x", NODE))
    again = await live.store.append(Say(conversation, "agent", "ann", "m1", b"other", NODE))
    assert (again.seq, again.at, again.again) == (once.seq, once.at, True)
    assert len(await live.store.read(conversation, "public", once.seq)) == 1


async def test_the_same_id_of_the_other_side_is_another_command(live: Parts) -> None:
    conversation = await live.active()
    mine = await live.store.append(Say(conversation, "agent", "ann", "m1", b"x", NODE))
    theirs = await live.store.append(Say(conversation, "end_user", "", "m1", b"x", NODE))
    assert theirs.seq == mine.seq + 1


async def test_nothing_is_said_before_an_agent_accepted_or_after_the_end(live: Parts) -> None:
    conversation = await live.waiting()
    with pytest.raises(Conflict):
        await live.store.append(Say(conversation, "end_user", "", "m1", b"x", NODE))
    await live.conversations.happen(conversation, Ended("end_user"))
    active = await live.active()
    await live.conversations.happen(active, Ended("end_user"))
    with pytest.raises(Conflict):
        await live.store.append(Say(active, "end_user", "", "m1", b"x", NODE))


async def test_another_agent_says_nothing_in_it(live: Parts) -> None:
    conversation = await live.active()
    with pytest.raises(Conflict):
        await live.store.append(Say(conversation, "agent", "bob", "m1", b"x", NODE))


async def test_of_two_changes_to_one_state_only_the_first_is_stored(live: Parts) -> None:
    conversation = await live.active()
    before = await live.store.load(conversation)
    change = Change(before.state, {})
    assert (await live.store.commit(before, change)).outcome == "ok"
    assert (await live.store.commit(before, change)).outcome == "lost"


async def test_a_command_that_changed_the_state_gets_its_first_answer_again(live: Parts) -> None:
    conversation = await live.active()
    once = await live.conversations.happen(conversation, Ended("end_user"), command="end_user|e1")
    again = await live.conversations.happen(conversation, Ended("end_user"), command="end_user|e1")
    assert (again.committed.seq, again.committed.at) == (once.committed.seq, once.committed.at)
    with pytest.raises(Conflict):
        await live.conversations.happen(conversation, Ended("end_user"), command="end_user|e2")


async def test_many_at_once_end_it_once(live: Parts) -> None:
    conversation = await live.active()
    results = await asyncio.gather(
        *(live.conversations.happen(conversation, Ended("end_user"), command=f"end_user|e{n}") for n in range(8)),
        return_exceptions=True,
    )
    assert sum(1 for result in results if not isinstance(result, BaseException)) == 1
    events = await live.store.read(conversation, "public", 1)
    assert len(events) == (await live.store.load(conversation)).seqs["public"]


async def test_a_ticket_can_be_shown_again_until_a_cookie_has_come_back(live: Parts) -> None:
    conversation = await live.prepared()
    assert await live.store.exchange(conversation, "t", "cookie-1") == "ok"
    assert await live.store.exchange(conversation, "t", "cookie-2") == "ok"
    assert await live.store.enter(conversation, "cookie-1")
    assert not await live.store.enter(conversation, "cookie-2")
    assert await live.store.exchange(conversation, "t", "cookie-3") == "spent"
    assert await live.store.enter(conversation, "cookie-1")


async def test_of_many_cookies_that_are_out_the_oldest_are_forgotten(live: Parts) -> None:
    conversation = await live.prepared()
    for number in range(8):
        assert await live.store.exchange(conversation, "t", f"cookie-{number}") == "ok"
    assert not await live.store.enter(conversation, "cookie-0")
    assert await live.store.enter(conversation, "cookie-7")


async def test_a_wrong_ticket_and_one_of_nothing_are_unknown(live: Parts) -> None:
    conversation = await live.prepared()
    assert await live.store.exchange(conversation, "guess", "c") == "unknown"
    assert await live.store.exchange("a" * 26, "t", "c") == "unknown"
    assert not await live.store.enter(conversation, "c")


async def test_an_auth_result_is_used_by_one_conversation_alone(live: Parts) -> None:
    assert await live.store.claim_result("digest", "c1", 60)
    assert await live.store.claim_result("digest", "c1", 60)
    assert not await live.store.claim_result("digest", "c2", 60)


async def test_attributes_are_gone_with_the_end_and_unreadable_until_then(live: Parts) -> None:
    conversation = await live.active()
    stored = await live.store.load(conversation)
    assert await live.store.attributes(stored) == b'{"fullname":"Suzanne"}'
    raw = await live.redis.hget(live.store.keys(conversation).hash, "attributes")
    assert "Suzanne" not in text(raw)
    await live.conversations.happen(conversation, Ended("end_user"))
    assert await live.store.attributes(stored) is None


async def test_secrets_are_kept_as_hashes_only(live: Parts) -> None:
    conversation = await live.prepared()
    await live.store.exchange(conversation, "t", "a-cookie-of-some-length")
    kept = await live.redis.hgetall(live.store.keys(conversation).hash)
    values = [text(value) for value in kept.values()]
    assert not any("a-cookie-of-some-length" in value for value in values)
    assert hashed("a-cookie-of-some-length") in values


async def test_after_the_purge_nothing_of_it_is_left(redis: Redis, tmp_path: Path) -> None:
    async with parts(redis, tmp_path, Rules(retention=0, wrap_up=0)) as live:
        conversation = await live.active()
        await live.store.append(Say(conversation, "end_user", "", "m1", b"x", NODE))
        await live.store.renew(conversation, NODE, 60_000, 45_000)
        await live.conversations.happen(conversation, Ended("end_user"))
        await live.conversations.happen(conversation, WrapUpDone("ann"))
        await live.conversations.happen(conversation, DeadlineReached("retention"))
        with pytest.raises(NotFound):
            await live.store.load(conversation)
        left = {
            name
            async for name, members in everything(redis)
            if conversation in (name, *members) or conversation in name
        }
        # Routing remembers for a minute that it left, so that a late word does not bring it back.
        assert left <= {"idc:{routing}:done", "idc:{routing}:due"}
