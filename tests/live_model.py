"""The plain rules beside the real scripts: what each effect on the store must have done, step by step.

The stores of a node are watched: whenever a script has run, the model does the same by `decide` and `Routing`, and
complains where they differ. A node may be killed before or after any call to the store, or be overtaken there by
another; the scripts' clock is the test's.
"""

from __future__ import annotations

import dataclasses
import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace
from redis.asyncio import Redis

from idcontact.cluster_client import ClusterRedis
from idcontact.live.conversation import deadlines, decide, wanted
from idcontact.live.conversation_state import Conversation, Phase, Rules
from idcontact.live.conversations import Conversations
from idcontact.live.happenings import Connected, DeadlineReached, Disconnected, Happening, ResultArrived
from idcontact.live.routing import Agent, Assignment, Routing, Wanted
from idcontact.live.routing_store import RoutingStore, decode_assignment
from idcontact.live.store import ConversationStore
from idcontact.redis import connect

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from idcontact.keystore import DataKey
    from idcontact.live.conversations import Outcome
    from idcontact.live.stored import Appended, Change, Committed, Say, Stored

CLOCK = "test:clock"
"""Of each slot one, behind its tag: a script may read nothing elsewhere."""
MINUTE = 60_000


@dataclass
class HandClock:
    """The store's clock, moved by hand; milliseconds."""

    now: int = 1_800_000_000_000


class NodeKilled(BaseException):
    """The node is killed here. No handler of the product catches it, as none would run."""


@dataclass
class Interruption:
    """Between the calls that `left` counts down to: the node is killed there, or another does `meanwhile` first."""

    left: int | None = None
    meanwhile: Callable[[], Awaitable[None]] | None = None

    async def pass_by(self) -> None:
        if self.left is None:
            return
        if self.left > 0:
            self.left -= 1
            return
        self.left = None
        if self.meanwhile is None:
            raise NodeKilled
        other, self.meanwhile = self.meanwhile, None
        await other()


class RedisByHand(Redis):
    """A client of one server, whose scripts go by the test's clock."""

    def register_script(self, script: Any) -> Any:
        return super().register_script(by_hand(script))


class ClusterByHand(ClusterRedis):
    """One of a Cluster."""

    def register_script(self, script: Any) -> Any:
        return super().register_script(by_hand(script))


def by_hand(script: str) -> str:
    """A script that asks the test's clock."""
    return script.replace("call('TIME')", f"call('HMGET', string.match(KEYS[1], '{{.-}}') .. '{CLOCK}', 's', 'us')")


def client_by_hand(url: str) -> Redis:
    """A client of what is there, whose scripts go by the test's clock."""
    known = connect(url)
    if isinstance(known, ClusterRedis):
        return ClusterByHand(known.masters)
    return RedisByHand.from_pool(known.connection_pool)


