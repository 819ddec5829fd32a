"""A replica takes over that had not got everything yet: people are told, get the whole log again, and go on.

What goes to the store goes through a relay, as it does through the address of a primary that somebody moves.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from idcontact.live import set_backs
from live_client import Refused
from live_floor import Floor, floor_of
from running import Site, free_port, make_site, running_house
from servers import Kind, RedisServer, Sentinels
from soak.relay import Relay, Unix

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from live_client import Client
    from live_people import EndUser, Staff


@dataclass
class Pair:
    """A primary, a replica, and the one of both that the servers reach."""

    primary: RedisServer
    replica: RedisServer
    reached: RedisServer | None

    def choose(self) -> Unix | None:
        return None if self.reached is None else Unix(self.reached.socket)

    def part(self) -> None:
        """From here on nothing reaches the replica any more."""
        self.replica.promote()

    def take_over(self) -> None:
        """The primary is lost, and the replica is reached instead."""
        self.reached = self.replica
        self.primary.kill()


@contextmanager
def following(kind: Kind) -> Iterator[Pair]:
    with RedisServer(kind, port=free_port()) as primary, RedisServer(kind, replica_of=primary) as replica:
        replica.wait_until_following()
        yield Pair(primary, replica, primary)


@pytest.fixture
def pair(server_kind: Kind) -> Iterator[Pair]:
    with following(server_kind) as both:
        yield both


@dataclass
class Town:
    """Two nodes on a store that can be moved, and the people there."""

    pair: Pair
    floor: Floor
    beside: Site
    folder: Path
    """For one node more."""

    async def talk(self) -> tuple[EndUser, Staff]:
        """An end user at one node and an agent at the other, who said something that the replica has."""
        end_user, ann = await self.floor.talk(at=self.beside)
        await end_user.say("kept")
        await ann.said(end_user.conversation, "kept")
        self.pair.replica.wait_until_following()
        return end_user, ann

    @asynccontextmanager
    async def one_node_more(self) -> AsyncIterator[Site]:
        """A third one, until left."""
        site = self.floor.site
        async with running_house(make_site(self.folder, f"unix://{self.folder.parent}/r", beside=site)) as more:
            yield more


@pytest.fixture
async def town(pair: Pair, tmp_path: Path) -> AsyncIterator[Town]:
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    (tmp_path / "three").mkdir()
    url = f"unix://{tmp_path}/r"
    site = make_site(tmp_path / "one", url)
    beside = make_site(tmp_path / "two", url, beside=site)
    async with (
        Relay(Unix(tmp_path / "r"), pair.choose),
        running_house(site),
        running_house(beside),
        floor_of(site) as floor,
    ):
        yield Town(pair, floor, beside, tmp_path / "three")


def log_id(client: Client, conversation: str) -> str:
    return client.logs[conversation, "public"].log_id


async def begun_again(client: Client, conversation: str, before: str) -> None:
    """Until this client has the log under another id, with the word that something may be missing."""

    def there() -> bool:
        kinds = [event["type"] for event in client.events(conversation)]
        return log_id(client, conversation) != before and "maybe_lost" in kinds

    await client.until(there, "the log under another id")


async def test_what_was_lost_is_said_and_everybody_has_the_same_again(
    town: Town, caplog: pytest.LogCaptureFixture
) -> None:
    end_user, ann = await town.talk()
    conversation = end_user.conversation
    before = log_id(end_user, conversation)
    town.pair.part()
    await end_user.say("lost")
    await ann.said(conversation, "kept", "lost")
    with caplog.at_level(logging.ERROR):
        town.pair.take_over()
        await begun_again(end_user, conversation, before)
        await begun_again(ann, conversation, before)
    assert end_user.texts() == ["kept"]
    await _go_on(end_user, ann, "kept")
    assert log_id(end_user, conversation) == log_id(ann, conversation)
    said = [record.getMessage() for record in caplog.records if "fell back" in record.getMessage()]
    assert len(said) == 1, said


@pytest.mark.one_kind
async def test_another_history_of_the_same_length_is_noticed(town: Town) -> None:
    end_user, ann = await town.talk()
    conversation = end_user.conversation
    before = log_id(end_user, conversation)
    town.pair.part()
    await end_user.say("lost", command_id="lost")
    await ann.said(conversation, "kept", "lost")
    _say_something_else(town.pair.replica, conversation)
    town.pair.take_over()
    await begun_again(end_user, conversation, before)
    await begun_again(ann, conversation, before)
    assert len(end_user.events(conversation)) == len(ann.events(conversation))
    assert "lost" not in end_user.texts()


@pytest.mark.one_kind
@pytest.mark.parametrize("others", [0, 1, 3])
async def test_what_a_lost_node_handed_out_is_missed_by_the_pages_that_have_it(town: Town, others: int) -> None:
    """Whether the copy that took over is shorter, as long, or longer by now."""
    end_user, ann = await town.talk()
    conversation = end_user.conversation
    before = log_id(end_user, conversation)
    async with town.one_node_more() as lost:
        for client in (end_user, ann):
            await come_back(client, lost)
        town.pair.part()
        await end_user.say("lost")
        await ann.said(conversation, "kept", "lost")
        for client in (end_user, ann):
            await client.disconnect()
    for _ in range(others):
        _say_something_else(town.pair.replica, conversation)
    town.pair.take_over()
    for client in (end_user, ann):
        await come_back(client, town.beside)
        await begun_again(client, conversation, before)
    assert "lost" not in end_user.texts()
    assert end_user.events(conversation) == ann.events(conversation)
    await _insist(ann, conversation, "and on")
    await end_user.until(lambda: end_user.texts()[-1:] == ["and on"], "what is said then")


@pytest.mark.one_kind
async def test_what_an_agent_saw_of_the_staff_log_and_is_lost_has_no_second_history(town: Town) -> None:
    """Its node is gone with it, and the agent forgot it with the conversation: the end user's page alone knows."""
    end_user = await town.floor.waits()
    conversation = end_user.conversation
    before = log_id(end_user, conversation)
    ann = await town.floor.agent("ann")
    await ann.offered(conversation)
    town.pair.replica.wait_until_following()
    async with town.one_node_more() as lost:
        for client in (end_user, ann):
            await come_back(client, lost)
        town.pair.part()
        await ann.accept_next(conversation)
        await ann.has_seq(conversation, 1, "staff")
        (shown,) = ann.events(conversation, "staff")
        await end_user.until(lambda: end_user.heard("joined"), "an agent")
        for client in (end_user, ann):
            await client.disconnect()
    town.pair.take_over()
    await come_back(end_user, town.beside)
    await begun_again(end_user, conversation, before)
    await come_back(ann, town.beside)
    await ann.accept_next(conversation)
    await ann.has_seq(conversation, 1, "staff")
    (again,) = ann.events(conversation, "staff")
    assert again["seq"] == shown["seq"]
    assert again["log_id"] != shown["log_id"]


