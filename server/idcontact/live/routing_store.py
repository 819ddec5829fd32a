"""Routing in the store: the acts of `routing.lua`, and reading what it keeps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import msgspec

from idcontact.errors import Unavailable
from idcontact.live.expected_wait import HandOver
from idcontact.redis import TOO_FEW_REPLICAS, Script, reaching

if TYPE_CHECKING:
    from redis.asyncio import Redis

    from idcontact.durability import Replicas
    from idcontact.live.routing import Wanted
    from idcontact.pipe import Line
    from idcontact.redis import Took


class EntryRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One entry as `routing.lua` keeps it; the meaning is that of `routing.Entry`."""

    conversation: str
    purpose: str
    channel: str
    language: str
    priority: int
    arrival: int
    entered_at: int
    version: int
    generation: int
    state: Literal["waiting", "offered", "absent", "assigned"]
    present: bool
    agent: str | None = None
    offer: int | None = None
    until_: int | None = None
    declined: dict[str, int] = {}


class AgentRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One agent as `routing.lua` keeps it; the meaning is that of `routing.Agent`."""

    id: str
    name: str
    purposes: list[str]
    capacity: int
    status: Literal["available", "away"]
    conn: str
    lease: int
    present: bool
    idle_since: int
    misses: int
    load: int
    since: int
    offered: str | None = None


class AssignmentRecord(msgspec.Struct, frozen=True, kw_only=True):
    """What a conversation must hear; the meaning is that of `routing.Assignment`."""

    agent: str
    name: str
    generation: int
    present: bool


class OfferMade(msgspec.Struct, frozen=True):
    """An offer that an act made."""

    agent: str
    conversation: str


class OfferEnded(msgspec.Struct, frozen=True):
    """An offer that an act ended."""

    agent: str
    conversation: str
    offer: int
    reason: Literal["accepted", "declined", "lapsed", "withdrawn"]


class Replaced(msgspec.Struct, frozen=True):
    """A console that another one took over from."""

    agent: str
    conn: str


class Delta(msgspec.Struct, frozen=True, kw_only=True):
    """What one act changed, as published on the events channel."""

    version: int
    entries: list[EntryRecord] = []
    entries_gone: list[str] = []
    agents: list[AgentRecord] = []
    offers: list[OfferMade] = []
    offers_gone: list[OfferEnded] = []
    outbox: list[str] = []
    missed: list[str] = []
    replaced: Replaced | None = None


class RoutingSnapshot(msgspec.Struct, frozen=True, kw_only=True):
    """Everything at one version."""

    version: int
    entries: dict[str, EntryRecord]
    agents: dict[str, AgentRecord]


class RoutingSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Times of routing, in milliseconds; how many offers in a row may lapse, how many hand-overs are remembered."""

    offer_timeout: int = 20_000
    decline_pause: int = 60_000
    done_memory: int = 60_000
    answer_memory: int = 600_000
    return_within: int = 300_000
    misses: int = 2
    hand_over_memory: int = 3_600_000
    hand_overs: int = 60


_SNAPSHOT = """
return {
  redis.call('GET', KEYS[1] .. 'version') or '0',
  redis.call('HGETALL', KEYS[1] .. 'entries'),
  redis.call('HGETALL', KEYS[1] .. 'agents'),
}
"""
_ACKNOWLEDGED = frozenset({"accept", "decline", "set_status", "sync"})
"""The acts that an agent is told of that they are stored; and the one that is not repeated once it is."""
_entry = msgspec.json.Decoder(EntryRecord)
_agent = msgspec.json.Decoder(AgentRecord)
_assignment = msgspec.json.Decoder(AssignmentRecord)
decode_delta = msgspec.json.Decoder(Delta).decode


