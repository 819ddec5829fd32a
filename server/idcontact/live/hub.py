"""Fan-out: every socket of this node gets each event meant for it once, in order.

A conversation with sockets here is *local*: this node has a route to it (a lease), its key, and for each log the next
`seq` that is due. Events come by publication, or straight from a script that this node ran; what comes too early waits,
what does not come is read from the log. After any interruption everything is read again from where it stopped, and
nothing goes out before it is seen that the log still holds what was handed out last: otherwise see `set_backs.py`.
"""

from __future__ import annotations

import asyncio
import logging
from functools import partial
from typing import TYPE_CHECKING

from idcontact.errors import IdContactError, NotFound, Unavailable
from idcontact.live import messages as m
from idcontact.live.catch_up import CatchUp
from idcontact.live.frames import encode, open_frame
from idcontact.live.keys import BUCKETS, LogName
from idcontact.live.leases import Leases
from idcontact.live.local import Feed, Gates, Local

if TYPE_CHECKING:
    from collections.abc import Iterable

    from idcontact.live.conversations import Conversations
    from idcontact.live.local import Seat
    from idcontact.live.messages import Have
    from idcontact.live.stored import Stored
    from idcontact.tasks import Tasks

_log = logging.getLogger(__name__)
_GAP_PATIENCE = 0.2
_RETRY = 0.5
_ID = 26
_FELL_BACK = "the store fell back to an earlier copy of itself, and lost what was last written"
_ONE_FELL_BACK = f"{_FELL_BACK}: a conversation was set back"
_LOGS: dict[bytes, LogName] = {b"p": "public", b"s": "staff"}