@pytest.fixture
def spare(pair: Pair) -> Iterator[RedisServer]:
    """A second replica."""
    with RedisServer(pair.primary.kind, replica_of=pair.primary) as server:
        yield server


@pytest.mark.one_kind
async def test_a_log_that_was_replaced_does_not_come_back_with_a_replica_of_before(
    spare: RedisServer, town: Town
) -> None:
    end_user, ann = await town.talk()
    conversation = end_user.conversation
    first = log_id(end_user, conversation)
    spare.wait_until_following()
    town.pair.part()
    spare.promote()
    await end_user.say("lost")
    await ann.said(conversation, "kept", "lost")
    town.pair.take_over()
    for client in (end_user, ann):
        await begun_again(client, conversation, first)
    second = log_id(end_user, conversation)
    town.pair.reached = spare
    town.pair.replica.kill()
    for client in (end_user, ann):
        await begun_again(client, conversation, second)
    assert log_id(end_user, conversation) != first
    await _go_on(end_user, ann, "kept")


@pytest.mark.one_kind
async def test_who_lied_before_is_believed_after_a_failover(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    end_user, ann = await town.talk()
    conversation = end_user.conversation
    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(set_backs, "_BETWEEN_CLAIMS", 0)
        for _ in range(3):
            before = log_id(ann, conversation)
            await end_user.connect([{**have, "seq": 1000} for have in end_user.have()])
            for client in (end_user, ann):
                await begun_again(client, conversation, before)
    before = log_id(ann, conversation)
    town.pair.replica.wait_until_following()
    async with town.one_node_more() as lost:
        for client in (end_user, ann):
            await come_back(client, lost)
        town.pair.part()
        await end_user.say("lost")
        await ann.said(conversation, "kept", "lost")
        for client in (end_user, ann):
            await client.disconnect()
    town.pair.take_over()
    for client in (end_user, ann):
        await come_back(client, town.beside)
        await begun_again(client, conversation, before)
    assert "lost" not in end_user.texts()
    assert end_user.events(conversation) == ann.events(conversation)


async def come_back(client: Client, site: Site) -> None:
    """At another node, as soon as that one can reach the store."""
    await client.disconnect()
    client.site = site
    for _ in range(60):
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0.5):
                await client.resume()
                return
    raise AssertionError("nobody is let in")


