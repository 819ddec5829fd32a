"""`durability = "replicated"`: what is acknowledged is on a replica, whoever asks and however often."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING

import pytest
from aiohttp import ClientSession
from redis.asyncio import Redis

from idcontact.durability import TOO_FEW, Replicas, ReplicaWatch
from idcontact.errors import Unavailable
from idcontact.live.conversation_state import Auth, AuthStatus, Phase
from idcontact.live.happenings import Ended, Landed, ResultArrived
from idcontact.live.keys import hashed
from idcontact.live.stored import Say
from idcontact.staff.store import StaffStore, StoredSession
from live_client import Refused
from live_floor import floor_of
from live_parts import Parts, parts
from running import free_port, make_site, running_house
from servers import Kind, RedisServer, wanted_kinds

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

ONE_REPLICA = Replicas(1, 150)
SETTINGS = 'durability = "replicated"\ndurability_wait = "300 ms"'


@contextmanager
def running_pair(kind: Kind) -> Iterator[tuple[RedisServer, RedisServer]]:
    """A primary, and a replica that has all that it has."""
    with RedisServer(kind, port=free_port()) as primary, RedisServer(kind, replica_of=primary) as replica:
        replica.wait_until_following()
        yield primary, replica


@pytest.fixture(scope="module", params=wanted_kinds())
def servers(request: pytest.FixtureRequest) -> Iterator[tuple[RedisServer, RedisServer]]:
    """Those of all tests here but the one that kills them."""
    with running_pair(request.param) as both:
        yield both


@pytest.fixture
def pair(servers: tuple[RedisServer, RedisServer]) -> Iterator[tuple[RedisServer, RedisServer]]:
    """An empty primary, and a replica that follows it."""
    primary, replica = servers
    with primary.client() as client:
        client.flushall()
    replica.wait_until_following()
    yield primary, replica
    replica.resume()


@pytest.fixture
def replica(pair: tuple[RedisServer, RedisServer]) -> RedisServer:
    return pair[1]


@pytest.fixture
async def live(pair: tuple[RedisServer, RedisServer], tmp_path: Path) -> AsyncIterator[Parts]:
    async with parts_on(pair[0], tmp_path) as made:
        yield made


@asynccontextmanager
async def parts_on(primary: RedisServer, folder: Path) -> AsyncIterator[Parts]:
    async with Redis.from_url(primary.url, protocol=2) as redis, parts(redis, folder, replicas=ONE_REPLICA) as made:
        yield made


def has(replica: RedisServer, live: Parts, conversation: str, seq: int) -> bool:
    """Whether the replica has that event."""
    with replica.client() as client:
        return bool(client.xrange(live.store.keys(conversation).log("public"), f"{seq}-0", f"{seq}-0"))


def message(conversation: str, command: str) -> Say:
    return Say(conversation, "end_user", "", command, b"x", "n1")


async def test_what_was_said_is_acknowledged_once_a_replica_has_it(live: Parts, replica: RedisServer) -> None:
    conversation = await live.active()
    said = await live.store.append(message(conversation, "m1"))
    assert has(replica, live, conversation, said.seq)
    replica.pause()
    with pytest.raises(Unavailable):
        await live.store.append(message(conversation, "m2"))
    replica.resume()
    again = await live.store.append(message(conversation, "m2"))
    assert (again.seq, again.again) == (said.seq + 1, True)
    assert has(replica, live, conversation, again.seq)


async def test_another_node_does_not_acknowledge_either_what_no_replica_has(
    live: Parts, replica: RedisServer, tmp_path: Path
) -> None:
    conversation = await live.active()
    replica.pause()
    with pytest.raises(Unavailable):
        await live.store.append(message(conversation, "m1"))
    async with parts(live.redis, tmp_path, replicas=ONE_REPLICA) as beside:
        with pytest.raises(Unavailable):
            await beside.store.append(message(conversation, "m1"))


async def test_nobody_is_given_a_cookie_that_no_replica_has(live: Parts, replica: RedisServer) -> None:
    conversation = await live.prepared()
    ticket, cookie = "the ticket", "the cookie"
    await live.redis.hset(live.store.keys(conversation).hash, "ticket", hashed(ticket))
    replica.pause()
    with pytest.raises(Unavailable):
        await live.store.exchange(conversation, ticket, cookie)
    with pytest.raises(Unavailable):
        await live.conversations.happen(conversation, Landed(same_browser=True))
    replica.resume()
    assert await live.store.exchange(conversation, ticket, cookie) == "ok"
    landed = await live.conversations.happen(conversation, Landed(same_browser=True))
    assert landed.state.landed_at is not None
    with replica.client() as client:
        kept = client.hmget(live.store.keys(conversation).hash, "issued", "phase")
    assert hashed(cookie).encode() in (kept[0] or b"").split()


async def test_nobody_of_the_staff_is_told_that_they_are_logged_in_or_out_before_a_replica_has_it(
    live: Parts, replica: RedisServer
) -> None:
    store = StaffStore(live.redis, "idc", ONE_REPLICA)
    session = StoredSession("ann", "fingerprint", created=1, last_seen=1)
    replica.pause()
    with pytest.raises(Unavailable):
        await store.add("first", session, 60_000)
    with pytest.raises(Unavailable):
        await store.remove("first")
    with pytest.raises(Unavailable):
        await store.remove_all("ann")
    replica.resume()
    replica.wait_until_following()
    await store.add("second", session, 60_000)
    assert await store.read("first") is None
    assert await store.read("second") == session
    with replica.client() as client:
        assert client.exists("idc:{staff}:session:second")
        await store.remove("second")
        assert not client.exists("idc:{staff}:session:second")
        await store.add("third", session, 60_000)
        await store.remove_all("ann")
        assert client.get("idc:{staff}:generation:ann") == b"2"
    assert await store.read("third") is None


async def test_many_who_speak_at_once_wait_together(live: Parts) -> None:
    conversation = await live.active()
    before = (await live.redis.info("commandstats")).get("cmdstat_wait", {"calls": 0})["calls"]
    said = await asyncio.gather(*(live.store.append(message(conversation, f"m{n}")) for n in range(100)))
    assert [one.seq for one in said] == list(range(said[0].seq, said[0].seq + 100))
    assert (await live.redis.info("commandstats"))["cmdstat_wait"]["calls"] - before < 10


async def test_who_speaks_while_others_wait_is_not_forgotten(live: Parts, replica: RedisServer) -> None:
    conversation = await live.active()
    replica.pause()
    early = [asyncio.ensure_future(live.store.append(message(conversation, f"early{n}"))) for n in range(3)]
    await asyncio.sleep(0)
    late = [asyncio.ensure_future(live.store.append(message(conversation, f"late{n}"))) for n in range(3)]
    for outcome in await asyncio.gather(*early, *late, return_exceptions=True):
        assert isinstance(outcome, Unavailable)
    replica.resume()
    again = await asyncio.gather(*(live.store.append(message(conversation, f"late{n}")) for n in range(3)))
    assert all(one.again for one in again)


@pytest.mark.parametrize("kind", wanted_kinds())
async def test_what_waits_for_replicas_fails_when_the_store_is_lost(kind: Kind, tmp_path: Path) -> None:
    with running_pair(kind) as (primary, replica):
        async with parts_on(primary, tmp_path) as live:
            conversation = await live.active()
            replica.pause()
            out = asyncio.ensure_future(live.store.append(message(conversation, "out")))
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            waiting = asyncio.ensure_future(live.store.append(message(conversation, "waiting")))
            await asyncio.sleep(0)
            primary.kill()
            for outcome in await asyncio.gather(out, waiting, return_exceptions=True):
                assert isinstance(outcome, Unavailable)


async def test_an_end_is_acknowledged_once_a_replica_has_it(live: Parts, replica: RedisServer) -> None:
    conversation = await live.active()
    replica.pause()
    for _ in range(2):
        with pytest.raises(Unavailable):
            await live.conversations.happen(conversation, Ended("end_user"), command="end_user|e1")
    replica.resume()
    ended = await live.conversations.happen(conversation, Ended("end_user"), command="end_user|e1")
    assert ended.committed.outcome == "again"
    assert has(replica, live, conversation, ended.committed.seq)


async def test_an_auth_result_is_taken_once_a_replica_has_it(live: Parts, replica: RedisServer) -> None:
    conversation = await live.prepared()
    arrived = ResultArrived(Auth(AuthStatus.GIVEN, "test", at=1, tags=("fullname",), digest="d"))
    replica.pause()
    with pytest.raises(Unavailable):
        await live.conversations.happen(conversation, arrived, attributes=b"{}")
    stored = await live.store.load(conversation)
    assert stored.state.auth.digest == "d"
    with pytest.raises(Unavailable):
        await live.store.vouch(conversation, stored.state.version)
    replica.resume()
    assert await live.store.vouch(conversation, stored.state.version)
    assert not await live.store.vouch(conversation, stored.state.version - 1)


async def test_a_conversation_is_there_once_a_replica_has_it(live: Parts, replica: RedisServer) -> None:
    replica.pause()
    with pytest.raises(Unavailable):
        await live.prepared()
    replica.resume()
    conversation = await live.prepared()
    with replica.client() as client:
        assert client.exists(live.store.keys(conversation).hash)


async def test_an_accepted_offer_is_acknowledged_once_a_replica_has_it(live: Parts, replica: RedisServer) -> None:
    await live.agent()
    conversation = await live.waiting()
    entry = await live.routing.entry(conversation)
    assert entry is not None
    assert entry.offer is not None
    replica.pause()
    for _ in range(2):
        with pytest.raises(Unavailable):
            await live.routing.accept(conversation, entry.offer, "ann", command="a1")
    replica.resume()
    assert await live.routing.accept(conversation, entry.offer, "ann", command="a1")


async def test_the_queue_is_told_again_until_a_replica_has_heard_it(live: Parts, replica: RedisServer) -> None:
    """Should the replica take over in between, nobody else would tell it, and somebody would wait for ever."""
    conversation = await live.waiting()
    untold = live.store.keys(conversation).untold
    await live.redis.sadd(untold, conversation)
    replica.pause()
    await live.conversations.tell_routing(conversation)
    assert await live.redis.sismember(untold, conversation)
    replica.resume()
    await live.conversations.tell_routing(conversation)
    assert not await live.redis.sismember(untold, conversation)


async def test_a_conversation_hears_of_its_agent_again_until_a_replica_has_it(
    live: Parts, replica: RedisServer
) -> None:
    await live.agent()
    conversation = await live.waiting()
    entry = await live.routing.entry(conversation)
    assert entry is not None
    assert await live.routing.accept(conversation, entry.offer or 0, "ann", command="a1")
    word = await live.routing.unheard(conversation)
    assert word is not None
    replica.pause()
    await live.conversations.hear(conversation, word)
    assert (await live.store.load(conversation)).state.phase is Phase.ACTIVE
    assert await live.routing.unheard(conversation) == word
    replica.resume()
    await live.conversations.hear(conversation, word)
    assert await live.routing.unheard(conversation) is None


async def test_the_script_is_sent_again_to_a_server_that_has_forgotten_it(live: Parts) -> None:
    conversation = await live.active()
    await live.redis.script_flush()
    assert not (await live.store.append(message(conversation, "m1"))).again
    await live.redis.script_flush()
    ended = await live.conversations.happen(conversation, Ended("end_user"), command="end_user|e1")
    assert ended.committed.outcome == "ok"


async def test_replicas_that_do_not_keep_up_turn_health_red(live: Parts, replica: RedisServer) -> None:
    watch = ReplicaWatch(live.redis, "idc", ONE_REPLICA)
    assert await watch.wrong() is None
    replica.pause()
    assert await watch.wrong() == TOO_FEW
    replica.resume()
    replica.wait_until_following()
    assert await watch.wrong() is None
    assert await ReplicaWatch(live.redis, "idc", None).wrong() is None


async def test_people_hear_that_what_they_said_is_not_safe_and_send_it_again(
    pair: tuple[RedisServer, RedisServer], tmp_path: Path
) -> None:
    primary, replica = pair
    async with running_house(make_site(tmp_path, primary.url, top=SETTINGS)) as site, floor_of(site) as floor:
        end_user, ann = await floor.talk()
        await end_user.say("kept", command_id="m1")
        replica.pause()
        for client in (end_user, ann):
            with pytest.raises(Refused, match=r"^unavailable"):
                await client.command("send", command_id="m2", conversation=end_user.conversation, text="held back")
        # Stored it is: who is on this node sees it, as they would on another.
        await ann.said(end_user.conversation, "kept", "held back", "held back")
        replica.resume()
        for client in (end_user, ann):
            await client.command("send", command_id="m2", conversation=end_user.conversation, text="held back")
        await end_user.said("kept", "held back", "held back")
        await ann.said(end_user.conversation, "kept", "held back", "held back")


async def test_deadlines_do_not_wait_for_what_waits_for_replicas(
    pair: tuple[RedisServer, RedisServer], tmp_path: Path
) -> None:
    primary, replica = pair
    patient = SETTINGS.replace("300 ms", "4 s")
    async with running_house(make_site(tmp_path, primary.url, top=patient)) as site, floor_of(site) as floor:
        end_user, _ = await floor.talk()
        replica.pause()
        said = await end_user.begin("send", conversation=end_user.conversation, text="held back")
        async with ClientSession() as session, session.get(f"{site.url}/health/ready") as answer:
            # Not that the store is away: it was asked for its deadlines, and answered.
            assert (await answer.json())["status"] == TOO_FEW
        assert not said.answers
        replica.resume()
        await said.ack()
