"""The rules of queue and pairing, as plain code: no I/O, no clock. The place to read them.

`routing.lua` is the same rules, run in the store, and the authority there; tests hold it against this model step by
step. Every act is one atomic step that ends with everything paired that can be paired.

- Entry: a waiting conversation. Its arrival number and priority stay whatever happens to it, so a declined, lapsed or
  re-queued entry is where it was.
- Next entry for an agent: highest priority (0 first), then first come. Next agent for an entry: least loaded share,
  then longest idle. An offer takes room, and an agent has at most one.
- Who comes back after more than `RETURN_WITHIN` is away, whatever they were before: nobody is offered to by surprise.
- The last hand-overs of each queue are remembered, without names, for the expected wait (`expected_wait.py`). Who was
  offered within `AT_ONCE` of entering did not wait for a free agent.
- An agent who declined an entry is passed over for it for `decline_pause`; who lets two offers in a row lapse is set
  away.

Times are milliseconds.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from idcontact.live.comings import is_overtaken
from idcontact.live.expected_wait import HandOver

OFFER_TIMEOUT = 20_000
DECLINE_PAUSE = 60_000
DONE_MEMORY = 60_000
MISSES_BEFORE_AWAY = 2
RETURN_WITHIN = 300_000
HAND_OVERS = 60
AT_ONCE = 1_000
SHARE_STEPS = 500
"""Load shares are compared in steps of 1/500 of the capacity."""

EntryState = Literal["waiting", "offered", "absent", "assigned"]
GoneReason = Literal["accepted", "declined", "lapsed", "withdrawn"]


@dataclass
class Entry:
    """One conversation that wants, or has, an agent. `generation` counts its assignments: the fence between slots."""

    conversation: str
    purpose: str
    priority: int
    arrival: int
    entered_at: int
    version: int
    generation: int = 0
    state: EntryState = "waiting"
    present: bool = True
    agent: str | None = None
    offer: int | None = None
    until: int | None = None
    declined: dict[str, int] = field(default_factory=dict)

    @property
    def place(self) -> tuple[int, int]:
        """Sorts entries: priority, then first come."""
        return (self.priority, self.arrival)


@dataclass
class Agent:
    """One agent. `lease` is until when the console is known to be there; `held` are the conversations they have."""

    id: str
    purposes: tuple[str, ...]
    capacity: int
    status: Literal["available", "away"] = "away"
    conn: str = ""
    lease: int = 0
    present: bool = False
    idle_since: int = 0
    misses: int = 0
    offered: str | None = None
    held: set[str] = field(default_factory=set)

    @property
    def ready(self) -> bool:
        """Whether something may be offered now."""
        return self.status == "available" and self.present and self.offered is None and len(self.held) < self.capacity

    @property
    def turn(self) -> tuple[int, int, str]:
        """Sorts ready agents: least loaded share, then longest idle."""
        return (len(self.held) * SHARE_STEPS // self.capacity, self.idle_since, self.id)


@dataclass(frozen=True)
class Wanted:
    """What a conversation wants of routing: the whole truth of its own slot at `version`."""

    conversation: str
    version: int
    generation: int
    want: Literal["queued", "held", "none"]
    purpose: str = ""
    priority: int = 5
    entered_at: int = 0
    present: bool = True


@dataclass(frozen=True)
class Assignment:
    """What a conversation must hear: who has it, under which generation, and whether they are there."""

    agent: str
    generation: int
    present: bool


@dataclass
class Routing:
    """All queues and agents, and the acts upon them."""

    entries: dict[str, Entry] = field(default_factory=dict)
    agents: dict[str, Agent] = field(default_factory=dict)
    done: dict[str, tuple[int, int]] = field(default_factory=dict)
    outbox: dict[str, Assignment] = field(default_factory=dict)
    gone: list[tuple[str, str, GoneReason]] = field(default_factory=list)
    """Offers that ended, as (agent, conversation, reason), since the caller last emptied it."""
    handed: dict[str, list[HandOver]] = field(default_factory=dict)
    """The last hand-overs by purpose, oldest first."""
    arrivals: int = 0
    offers: int = 0

    # --- acts ---------------------------------------------------------------------------------------------------

    def sync(self, wanted: Wanted, now: int) -> None:
        """Bring an entry in line with its conversation. Older versions and generations lose."""
        entry = self.entries.get(wanted.conversation)
        known = entry.version if entry is not None else self.done.get(wanted.conversation, (0, 0))[0]
        if wanted.version <= known:
            return
        if wanted.want == "none":
            if entry is not None:
                self._remove(entry, wanted.version, now)
            return
        if entry is None:
            if wanted.want == "queued":
                self._enter(wanted, now)
            return
        entry.version = wanted.version
        if wanted.want == "queued" and wanted.generation >= entry.generation:
            self._queue_again(entry, wanted.present, now)

    def arrive(self, agent: Agent, now: int) -> bool:
        """A console says hello. `agent` brings id, purposes, capacity, conn and lease; status and load are kept.

        False when its page has come by another connection since.
        """
        known = self.agents.get(agent.id)
        if known is not None and is_overtaken(agent.conn, by=known.conn):
            return False
        if known is None:
            known = self.agents[agent.id] = agent
            known.idle_since = now
        if not known.present and now - known.lease > RETURN_WITHIN:
            known.status = "away"
        known.purposes, known.capacity, known.conn, known.lease = (
            agent.purposes,
            agent.capacity,
            agent.conn,
            agent.lease,
        )
        if not known.present:
            known.present = True
            self._tell_held(known)
        self._seek(known, now)
        return True

    def lease(self, agent_id: str, conn: str, until: int) -> bool:
        """Renew (or shorten) a lease. False when another console took over, or the lease had lapsed."""
        agent = self.agents.get(agent_id)
        if agent is None or agent.conn != conn or not agent.present:
            return False
        agent.lease = until
        return True

    def set_status(self, agent_id: str, status: Literal["available", "away"], now: int) -> bool:
        """Available or away. Going away gives an open offer back."""
        agent = self.agents.get(agent_id)
        if agent is None:
            return False
        agent.status = status
        agent.misses = 0
        if status == "away":
            self._withdraw_from(agent, now)
        else:
            agent.idle_since = now
            self._seek(agent, now)
        return True

    def accept(self, conversation: str, offer: int, agent_id: str, now: int) -> bool:
        """Take the offered conversation. False when this offer is not open for this agent."""
        entry = self._open_offer(conversation, offer, agent_id, now)
        if entry is None:
            return False
        agent = self.agents[agent_id]
        self.gone.append((agent_id, conversation, "accepted"))
        self._remember(entry, now)
        agent.offered, agent.misses = None, 0
        agent.held.add(conversation)
        entry.state, entry.offer, entry.until = "assigned", None, None
        entry.generation += 1
        entry.declined.clear()
        self.outbox[conversation] = Assignment(agent_id, entry.generation, agent.present)
        self._seek(agent, now)
        return True

    def decline(self, conversation: str, offer: int, agent_id: str, now: int) -> bool:
        """Leave it to somebody else; it keeps its place. False when this offer is not open for this agent."""
        entry = self._open_offer(conversation, offer, agent_id, now)
        if entry is None:
            return False
        agent = self.agents[agent_id]
        entry.declined[agent_id] = now + DECLINE_PAUSE
        agent.idle_since, agent.misses = now, 0
        self._take_back(entry, "declined")
        self._place(entry, now)
        self._seek(agent, now)
        return True

    def sweep(self, now: int) -> None:
        """Everything that is due: lapsed offers, lapsed leases, ended pauses. By due time, then by name."""
        for _, kind, name in sorted(self._due(now)):
            if kind == "done":
                del self.done[name]
            elif kind == "again":
                entry = self.entries[name]
                entry.declined = {agent: until for agent, until in entry.declined.items() if until > now}
                if entry.state == "waiting":
                    self._place(entry, now)
            elif kind == "lease":
                agent = self.agents[name]
                agent.present = False
                self._withdraw_from(agent, now)
                self._tell_held(agent)
            elif (entry := self.entries[name]).state == "offered" and entry.until is not None and entry.until <= now:
                self._lapse(entry, now)

    def confirm(self, conversation: str, heard: Assignment) -> None:
        """The conversation has heard its assignment."""
        if self.outbox.get(conversation) == heard:
            del self.outbox[conversation]

    # --- what the acts are made of ------------------------------------------------------------------------------

    def _due(self, now: int) -> list[tuple[int, str, str]]:
        due = [(until, "done", name) for name, (_, until) in self.done.items() if until <= now]
        for entry in self.entries.values():
            if entry.until is not None and entry.until <= now:
                due.append((entry.until, "offer", entry.conversation))
            if entry.declined and min(entry.declined.values()) <= now:
                due.append((min(entry.declined.values()), "again", entry.conversation))
        due += [
            (agent.lease, "lease", agent.id) for agent in self.agents.values() if agent.present and agent.lease <= now
        ]
        return due

    def _enter(self, wanted: Wanted, now: int) -> None:
        self.arrivals += 1
        entry = Entry(
            conversation=wanted.conversation,
            purpose=wanted.purpose,
            priority=wanted.priority,
            arrival=self.arrivals,
            entered_at=wanted.entered_at,
            version=wanted.version,
            generation=wanted.generation,
            present=wanted.present,
            state="waiting" if wanted.present else "absent",
        )
        self.entries[entry.conversation] = entry
        self._place(entry, now)

    def _queue_again(self, entry: Entry, present: bool, now: int) -> None:
        """Same place; from an agent, from absence, or into absence."""
        freed: Agent | None = None
        if entry.state == "assigned":
            freed = self._release(entry, now)
        elif entry.state == "offered" and not present:
            freed = self._take_back(entry, "withdrawn")
        entry.present = present
        if entry.state != "offered":
            entry.state = "waiting" if present else "absent"
        self._place(entry, now)
        if freed is not None:
            self._seek(freed, now)

    def _remove(self, entry: Entry, version: int, now: int) -> None:
        """Gone for good; remembered for a while, so that a late word of an older version does not bring it back."""
        self.done[entry.conversation] = (version, now + DONE_MEMORY)
        freed: Agent | None = None
        if entry.state == "offered":
            freed = self._take_back(entry, "withdrawn")
        elif entry.state == "assigned":
            freed = self._release(entry, now)
        del self.entries[entry.conversation]
        if freed is not None:
            self._seek(freed, now)

    def _release(self, entry: Entry, now: int) -> Agent:
        """An assigned entry leaves its agent."""
        agent = self.agents[entry.agent or ""]
        agent.held.discard(entry.conversation)
        agent.idle_since = now
        entry.agent, entry.state = None, "waiting"
        self.outbox.pop(entry.conversation, None)
        return agent

    def _take_back(self, entry: Entry, reason: GoneReason) -> Agent:
        """An offer ends; the entry waits where it was."""
        agent = self.agents[entry.agent or ""]
        self.gone.append((agent.id, entry.conversation, reason))
        agent.offered = None
        entry.agent, entry.offer, entry.until, entry.state = None, None, None, "waiting"
        return agent

    def _withdraw_from(self, agent: Agent, now: int) -> None:
        """An offer ends because the agent went; the entry looks for the next."""
        if agent.offered is not None:
            entry = self.entries[agent.offered]
            self._take_back(entry, "withdrawn")
            self._place(entry, now)

    def _lapse(self, entry: Entry, now: int) -> None:
        agent = self._take_back(entry, "lapsed")
        agent.misses += 1
        agent.idle_since = now
        if agent.misses >= MISSES_BEFORE_AWAY:
            agent.status, agent.misses = "away", 0
        self._place(entry, now)
        self._seek(agent, now)

    def _open_offer(self, conversation: str, offer: int, agent_id: str, now: int) -> Entry | None:
        entry = self.entries.get(conversation)
        if entry is None or entry.state != "offered" or entry.agent != agent_id or entry.offer != offer:
            return None
        return entry if entry.until is not None and entry.until > now else None

    def _remember(self, entry: Entry, now: int) -> None:
        offered_at = (entry.until or 0) - OFFER_TIMEOUT
        waited = entry.generation == 0 and offered_at - entry.entered_at > AT_ONCE
        remembered = self.handed.setdefault(entry.purpose, [])
        remembered.append(HandOver(now, entry.entered_at if waited else now))
        del remembered[:-HAND_OVERS]

    def _tell_held(self, agent: Agent) -> None:
        for conversation in agent.held:
            entry = self.entries[conversation]
            self.outbox[conversation] = Assignment(agent.id, entry.generation, agent.present)

    # --- pairing ------------------------------------------------------------------------------------------------

    def _place(self, entry: Entry, now: int) -> None:
        """Find an agent for a waiting entry."""
        if entry.state != "waiting":
            return
        ready = sorted(
            (a for a in self.agents.values() if a.ready and entry.purpose in a.purposes), key=lambda a: a.turn
        )
        for agent in ready:
            if entry.declined.get(agent.id, 0) <= now:
                self._offer(entry, agent, now)
                return

    def _seek(self, agent: Agent, now: int) -> None:
        """Find an entry for an agent with room."""
        if not agent.ready:
            return
        waiting = [e for e in self.entries.values() if e.state == "waiting" and e.purpose in agent.purposes]
        for entry in sorted(waiting, key=lambda e: e.place):
            if entry.declined.get(agent.id, 0) <= now:
                self._offer(entry, agent, now)
                return

    def _offer(self, entry: Entry, agent: Agent, now: int) -> None:
        self.offers += 1
        agent.offered = entry.conversation
        entry.state, entry.agent, entry.offer, entry.until = "offered", agent.id, self.offers, now + OFFER_TIMEOUT