@pytest.mark.one_kind
async def test_a_command_that_was_lost_can_be_sent_again_with_the_same_id(town: Town) -> None:
    end_user, ann = await town.talk()
    conversation = end_user.conversation
    before = log_id(end_user, conversation)
    town.pair.part()
    await end_user.say("once", command_id="once")
    town.pair.take_over()
    await begun_again(end_user, conversation, before)
    await _insist(end_user, conversation, "once")
    await ann.said(conversation, "kept", "once")


async def test_a_failover_that_loses_nothing_troubles_nobody(town: Town, caplog: pytest.LogCaptureFixture) -> None:
    end_user, ann = await town.talk()
    conversation = end_user.conversation
    before = log_id(end_user, conversation)
    town.pair.part()
    with caplog.at_level(logging.ERROR):
        town.pair.take_over()
        await _go_on(end_user, ann, "kept")
    assert log_id(end_user, conversation) == before
    assert "maybe_lost" not in [event["type"] for event in end_user.events(conversation)]
    assert not [record for record in caplog.records if "fell back" in record.getMessage()]


@pytest.mark.one_kind
async def test_an_end_that_was_lost_is_taken_back(town: Town) -> None:
    end_user, ann = await town.talk()
    conversation = end_user.conversation
    before = log_id(end_user, conversation)
    town.pair.part()
    await end_user.end()
    await end_user.in_phase("wrapping_up")
    town.pair.take_over()
    await begun_again(end_user, conversation, before)
    await end_user.in_phase("active")
    await _go_on(end_user, ann, "kept")


@pytest.mark.one_kind
async def test_who_came_back_on_another_socket_before_it_is_not_shut_out(town: Town) -> None:
    end_user, ann = await town.talk()
    town.pair.part()
    await end_user.resume()
    await ann.resume()
    town.pair.take_over()
    await _go_on(end_user, ann, "kept")
    assert (end_user.is_open, ann.is_open) == (True, True)


@pytest.mark.one_kind
async def test_an_agent_who_accepted_in_vain_is_offered_it_again(town: Town) -> None:
    ann = await town.floor.agent("ann", site=town.beside)
    end_user = await town.floor.waits()
    offer = await ann.offered()
    town.pair.replica.wait_until_following()
    town.pair.part()
    await ann.accept_next(end_user.conversation)
    await end_user.in_phase("active")
    town.pair.take_over()
    await end_user.in_phase("waiting")
    assert (await ann.offered())["entered_at"] == offer["entered_at"]
    await ann.accept_next(end_user.conversation)
    await end_user.in_phase("active")
    await _go_on(end_user, ann)


async def test_sentinels_lead_everybody_to_the_new_primary(server_kind: Kind, tmp_path: Path) -> None:
    ports = (free_port(), free_port(), free_port())
    with (
        RedisServer(server_kind, port=free_port()) as primary,
        RedisServer(server_kind, port=free_port(), replica_of=primary) as replica,
        Sentinels(primary, ports) as sentinels,
    ):
        replica.wait_until_following()
        async with running_house(make_site(tmp_path, sentinels.url)) as site, floor_of(site) as floor:
            end_user, ann = await floor.talk()
            await end_user.say("before")
            await ann.said(end_user.conversation, "before")
            replica.wait_until_following()
            primary.kill()
            await _go_on(end_user, ann, "before")
            assert sentinels.primary_port() == replica.port


async def _go_on(end_user: EndUser, ann: Staff, *before: str) -> None:
    """Both say something, as soon as it is taken, and both have it."""
    conversation = end_user.conversation
    await _insist(end_user, conversation, "and on")
    await ann.said(conversation, *before, "and on")
    await _insist(ann, conversation, "and on too")
    await end_user.said(*before, "and on", "and on too")
    await ann.has_seq(conversation, end_user.logs[conversation, "public"].seq)
    assert ann.events(conversation) == end_user.events(conversation)


async def _insist(client: Client, conversation: str, text: str) -> None:
    for _ in range(60):
        try:
            await client.command("send", command_id=text.replace(" ", "-"), conversation=conversation, text=text)
        except Refused as refused:
            if refused.code != "unavailable":
                raise
            await asyncio.sleep((refused.retry_after_ms or 0) / 1000)
        else:
            return
    raise AssertionError("still unavailable")


def _say_something_else(replica: RedisServer, conversation: str) -> None:
    """On the replica the log gets as many events as the primary has, but others: another node's, that was quicker."""
    with replica.client() as client:
        (name,) = (key for key in client.scan_iter(f"*conv:{conversation}"))
        (last, fields), *_ = client.xrevrange(f"{name.decode()}:public", count=1)
        seq = client.hincrby(name, "seq_public", 1)
        client.xadd(f"{name.decode()}:public", fields, id=f"{seq}-0")
        assert seq == int(last.split(b"-")[0]) + 1
