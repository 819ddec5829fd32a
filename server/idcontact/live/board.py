"""The queue and its agents as this node knows them: a copy of the routing slot, kept by its deltas.

Whenever a version is missing, or the subscription was interrupted, the whole is read again.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Protocol

import msgspec

from idcontact.errors import Unavailable
from idcontact.live.expected_wait import Queue
from idcontact.live.frames import encode, queue_entry
from idcontact.live.routing_store import AgentRecord, Delta, EntryRecord, RoutingStore, decode_delta

if TYPE_CHECKING:
    from collections.abc import Iterable

_log = logging.getLogger(__name__)


class BoardListener(Protocol):
    """Somebody who wants to know of every change. Must not block."""

    def board_changed(self, delta: Delta) -> None:
        """One act's changes; the board already has them."""

    def board_reloaded(self) -> None:
        """Anything may have changed."""


class Board:
    """See the module."""

    def __init__(self, routing: RoutingStore) -> None:
        self._routing = routing
        self._stale = asyncio.Event()
        self._stale.set()
        self._overheard = False
        """A change of before what this board holds came while the whole was being read."""
        self.version = -1
        self._encoded: dict[tuple[str, ...], msgspec.Raw] = {}
        self.entries: dict[str, EntryRecord] = {}
        self.agents: dict[str, AgentRecord] = {}
        self.listeners: set[BoardListener] = set()
        self.ready = asyncio.Event()

    async def run(self) -> None:
        """Read the whole whenever that is needed; for ever."""
        while True:
            await self._stale.wait()
            self._stale.clear()
            before = self.version
            self._overheard = False
            try:
                snapshot = await self._routing.snapshot()
            except Unavailable:
                self._stale.set()
                await asyncio.sleep(0.2)
                continue
            if self.version != before and snapshot.version < self.version:
                self._stale.set()  # a change came meanwhile that this snapshot does not have yet
                continue
            if self._overheard and snapshot.version < before:
                self._stale.set()  # the store fell back, and may have gone on since this was read
            self.version, self.entries, self.agents = snapshot.version, snapshot.entries, snapshot.agents
            self._encoded.clear()
            self.ready.set()
            for listener in tuple(self.listeners):
                listener.board_reloaded()

    def distrust(self) -> None:
        """Something may have been missed."""
        self._stale.set()

    def published(self, raw: bytes) -> None:
        """A delta came in."""
        delta = decode_delta(raw)
        if delta.version <= self.version:
            self._overheard = True
            return
        if delta.version != self.version + 1:
            self.distrust()
            return
        self.version = delta.version
        if delta.entries or delta.entries_gone:
            self._encoded.clear()
        for conversation in delta.entries_gone:
            self.entries.pop(conversation, None)
        for entry in delta.entries:
            self.entries[entry.conversation] = entry
        for agent in delta.agents:
            self.agents[agent.id] = agent
        for listener in tuple(self.listeners):
            listener.board_changed(delta)

    def encoded_entries(self, purposes: tuple[str, ...]) -> msgspec.Raw:
        """The entries of these purposes, as consoles get them. Encoded once for all who come before the next change."""
        encoded = self._encoded.get(purposes)
        if encoded is None:
            entries = [queue_entry(entry) for entry in self.entries.values() if entry.purpose in purposes]
            encoded = self._encoded[purposes] = msgspec.Raw(encode(entries))
        return encoded

    def assigned_to(self, agent: str) -> list[str]:
        """The conversations of an agent, oldest first."""
        mine = [e for e in self.entries.values() if e.state == "assigned" and e.agent == agent]
        return [entry.conversation for entry in sorted(mine, key=lambda e: e.arrival)]

    def offered_to(self, agent: str) -> EntryRecord | None:
        """The entry that is offered to an agent, if any."""
        known = self.agents.get(agent)
        entry = self.entries.get(known.offered) if known is not None and known.offered is not None else None
        return entry if entry is not None and entry.state == "offered" and entry.agent == agent else None

    def positions(self, purposes: Iterable[str]) -> dict[str, int]:
        """The place of every entry that waits in these queues: 1 is next."""
        found: dict[str, int] = {}
        for purpose in purposes:
            here = [e for e in self.entries.values() if e.purpose == purpose and e.state in {"waiting", "offered"}]
            here.sort(key=lambda e: (e.priority, e.arrival))
            found.update({entry.conversation: place for place, entry in enumerate(here, 1)})
        return found

    def agents_for(self, purpose: str) -> int:
        """How many agents are there for a purpose now, busy ones included."""
        agents = self.agents.values()
        return sum(1 for a in agents if a.present and a.status == "available" and purpose in a.purposes)

    def queue(self, purpose: str) -> Queue:
        """What the expected wait is worked out from."""
        here = [e for e in self.entries.values() if e.purpose == purpose and e.state in {"waiting", "offered"}]
        free = [a for a in self.agents.values() if purpose in a.purposes and _may_be_offered(a)]
        return Queue(
            waiting=len(here),
            offered=sum(entry.state == "offered" for entry in here),
            oldest=min((entry.entered_at for entry in here), default=None),
            agents=self.agents_for(purpose),
            free=len(free),
        )


def _may_be_offered(agent: AgentRecord) -> bool:
    """The same as `is_ready` in routing.lua."""
    return agent.present and agent.status == "available" and agent.offered is None and agent.load < agent.capacity
