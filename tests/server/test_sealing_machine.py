"""Any order of creating, purging, passes, crashes in mid-pass, restarts, reboots and clock jumps, on two nodes.

Always: what lives opens, on every node. And a quarter of an hour of running time after a purge, no copy of a wrapped
key that ever stood in Redis opens with what the directory still holds.
"""

from __future__ import annotations

import asyncio
import random
import secrets
import shutil
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test
from redis.asyncio import Redis

from idcontact import sealing
from idcontact.epoch_files import EpochFiles
from idcontact.keystore import DataKey, DirectoryKeyStore, epoch_of
from idcontact.sealing import KEY_FIELD, KeyKeeper, registration
from keys_house import Crash, Fuse, HandClock, fuse_files
from searching import examples

if TYPE_CHECKING:
    from collections.abc import Coroutine


PREFIX = "idc"
EPOCH = 15 * 60.0
STEP = 20.0  # seconds of running time between passes
WRITE_WITHIN = 60.0  # seconds that a write may take from choosing its epoch
NODES = 2
TAGS = ("{c000}", "{c001}", "{p000}")


class CrashingRedis(Redis):
    """A client whose node may be killed before or after any round trip of a pass."""

    fuse = Fuse()

    def pipeline(self, *arguments: Any, **named: Any) -> Any:
        pipeline = super().pipeline(*arguments, **named)
        execute = pipeline.execute

        async def fused(*execute_arguments: Any, **execute_named: Any) -> Any:
            self.fuse.burn("before a round trip")
            answer = await execute(*execute_arguments, **execute_named)
            self.fuse.burn("after a round trip")
            return answer

        pipeline.execute = fused  # type: ignore[method-assign]  # the one instance is fused
        return pipeline


@dataclass
class Record:
    """A sealed hash, and every wrapping of its key that a file of Redis may have kept."""

    hash_key: str
    tag: str
    key: DataKey
    copies: set[bytes] = field(default_factory=set)
    purged_at: float = 0.0


@dataclass
class UnderWay:
    """A creation that has chosen its epoch, and has not reached Redis."""

    record: Record
    wrapped: bytes
    since: float


class Node:
    def __init__(self, redis: Redis, directory: Path, clock: HandClock) -> None:
        self.keystore = DirectoryKeyStore(directory, clock)
        self.keeper = KeyKeeper(redis, self.keystore, PREFIX)


