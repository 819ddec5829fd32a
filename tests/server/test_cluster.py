"""A client of a Cluster: what it is told, where it sends, and what it does when something moves or is lost."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idcontact import redis as store
from idcontact.cluster import Address, cluster_masters, never_there, slot_of, with_guard
from idcontact.cluster_client import ClusterRedis
from idcontact.durability import TOO_FEW, Replicas, ReplicaWatch, check_store
from idcontact.errors import SettingsError, Unavailable
from idcontact.keystore import DirectoryKeyStore
from idcontact.pipe import Batch
from idcontact.pipes import line_to
from idcontact.records import SealedRecords
from idcontact.redis import Script, await_up, connect, is_up, primaries, reaching
from idcontact.sealing import KeyKeeper
from idcontact.subscriptions import subscription_to
from idcontact.tasks import Tasks
from keys_house import HandClock, contents
from running import free_port
from servers import Kind, RedisServer, wanted_kinds

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from redis.asyncio import Redis

    from clusters import Cluster
    from idcontact.pipe import Line

SECRET = "a-password-of-some-length"
TAGS = tuple(f"{{c{number:03}}}" for number in range(256))
names = st.text(st.characters(exclude_characters="{}"), min_size=1)


# --- the address --------------------------------------------------------------------------------------------------


def test_nodes_and_the_way_in_are_read() -> None:
    masters = cluster_masters("redis+cluster://me:p%40ss@one:1,two,[::1]:3", {})
    assert masters.seeds == [Address("one", 1), Address("two", 6379), Address("::1", 3)]
    options = masters.client(masters.seeds[0]).connection_pool.connection_kwargs
    assert (options["username"], options["password"], options["host"]) == ("me", "p@ss", "one")


def test_with_tls_all_are_reached_by_it() -> None:
    masters = cluster_masters("rediss+cluster://one", {})
    assert masters.client(masters.seeds[0]).connection_pool.connection_class.__name__ == "SSLConnection"


@pytest.mark.parametrize("rest", ["", "one/0", "one?a=b", "one:0", "one:x", "one,,two"])
def test_what_names_no_nodes_is_refused_and_not_repeated(rest: str) -> None:
    with pytest.raises(SettingsError, match=r"redis\+cluster://host:port,host:port, got") as refused:
        connect(f"redis+cluster://user:{SECRET}@{rest}")
    assert SECRET not in str(refused.value)


# --- where it goes ------------------------------------------------------------------------------------------------


@given(before=names, tag=names, after=names)
def test_the_key_that_is_never_there_is_in_the_slot_of_the_others(before: str, tag: str, after: str) -> None:
    for key in (f"{before}{{{tag}}}{after}", before):
        assert slot_of(never_there(key)) == slot_of(key)
        assert never_there(key) != key


def test_a_script_names_one_key_more_and_nothing_else_does() -> None:
    assert with_guard(("EVALSHA", "s", 2, "a{t}", "b{t}", "x")) == ("EVALSHA", "s", 3, "a{t}", "b{t}", "{t}", "x")
    assert with_guard(("EVAL", "return 1", 0, "x")) == ("EVAL", "return 1", 0, "x")
    assert with_guard(("GET", "a{t}")) == ("GET", "a{t}")


@asynccontextmanager
async def client_of(cluster: Cluster) -> AsyncIterator[ClusterRedis]:
    async with connect(cluster.url) as redis:
        assert isinstance(redis, ClusterRedis)
        await await_up(redis)
        yield redis


async def test_commands_of_any_slots_are_answered_in_their_order(cluster: Cluster) -> None:
    async with client_of(cluster) as redis:
        async with redis.pipeline(transaction=False) as pipeline:
            for tag in TAGS:
                pipeline.set(f"idc:{tag}:x", tag)
                pipeline.time()
                pipeline.get(f"idc:{tag}:x")
            answers = await pipeline.execute()
        assert answers[2::3] == [tag.encode() for tag in TAGS]
        assert len({await one.dbsize() for one in await primaries(redis)}) > 1
        assert await redis.get("idc:{c000}:x") == b"{c000}"


async def test_what_is_of_one_node_only_is_not_asked_of_a_cluster(cluster: Cluster) -> None:
    async with client_of(cluster) as redis:
        with pytest.raises(TypeError, match="one primary"):
            await redis.info("memory")
        with pytest.raises(TypeError, match="one primary"):
            redis.pubsub()


# --- slots that move ----------------------------------------------------------------------------------------------


async def test_what_is_read_while_its_slot_moves_is_found_on_either_side(cluster: Cluster) -> None:
    kept, gone = "idc:{c001}:kept", "idc:{c001}:gone"
    to = cluster.others(kept)[0]
    async with client_of(cluster) as redis:
        await redis.set(kept, 1)
        await asyncio.to_thread(cluster.opened, kept, to)
        assert await redis.get(kept) == b"1"  # where it was
        assert await redis.get(gone) is None  # asked for at the other side
        assert await redis.set(gone, 2)
        await asyncio.to_thread(cluster.closed, kept, to)
        assert [await redis.get(kept), await redis.get(gone)] == [b"1", b"2"]


async def test_a_script_and_a_transaction_wait_until_their_slot_is_in_one_place(cluster: Cluster) -> None:
    key = "idc:{c002}:counted"
    to = cluster.others(key)[0]
    async with client_of(cluster) as redis:
        await redis.set(key, 1)
        script = redis.register_script("return redis.call('INCR', KEYS[1])")
        await asyncio.to_thread(cluster.opened, key, to)
        counting = asyncio.ensure_future(script(keys=[key]))
        writing = asyncio.ensure_future(_both(redis, "idc:{c002}:a", "idc:{c002}:b"))
        assert await redis.get(key) == b"1"
        assert not counting.done()
        assert not writing.done()
        await asyncio.to_thread(cluster.closed, key, to)
        assert (await counting, await writing) == (2, [True, True])
        assert await redis.get(key) == b"2"


async def _both(redis: Redis, *keys: str) -> list[object]:
    async with redis.pipeline(transaction=True) as transaction:
        for key in keys:
            transaction.set(key, 1)
        return await transaction.execute()


async def test_a_slot_that_stays_open_is_an_outage_of_what_is_in_it(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("idcontact.cluster_client.PATIENCE", 0.1)
    monkeypatch.setattr("idcontact.pipes.PATIENCE", 0.1)
    key = "idc:{c003}:counted"
    to = cluster.others(key)[0]
    async with client_of(cluster) as redis, line(redis) as (pipes, script):
        await asyncio.to_thread(cluster.opened, key, to)
        try:
            with pytest.raises(Unavailable), reaching():
                await redis.register_script("return redis.call('INCR', KEYS[1])")(keys=[key])
            assert isinstance(await count(pipes, script, key), Unavailable)
            assert await count(pipes, script, "idc:{c004}:counted") == 0
        finally:
            await asyncio.to_thread(cluster.closed, key, to)
        assert await count(pipes, script, key) == 0


# --- pipes --------------------------------------------------------------------------------------------------------


@asynccontextmanager
async def line(redis: Redis) -> AsyncIterator[tuple[Line, Script]]:
    """A pipe to each primary, for the script of the limits: it answers 0 the first ten times."""
    script = Script(redis, "idcontact", "limits.lua")
    async with Tasks() as tasks:
        pipes = line_to(redis, [script])
        tasks.keep(pipes.run, "pipes")
        async with asyncio.timeout(10):
            await pipes.up.wait()
        yield pipes, script


async def count(pipes: Line, script: Script, key: str, most: int = 10) -> object:
    return await say(pipes, script, key, most, 60_000, 1)


async def say(pipes: Line, script: Script, key: str, *args: int) -> object:
    answered: asyncio.Future[object] = asyncio.get_running_loop().create_future()
    pipes.script(script, (key, *args), 1, answered.set_result)
    return await answered


async def test_pieces_of_all_slots_are_run_once_each_while_one_moves(cluster: Cluster) -> None:
    key = f"idc:{TAGS[5]}:counted"
    to = cluster.others(key)[0]
    async with client_of(cluster) as redis, line(redis) as (pipes, script):
        await asyncio.to_thread(cluster.opened, key, to)
        at_once = [count(pipes, script, f"idc:{tag}:counted", 2) for tag in TAGS for _ in range(2)]
        counting = asyncio.gather(*at_once)
        await asyncio.to_thread(cluster.closed, key, to)
        assert await counting == [0] * 512
        # Each has counted two, and no more: a third one is over.
        over = await asyncio.gather(*(count(pipes, script, f"idc:{tag}:counted", 2) for tag in TAGS))
        assert all(isinstance(wait, int) and wait > 0 for wait in over)


async def test_what_waits_for_a_slot_goes_there_in_the_order_in_which_it_was_called(cluster: Cluster) -> None:
    key = "idc:{c006}:said"
    to = cluster.others(key)[0]
    async with client_of(cluster) as redis, line(redis) as (pipes, script):
        script.source = "return redis.call('RPUSH', KEYS[1], ARGV[1])"
        script.sha = await redis.script_load(script.source)
        await asyncio.to_thread(cluster.opened, key, to)
        said = []
        for number in range(20):
            said.append(asyncio.ensure_future(say(pipes, script, key, number)))
            await asyncio.sleep(0)
        await asyncio.to_thread(cluster.closed, key, to)
        assert await asyncio.gather(*said) == list(range(1, 21))
        kept: list[bytes] = await redis.lrange(key, 0, -1)  # type: ignore[assignment]  # answers are bytes here
        assert [int(word) for word in kept] == list(range(20))


async def test_a_batch_is_asked_of_all_primaries_and_answered_in_its_order(cluster: Cluster) -> None:
    moved = f"idc:{TAGS[7]}:x"
    async with client_of(cluster) as redis, line(redis) as (pipes, _):
        for number, tag in enumerate(TAGS):
            await redis.set(f"idc:{tag}:x", number)
        batch = Batch(tuple(("GET", f"idc:{tag}:x") for tag in TAGS))
        expected = [b"%d" % number for number in range(256)]
        assert await pipes.ask(batch) == expected
        await asyncio.to_thread(cluster.move, moved, cluster.others(moved)[0])
        assert await pipes.ask(batch) == expected
        assert await pipes.ask(batch) == expected


# --- subscriptions ------------------------------------------------------------------------------------------------


async def test_a_subscription_follows_a_slot_that_moves(cluster: Cluster) -> None:
    channels = [f"idc:{tag}:node:n" for tag in TAGS]
    heard: asyncio.Queue[tuple[str, bytes]] = asyncio.Queue()
    gaps: asyncio.Queue[None] = asyncio.Queue()
    async with client_of(cluster) as redis, Tasks() as tasks:
        hearing = subscription_to(
            redis,
            channels,
            "idc:{beat}:n",
            on_message=lambda channel, text: heard.put_nowait((channel, text)),
            on_gap=lambda: gaps.put_nowait(None),
        )
        tasks.keep(hearing.run, "subscription")
        async with asyncio.timeout(20):
            await hearing.up.wait()
            for channel in channels:
                assert await redis.execute_command("SPUBLISH", channel, b"before") == 1
            assert sorted([await heard.get() for _ in channels]) == [(channel, b"before") for channel in channels]
            while not gaps.empty():
                gaps.get_nowait()
            moved = channels[8]
            await asyncio.to_thread(cluster.move, moved, cluster.others(moved)[0])
            await gaps.get()
            while not await redis.execute_command("SPUBLISH", moved, b"after"):
                await gaps.get()
            assert await heard.get() == (moved, b"after")
        assert hearing.interruptions


# --- failover -----------------------------------------------------------------------------------------------------


async def test_a_replica_that_takes_over_in_good_order_is_followed(cluster: Cluster) -> None:
    key = "idc:{c009}:counted"
    async with client_of(cluster) as redis, line(redis) as (pipes, script):
        assert await count(pipes, script, key) == 0
        before = cluster.serving(key)
        await asyncio.to_thread(cluster.fail_over, before)
        assert cluster.serving(key) is not before
        assert await count(pipes, script, key) == 0
        assert await redis.hget(key, "count") == b"2"


async def test_replicas_of_each_primary_are_watched(cluster: Cluster) -> None:
    async with client_of(cluster) as redis:
        watch = ReplicaWatch(redis, "idc", Replicas(1, 300))
        assert await watch.wrong() is None
        lagging = next(one for one in cluster.nodes if one not in cluster.leading())
        lagging.pause()
        try:
            assert await watch.wrong() == TOO_FEW
        finally:
            lagging.resume()
        await asyncio.to_thread(cluster.await_whole)


# --- keys ---------------------------------------------------------------------------------------------------------


async def test_keys_in_all_slots_are_wrapped_anew_and_old_ones_destroyed(cluster: Cluster, tmp_path: Path) -> None:
    clock = HandClock()
    keystore = DirectoryKeyStore(tmp_path / "keys", clock)
    async with client_of(cluster) as redis:
        records = SealedRecords(redis, keystore, "idc", "test")
        kept = [await records.create(b"x", 7200) for _ in range(32)]
        keeper, first = KeyKeeper(redis, keystore, "idc"), contents(tmp_path / "keys")
        for _ in range(20):
            clock.passed += 120
            await keeper.tick()
        assert not set(first) & set(contents(tmp_path / "keys"))
        assert keeper.unreadable == 0
        for record_id in kept:
            record = await records.take(record_id)
            assert record is not None
            assert record.value == b"x"
            assert await records.take(record_id) is None
    keystore.close()


# --- the start ----------------------------------------------------------------------------------------------------


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "_PATIENCE", 0.3)


async def refusal(url: str) -> str:
    async with connect(url) as redis:
        with pytest.raises(SettingsError) as refused:
            await await_up(redis)
        assert not await is_up(redis)
    return str(refused.value)


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("kind", wanted_kinds())
async def test_a_cluster_that_is_not_whole_is_refused(kind: Kind) -> None:
    port = free_port()
    with RedisServer(kind, port=port, more=_alone()) as node:
        said = await refusal(f"redis+cluster://127.0.0.1:{port}")
        assert "the Cluster is not whole: 16384 of its 16384 slots are served by no primary" in said
        with node.client() as client:
            client.execute_command("CLUSTER ADDSLOTSRANGE", 0, 16000)
        assert "383 of its 16384 slots" in await refusal(f"redis+cluster://127.0.0.1:{port}")


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("kind", wanted_kinds())
async def test_a_wrong_password_is_told_from_an_outage(kind: Kind) -> None:
    port = free_port()
    with RedisServer(kind, port=port, more=_alone()) as node:
        with node.client() as client:
            client.config_set("requirepass", SECRET)
        assert "refuses this user name and password" in await refusal(f"redis+cluster://:wrong@127.0.0.1:{port}")
    assert "none of the nodes that are named answers" in await refusal(f"redis+cluster://127.0.0.1:{port}")


def _alone() -> dict[str, str]:
    """A node that has met no other."""
    return {"--cluster-enabled": "yes", "--cluster-config-file": "nodes.conf", "--cluster-port": str(free_port())}


@pytest.mark.usefixtures("impatient")
async def test_one_server_is_no_cluster_and_a_node_of_a_cluster_is_no_server(
    cluster: Cluster, one_redis_server: RedisServer
) -> None:
    node = cluster.primaries[0]
    async with connect(node.url) as redis:
        with pytest.raises(SettingsError, match=r"is a node of a Cluster; write redis\+cluster"):
            await await_up(redis)
    with RedisServer(one_redis_server.kind, port=free_port()) as single:
        assert "is no Cluster; write redis://" in await refusal(f"redis+cluster://127.0.0.1:{single.port}")


async def test_every_primary_has_to_keep_what_is_promised(cluster: Cluster) -> None:
    async with client_of(cluster) as redis:
        await check_store(redis, None)
        one = cluster.leading()[-1]
        with one.client() as client:
            client.config_set("maxmemory-policy", "allkeys-lru")
        try:
            with pytest.raises(SettingsError, match="its maxmemory-policy is allkeys-lru"):
                await check_store(redis, None)
        finally:
            with one.client() as client:
                client.config_set("maxmemory-policy", "noeviction")
