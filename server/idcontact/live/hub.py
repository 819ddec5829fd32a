"""Fan-out: every socket of this node gets each event meant for it once, in order.

A conversation with sockets here is *local*: this node has a route to it (a lease), its key, and for each log the next
`seq` that is due. Events come by publication, or straight from a script that this node ran; what comes too early waits,
what does not come is read from the log. After any interruption everything is read again from where it stopped.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from idcontact.errors import IdContactError, NotFound, Unavailable
from idcontact.live import messages as m
from idcontact.live.frames import encode, open_frame
from idcontact.live.keys import BUCKETS, LogName

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable

    from idcontact.live.conversations import Conversations
    from idcontact.live.messages import Have
    from idcontact.live.stored import Stored
    from idcontact.tasks import Tasks

_log = logging.getLogger(__name__)
ROUTE_MS = 60_000
RENEW_EVERY = 15.0
_GAP_PATIENCE = 0.2
_RETRY = 0.5
_PAGE = 32
_ID = 26
_LOGS: dict[bytes, LogName] = {b"p": "public", b"s": "staff"}


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


@dataclass
class Local:
    """A conversation with sockets here."""

    stored: Stored
    feeds: dict[LogName, Feed]
    seats: list[Seat] = field(default_factory=list)
    holders: int = 0
    reloading: bool = False
    again: bool = False

    @property
    def id(self) -> str:
        """The conversation's id."""
        return self.stored.state.id


