"""A socket gets of a log what it does not have, from the store."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from idcontact.errors import Unavailable
from idcontact.live.frames import open_frame

if TYPE_CHECKING:
    from idcontact.live.keys import LogName
    from idcontact.live.local import Local, Seat
    from idcontact.live.store import ConversationStore

_PAGE = 32
_RETRY = 0.5


class CatchUp:
    """See the module."""

    def __init__(self, store: ConversationStore) -> None:
        self._store = store

    async def send(self, local: Local, seat: Seat, log: LogName, first: int) -> int:
        """Everything from `first` to what is due; then this seat gets what comes.

        A page at a time, as fast as the socket takes them: a long log is no reason to call it too slow.
        """
        feed = local.feeds[log]
        while first < feed.due and seat in local.seats and local.feeds[log] is feed:
            page = await self._store.read(local.id, log, first, min(feed.due, first + _PAGE) - 1)
            if not page or local.feeds[log] is not feed:
                break  # it was purged, or begun again, meanwhile
            for sealed in page:
                frame = open_frame(sealed.event, local.stored, log, seq=sealed.seq, at=sealed.at)
                seat.deliver(frame)
                feed.learn(sealed.seq, frame)
            first = page[-1].seq + 1
            await seat.room()
        feed.catching_up.discard(seat)
        return first

    async def send_again(self, local: Local, seat: Seat, log: LogName) -> None:
        """The whole log, to a seat that had another one; also when the store goes away meanwhile."""
        first = 1
        feed = local.feeds[log]
        feed.catching_up.add(seat)
        while seat in feed.catching_up and local.feeds[log] is feed:
            try:
                first = await self.send(local, seat, log, first)
            except Unavailable:
                await asyncio.sleep(_RETRY)
