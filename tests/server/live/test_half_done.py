"""What another node left half-done is finished, and nothing unreadable stands in the way."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from idcontact.errors import NotFound, Unavailable
from idcontact.live import deadlines
from idcontact.live.conversation_state import Rules
from idcontact.live.deadlines import AT_ONCE, Sweeper
from idcontact.live.happenings import DeadlineReached, Disconnected, Ended
from idcontact.live.stored import Say
from idcontact.pipe import Pipe
from live_parts import Parts, parts

if TYPE_CHECKING:
    from pathlib import Path

    from redis.asyncio import Redis

    from idcontact.live.conversations import Outcome
    from idcontact.pipe import Line


async def nothing() -> None:
    """This node has no sockets whose leases to renew."""


async def unheard(conversation: str) -> None:
    """Routing does not hear of it."""
    del conversation


def sweeper(live: Parts) -> Sweeper:
    return Sweeper(live.conversations, nothing)


async def test_an_acceptance_that_the_conversation_did_not_hear_is_brought_to_it(redis: Redis, tmp_path: Path) -> None:
    async with parts(redis, tmp_path) as live:
        await live.agent()
        conversation = await live.waiting()
        await live.accept(conversation)  # and here the node dies
        assert await live.phase(conversation) == "waiting"
        await sweeper(live).once()
        assert await live.phase(conversation) == "active"
        assert await live.routing.outbox() == {}


async def test_an_end_that_routing_did_not_hear_gives_the_agent_room_again(redis: Redis, tmp_path: Path) -> None:
    async with parts(redis, tmp_path, Rules(wrap_up=0)) as live:
        conversation = await live.active()
        deaf = live.conversations.tell_routing
        live.conversations.tell_routing = unheard  # type: ignore[method-assign]  # the node dies before that
        await live.conversations.happen(conversation, Ended("end_user"))
        await sweeper(live).once()
        agent = await live.routing.agent("ann")
        assert agent is not None
        assert agent.load == 1
        live.conversations.tell_routing = deaf  # type: ignore[method-assign]  # another node
        await sweeper(live).once()
        agent = await live.routing.agent("ann")
        assert agent is not None
        assert agent.load == 0
        assert not any((await live.store.buckets.firsts()).untold)


async def test_an_acceptance_of_a_conversation_that_is_over_gives_the_agent_room_again(
    redis: Redis, tmp_path: Path
) -> None:
    async with parts(redis, tmp_path) as live:
        await live.agent()
        conversation = await live.waiting()
        await live.accept(conversation)
        deaf = live.conversations.tell_routing
        live.conversations.tell_routing = unheard  # type: ignore[method-assign]  # the node dies before that
        await live.conversations.happen(conversation, Ended("end_user"))
        live.conversations.tell_routing = deaf  # type: ignore[method-assign]  # another node
        await sweeper(live).once()
        assert await live.phase(conversation) == "closed"
        agent = await live.routing.agent("ann")
        assert agent is not None
        assert agent.load == 0
        assert await live.routing.entry(conversation) is None


async def test_who_stays_away_from_the_queue_too_long_has_left(redis: Redis, tmp_path: Path) -> None:
    async with parts(redis, tmp_path, Rules(waiting_grace=0)) as live:
        conversation = await live.waiting()
        await live.conversations.happen(conversation, Disconnected("s1"))
        await sweeper(live).once()
        state = (await live.store.load(conversation)).state
        assert (state.phase, state.end_reason) == ("closed", "abandoned")
        assert await live.routing.entry(conversation) is None


async def test_a_lease_that_nobody_renews_makes_the_end_user_absent(redis: Redis, tmp_path: Path) -> None:
    async with parts(redis, tmp_path, Rules(lease=-1)) as live:
        conversation = await live.waiting()
        await sweeper(live).once()
        assert (await live.store.load(conversation)).state.absent_since is not None
        entry = await live.routing.entry(conversation)
        assert entry is not None
        assert entry.state == "absent"


async def test_who_never_lands_is_purged(redis: Redis, tmp_path: Path) -> None:
    async with parts(redis, tmp_path, Rules(preparing=0)) as live:
        conversation = await live.prepared()
        await sweeper(live).once()
        with pytest.raises(NotFound):
            await live.store.load(conversation)


async def test_an_ended_conversation_is_wrapped_up_closed_and_purged_by_time_alone(
    redis: Redis, tmp_path: Path
) -> None:
    async with parts(redis, tmp_path, Rules(wrap_up=0, retention=0)) as live:
        conversation = await live.active()
        await live.conversations.happen(conversation, Ended("agent", "ann"))
        for _ in range(2):
            await sweeper(live).once()
        with pytest.raises(NotFound):
            await live.store.load(conversation)


async def test_a_deadline_of_what_is_gone_is_dropped(redis: Redis, tmp_path: Path) -> None:
    async with parts(redis, tmp_path) as live:
        keys = live.store.keys("a" * 26)
        await redis.zadd(keys.due, {f"idle|{'a' * 26}": 1})
        await sweeper(live).once()
        assert await redis.zcard(keys.due) == 0


async def test_a_debt_to_routing_outlives_the_purge(redis: Redis, tmp_path: Path) -> None:
    async with parts(redis, tmp_path, Rules(wrap_up=0, retention=0)) as live:
        conversation = await live.active()
        heard = live.conversations.tell_routing
        live.conversations.tell_routing = unheard  # type: ignore[method-assign]  # the node dies before that
        await live.conversations.happen(conversation, Ended("agent", "ann"))
        for kind in ("wrap_up", "retention"):
            await live.conversations.happen(conversation, DeadlineReached(kind))
        live.conversations.tell_routing = heard  # type: ignore[method-assign]  # another node
        await sweeper(live).once()
        agent = await live.routing.agent("ann")
        assert agent is not None
        assert agent.load == 0
        assert await live.routing.entry(conversation) is None


async def test_what_expired_leaves_nothing_in_the_queue(redis: Redis, tmp_path: Path) -> None:
    async with parts(redis, tmp_path) as live:
        conversation = await live.waiting()
        keys = live.store.keys(conversation)
        await redis.delete(keys.hash)  # as its safety expiry would
        await redis.zadd(keys.due, {f"hard_limit|{conversation}": 1})
        await sweeper(live).once()
        assert await live.routing.entry(conversation) is None
        assert [key async for key in redis.scan_iter(match=f"*{conversation}*")] == []


async def test_a_conversation_whose_key_is_gone_is_offered_to_nobody(redis: Redis, tmp_path: Path) -> None:
    async with parts(redis, tmp_path) as live:
        conversation = await live.waiting()
        keys = live.store.keys(conversation)
        await redis.hset(keys.hash, "key", bytes([1]) + (7).to_bytes(8, "big") + bytes(60))
        await redis.zadd(keys.due, {f"hard_limit|{conversation}": 1})
        await sweeper(live).once()
        await live.agent()
        agent = await live.routing.agent("ann")
        assert agent is not None
        assert agent.offered is None


async def test_a_conversation_that_cannot_be_read_does_not_stop_the_others(redis: Redis, tmp_path: Path) -> None:
    async with parts(redis, tmp_path, Rules(preparing=0)) as live:
        broken, whole = await live.prepared(), await live.prepared()
        await redis.hset(live.store.keys(broken).hash, "state", b"tampered with, and long enough to be sealed")
        await sweeper(live).once()
        with pytest.raises(NotFound):
            await live.store.load(whole)
        due = await redis.zscore(live.store.keys(broken).due, f"preparing|{broken}")
        assert due is not None
        assert due > await live.store.now()


async def test_a_pass_that_finds_much_due_does_all_of_it(redis: Redis, tmp_path: Path) -> None:
    async with parts(redis, tmp_path, Rules(preparing=0)) as live:
        late = [await live.prepared() for _ in range(30)]
        await sweeper(live).once()
        for conversation in late:
            with pytest.raises(NotFound):
                await live.store.load(conversation)


async def test_a_pass_deals_with_many_at_a_time_and_looks_at_offers_in_between(
    redis: Redis, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deadlines, "PORTION", AT_ONCE)
    async with parts(redis, tmp_path, Rules(preparing=0)) as live:
        late = [await live.prepared() for _ in range(2 * AT_ONCE)]
        together = asyncio.Barrier(AT_ONCE)
        steps: list[str] = []
        happen, sweep = live.conversations.happen, live.routing.sweep

        async def happens(*given: Any, **named: Any) -> Outcome:
            steps.append("deadline")
            await together.wait()  # for ever, where one waits for another
            return await happen(*given, **named)

        async def swept() -> int:
            steps.append("offers")
            return await sweep()

        monkeypatch.setattr(live.conversations, "happen", happens)
        monkeypatch.setattr(live.routing, "sweep", swept)
        async with asyncio.timeout(30):
            await sweeper(live).once()
        assert steps == ["offers", *AT_ONCE * ["deadline"], "offers", *AT_ONCE * ["deadline"], "offers"]
        for conversation in late:
            with pytest.raises(NotFound):
                await live.store.load(conversation)


async def test_a_conversation_out_of_reach_keeps_no_other_waiting(
    redis: Redis, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with parts(redis, tmp_path, Rules(waiting_grace=0)) as live:
        await live.agent()
        accepted, ended, stuck, late = await live.apart(4)
        for conversation in (stuck, late):
            await live.conversations.happen(conversation, Disconnected("s1"))
        await live.accept(accepted)  # and the conversation does not hear of it
        with monkeypatch.context() as deaf:
            deaf.setattr(live.conversations, "tell_routing", unheard)
            await live.conversations.happen(ended, Ended("end_user"))
        live.take_away(monkeypatch, stuck)
        with pytest.raises(Unavailable):
            await sweeper(live).once()
        assert await live.phase(late) == "closed"
        assert await live.phase(accepted) == "active"
        assert await live.routing.entry(ended) is None


async def test_deadlines_are_met_while_the_queue_is_out_of_reach(
    redis: Redis, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away() -> int:
        raise Unavailable("the store cannot be reached now; try again in a moment")

    async with parts(redis, tmp_path, Rules(preparing=0)) as live:
        conversation = await live.prepared()
        monkeypatch.setattr(live.routing, "sweep", away)
        with pytest.raises(Unavailable):
            await sweeper(live).once()
        with pytest.raises(NotFound):
            await live.store.load(conversation)


def break_off(pipe: Line) -> None:
    assert isinstance(pipe, Pipe)
    assert pipe._writer is not None
    pipe._writer.transport.abort()


async def test_a_pass_whose_connection_breaks_asks_again(redis: Redis, tmp_path: Path) -> None:
    async with parts(redis, tmp_path, Rules(preparing=0)) as live:
        conversation = await live.prepared()
        sweeping = asyncio.create_task(live.store.buckets.firsts())
        await asyncio.sleep(0)  # it has asked
        break_off(live.store.pipe)
        firsts = await sweeping
        [first] = [at for at in firsts.deadlines if at is not None]
        assert [(first, conversation)] == [
            (at, of) for _, of, at in await live.store.buckets.due(await live.store.now(), firsts)
        ]


async def test_deadlines_are_met_while_the_connection_breaks_before_every_pass(redis: Redis, tmp_path: Path) -> None:
    async with parts(redis, tmp_path, Rules(preparing=0)) as live:
        for _ in range(5):
            conversation = await live.prepared()
            break_off(live.store.pipe)  # and nobody has noticed yet
            await sweeper(live).once()
            with pytest.raises(NotFound):
                await live.store.load(conversation)


async def test_a_pass_that_is_called_off_leaves_the_connection_to_others(redis: Redis, tmp_path: Path) -> None:
    async with parts(redis, tmp_path) as live:
        conversation = await live.active()
        sweeping = asyncio.create_task(live.store.buckets.firsts())
        await asyncio.sleep(0)  # it has asked
        sweeping.cancel()
        said = await live.store.append(Say(conversation, "agent", "ann", "m1", b"x", "n1"))
        assert [one.seq for one in await live.store.read(conversation, "public", said.seq)] == [said.seq]
