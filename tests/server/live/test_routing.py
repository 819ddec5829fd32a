"""Routing: the rules, and the script that runs them, held together step by step."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from idcontact.live.expected_wait import HandOver
from idcontact.live.routing import DECLINE_PAUSE, HAND_OVERS, OFFER_TIMEOUT, Agent, Assignment, Routing, Wanted
from idcontact.live.routing_store import RoutingStore, decode_assignment
from searching import examples

if TYPE_CHECKING:
    from redis.asyncio import Redis

PURPOSES = ("move", "tax")
CONNS = ("k1", "k2", "page~1~x", "page~2~x", "page~10~x")
AGENTS = {"ann": (PURPOSES, 2), "bob": (("move",), 1), "cor": (("tax",), 3)}
CONVERSATIONS = ("c1", "c2", "c3", "c4", "c5", "c6")
LEASE = 45_000


class Rules:
    """The plain rules, driven by the same words as the store."""

    def __init__(self) -> None:
        self.routing = Routing()
        self.versions: dict[str, int] = {}
        self.generations: dict[str, int] = {}

    def wanted(self, conversation: str, want: str, purpose: str, priority: int, *, present: bool, now: int) -> Wanted:
        self.versions[conversation] = self.versions.get(conversation, 0) + 1
        return Wanted(
            conversation=conversation,
            version=self.versions[conversation],
            generation=self.generations.get(conversation, 0),
            want=want,  # type: ignore[arg-type]  # drawn from the three words
            purpose=purpose,
            priority=priority,
            entered_at=now,
            present=present,
        )


def entered(routing: Routing, conversation: str, now: int, purpose: str = "move", priority: int = 5) -> None:
    routing.sync(
        Wanted(
            conversation=conversation,
            version=1,
            generation=0,
            want="queued",
            purpose=purpose,
            priority=priority,
            entered_at=now,
        ),
        now,
    )


def came(routing: Routing, agent: str, now: int, *, available: bool = True) -> None:
    purposes, capacity = AGENTS[agent]
    routing.arrive(Agent(agent, purposes, capacity, conn="x", lease=now + 10**9, present=True), now)
    if available:
        routing.set_status(agent, "available", now)


def offer_of(routing: Routing, agent: str) -> tuple[str, int]:
    conversation = routing.agents[agent].offered
    assert conversation is not None
    offer = routing.entries[conversation].offer
    assert offer is not None
    return conversation, offer


def test_the_first_to_come_is_the_first_to_be_offered() -> None:
    routing = Routing()
    for at, conversation in enumerate(("c1", "c2", "c3")):
        entered(routing, conversation, at)
    came(routing, "bob", 10)
    assert offer_of(routing, "bob")[0] == "c1"


def test_a_more_urgent_entry_goes_before_an_older_one() -> None:
    routing = Routing()
    entered(routing, "c1", 0)
    entered(routing, "c2", 1, priority=2)
    came(routing, "bob", 10)
    assert offer_of(routing, "bob")[0] == "c2"


def test_the_least_loaded_agent_is_asked_first_and_then_the_longest_idle() -> None:
    routing = Routing()
    came(routing, "ann", 0)
    came(routing, "bob", 1)
    entered(routing, "c1", 2)
    assert routing.agents["ann"].offered == "c1"
    routing.accept(*offer_of(routing, "ann"), "ann", 3)
    entered(routing, "c2", 4)
    assert routing.agents["bob"].offered == "c2"


def test_a_declined_entry_keeps_its_place_and_is_not_offered_to_the_same_agent_for_a_minute() -> None:
    routing = Routing()
    entered(routing, "c1", 0)
    entered(routing, "c2", 1)
    came(routing, "bob", 2)
    routing.decline(*offer_of(routing, "bob"), "bob", 3)
    assert offer_of(routing, "bob")[0] == "c2"
    came(routing, "ann", 4)
    assert offer_of(routing, "ann")[0] == "c1"


def test_an_entry_that_its_only_agent_declined_is_offered_again_after_the_pause() -> None:
    routing = Routing()
    entered(routing, "c1", 0)
    came(routing, "bob", 1)
    routing.decline(*offer_of(routing, "bob"), "bob", 2)
    assert routing.agents["bob"].offered is None
    routing.sweep(2 + DECLINE_PAUSE)
    assert routing.agents["bob"].offered == "c1"


def test_two_lapsed_offers_in_a_row_set_an_agent_away_and_the_entry_where_it_was() -> None:
    routing = Routing()
    entered(routing, "c1", 0)
    came(routing, "bob", 1)
    statuses = []
    for lapse in (1, 2):
        routing.sweep(1 + lapse * OFFER_TIMEOUT)
        statuses.append(routing.agents["bob"].status)
    assert statuses == ["available", "away"]
    assert routing.entries["c1"].state == "waiting"


def test_an_accept_in_the_millisecond_of_the_lapse_comes_too_late() -> None:
    routing = Routing()
    entered(routing, "c1", 0)
    came(routing, "bob", 0)
    offer = offer_of(routing, "bob")
    assert not routing.accept(*offer, "bob", OFFER_TIMEOUT)
    assert routing.accept(*offer, "bob", OFFER_TIMEOUT - 1)


def test_another_agent_cannot_accept_an_offer_that_is_not_theirs() -> None:
    routing = Routing()
    entered(routing, "c1", 0)
    came(routing, "bob", 1)
    came(routing, "ann", 1)
    assert not routing.accept(*offer_of(routing, "bob"), "ann", 2)


def test_an_agent_whose_console_is_gone_is_offered_nothing_and_their_conversations_are_told() -> None:
    routing = Routing()
    came(routing, "ann", 0)
    entered(routing, "c1", 1)
    routing.accept(*offer_of(routing, "ann"), "ann", 2)
    routing.confirm("c1", Assignment("ann", 1, present=True))
    routing.lease("ann", "x", 3)
    routing.sweep(3)
    assert routing.outbox == {"c1": Assignment("ann", 1, present=False)}
    entered(routing, "c2", 4)
    assert routing.entries["c2"].state == "waiting"


def test_a_late_word_of_an_older_version_does_not_bring_back_who_left() -> None:
    routing = Routing()
    entered(routing, "c1", 0)
    routing.sync(Wanted("c1", 3, 0, "none"), 1)
    routing.sync(Wanted("c1", 2, 0, "queued", "move"), 2)
    assert routing.entries == {}


def test_an_end_user_who_is_away_keeps_the_place_but_is_not_offered() -> None:
    routing = Routing()
    entered(routing, "c1", 0)
    entered(routing, "c2", 1)
    routing.sync(Wanted("c1", 2, 0, "queued", "move", present=False), 2)
    came(routing, "bob", 3)
    assert offer_of(routing, "bob")[0] == "c2"
    routing.sync(Wanted("c1", 3, 0, "queued", "move", present=True), 4)
    routing.accept(*offer_of(routing, "bob"), "bob", 5)
    routing.sync(Wanted("c2", 2, 1, "none"), 6)
    assert offer_of(routing, "bob")[0] == "c1"


def test_a_hand_over_is_remembered_with_since_when_somebody_waited_for_a_free_agent() -> None:
    routing = Routing()
    entered(routing, "c1", 0)
    entered(routing, "c2", 10_000)
    came(routing, "bob", 20_000)
    routing.accept(*offer_of(routing, "bob"), "bob", 25_000)
    routing.sync(Wanted("c1", 2, 1, "none"), 60_000)
    routing.accept(*offer_of(routing, "bob"), "bob", 61_000)
    assert routing.handed == {"move": [HandOver(at=25_000, since=0), HandOver(at=61_000, since=10_000)]}


def test_who_was_offered_at_once_or_came_back_to_the_queue_did_not_wait_for_a_free_agent() -> None:
    routing = Routing()
    came(routing, "bob", 0)
    entered(routing, "c1", 1)
    routing.accept(*offer_of(routing, "bob"), "bob", 15_000)
    routing.set_status("bob", "away", 16_000)
    routing.sync(Wanted("c1", 2, 1, "queued", "move"), 20_000)
    routing.set_status("bob", "available", 90_000)
    routing.accept(*offer_of(routing, "bob"), "bob", 95_000)
    assert routing.handed == {"move": [HandOver(at=15_000, since=15_000), HandOver(at=95_000, since=95_000)]}


# --- the script against the rules -------------------------------------------------------------------------------

conversation_names = st.sampled_from(CONVERSATIONS)
agent_names = st.sampled_from(tuple(AGENTS))
steps = st.lists(
    st.one_of(
        st.tuples(st.just("queued"), conversation_names, st.sampled_from(PURPOSES), st.integers(3, 6), st.booleans()),
        st.tuples(st.just("none"), conversation_names),
        st.tuples(st.just("stale"), conversation_names),
        st.tuples(st.just("requeue"), conversation_names, st.booleans()),
        st.tuples(st.just("arrive"), agent_names, st.sampled_from(CONNS)),
        st.tuples(st.just("leave"), agent_names, st.sampled_from(CONNS)),
        st.tuples(st.just("status"), agent_names, st.sampled_from(("available", "available", "away"))),
        st.tuples(st.just("accept"), agent_names),
        st.tuples(st.just("decline"), agent_names),
        st.tuples(st.just("accept_foreign"), agent_names, conversation_names),
        st.tuples(st.just("hear"), conversation_names),
        st.tuples(st.just("wait"), st.sampled_from((1, 1_000, OFFER_TIMEOUT, LEASE, DECLINE_PAUSE, 3 * DECLINE_PAUSE))),
    ),
    max_size=60,
)


class Both:
    """Drives the rules and the script side by side and compares everything after each step."""

    def __init__(self, store: RoutingStore) -> None:
        self.rules = Rules()
        self.store = store
        self.now = 1_800_000_000_000

    @property
    def routing(self) -> Routing:
        return self.rules.routing

    async def step(self, step: tuple[object, ...]) -> None:
        self.now += 1
        name, *rest = step
        await getattr(self, f"do_{name}")(*rest)
        await self.compare()
        self.check_promises()

    async def _sync(self, wanted: Wanted) -> None:
        self.routing.sync(wanted, self.now)
        await self.store.sync(wanted, channel="chat", language="nl", now=self.now)

    async def do_queued(self, conversation: str, purpose: str, priority: int, present: bool) -> None:
        entry = self.routing.entries.get(conversation)
        if entry is not None:
            purpose, priority = entry.purpose, entry.priority
        await self._sync(self.rules.wanted(conversation, "queued", purpose, priority, present=present, now=self.now))

    async def do_none(self, conversation: str) -> None:
        await self._sync(self.rules.wanted(conversation, "none", "", 5, present=False, now=self.now))

    async def do_stale(self, conversation: str) -> None:
        version = self.rules.versions.get(conversation, 0)
        await self._sync(Wanted(conversation, max(version - 1, 0), 0, "queued", "move", entered_at=self.now))

    async def do_requeue(self, conversation: str, present: bool) -> None:
        """What a conversation says when it has lost its agent."""
        entry = self.routing.entries.get(conversation)
        if entry is None or entry.state != "assigned":
            return
        self.rules.generations[conversation] = entry.generation
        wanted = self.rules.wanted(conversation, "queued", entry.purpose, entry.priority, present=present, now=self.now)
        await self._sync(wanted)

    async def do_arrive(self, agent: str, conn: str) -> None:
        purposes, capacity = AGENTS[agent]
        lease = self.now + LEASE
        ours = self.routing.arrive(Agent(agent, purposes, capacity, conn=conn, lease=lease, present=True), self.now)
        theirs = await self.store.act(
            "arrive", self.now, id=agent, name=agent, purposes=purposes, capacity=capacity, conn=conn, lease=lease
        )
        assert ours == bool(theirs)

    async def do_leave(self, agent: str, conn: str) -> None:
        ours = self.routing.lease(agent, conn, self.now)
        theirs = await self.store.act("lease", self.now, id=agent, conn=conn, lease=self.now)
        assert ours == bool(theirs)
        await self._sweep()

    async def do_status(self, agent: str, status: str) -> None:
        ours = self.routing.set_status(agent, status, self.now)  # type: ignore[arg-type]  # drawn from the two words
        assert ours == bool(await self.store.act("set_status", self.now, agent=agent, status=status))

    async def do_accept(self, agent: str) -> None:
        known = self.routing.agents.get(agent)
        if known is not None and known.offered is not None:
            await self._answer(agent, known.offered, accept=True)

    async def do_decline(self, agent: str) -> None:
        known = self.routing.agents.get(agent)
        if known is not None and known.offered is not None:
            await self._answer(agent, known.offered, accept=False)

    async def do_accept_foreign(self, agent: str, conversation: str) -> None:
        await self._answer(agent, conversation, accept=True)

    async def _answer(self, agent: str, conversation: str, *, accept: bool) -> None:
        entry = self.routing.entries.get(conversation)
        offer = (entry.offer if entry is not None else None) or 0
        rules = self.routing.accept if accept else self.routing.decline
        script = self.store.accept if accept else self.store.decline
        assert rules(conversation, offer, agent, self.now) == await script(conversation, offer, agent, self.now)

    async def do_hear(self, conversation: str) -> None:
        """The conversation follows: from now on it speaks under that generation."""
        raw = await self.store.unheard(conversation)
        if raw is not None:
            heard = self.routing.outbox[conversation]
            self.rules.generations[conversation] = heard.generation
            self.routing.confirm(conversation, heard)
            await self.store.confirm(conversation, raw)

    async def do_wait(self, duration: int) -> None:
        self.now += duration
        await self._sweep()

    async def _sweep(self) -> None:
        self.routing.sweep(self.now)
        await self.store.sweep(limit=1000, now=self.now)

    async def compare(self) -> None:
        snapshot = await self.store.snapshot()
        entries = {
            name: (
                e.purpose,
                e.priority,
                e.arrival,
                e.generation,
                e.version,
                e.state,
                e.present,
                e.agent,
                e.offer,
                e.until_,
                e.declined,
            )
            for name, e in snapshot.entries.items()
        }
        assert entries == {
            name: (
                e.purpose,
                e.priority,
                e.arrival,
                e.generation,
                e.version,
                e.state,
                e.present,
                e.agent,
                e.offer,
                e.until,
                e.declined,
            )
            for name, e in self.routing.entries.items()
        }
        agents = {
            name: (a.status, a.conn, a.lease, a.present, a.idle_since, a.misses, a.offered, a.load, a.capacity)
            for name, a in snapshot.agents.items()
        }
        assert agents == {
            name: (a.status, a.conn, a.lease, a.present, a.idle_since, a.misses, a.offered, len(a.held), a.capacity)
            for name, a in self.routing.agents.items()
        }
        heard = {name: decode_assignment(raw) for name, raw in (await self.store.outbox()).items()}
        assert {name: Assignment(a.agent, a.generation, a.present) for name, a in heard.items()} == self.routing.outbox
        for purpose in PURPOSES:
            assert await self.store.hand_overs(purpose) == self.routing.handed.get(purpose, [])

    def check_promises(self) -> None:
        entries, agents = self.routing.entries.values(), self.routing.agents.values()
        holders = [conversation for agent in agents for conversation in agent.held]
        assert len(holders) == len(set(holders)), "two agents have one conversation"
        assert {e.conversation for e in entries if e.state == "assigned"} == set(holders)
        for agent in agents:
            assert len(agent.held) + (agent.offered is not None) <= agent.capacity
            if agent.offered is not None:
                assert self.routing.entries[agent.offered].agent == agent.id
        for entry in entries:
            if entry.state == "waiting":
                free = [a for a in agents if a.ready and entry.purpose in a.purposes]
                assert all(entry.declined.get(a.id, 0) > self.now for a in free), "waits beside somebody who is free"


@settings(max_examples=examples(150), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=steps)
def test_the_script_and_the_rules_agree_after_every_step(redis_url: str, steps: list[tuple[object, ...]]) -> None:
    async def drive() -> None:
        from idcontact.redis import connect

        redis = connect(redis_url)
        try:
            await redis.flushdb()
            both = Both(RoutingStore(redis, "idc"))
            for step in steps:
                await both.step(step)
        finally:
            await redis.aclose()

    asyncio.run(drive())


@pytest.fixture
def store(redis: Redis) -> RoutingStore:
    return RoutingStore(redis, "idc")


async def test_an_act_publishes_what_it_changed_under_the_next_version(store: RoutingStore) -> None:
    before = (await store.snapshot()).version
    await store.sync(replace(Wanted("c1", 1, 0, "queued", "move"), entered_at=5), channel="chat", language="nl")
    after = await store.snapshot()
    assert after.version == before + 1
    assert after.entries["c1"].state == "waiting"


async def test_no_more_hand_overs_are_remembered_than_are_looked_at_and_none_for_ever(
    store: RoutingStore, redis: Redis
) -> None:
    agent = {
        "id": "bob",
        "name": "Bob",
        "purposes": ["move"],
        "capacity": HAND_OVERS + 5,
        "conn": "k",
        "lease": 2 * 10**12,
    }
    await store.act("arrive", **agent)
    await store.act("set_status", agent="bob", status="available")
    for number in range(HAND_OVERS + 5):
        await store.sync(Wanted(f"c{number}", 1, 0, "queued", "move"), channel="chat", language="nl")
        entry = await store.entry(f"c{number}")
        assert entry is not None
        assert entry.offer is not None
        assert await store.accept(entry.conversation, entry.offer, "bob")
    assert len(await store.hand_overs("move")) == HAND_OVERS
    assert 0 < await redis.pttl(f"{store.root}handed:move") <= 3_600_000
    remembered: list[bytes] = await redis.lrange(f"{store.root}handed:move", 0, -1)  # type: ignore[assignment]
    assert all(record.replace(b" ", b"").isdigit() for record in remembered)