class Keeping(RuleBasedStateMachine):
    redis_url: str
    fuse: Fuse

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.Runner()
        self.directory = Path(tempfile.mkdtemp(prefix="idc-keys-"))
        self.clock = HandClock(machine=secrets.token_bytes(16))
        self.running = 0.0
        self.redis = CrashingRedis(unix_socket_path=self.redis_url.removeprefix("unix://"), protocol=2)
        self.redis.fuse = self.fuse
        self.fuse.reset()
        self.wait(self.redis.flushall())
        self.nodes = [self.node() for _ in range(NODES)]
        self.live: list[Record] = []
        self.purged: list[Record] = []
        self.under_way: list[UnderWay] = []

    def wait(self, work: Coroutine[Any, Any, Any] | Any) -> Any:
        async def through() -> Any:
            return await work

        return self.loop.run(through())

    def node(self) -> Node:
        return Node(self.redis, self.directory, self.clock)

    def restart(self, number: int) -> None:
        self.nodes[number].keystore.close()
        self.nodes[number] = self.node()

    def teardown(self) -> None:
        for node in self.nodes:
            node.keystore.close()
        self.wait(self.redis.aclose())
        self.loop.close()
        shutil.rmtree(self.directory)

    # --- what happens ---------------------------------------------------------------------------------------------

    @rule(node=st.integers(0, NODES - 1), tag=st.sampled_from(TAGS))
    def choose_an_epoch_for_a_new_hash(self, node: int, tag: str) -> None:
        record = Record(f"{PREFIX}:{tag}:{secrets.token_hex(4)}", tag, DataKey.new())
        wrapped = self.nodes[node].keystore.wrap(record.key)
        self.under_way.append(UnderWay(record, wrapped, self.clock.passed))

    @precondition(lambda self: self.under_way)
    @rule()
    def write_the_oldest_under_way(self) -> None:
        chosen = self.under_way.pop(0)
        if self.clock.passed - chosen.since > WRITE_WITHIN:
            return  # whoever asked for it has given up long ago
        record = chosen.record
        listing = registration(PREFIX, record.tag, record.hash_key, chosen.wrapped)

        async def write() -> None:
            async with self.redis.pipeline(transaction=True) as pipeline:
                pipeline.hset(record.hash_key, KEY_FIELD, chosen.wrapped)
                pipeline.zadd(listing.zset, {listing.member: listing.score})
                await pipeline.execute()

        self.wait(write())
        record.copies.add(chosen.wrapped)
        self.live.append(record)

    @precondition(lambda self: self.live)
    @rule()
    def purge_the_oldest(self) -> None:
        record = self.live.pop(0)
        self.wait(self.redis.delete(record.hash_key))
        record.purged_at = self.running
        self.purged.append(record)

    @rule(
        steps=st.sampled_from([1, 10, 30, 60]),
        who=st.sampled_from([(0,), (1,), (0, 1)]),
        busy=st.booleans(),
        seed=st.integers(0, 999),
    )
    def time_goes_by(self, steps: int, who: tuple[int, ...], busy: bool, seed: int) -> None:
        """Busy: hashes come and go all the while, each on its way to Redis for up to a minute."""
        order = random.Random(seed)
        for _ in range(steps):
            self.clock.passed += STEP
            self.running += STEP
            if busy and len(self.live) < 5 and order.random() < 0.5:
                self.choose_an_epoch_for_a_new_hash(order.choice(who), order.choice(TAGS))
            if busy and len(self.live) > 1 and order.random() < 0.3:
                self.purge_the_oldest()
            for number in who:
                self.wait(self.nodes[number].keeper.tick())
                self.copy_redis()
            while self.under_way and (
                self.clock.passed - self.under_way[0].since >= WRITE_WITHIN or order.random() < 0.2
            ):
                self.write_the_oldest_under_way()
            self.what_lives_opens_on_every_node()
            self.what_was_purged_an_epoch_ago_opens_nowhere()

    @rule(node=st.integers(0, NODES - 1), at=st.integers(0, 40))
    def crash_in_mid_pass(self, node: int, at: int) -> None:
        self.fuse.reset(at)
        try:
            self.wait(self.nodes[node].keeper.tick())
        except Crash:
            self.fuse.reset()
            self.restart(node)
        self.fuse.reset()
        self.copy_redis()

    @rule(hours=st.sampled_from([0.01, 0.1, 1.0, 50.0]), same_boot=st.booleans())
    def all_nodes_are_down_for_a_while(self, hours: float, same_boot: bool) -> None:
        self.clock.passed += hours * 3600
        if not same_boot:
            self.clock.machine = secrets.token_bytes(16)
        self.under_way.clear()
        for number in range(NODES):
            self.restart(number)

    @rule(shift=st.sampled_from([-86400.0, -400.0, 0.0, 400.0, 86400.0]))
    def the_time_of_day_jumps(self, shift: float) -> None:
        self.clock.shift = shift

    def copy_redis(self) -> None:
        """What an append-only file would keep of this moment."""
        for record in self.live:
            record.copies.add(self.wait(self.redis.hget(record.hash_key, KEY_FIELD)))

    # --- what always holds ----------------------------------------------------------------------------------------

    @invariant()
    def what_lives_opens_on_every_node(self) -> None:
        for record in self.live:
            wrapped = self.wait(self.redis.hget(record.hash_key, KEY_FIELD))
            for node in self.nodes:
                assert node.keystore.unwrap(wrapped).secret() == record.key.secret()

    @invariant()
    def what_was_purged_an_epoch_ago_opens_nowhere(self) -> None:
        epochs = EpochFiles(self.directory)
        left = {number for number in epochs.look().numbers if epochs.read(number) is not None}
        epochs.close()
        for record in self.purged:
            if self.running - record.purged_at >= EPOCH:
                assert left.isdisjoint(map(epoch_of, record.copies))


@pytest.mark.hypothesis
def test_what_lives_opens_and_what_was_purged_does_not(one_redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    class Here(Keeping):
        pass

    monkeypatch.setattr(sealing, "_TAGS", TAGS)  # a pass over three slots is a hundred times cheaper than over all
    Here.redis_url, Here.fuse = one_redis_url, fuse_files(monkeypatch)
    run_state_machine_as_test(
        Here,
        settings=settings(max_examples=examples(12), stateful_step_count=25, suppress_health_check=list(HealthCheck)),
    )