class RoutingStore:
    """The routing slot. Every method is one atomic step; all raise `Unavailable` while the store is away."""

    def __init__(
        self,
        redis: Redis,
        prefix: str,
        settings: RoutingSettings | None = None,
        took: Took | None = None,
        replicas: Replicas | None = None,
    ) -> None:
        self.root = f"{prefix}:{{routing}}:"
        self.channel = f"{self.root}events"
        self._redis = redis
        self._act = Script(redis, "idcontact.live", "routing.lua", took, replicas)
        self._snapshot = redis.register_script(_SNAPSHOT)
        self._settings = msgspec.json.encode(settings or RoutingSettings())

    def go_by(self, line: Line) -> None:
        """Act by a pipelined connection, while it stands."""
        self._act.go_by(line)

    async def act(self, name: str, now: int = 0, /, **args: object) -> int:
        """Run one act of `routing.lua`. `now` is for tests; 0 is the store's own clock."""
        act = self._act.acknowledged if name in _ACKNOWLEDGED else self._act
        answer = await act([self.root], [name, msgspec.json.encode(args), now, self._settings])
        return int(answer[0])

    async def sync(self, wanted: Wanted, *, channel: str, language: str, now: int = 0) -> bool:
        """Bring the entry in line with its conversation. Whether that is kept as safely as was promised."""
        try:
            await self.act("sync", now, channel=channel, language=language, **msgspec.to_builtins(wanted))
        except Unavailable as unavailable:
            if unavailable.reason != TOO_FEW_REPLICAS:
                raise
            return False  # done all the same: the queue goes on
        return True

    async def accept(self, conversation: str, offer: int, agent: str, now: int = 0, command: str | None = None) -> bool:
        """Take the offered conversation. False when this offer is not open for this agent."""
        return await self.act("accept", now, **_answer(conversation, offer, agent, command)) == 1

    async def decline(
        self, conversation: str, offer: int, agent: str, now: int = 0, command: str | None = None
    ) -> bool:
        """Leave it to somebody else. False when this offer is not open for this agent."""
        return await self.act("decline", now, **_answer(conversation, offer, agent, command)) == 1

    async def set_status(self, agent: str, status: Literal["available", "away"], command: str) -> None:
        """An agent's own word whether they take conversations."""
        await self.act("set_status", agent=agent, status=status, command=command)

    async def sweep(self, limit: int = 100, now: int = 0) -> int:
        """Claim and do what is due. Returns how many were."""
        return await self.act("sweep", now, limit=limit)

    async def first_due(self) -> int | None:
        """When the first of routing's deadlines is, milliseconds; None when there is none."""
        with reaching():
            first: list[tuple[bytes, float]] = await self._redis.zrange(  # type: ignore[assignment]
                f"{self.root}due", 0, 0, withscores=True
            )
        return int(first[0][1]) if first else None

    async def confirm(self, conversation: str, heard: bytes) -> None:
        """The conversation has heard this assignment."""
        await self.act("confirm", conversation=conversation, heard=heard.decode())

    async def snapshot(self) -> RoutingSnapshot:
        """Everything at one version."""
        with reaching():
            version, entries, agents = await self._snapshot(keys=[self.root], args=[])
        return RoutingSnapshot(version=int(version), entries=_table(entries, _entry), agents=_table(agents, _agent))

    async def agent(self, agent_id: str) -> AgentRecord | None:
        """One agent, or None when routing does not know them."""
        with reaching():
            raw = await self._redis.hget(f"{self.root}agents", agent_id)
        return None if raw is None else _agent.decode(raw)

    async def entry(self, conversation: str) -> EntryRecord | None:
        """One entry, or None."""
        with reaching():
            raw = await self._redis.hget(f"{self.root}entries", conversation)
        return None if raw is None else _entry.decode(raw)

    async def hand_overs(self, purpose: str) -> list[HandOver]:
        """The last of this queue, oldest first."""
        with reaching():
            found: list[bytes] = await self._redis.lrange(  # type: ignore[assignment]  # answers are bytes here
                f"{self.root}handed:{purpose}", 0, -1
            )
        return [HandOver(*map(int, record.split())) for record in reversed(found)]

    async def unheard(self, conversation: str) -> bytes | None:
        """The assignment that this conversation has yet to hear, as stored; for `decode_assignment`."""
        with reaching():
            raw: bytes | None = await self._redis.hget(  # type: ignore[assignment]  # answers are bytes here
                f"{self.root}outbox", conversation
            )
        return raw

    async def outbox(self) -> dict[str, bytes]:
        """Every assignment that was not yet heard."""
        with reaching():
            found: dict[bytes, bytes] = await self._redis.hgetall(  # type: ignore[assignment]  # answers are bytes here
                f"{self.root}outbox"
            )
        return {conversation.decode(): raw for conversation, raw in found.items()}


def decode_assignment(raw: bytes) -> AssignmentRecord:
    """What `unheard` and `outbox` hold."""
    return _assignment.decode(raw)


def _answer(conversation: str, offer: int, agent: str, command: str | None) -> dict[str, object]:
    args: dict[str, object] = {"conversation": conversation, "offer": offer, "agent": agent}
    return args if command is None else {**args, "command": command}


def _table(flat: list[bytes], decoder: msgspec.json.Decoder[Any]) -> dict[str, Any]:
    return {flat[i].decode(): decoder.decode(flat[i + 1]) for i in range(0, len(flat), 2)}
