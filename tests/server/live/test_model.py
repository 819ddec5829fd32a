"""The scripts on a real server and the plain rules, side by side, through any order of steps, kills and overtakings.

Always: the store is what the rules say, versions and `seq` are without holes, nobody has two agents or more than they
can take, no place in the queue is lost. And when all has been swept, nobody is forgotten.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, rule, run_state_machine_as_test

from idcontact.live import deadlines
from idcontact.live import messages as m
from idcontact.live.conversation_state import Auth, AuthStatus, Conversation, Phase
from idcontact.live.frames import encode
from idcontact.live.happenings import (
    CalledOff,
    Connected,
    Disconnected,
    Ended,
    Landed,
    ResultArrived,
    WentOnUnverified,
    WrapUpDone,
)
from idcontact.live.keys import context, hashed
from idcontact.live.routing import OFFER_TIMEOUT
from idcontact.live.stored import Say
from live_model import MINUTE
from live_side_by_side import LEASE, SideBySide, id_of
from searching import examples

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from clusters import Cluster
    from live_side_by_side import Interrupted

PURPOSES: Final = ("move", "tax")
AGENTS: Final = {"ann": (["move", "tax"], 2), "bob": (["move"], 1), "cor": (["tax"], 3)}
MOST: Final = 5
"""Conversations at once."""
GIVEN: Final = Auth(AuthStatus.GIVEN, "test", at=1, tags=("fullname",), digest="d")
WAITS: Final = (1_000, OFFER_TIMEOUT, LEASE, MINUTE, 2 * MINUTE, 5 * MINUTE, 11 * MINUTE, 16 * MINUTE, 61 * MINUTE)
HAPPENINGS: Final = {
    "somebody_starts": 2,
    "somebody_comes_all_the_way": 3,
    "a_result_arrives": 2,
    "the_end_user_lands": 2,
    "it_goes_on_unverified_or_is_called_off": 1,
    "the_end_user_connects": 2,
    "the_end_user_disconnects": 2,
    "an_agent_arrives": 3,
    "a_console_is_lost": 1,
    "an_agent_accepts": 6,
    "an_agent_declines": 1,
    "somebody_says_something": 4,
    "somebody_ends_it": 3,
    "the_agent_finishes": 2,
    "a_command_is_sent_again": 2,
    "time_goes_by": 4,
    "all_is_swept": 1,
}
"""What may happen, and how often beside the others."""

interruptions = st.one_of(
    st.none(), st.tuples(st.sampled_from(("kill", "kill", "end", "leave", "sweep", "accept")), st.integers(0, 7))
)


class Conversing(SideBySide):
    """People, agents and nodes, in any order."""

    @initialize(purposes=st.lists(st.sampled_from(PURPOSES), min_size=1, max_size=3))
    def some_are_there_already(self, purposes: list[str]) -> None:
        for purpose in purposes:
            self.somebody_comes_all_the_way(PURPOSES.index(purpose), True, None)
        for agent in range(2):
            self.an_agent_arrives(agent, True, None)

    @rule(
        what=st.sampled_from([name for name, weight in HAPPENINGS.items() for _ in range(weight)]),
        which=st.integers(0, 11),
        yes=st.booleans(),
        interruption=interruptions,
    )
    def it_happens(self, what: str, which: int, yes: bool, interruption: Interrupted) -> None:
        """One rule for all: of many, hypothesis leaves whole kinds out of each example, and too little comes about."""
        getattr(self, what)(which, yes, interruption)

    def somebody_starts(self, which: int, yes: bool, _interruption: Interrupted) -> None:
        if len(self.model.conversations) >= MOST:
            return
        self.count += 1
        state = Conversation(
            id=id_of(self.count),
            purpose=PURPOSES[which % 2],
            channel="chat",
            language="nl",
            created_at=self.clock.now,
            auth=Auth(AuthStatus.PENDING if yes else AuthStatus.NONE),
        )
        self.step(lambda: self.live.start(state, {"ticket": hashed("t"), "attr": hashed("a")}))

    def somebody_comes_all_the_way(self, which: int, yes: bool, interruption: Interrupted) -> None:
        if len(self.model.conversations) >= MOST:
            return
        self.somebody_starts(which, yes, None)
        name = list(self.model.conversations)[-1]
        if yes:
            self.step(partial(self.live.happen, name, ResultArrived(GIVEN), attributes=b'{"fullname":"x"}'))
        self.step(partial(self.live.happen, name, Connected("s1")))
        self.step(partial(self.live.happen, name, Landed(same_browser=True)), interruption)

    def a_result_arrives(self, which: int, yes: bool, interruption: Interrupted) -> None:
        attributes = b'{"fullname":"x"}' if yes else None
        self.happens(
            which, ResultArrived(GIVEN if yes else Auth(AuthStatus.FAILED)), interruption, attributes=attributes
        )

    def the_end_user_lands(self, which: int, _yes: bool, interruption: Interrupted) -> None:
        self.happens(which, Landed(same_browser=True), interruption)

    def it_goes_on_unverified_or_is_called_off(self, which: int, yes: bool, interruption: Interrupted) -> None:
        self.happens(which, WentOnUnverified() if yes else CalledOff(), interruption)

    def the_end_user_connects(self, which: int, yes: bool, interruption: Interrupted) -> None:
        self.happens(which, Connected("s1" if yes else "s2"), interruption, Phase.WAITING)

    def the_end_user_disconnects(self, which: int, yes: bool, interruption: Interrupted) -> None:
        self.happens(which, Disconnected("s1" if yes else "s2"), interruption, Phase.ACTIVE if yes else Phase.WAITING)

    def an_agent_arrives(self, which: int, yes: bool, interruption: Interrupted) -> None:
        agent = list(AGENTS)[which % len(AGENTS)]
        purposes, capacity = AGENTS[agent]
        conn, lease = f"k{which}", self.clock.now + LEASE

        async def arrive() -> None:
            await self.routing.act(
                "arrive", id=agent, name=agent, purposes=purposes, capacity=capacity, conn=conn, lease=lease
            )
            await self.routing.act("set_status", agent=agent, status="available" if yes or which < 3 else "away")

        self.step(arrive, interruption)

    def a_console_is_lost(self, which: int, _yes: bool, interruption: Interrupted) -> None:
        agent = list(AGENTS)[which % len(AGENTS)]
        known = self.model.routing.agents.get(agent)
        if known is not None:
            lost = partial(self.routing.act, "lease", id=agent, conn=known.conn, lease=self.clock.now)
            self.step(lost, interruption)

    def an_agent_accepts(self, which: int, yes: bool, interruption: Interrupted) -> None:
        """And the conversation hears it at once, or whenever somebody sweeps."""

        async def accept(conversation: str, offer: int, agent: str) -> None:
            if await self.routing.accept(conversation, offer, agent) and yes:
                raw = await self.routing.unheard(conversation)
                if raw is not None:
                    await self.live.hear(conversation, raw)

        self._answer(which, accept, interruption)

    def an_agent_declines(self, which: int, _yes: bool, interruption: Interrupted) -> None:
        self._answer(which, self.routing.decline, interruption)

    def _answer(self, which: int, answer: Callable[[str, int, str], Awaitable[object]], how: Interrupted) -> None:
        offered = [entry for entry in self.model.routing.entries.values() if entry.offer is not None]
        if offered:
            entry = offered[which % len(offered)]
            self.step(partial(answer, entry.conversation, entry.offer or 0, entry.agent or ""), how)

    def somebody_says_something(self, which: int, yes: bool, interruption: Interrupted) -> None:
        name = self.conversation(which, Phase.ACTIVE)
        if name is None:
            return
        self.count += 1
        command = f"m{self.count}"
        agent = self.model.conversations[name].state.agent
        side: m.Sender = "end_user" if yes else "agent"
        part = "" if yes else "bob" if which == 11 or agent is None else agent.id

        async def say() -> None:
            stored = await self.store.load(name)
            frame = m.MessageEvent(
                conversation=name, log="public", log_id="l", seq=0, at=0, by=side, text="x", command=command
            )
            sealed = stored.key.seal(encode(frame), context(name, "public"))
            await self.store.append(Say(name, side, part, command, sealed, "n"))

        self.commands.append(say)
        self.step(say, interruption)

    def somebody_ends_it(self, which: int, yes: bool, interruption: Interrupted) -> None:
        name = self.conversation(which, Phase.ACTIVE, Phase.WAITING)
        if name is None:
            return
        self.count += 1
        agent = self.model.conversations[name].state.agent
        ended = Ended("end_user") if yes or agent is None else Ended("agent", "bob" if which == 11 else agent.id)
        end = partial(self.live.happen, name, ended, command=f"e{self.count}")
        self.commands.append(end)
        self.step(end, interruption)

    def the_agent_finishes(self, which: int, _yes: bool, interruption: Interrupted) -> None:
        name = self.conversation(which, Phase.WRAPPING_UP)
        agent = None if name is None else self.model.conversations[name].state.agent
        if name is not None and agent is not None:
            self.step(partial(self.live.happen, name, WrapUpDone(agent.id)), interruption)

    def a_command_is_sent_again(self, which: int, _yes: bool, interruption: Interrupted) -> None:
        if self.commands:
            self.step(self.commands[-1 - which % len(self.commands)], interruption)

    def time_goes_by(self, which: int, _yes: bool, interruption: Interrupted) -> None:
        self.clock.now += WAITS[which % len(WAITS)]
        self.step(self.sweeper.once, interruption)

    def all_is_swept(self, _which: int, _yes: bool, _interruption: Interrupted) -> None:
        self.wait(self.swept())


@pytest.fixture(autouse=True)
def one_thing_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """A sweep does many at a time: of those that a kill cancels in mid-call, the model would not know the end."""
    monkeypatch.setattr(deadlines, "AT_ONCE", 1)


@pytest.mark.hypothesis
def test_the_scripts_and_the_rules_are_one_through_kills_and_overtakings(redis_url: str) -> None:
    side_by_side(redis_url, 40)


@pytest.mark.hypothesis
def test_they_are_one_on_a_cluster_too(cluster: Cluster) -> None:
    side_by_side(cluster.url, 10)


def side_by_side(redis_url: str, usual: int) -> None:
    class Here(Conversing):
        pass

    Here.redis_url = redis_url
    run_state_machine_as_test(
        Here,
        settings=settings(
            max_examples=examples(usual), stateful_step_count=30, suppress_health_check=list(HealthCheck)
        ),
    )
