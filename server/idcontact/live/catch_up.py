"""A socket gets of a log what it does not have, from the store."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from idcontact.errors import Unavailable
from idcontact.live.frames import open_frame

if TYPE_CHECKING:
    from idcontact.live.keys import LogName
    from idcontact.live.local import Local, Seat
    from idcontact.live.messages import Have
    from idcontact.live.store import ConversationStore
    from idcontact.live.stored import Sealed

_PAGE = 32
_RETRY = 0.5


class CatchUp:
    """See the module."""

    def __init__(self, store: ConversationStore) -> None:
        self._store = store

    async def send(self, local: Local, seat: Seat, log: LogName, first: int) -> None:
        """Everything from `first` to what is due; then this seat gets what comes.

        A page at a time, as fast as the socket takes them: a long log is no reason to call it too slow.
        """
        feed = local.feeds[log]
        following: int | None = first
        while following is not None:
            following = await self._send_page(local, seat, log, following)
        feed.catching_up.discard(seat)

    async def _send_page(self, local: Local, seat: Seat, log: LogName, first: int) -> int | None:
        """Which event comes next; None when there is nothing more to send."""
        feed = local.feeds[log]
        if first >= feed.due or seat not in local.seats:
            return None
        page = await self._store.read(local.id, log, first, min(feed.due, first + _PAGE) - 1)
        if not page or local.feeds[log] is not feed:
            return None  # it was purged, or begun again, meanwhile
        self._hand_out(local, seat, log, page)
        await seat.room()
        return None if local.feeds[log] is not feed else page[-1].seq + 1

    async def resume(self, local: Local, seat: Seat, log: LogName, have: Have) -> bool:
        """What this socket is missing. False: its page has something else than the log, from a copy that is gone."""
        feed = local.feeds[log]
        if have.seq >= feed.due:
            return False
        first = have.seq + 1
        if have.seq:
            page = await self._store.read(local.id, log, have.seq, min(feed.due, have.seq + _PAGE) - 1)
            if local.feeds[log] is not feed:
                return True  # begun again meanwhile
            if not page or page[0].seq != have.seq or have.at not in {None, page[0].at}:
                return False
            if seat not in local.seats:
                return True
            self._hand_out(local, seat, log, page, have.seq)
            first = page[-1].seq + 1
            await seat.room()
        await self.send(local, seat, log, first)
        return True

    def _hand_out(self, local: Local, seat: Seat, log: LogName, page: list[Sealed], known: int = 0) -> None:
        """All of the page after what the socket knows."""
        for sealed in page:
            frame = open_frame(sealed.event, local.stored, log, seq=sealed.seq, at=sealed.at)
            if sealed.seq > known:
                seat.deliver(frame)
            local.feeds[log].learn(sealed.seq, frame)

    async def send_again(self, local: Local, seat: Seat, log: LogName) -> None:
        """The whole log, to a seat that had another one; also when the store goes away meanwhile."""
        feed = local.feeds[log]
        feed.catching_up.add(seat)
        following: int | None = 1
        while following is not None and seat in feed.catching_up and local.feeds[log] is feed:
            try:
                following = await self._send_page(local, seat, log, following)
            except Unavailable:
                await asyncio.sleep(_RETRY)
        feed.catching_up.discard(seat)