class Hub:
    """See the module."""

    def __init__(self, node: str, conversations: Conversations, tasks: Tasks) -> None:
        self.node = node
        self._store = conversations.store
        self._tasks = tasks
        self._locals: dict[str, Local] = {}
        self.leases = Leases(node, conversations, self._locals, gone=self._gone, changed=self.reload)
        self._gates = Gates()
        self._catching_up = CatchUp(self._store)
        self._doubt = 0
        self._resyncing = False

    def channels(self) -> list[str]:
        """This node's channel in every bucket."""
        return [f"{self._store.prefix}:{{c{bucket:03}}}:node:{self.node}" for bucket in range(BUCKETS)]

    # --- sockets come and go ------------------------------------------------------------------------------------

    async def open(self, conversation: str) -> Local:
        """Make a conversation local until `close`. The route comes before the log is read: nothing falls between."""
        async with self._gates.at(conversation) as gate, gate.lock:
            local = self._locals.get(conversation)
            if local is None:
                gate.heard = False
                if not await self.leases.open(conversation):
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
        feeds = {log: local.feeds[log] for log in seat.logs}
        for feed in feeds.values():
            feed.catching_up.add(seat)
        try:
            for log, feed in feeds.items():
                if local.feeds[log] is feed:
                    await self._catch_up(local, seat, log, known.get(log))
        except BaseException:
            self.unseat(local, seat)
            raise

    async def _catch_up(self, local: Local, seat: Seat, log: LogName, have: Have | None) -> None:
        feed = local.feeds[log]
        if have is None or have.log_id != local.stored.log_ids[log]:
            await self._catching_up.send(local, seat, log, 1)
        else:
            if have.seq >= feed.due:
                await self._read_on(local, log)  # whoever was on another node may come here before its news
            if not await self._catching_up.resume(local, seat, log, have):
                if await self._store.set_backs.claim(local.stored, log, seat.who) != "enough":
                    self.reload(local)  # and it begins again
                    return
                if local.feeds[log] is feed:
                    await self._catching_up.send(local, seat, log, 1)  # for this one alone
        if feed.is_unsure:
            await self._read_on(local, log)  # to know another history from this one

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
        async with self._gates.at(conversation) as gate, gate.lock:
            if conversation not in self._locals:
                try:
                    await self._store.leave(conversation, self.node)
                except Unavailable:
                    _log.debug("a route is left to lapse")

    # --- events ---------------------------------------------------------------------------------------------------

    def published(self, _channel: str, raw: bytes) -> None:
        """Something came in on a channel of this node."""
        kind, conversation = raw[:1], raw[1 : 1 + _ID].decode()
        local = self._locals.get(conversation)
        if local is None:
            self._gates.heard(conversation)
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
                by = _sender(who)
                self._tell_other(local, by, m.SeenBy(conversation=local.id, by=by, seq=int(seq)))
            case b"T":
                who, on, seq = rest.split(b"|")
                by = _sender(who)
                if int(seq) >= local.feeds["public"].due - 1:  # else what was being typed may be there already
                    self._tell_other(local, by, m.TypingBy(conversation=local.id, by=by, on=on == b"1"))
            case b"Z":
                self._gone(local)
            case _:
                _log.error("a publication of an unknown kind")

    def came(self, local: Local, log: LogName, seq: int, frame: bytes) -> None:
        """An event is here: in its turn it goes out, too early it waits, a second time it is dropped."""
        feed = local.feeds[log]
        if seq < feed.due:
            return
        if seq == feed.due and not feed.early and not feed.doubted:  # nearly always
            self._hand_out(local, log, feed, frame)
            return
        feed.early[seq] = frame
        if not feed.doubted:
            self._drain(local, log)
        if feed.early and not feed.filling:
            feed.filling = True
            self._tasks.start(self._fill(local, log, at_once=feed.doubted), "fill a gap")

    def said_here(self, conversation: str, log: LogName, seq: int, frame: bytes) -> None:
        """An event that this node stored: its publication skipped us."""
        local = self._locals.get(conversation)
        if local is None:
            self._gates.heard(conversation)
        else:
            self.came(local, log, seq, frame)

    def stored(self, conversation: str, log: LogName, seq: int) -> None:
        """An event is stored up to `seq`, but this node may not have heard of it."""
        local = self._locals.get(conversation)
        if local is None:
            self._gates.heard(conversation)
            return
        feed = local.feeds[log]
        if seq >= feed.due and not feed.filling:
            feed.filling = True
            self._tasks.start(self._fill(local, log, at_once=True), "read what was stored")

    def _drain(self, local: Local, log: LogName) -> None:
        feed = local.feeds[log]
        while (frame := feed.early.pop(feed.due, None)) is not None:
            self._hand_out(local, log, feed, frame)

    def _hand_out(self, local: Local, log: LogName, feed: Feed, frame: bytes) -> None:
        """The event that is due, to all who are not reading what came before it."""
        feed.due += 1
        feed.last = hash(frame)
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

    async def _read_on(self, local: Local, log: LogName) -> bool:
        """Read what there is from the event before the one that is due; whether that one is what was handed out."""
        feed, doubt = local.feeds[log], self._doubt
        due, last = feed.due, feed.last
        found = await self._store.read(local.id, log, max(due - 1, 1))
        if local.feeds[log] is not feed:
            return True  # begun again meanwhile
        frames = {one.seq: self._frame(local, log, one.seq, one.at, one.event) for one in found}
        if due > 1:
            before = frames.get(due - 1)
            if before is None or last not in {None, hash(before)}:
                self._look_into(local)
                return False
            feed.learn(due - 1, before)
        for seq, frame in frames.items():
            if seq >= feed.due:
                feed.early.setdefault(seq, frame)
        if doubt == self._doubt:
            feed.doubted = False
            self._drain(local, log)
        return True

    def _frame(self, local: Local, log: LogName, seq: int, at: int, sealed: bytes) -> bytes:
        return open_frame(sealed, local.stored, log, seq=seq, at=at)

    def _tell_other(self, local: Local, by: m.Sender, frame: m.Frame) -> None:
        encoded = encode(frame)
        for seat in local.seats:
            if seat.who != by:
                seat.deliver(encoded)

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
                if stored.is_behind(local.stored):
                    self._look_into(local)
                else:
                    self._now(local, stored)
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

    def _now(self, local: Local, stored: Stored) -> None:
        """The conversation is like this; under another id a log is begun again, whole."""
        known, local.stored = local.stored, stored
        for log, log_id in stored.log_ids.items():
            if known.log_ids[log] != log_id:
                self._begin_again(local, log)
        for seat in tuple(local.seats):
            if stored.set_back != known.set_back:
                seat.set_back(stored)
            else:
                seat.changed(stored)

    def _begin_again(self, local: Local, log: LogName) -> None:
        feed = local.feeds[log] = Feed(local.stored.seqs[log] + 1)
        for seat in local.seats:
            if log in seat.logs:
                feed.catching_up.add(seat)
                self._tasks.start(self._catching_up.send_again(local, seat, log), "send a log again")
        self.stored(local.id, log, feed.due)

    def _gone(self, local: Local) -> None:
        self._locals.pop(local.id, None)
        for seat in tuple(local.seats):
            seat.gone()

    # --- staying there --------------------------------------------------------------------------------------------

    def doubt(self) -> None:
        """The store cannot be reached, or not by this connection; when it can, it may be another copy."""
        self._doubt += 1
        for local in self._locals.values():
            for feed in local.feeds.values():
                feed.doubted = True
                feed.early.clear()

    def distrust(self) -> None:
        """Something may have been missed: read everything on from where it stopped."""
        self.doubt()
        if not self._resyncing:
            self._resyncing = True
            self._tasks.start(self._resync(), "read on after an interruption")

    async def _resync(self) -> None:
        """Until all of it was read since the last doubt; what is away, again and again until it is back."""
        try:
            done, left = -1, [*self._locals.values()]
            while left or done != self._doubt:
                if done != self._doubt:
                    done, left = self._doubt, [*self._locals.values()]
                left = await self._read_on_all(left)
                if left:
                    await asyncio.sleep(_RETRY)
        finally:
            self._resyncing = False

    async def _read_on_all(self, these: list[Local]) -> list[Local]:
        """Those that are left: out of reach, or being read on already: what one was doubted for may come too late."""
        set_back, left = 0, {local.id: local for local in these}

        async def read_on(local: Local) -> None:
            nonlocal set_back
            if self._locals.get(local.id) is local:
                if local.mending:
                    return
                try:
                    noted = await self._mend(local)
                    set_back += noted
                except Unavailable:
                    raise
                except IdContactError as error:
                    _log.warning("a conversation could not be read on: %s", error)
            del left[local.id]

        try:
            await self.leases.round().each((self.leases.tag(local), partial(read_on, local)) for local in these)
        finally:
            if set_back:
                _log.error("%s: conversations were set back, and their people told: %d", _FELL_BACK, set_back)
        return [*left.values()]

    def _look_into(self, local: Local) -> None:
        """What was handed out of it may be gone."""
        if not local.mending:
            self._tasks.start(self._look(local), "look into what was lost")

    async def _look(self, local: Local) -> None:
        try:
            if await self._mend(local):
                _log.error(_ONE_FELL_BACK, extra={"conversation": local.id})
        except Unavailable:
            self.distrust()

    async def _mend(self, local: Local) -> bool:
        """Read one on. Whether the store had lost something of it, and this node was the one to put that right."""
        if local.mending or not await self.leases.renew(local) or self._locals.get(local.id) is not local:
            return False
        local.mending = True
        try:
            known = local.stored
            unsure = [log for log, feed in local.feeds.items() if feed.is_unsure]
            behind = (await self._store.load(local.id)).is_behind(known)
            lost = [log for log in tuple(local.feeds) if not await self._read_on(local, log)]
            noted = await self._store.set_backs.note(known, lost, unsure, behind=behind)
            self.reload(local)
            return noted
        finally:
            local.mending = False

    def _catch_on(self, local: Local) -> None:
        """Read what came while it was being opened."""
        for log, feed in local.feeds.items():
            self.stored(local.id, log, feed.due)
        self.reload(local)


def _sender(who: bytes) -> m.Sender:
    return "agent" if who == b"agent" else "end_user"