@dataclass
class _Gate:
    """Lets one at a time make a conversation local."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    users: int = 0
    heard: bool = False
    """Something was published while it was being opened, and may not be in what was read."""


class Hub:
    """See the module."""

    def __init__(self, node: str, conversations: Conversations, tasks: Tasks) -> None:
        self.node = node
        self._conversations = conversations
        self._store = conversations.store
        self._tasks = tasks
        self._locals: dict[str, Local] = {}
        self._gates: dict[str, _Gate] = {}
        self._doubt = 0
        self._resyncing = False

    def channels(self) -> list[str]:
        """This node's channel in every bucket."""
        return [f"{self._store.prefix}:{{c{bucket:03}}}:node:{self.node}" for bucket in range(BUCKETS)]

    # --- sockets come and go ------------------------------------------------------------------------------------

    async def open(self, conversation: str) -> Local:
        """Make a conversation local until `close`. The route comes before the log is read: nothing falls between."""
        async with self._gate(conversation) as gate, gate.lock:
            local = self._locals.get(conversation)
            if local is None:
                gate.heard = False
                if await self._store.renew(conversation, self.node, ROUTE_MS, 0) is None:
                    raise NotFound("this conversation does not exist, or no longer")
                stored = await self._store.load(conversation)
                feeds = {log: Feed(seq + 1) for log, seq in stored.seqs.items()}
                local = self._locals[conversation] = Local(stored, feeds)
                if gate.heard:
                    self._catch_on(local)
            local.holders += 1
            return local

    async def seat(self, local: Local, seat: Seat, have: Iterable[Have]) -> None:
        """Send what this socket is missing, then everything as it comes."""
        known = {have.log: have for have in have if have.conversation == local.id}
        local.seats.append(seat)
        for log in seat.logs:
            local.feeds[log].catching_up.add(seat)
        try:
            for log in seat.logs:
                await self._catch_up(local, seat, log, known.get(log))
        except BaseException:
            self.unseat(local, seat)
            raise

    async def _catch_up(self, local: Local, seat: Seat, log: LogName, have: Have | None) -> None:
        """A page at a time, as fast as the socket takes them: a long log is no reason to call it too slow."""
        feed = local.feeds[log]
        first = 1
        if have is not None and have.log_id == local.stored.log_ids[log]:
            if have.seq >= feed.due:
                await self._read_on(local, log)  # whoever was on another node may come here before its news
            # Another log, or a seq from the future: the whole log again.
            if have.seq < feed.due:
                first = have.seq + 1
        while first < feed.due and seat in local.seats:
            page = await self._store.read(local.id, log, first, min(feed.due, first + _PAGE) - 1)
            if not page:
                break  # it was purged meanwhile
            for sealed in page:
                seat.deliver(self._frame(local, log, sealed.seq, sealed.at, sealed.event))
            first = page[-1].seq + 1
            await seat.room()
        feed.catching_up.discard(seat)

    def unseat(self, local: Local, seat: Seat) -> None:
        """A socket leaves its seat."""
        if seat in local.seats:
            local.seats.remove(seat)
        for feed in local.feeds.values():
            feed.catching_up.discard(seat)

    def close(self, local: Local) -> None:
        """The counterpart of `open`. With the last one the conversation stops being local."""
        local.holders -= 1
        if local.holders == 0 and self._locals.get(local.id) is local:
            del self._locals[local.id]
            self._tasks.start(self._leave(local.id), "leave a conversation")

    async def _leave(self, conversation: str) -> None:
        async with self._gate(conversation) as gate, gate.lock:
            if conversation not in self._locals:
                try:
                    await self._store.leave(conversation, self.node)
                except Unavailable:
                    _log.debug("a route is left to lapse")

    @asynccontextmanager
    async def _gate(self, conversation: str) -> AsyncIterator[_Gate]:
        gate = self._gates.setdefault(conversation, _Gate())
        gate.users += 1
        try:
            yield gate
        finally:
            gate.users -= 1
            if gate.users == 0:
                del self._gates[conversation]

    # --- events ---------------------------------------------------------------------------------------------------

    def published(self, _channel: str, raw: bytes) -> None:
        """Something came in on a channel of this node."""
        kind, conversation = raw[:1], raw[1 : 1 + _ID].decode()
        local = self._locals.get(conversation)
        if local is None:
            self._heard_early(conversation)
            return
        rest = raw[1 + _ID :]
        match kind:
            case b"E":
                seq, at, sealed = rest[1:].split(b"|", 2)
                self.came(
                    local, _LOGS[rest[:1]], int(seq), self._frame(local, _LOGS[rest[:1]], int(seq), int(at), sealed)
                )
            case b"C":
                self.reload(local)
            case b"S":
                who, _, seq = rest.partition(b"|")
                self._tell_seen(local, who.decode(), int(seq))
            case b"Z":
                self._gone(local)
            case _:
                _log.error("a publication of an unknown kind")

    def came(self, local: Local, log: LogName, seq: int, frame: bytes) -> None:
        """An event is here: in its turn it goes out, too early it waits, a second time it is dropped."""
        feed = local.feeds[log]
        if seq < feed.due:
            return
        feed.early[seq] = frame
        self._drain(local, log)
        if feed.early and not feed.filling:
            feed.filling = True
            self._tasks.start(self._fill(local, log), "fill a gap")

    def said_here(self, conversation: str, log: LogName, seq: int, frame: bytes) -> None:
        """An event that this node stored: its publication skipped us."""
        local = self._locals.get(conversation)
        if local is None:
            self._heard_early(conversation)
        else:
            self.came(local, log, seq, frame)

    def _heard_early(self, conversation: str) -> None:
        gate = self._gates.get(conversation)
        if gate is not None:
            gate.heard = True

    def stored(self, conversation: str, log: LogName, seq: int) -> None:
        """An event is stored up to `seq`, but this node may not have heard of it."""
        local = self._locals.get(conversation)
        if local is None:
            self._heard_early(conversation)
            return
        feed = local.feeds[log]
        if seq >= feed.due and not feed.filling:
            feed.filling = True
            self._tasks.start(self._fill(local, log, at_once=True), "read what was stored")

    def _drain(self, local: Local, log: LogName) -> None:
        feed = local.feeds[log]
        while (frame := feed.early.pop(feed.due, None)) is not None:
            feed.due += 1
            for seat in local.seats:
                if log in seat.logs and seat not in feed.catching_up:
                    seat.deliver(frame)

    async def _fill(self, local: Local, log: LogName, *, at_once: bool = False) -> None:
        """What does not come is read."""
        feed = local.feeds[log]
        try:
            if not at_once:
                await asyncio.sleep(_GAP_PATIENCE)
            if feed.early or at_once:
                await self._read_on(local, log)
        except Unavailable:
            self.distrust()  # again and again, until the store is back
        finally:
            feed.filling = False

    async def _read_on(self, local: Local, log: LogName) -> None:
        feed = local.feeds[log]
        for sealed in await self._store.read(local.id, log, feed.due):
            if sealed.seq >= feed.due:
                feed.early.setdefault(sealed.seq, self._frame(local, log, sealed.seq, sealed.at, sealed.event))
        self._drain(local, log)

    def _frame(self, local: Local, log: LogName, seq: int, at: int, sealed: bytes) -> bytes:
        return open_frame(sealed, local.stored.key, local.id, log, seq=seq, at=at)

    def _tell_seen(self, local: Local, who: str, seq: int) -> None:
        by: m.Sender = "agent" if who == "agent" else "end_user"
        frame = encode(m.SeenBy(conversation=local.id, by=by, seq=seq))
        for seat in local.seats:
            if seat.who != by:
                seat.deliver(frame)

    # --- states ---------------------------------------------------------------------------------------------------

    def reload(self, local: Local) -> None:
        """The state has changed: read it, and tell. Changes that come meanwhile are read together."""
        if local.reloading:
            local.again = True
            return
        local.reloading = True
        self._tasks.start(self._reload(local), "reload a conversation")

    async def _reload(self, local: Local) -> None:
        try:
            while True:
                local.again = False
                stored = await self._store.load(local.id)
                if stored.state.version >= local.stored.state.version:
                    local.stored = stored
                    for seat in tuple(local.seats):
                        seat.changed(stored)
                if not local.again:
                    return
        except NotFound:
            self._gone(local)
        except Unavailable:
            self.distrust()
        except IdContactError as error:
            _log.warning("a conversation could not be read again: %s", error)
        finally:
            local.reloading = False

    def _gone(self, local: Local) -> None:
        self._locals.pop(local.id, None)
        for seat in tuple(local.seats):
            seat.gone()

    # --- staying there --------------------------------------------------------------------------------------------

    def distrust(self) -> None:
        """Something may have been missed: read everything on from where it stopped."""
        self._doubt += 1
        if not self._resyncing:
            self._resyncing = True
            self._tasks.start(self._resync(), "read on after an interruption")

    async def _resync(self) -> None:
        """Until all of it was read since the last doubt; while the store is away, again and again."""
        try:
            done = -1
            while done != self._doubt:
                done = self._doubt
                try:
                    await self._read_all_on()
                except Unavailable:
                    done = -1
                    await asyncio.sleep(_RETRY)
        finally:
            self._resyncing = False

    async def _read_all_on(self) -> None:
        for local in tuple(self._locals.values()):
            try:
                if await self._renew(local) and self._locals.get(local.id) is local:
                    await self._read_logs_on(local)
                    self.reload(local)
            except Unavailable:
                raise
            except IdContactError as error:
                _log.warning("a conversation could not be read on: %s", error)

    async def _read_logs_on(self, local: Local) -> None:
        for log in local.feeds:
            await self._read_on(local, log)

    def _catch_on(self, local: Local) -> None:
        """Read what came while it was being opened."""
        for log, feed in local.feeds.items():
            self.stored(local.id, log, feed.due)
        self.reload(local)

    async def run(self) -> None:
        """Keep routes and leases; for ever."""
        while True:
            await asyncio.sleep(RENEW_EVERY)
            await self.renew_all()

    async def renew_all(self) -> None:
        """Renew everything once."""
        for local in tuple(self._locals.values()):
            try:
                await self._renew(local)
            except Unavailable:
                return

    async def _renew(self, local: Local) -> bool:
        lease = self._conversations.rules(local.stored.state.purpose).lease
        here = any(seat.who == "end_user" for seat in local.seats)
        version = await self._store.renew(local.id, self.node, ROUTE_MS, lease if here else 0)
        if version is None:
            self._gone(local)
            return False
        if version > local.stored.state.version:
            self.reload(local)  # a publication that did not reach us
        return True
