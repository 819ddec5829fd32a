"""What is done about a conversation of which the store has an earlier copy than was handed out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from idcontact.live.happenings import Connected
from idcontact.live.stored import Change
from live_parts import Parts, parts

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from redis.asyncio import Redis

    from idcontact.live.keys import LogName
    from idcontact.live.stored import Stored


@pytest.fixture
async def live(redis: Redis, tmp_path: Path) -> AsyncIterator[Parts]:
    async with parts(redis, tmp_path) as made:
        yield made


@dataclass
class Earlier:
    """All of one conversation, as it was."""

    live: Parts
    dumped: dict[str, bytes]

    @classmethod
    async def of(cls, live: Parts, conversation: str) -> Earlier:
        keys = live.store.keys(conversation)
        names = (keys.hash, keys.log("public"), keys.log("staff"))
        dumped = {name: await live.redis.dump(name) for name in names}
        return cls(live, {name: dump for name, dump in dumped.items() if dump is not None})

    async def comes_back(self) -> None:
        """The store falls back to this."""
        for name, dump in self.dumped.items():
            await self.live.redis.restore(name, 0, dump, replace=True)


async def test_what_one_log_lost_gives_the_other_another_id_too(live: Parts) -> None:
    conversation = await live.active()
    known = await live.store.load(conversation)
    assert await live.store.set_backs.note(known, ["public"], behind=False)
    now = await live.store.load(conversation)
    assert set(now.log_ids.values()).isdisjoint(known.log_ids.values())
    assert not await live.store.set_backs.note(known, ["public", "staff"], behind=False)
    assert (await live.store.load(conversation)).log_ids == now.log_ids


async def test_what_a_page_misses_in_one_log_gives_the_other_another_id_too(live: Parts) -> None:
    conversation = await live.active()
    known = await live.store.load(conversation)
    assert await live.store.set_backs.claim(known, "public", "end_user") == "done"
    now = await live.store.load(conversation)
    assert set(now.log_ids.values()).isdisjoint(known.log_ids.values())
    assert await live.store.set_backs.claim(known, "staff", "agent") == "nothing"


async def test_a_log_that_nobody_here_read_gets_another_id_when_the_state_is_an_earlier_one(live: Parts) -> None:
    conversation = await live.waiting()
    earlier = await Earlier.of(live, conversation)
    known = await lost_with_its_agent(live, conversation)
    await earlier.comes_back()
    found = await live.store.load(conversation)
    assert found.is_behind(known)
    assert await live.store.set_backs.note(known, [], ["staff"], behind=True)
    now = await live.store.load(conversation)
    assert now.log_ids["public"] == known.log_ids["public"]
    assert now.log_ids["staff"] != known.log_ids["staff"]
    assert now.state.version > known.state.version


async def lost_with_its_agent(live: Parts, conversation: str) -> Stored:
    """What an agent took up, as it is then."""
    await live.agent()
    await live.accept(conversation)
    raw = await live.routing.unheard(conversation)
    assert raw is not None
    await live.conversations.hear(conversation, raw)
    return await live.store.load(conversation)


@pytest.mark.parametrize("later", [0, 9], ids=["at an earlier version", "at a later one by now"])
@pytest.mark.parametrize("lost", [(), ("public",)], ids=["seen by its state", "seen by its log alone"])
async def test_an_id_that_was_replaced_does_not_come_back_with_the_copy_that_has_it(
    live: Parts, later: int, lost: tuple[LogName, ...]
) -> None:
    conversation = await live.active()
    first = await live.store.load(conversation)
    earlier = await Earlier.of(live, conversation)
    assert await live.store.set_backs.note(first, ["public"], behind=False)
    second = await live.store.load(conversation)
    await earlier.comes_back()
    await live.redis.hincrby(live.store.keys(conversation).hash, "version", later)
    found = await live.store.load(conversation)
    assert found.log_ids == first.log_ids
    assert found.is_behind(second)
    assert await live.store.set_backs.note(second, lost, behind=not lost)
    third = await live.store.load(conversation)
    handed_out = {*first.log_ids.values(), *second.log_ids.values()}
    assert set(third.log_ids.values()).isdisjoint(handed_out)
    assert third.set_back > second.set_back
    assert not third.is_behind(second)
    assert not await live.store.set_backs.note(second, [], behind=True)


async def test_a_set_back_that_was_lost_and_changed_no_log_is_noted_once(live: Parts) -> None:
    """Whatever was stored since: else this node would look into it again and again."""
    conversation = await live.active()
    first = await live.store.load(conversation)
    earlier = await Earlier.of(live, conversation)
    await live.redis.hincrby(live.store.keys(conversation).hash, "set_back", 1)
    second = await live.store.load(conversation)
    await earlier.comes_back()
    await live.redis.hincrby(live.store.keys(conversation).hash, "version", 9)
    found = await live.store.load(conversation)
    assert found.is_behind(second)
    assert await live.store.set_backs.note(second, [], behind=True)
    third = await live.store.load(conversation)
    assert third.log_ids == first.log_ids
    assert not third.is_behind(second)


async def test_a_state_that_alone_is_an_earlier_one_leaves_the_logs_as_they_are(live: Parts) -> None:
    conversation = await live.active()
    earlier = await Earlier.of(live, conversation)
    before = await live.store.load(conversation)
    await live.redis.hincrby(live.store.keys(conversation).hash, "version", 3)
    known = await live.store.load(conversation)
    await earlier.comes_back()
    assert await live.store.set_backs.note(known, [], behind=True)
    now = await live.store.load(conversation)
    assert (now.log_ids, now.seqs) == (before.log_ids, before.seqs)
    assert now.state.version > known.state.version
    assert not await live.store.set_backs.note(known, [], behind=True)


async def test_what_follows_from_a_state_that_was_lost_is_not_stored_on_another_of_the_same_version(
    live: Parts,
) -> None:
    conversation = await live.active()
    earlier = await Earlier.of(live, conversation)
    await live.conversations.happen(conversation, Connected("lost"))
    before = await live.store.load(conversation)
    await earlier.comes_back()
    await live.conversations.happen(conversation, Connected("kept"))
    now = await live.store.load(conversation)
    assert now.state.version == before.state.version
    late = Change(state=before.state, deadlines={})
    assert (await live.store.commit(before, late)).outcome == "lost"
    assert (await live.store.load(conversation)).state.conn == "kept"
    assert (await live.store.commit(now, Change(state=now.state, deadlines={}))).outcome == "ok"
