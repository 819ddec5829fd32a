"""Scripts and rules side by side: a node on a real server, and after each step the comparison of everything."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec
from hypothesis.stateful import RuleBasedStateMachine
from msgspec.structs import replace

from idcontact.errors import IdContactError
from idcontact.keystore import DirectoryKeyStore
from idcontact.live.conversation_state import Conversation, Phase, Rules
from idcontact.live.deadlines import Sweeper
from idcontact.live.happenings import Disconnected, Ended
from idcontact.live.keys import KINDS, context, keys_of
from idcontact.live.labels import Labels
from idcontact.live.routing import Assignment
from idcontact.live.routing_store import decode_assignment
from idcontact.pipes import line_to
from live_model import (
    CLOCK,
    MINUTE,
    HandClock,
    Model,
    NodeKilled,
    WatchedConversations,
    WatchedRouting,
    WatchedStore,
    client_by_hand,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine

    from redis.typing import EncodableT, FieldT

    from idcontact.keystore import DataKey
    from idcontact.live.happenings import Happening
    from idcontact.live.keys import LogName

    Step = Callable[[], Awaitable[object]]
    Interrupted = tuple[str, int] | None
    Events = list[tuple[bytes, dict[bytes, bytes]]]

LEASE: Final = 45_000
_DEADLINES: Final = (*KINDS, "lease")


def rules_of(purpose: str) -> Rules:
    """Those of `tax` let people go on who did not identify."""
    return Rules(unverified=purpose == "tax", hard_limit=40 * MINUTE, lease=LEASE)


def id_of(number: int) -> str:
    """The id of a conversation that is the test's `number`th thing."""
    return f"c{number:025}".translate(str.maketrans("0189", "xyzw"))


