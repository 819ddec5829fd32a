"""A conversation with sockets on this node: its seats, and for each log what is due next and what was handed out."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from idcontact.live import messages as m
    from idcontact.live.keys import LogName
    from idcontact.live.stored import Stored


class Seat(Protocol):
    """One socket's part in one conversation. None of these may block."""

    who: m.Sender
    logs: tuple[LogName, ...]

    def deliver(self, frame: bytes) -> None:
        """Send this frame, in this order."""

    async def room(self) -> None:
        """Come back when there is room for a page of events more; at once when nobody takes them any more."""

    def changed(self, stored: Stored) -> None:
        """The conversation is now like this."""

    def set_back(self, stored: Stored) -> None:
        """The store fell back to an earlier copy of itself; what it says of this socket may be of an earlier one."""

    def gone(self) -> None:
        """The conversation is no more."""


@dataclass
class Feed:
    """One log of a local conversation: what is due next, and what came too early."""

    due: int
    early: dict[int, bytes] = field(default_factory=dict)
    catching_up: set[Seat] = field(default_factory=set)
    """Seats that are still reading what they missed; nothing is kept for them meanwhile: it is in the log."""
    filling: bool = False
    doubted: bool = False
    """The store was out of reach: nothing goes out before it is known to be the one that the rest came from."""
    last: int | None = None
    """Hash of the frame before `due`, by which another history with as many events is told; None: not known."""

    @property
    def is_unsure(self) -> bool:
        """Whether there is something before `due`, and it is not known what."""
        return self.last is None and self.due > 1

    def learn(self, seq: int, frame: bytes) -> None:
        """What was handed out at `seq`, when that is the last one and it is not known yet."""
        if self.last is None and seq == self.due - 1:
            self.last = hash(frame)


@dataclass
class Local:
    """A conversation with sockets here."""

    stored: Stored
    feeds: dict[LogName, Feed]
    seats: list[Seat] = field(default_factory=list)
    holders: int = 0
    reloading: bool = False
    again: bool = False
    mending: bool = False

    @property
    def id(self) -> str:
        """The conversation's id."""
        return self.stored.state.id


@dataclass
class Gate:
    """Lets one at a time make a conversation local."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    users: int = 0
    heard: bool = False
    """Something was published while it was being opened, and may not be in what was read."""


class Gates:
    """The gates that somebody goes through now."""

    def __init__(self) -> None:
        self._gates: dict[str, Gate] = {}

    @asynccontextmanager
    async def at(self, conversation: str) -> AsyncIterator[Gate]:
        """The gate of a conversation."""
        gate = self._gates.setdefault(conversation, Gate())
        gate.users += 1
        try:
            yield gate
        finally:
            gate.users -= 1
            if gate.users == 0:
                del self._gates[conversation]

    def heard(self, conversation: str) -> None:
        """Something was published of a conversation that is not local (yet)."""
        gate = self._gates.get(conversation)
        if gate is not None:
            gate.heard = True
