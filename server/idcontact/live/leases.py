"""What says that sockets are here: this node's route to each conversation, and the end user's lease. Both lapse.

Without a route nobody publishes to this node, and those who are here hear nothing of what is said elsewhere.
"""

from __future__ import annotations

import asyncio
import logging
import time
from functools import partial
from typing import TYPE_CHECKING

from idcontact.errors import Unavailable
from idcontact.live.rounds import Round

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from idcontact.live.conversations import Conversations
    from idcontact.live.local import Local

_log = logging.getLogger(__name__)
ROUTE_MS = 60_000
RENEW_EVERY = 15.0
RENEWED_AT_ONCE = 32


class Leases:
    """Those of one node. `run` is its life."""

    def __init__(
        self,
        node: str,
        conversations: Conversations,
        there: Mapping[str, Local],
        *,
        gone: Callable[[Local], None],
        changed: Callable[[Local], None],
    ) -> None:
        """`there` are the conversations of this node. `gone` hears of one that is no more, `changed` of a newer one."""
        self._node = node
        self._conversations = conversations
        self._store = conversations.store
        self._there = there
        self._gone = gone
        self._changed = changed
        self._suspects: set[str] = set()

    async def run(self) -> None:
        """Keep them; for ever. Not all at once: thousands of renewals would stand before what people say."""
        while True:
            next_ = time.monotonic() + RENEW_EVERY
            await self.renew_all(over=RENEW_EVERY)
            await asyncio.sleep(max(next_ - time.monotonic(), 0))

    async def renew_all(self, over: float = 0.0) -> None:
        """Renew everything that can be reached once, `over` so many seconds; the newest first, which never were.

        Many at a time: a lease is short where a store is slow.
        """
        round_ = self.round()
        there = reversed([*self._there.values()])
        await round_.each(((self.tag(local), partial(self._keep, local)) for local in there), over)
        try:
            round_.end()
        except Unavailable:
            _log.debug("routes are left to lapse: %d buckets cannot be reached", len(round_.away))

    async def _keep(self, local: Local) -> None:
        """Renew one, unless everybody has left meanwhile."""
        if self._there.get(local.id) is local:
            await self.renew(local)

    def round(self) -> Round:
        """One over conversations of this node: what is known to be away comes last."""
        return Round(RENEWED_AT_ONCE, self._suspects)

    def tag(self, local: Local) -> str:
        """Where it lies."""
        return self._store.keys(local.id).tag

    async def open(self, conversation: str) -> bool:
        """A route to this one, before anybody sits there. False when it does not exist, or no longer."""
        return await self._store.renew(conversation, self._node, ROUTE_MS, 0) is not None

    async def renew(self, local: Local) -> bool:
        """Renew one. False when it is gone."""
        lease = self._conversations.rules(local.stored.state.purpose).lease
        here = any(seat.who == "end_user" for seat in local.seats)
        version = await self._store.renew(local.id, self._node, ROUTE_MS, lease if here else 0)
        if version is None:
            self._gone(local)
            return False
        if version > local.stored.state.version:
            self._changed(local)  # a publication that did not reach us
        return True