class WatchedStore(ConversationStore):
    """Tells the model of every effect on a conversation. Each method is one call to the store."""

    def __init__(self, model: Model, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._model = model
        self._append.source = by_hand(self._append.source)
        self._append.sha = hashlib.sha1(self._append.source.encode(), usedforsecurity=False).hexdigest()

    async def now(self) -> int:
        return self._model.clock.now

    async def load(self, conversation: str) -> Stored:
        await self._model.interruption.pass_by()
        stored = await super().load(conversation)
        return dataclasses.replace(stored, now=self._model.clock.now)

    async def create(self, state: Conversation, due: dict[str, int], secret_hashes: dict[str, str]) -> DataKey:
        key = await super().create(state, due, secret_hashes)
        self._model.created(state)
        await self._model.interruption.pass_by()
        return key

    async def commit(self, before: Stored, change: Change) -> Committed:
        await self._model.interruption.pass_by()
        committed = await super().commit(before, change)
        self._model.committed(before, change, committed)
        await self._model.interruption.pass_by()
        return committed

    async def append(self, said: Say) -> Appended:
        appended = await super().append(said)
        self._model.appended(said, appended)
        await self._model.interruption.pass_by()
        return appended

    async def told(self, conversation: str, version: int) -> None:
        await self._model.interruption.pass_by()
        await super().told(conversation, version)
        self._model.told(conversation, version)
        await self._model.interruption.pass_by()


class WatchedRouting(RoutingStore):
    """Tells the model of every act."""

    def __init__(self, model: Model, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._model = model

    async def act(self, name: str, now: int = 0, /, **args: object) -> int:
        await self._model.interruption.pass_by()
        answer = await super().act(name, now, **args)
        self._model.acted(name, args, answer)
        await self._model.interruption.pass_by()
        return answer


class WatchedConversations(Conversations):
    """Tells the model what is under way: what a commit commits has to follow from it."""

    def __init__(self, model: Model, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._model = model

    async def happen(self, conversation: str, happening: Happening, **named: Any) -> Outcome:
        self._model.under_way.append(happening)
        try:
            return await super().happen(conversation, happening, **named)
        finally:
            self._model.under_way.pop()


@dataclass
class Told:
    """One conversation, by the rules."""

    state: Conversation
    due: dict[str, int]
    log: dict[str, list[str]] = field(default_factory=lambda: {"public": [], "staff": []})
    answers: dict[str, int] = field(default_factory=dict)
    """The seq that each command was answered with."""
    activity: int = 0
    has_attributes: bool = False
    entered_at: int | None = None


class Model:
    """What there is by the rules alone. `wrong` is where the store came to something else."""

    def __init__(self, clock: HandClock, rules: Callable[[str], Rules]) -> None:
        self.clock, self.rules = clock, rules
        self.interruption = Interruption()
        self.under_way: list[Happening] = []
        self.conversations: dict[str, Told] = {}
        self.untold: set[str] = set()
        self.routing = Routing()
        self.wrong: list[str] = []

    def holds(self, what: str, *, found: object, expected: object) -> None:
        if found != expected:
            self.wrong.append(f"{what}: the store has {found!r}, by the rules it is {expected!r}")

    # --- effects on conversations ---------------------------------------------------------------------------------

    def created(self, state: Conversation) -> None:
        self.conversations[state.id] = Told(state, deadlines(state, self.rules(state.purpose), 0))

    def committed(self, before: Stored, change: Change, committed: Committed) -> None:
        """A commit has run: it did what `decide` says, or it was refused with good reason."""
        conversation = before.state.id
        known = self.conversations.get(conversation)
        match committed.outcome:
            case "gone":
                self.holds("a conversation that is gone", found=known, expected=None)
            case "again":
                assert known is not None
                self.holds("an answer", found=committed.seq, expected=known.answers.get(change.command or ""))
            case "lost":
                assert known is not None
                stale = (before.state.version, before.last_activity) != (known.state.version, known.activity)
                self.holds("a race that was lost", found=stale, expected=True)
            case "claimed":
                assert known is not None
                assert change.claim is not None
                kind, at = change.claim
                self.holds("a deadline that was claimed before", found=known.due.get(kind) == at, expected=False)
            case "ok":
                assert known is not None
                self._done(known, change, committed)

    def _done(self, known: Told, change: Change, committed: Committed) -> None:
        happening = self.under_way[-1]
        if isinstance(happening, DeadlineReached):
            happening = DeadlineReached(happening.kind, known.activity)
        state, rules, now = known.state, self.rules(known.state.purpose), self.clock.now
        decision = decide(state, happening, now, rules)
        after = replace(decision.state, version=state.version + 1)
        self.holds("a version", found=committed.version, expected=after.version)
        self.holds(f"after {happening}", found=replace(change.state, version=after.version), expected=after)
        known.state = after
        for said in decision.said:
            known.log[said.log].append(said.kind)
        if change.command is not None:
            known.answers[change.command] = committed.seq
        if isinstance(happening, ResultArrived):
            known.has_attributes = change.attributes is not None
        known.has_attributes = known.has_attributes and not decision.forget_attributes
        lease = _lease(happening, state, known.due.get("lease"), now + rules.lease)
        known.due = deadlines(after, rules, known.activity)
        if lease is not None:
            known.due["lease"] = lease
        if _wants(state) != _wants(after):
            self.untold.add(after.id)
        if after.phase is Phase.PURGED:
            del self.conversations[after.id]

    def appended(self, said: Say, appended: Appended) -> None:
        known = self.conversations[said.conversation]
        name = f"{said.who}|{said.part}|{said.command}"
        if appended.again:
            self.holds("an answer", found=appended.seq, expected=known.answers.get(name))
            return
        mine = known.state.agent is not None and known.state.agent.id == said.part
        allowed = known.state.phase is Phase.ACTIVE and (said.who == "end_user" or mine)
        self.holds("a message was taken", found=True, expected=allowed)
        known.log["public"].append(f"message {said.command}")
        known.answers[name] = len(known.log["public"])
        self.holds("a seq", found=appended.seq, expected=len(known.log["public"]))
        known.activity = self.clock.now

    def told(self, conversation: str, version: int) -> None:
        known = self.conversations.get(conversation)
        if known is None or known.state.version <= version:
            self.untold.discard(conversation)

    # --- acts of routing ------------------------------------------------------------------------------------------

    def acted(self, name: str, args: dict[str, Any], answer: int) -> None:
        """An act has run: the rules do the same, and come to the same answer."""
        now, routing = self.clock.now, self.routing
        match name:
            case "sync":
                self._synced(args)
            case "arrive":
                agent = Agent(args["id"], args["purposes"], args["capacity"], conn=args["conn"], lease=args["lease"])
                self.holds("arrival", found=bool(answer), expected=routing.arrive(_at_the_console(agent), now))
            case "lease":
                self.holds("lease", found=bool(answer), expected=routing.lease(args["id"], args["conn"], args["lease"]))
            case "set_status":
                expected = routing.set_status(args["agent"], args["status"], now)
                self.holds("status", found=bool(answer), expected=expected)
            case "accept" | "decline":
                rule = routing.accept if name == "accept" else routing.decline
                expected = rule(args["conversation"], args["offer"], args["agent"], now)
                self.holds(name, found=bool(answer), expected=expected)
            case "sweep":
                routing.sweep(now)
            case "confirm":
                word = decode_assignment(args["heard"].encode())
                routing.confirm(args["conversation"], Assignment(word.agent, word.generation, word.present))

    def _synced(self, args: dict[str, Any]) -> None:
        told = Wanted(**{name: value for name, value in args.items() if name not in {"channel", "language"}})
        known = self.conversations.get(told.conversation)
        if known is None:
            self.holds("what is gone wants of routing", found=told.want, expected="none")
        elif known.state.version == told.version:
            self.holds("what a conversation wants of routing", found=told, expected=wanted(known.state))
        self.routing.sync(told, self.clock.now)

    # --- what is promised -----------------------------------------------------------------------------------------

    def broken_promises(self) -> list[str]:
        """At any moment, whatever was interrupted."""
        found = []
        entries, agents = self.routing.entries, self.routing.agents
        held = [conversation for agent in agents.values() for conversation in agent.held]
        if len(held) != len(set(held)):
            found.append("two agents have one conversation")
        for agent in agents.values():
            if len(agent.held) + (agent.offered is not None) > agent.capacity:
                found.append(f"{agent.id} has more than they can take")
            if agent.offered is not None and entries[agent.offered].agent != agent.id:
                found.append(f"{agent.id} was offered what is another's")
        for known in self.conversations.values():
            entered = known.state.entered_at
            if known.entered_at is not None and entered != known.entered_at:
                found.append("a conversation lost its place in the queue")
            known.entered_at = entered
        return found

    def unfinished(self) -> list[str]:
        """What must not be left when all has been swept: nobody is forgotten, and both slots agree."""
        now, entries = self.clock.now, self.routing.entries
        found = [f"routing has yet to hear of {one}" for one in self.untold]
        found += [f"{one} has yet to hear of its agent" for one in self.routing.outbox]
        for name, known in self.conversations.items():
            found += [f"{kind} of {name} is overdue" for kind, at in known.due.items() if at <= now]
            entry, state = entries.get(name), known.state
            place = None if entry is None else (entry.state == "assigned", entry.agent if entry.offer is None else None)
            expected: tuple[bool, str | None] | None = None
            if state.phase is Phase.WAITING:
                expected = (False, None)
            elif state.phase in {Phase.ACTIVE, Phase.WRAPPING_UP}:
                assert state.agent is not None
                expected = (True, state.agent.id)
            if place != expected:
                found.append(f"{name} is {state.phase}, and routing has {entry}")
        found += [f"routing has {name}, and it is gone" for name in entries.keys() - self.conversations.keys()]
        for entry in entries.values():
            if entry.state == "waiting":
                free = [one for one in self.routing.agents.values() if one.ready and entry.purpose in one.purposes]
                if any(entry.declined.get(one.id, 0) <= now for one in free):
                    found.append(f"{entry.conversation} waits beside somebody who is free")
        return found


def _lease(happening: Happening, state: Conversation, kept: int | None, renewed: int) -> int | None:
    """Until when the end user is known to be there."""
    match happening:
        case Connected():
            return renewed
        case Disconnected(conn) if conn == state.conn:
            return None
        case DeadlineReached("lease"):
            return None
    return kept


def _at_the_console(agent: Agent) -> Agent:
    """As a console arrives: it is there."""
    return dataclasses.replace(agent, present=True)


def _wants(state: Conversation) -> tuple[str, int, bool]:
    it = wanted(state)
    return (it.want, it.generation, it.present)