class SideBySide(RuleBasedStateMachine):
    """See the module; what happens is for the tests."""

    redis_url: str

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.Runner()
        self.folder = Path(tempfile.mkdtemp(prefix="idc-keys-"))
        self.clock = HandClock()
        self.model = Model(self.clock, rules_of)
        self.commands: list[Step] = []
        self.count = 0
        self.tags = {"{routing}"}
        self.wait(self._set_up())

    async def _set_up(self) -> None:
        self.redis = client_by_hand(self.redis_url)
        await self.redis.flushall()
        await self._set_clock()
        self.keystore = DirectoryKeyStore(self.folder)
        self.store = WatchedStore(
            self.model, self.redis, lambda scripts: line_to(self.redis, scripts), self.keystore, "idc"
        )
        self.routing = WatchedRouting(self.model, self.redis, "idc")
        self.live = WatchedConversations(self.model, self.store, self.routing, rules_of, Labels({}, {}, {}))
        self.sweeper = Sweeper(self.live, self._renew)
        self._pipe = asyncio.create_task(self.store.pipe.run())
        await self.store.settle()

    async def _renew(self) -> None:
        """This node has no sockets."""

    async def _set_clock(self) -> None:
        """In the slot of each conversation that there was, is, or is about to be, and in that of routing."""
        self.tags.add(keys_of(id_of(self.count), "idc").tag)
        clock: dict[FieldT, EncodableT] = {"s": self.clock.now // 1000, "us": self.clock.now % 1000 * 1000}
        async with self.redis.pipeline(transaction=False) as pipeline:
            for tag in self.tags:
                pipeline.hset(f"{tag}{CLOCK}", mapping=clock)
            await pipeline.execute()

    def wait(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self.loop.run(work)

    def teardown(self) -> None:
        try:
            self.wait(self.swept())
        finally:
            self.wait(self._tear_down())
            self.loop.close()
            self.keystore.close()
            shutil.rmtree(self.folder)

    async def _tear_down(self) -> None:
        self._pipe.cancel()
        await asyncio.gather(self._pipe, return_exceptions=True)
        await self.redis.aclose()

    # --- how a step is made -----------------------------------------------------------------------------------------

    def step(self, work: Step, interruption: Interrupted = None) -> None:
        """One step, on a node that may be killed in it or be overtaken; then everything is compared."""
        self.wait(self._step(work, interruption))

    async def _step(self, work: Step, interruption: Interrupted) -> None:
        self.clock.now += 1
        await self._set_clock()
        if interruption is not None:
            how, at = interruption
            self.model.interruption.left = at
            self.model.interruption.meanwhile = None if how == "kill" else lambda: self._meanwhile(how)
        try:
            await self._refusing(work)
        except NodeKilled:
            self.model.under_way.clear()
        self.model.interruption.left = None
        await self._compare()

    async def _refusing(self, work: Step) -> None:
        try:
            await work()
        except IdContactError:
            return  # what may be refused is in the rules; what was stored is compared

    async def _meanwhile(self, how: str) -> None:
        """Another node does something."""
        for name in list(self.model.conversations)[:2]:
            conn = self.model.conversations[name].state.conn or ""
            what = Ended("end_user") if how == "end" else Disconnected(conn)
            if how in {"end", "leave"}:
                await self._refusing(partial(self.live.happen, name, what))
        if how == "accept":
            await self._accept_whatever_is_offered()
        if how == "sweep":
            await self.sweeper.once()

    async def _accept_whatever_is_offered(self) -> None:
        for entry in list(self.model.routing.entries.values()):
            if entry.offer is not None and entry.agent is not None:
                await self.routing.accept(entry.conversation, entry.offer, entry.agent)

    def conversation(self, number: int, *phases: Phase) -> str | None:
        """One of them: in these phases, if there is one."""
        known = self.model.conversations
        names = [name for name in known if known[name].state.phase in phases] or list(known)
        return names[number % len(names)] if names else None

    def happens(
        self,
        number: int,
        happening: Happening,
        interruption: Interrupted = None,
        phase: Phase = Phase.PREPARING,
        attributes: bytes | None = None,
    ) -> None:
        """To one in this phase, if there is one."""
        name = self.conversation(number, phase)
        if name is not None:
            self.step(partial(self.live.happen, name, happening, attributes=attributes), interruption)

    async def swept(self) -> None:
        """Whatever was interrupted is finished by whoever sweeps next."""
        for _ in range(2):
            await self._step(self.sweeper.once, None)
        assert self.model.unfinished() == []

    # --- the comparison ---------------------------------------------------------------------------------------------

    async def _compare(self) -> None:
        assert self.model.wrong == []
        assert self.model.broken_promises() == []
        async with self.redis.pipeline(transaction=False) as pipeline:
            for name in self.model.conversations:
                keys = self.store.keys(name)
                pipeline.hgetall(keys.hash)
                pipeline.xrange(keys.log("public"))
                pipeline.xrange(keys.log("staff"))
                pipeline.zmscore(keys.due, [f"{kind}|{name}" for kind in _DEADLINES])
                pipeline.sismember(keys.untold, name)
            answers = await pipeline.execute()
        for number, name in enumerate(self.model.conversations):
            self._compare_conversation(name, *answers[5 * number : 5 * number + 5])
        await self._compare_routing()

    def _compare_conversation(
        self, name: str, kept: dict[bytes, bytes], public: Events, staff: Events, due: list[float | None], untold: int
    ) -> None:
        known = self.model.conversations[name]
        key = self.keystore.unwrap(kept[b"key"])
        state = msgspec.msgpack.decode(key.open(kept[b"state"], context(name, "state")), type=Conversation)
        assert replace(state, version=int(kept[b"version"])) == known.state
        assert (kept[b"phase"].decode(), b"attributes" in kept) == (known.state.phase, known.has_attributes)
        assert _kinds(name, "public", public, key) == known.log["public"]
        assert _kinds(name, "staff", staff, key) == known.log["staff"]
        assert [int(kept[b"seq_public"]), int(kept[b"seq_staff"])] == [len(public), len(staff)]
        assert {kind: int(at) for kind, at in zip(_DEADLINES, due, strict=True) if at is not None} == known.due
        assert bool(untold) == (name in self.model.untold)

    async def _compare_routing(self) -> None:
        snapshot, rules = await self.routing.snapshot(), self.model.routing
        assert {
            name: (
                e.purpose,
                e.arrival,
                e.entered_at,
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
        } == {
            name: (
                e.purpose,
                e.arrival,
                e.entered_at,
                e.generation,
                e.version,
                e.state,
                e.present,
                e.agent,
                e.offer,
                e.until,
                e.declined,
            )
            for name, e in rules.entries.items()
        }
        assert {
            name: (a.status, a.conn, a.lease, a.present, a.idle_since, a.misses, a.offered, a.load)
            for name, a in snapshot.agents.items()
        } == {
            name: (a.status, a.conn, a.lease, a.present, a.idle_since, a.misses, a.offered, len(a.held))
            for name, a in rules.agents.items()
        }
        heard = {name: decode_assignment(raw) for name, raw in (await self.routing.outbox()).items()}
        assert {name: Assignment(a.agent, a.generation, a.present) for name, a in heard.items()} == rules.outbox


def _kinds(name: str, log: LogName, events: Events, key: DataKey) -> list[str]:
    """What a log says, as the model writes it; numbered from 1 on, without holes."""
    assert [place for place, _ in events] == [f"{seq}-0".encode() for seq in range(1, len(events) + 1)]
    opened = [msgspec.json.decode(key.open(fields[b"event"], context(name, log))) for _, fields in events]
    return [f"message {one['command']}" if one["type"] == "message" else one["type"] for one in opened]
