"""What is due is done, by whichever node comes first; what another node left half-done is finished.

A deadline lies in the slot of what it changes, and claiming it is the transition itself: nothing is claimed and then
lost. One pass looks at all buckets and at routing.
"""

from __future__ import annotations

import asyncio
import logging
import math
import random
import time
from functools import partial
from typing import TYPE_CHECKING

from idcontact.errors import IdContactError, NotFound, Unavailable
from idcontact.live.happenings import DeadlineReached
from idcontact.live.rounds import Round

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from idcontact.live.conversations import Conversations

_log = logging.getLogger(__name__)
PASS_EVERY = 0.5
AFTER_OUTAGE = 2.0
POSTPONE_MS = 600_000
AT_ONCE = 16
"""How many conversations are dealt with at a time: waiting for the store is most of what it takes."""
PORTION = 10 * AT_ONCE
_ROUTING = "{routing}"


class Sweeper:
    """See the module. `run` is its life."""

    def __init__(self, conversations: Conversations, renew: Callable[[], Awaitable[None]]) -> None:
        """`renew` renews the leases of this node's sockets."""
        self._renew = renew
        self._conversations = conversations
        self._store = conversations.store
        self._buckets = conversations.store.buckets
        self._routing = conversations.routing
        self._complained: dict[str, float] = {}

    async def run(self) -> None:
        """A pass, and again; for ever. No error ends it."""
        while True:
            try:
                await self.once()
            except Unavailable:
                await self._sit_out()
            except Exception:  # noqa: BLE001 - a pass that fails must not end the passes
                _log.exception("a pass over the deadlines failed")
            await asyncio.sleep(PASS_EVERY)

    async def _sit_out(self) -> None:
        """After an outage leases have lapsed of people who are there: every node renews its own before any sweeps."""
        while True:
            await asyncio.sleep(PASS_EVERY)
            try:
                await self._buckets.firsts()  # every bucket is there: of a Cluster some may be away
            except Unavailable:
                continue
            await self._renew()
            await asyncio.sleep(AFTER_OUTAGE)
            return

    async def once(self) -> None:
        """One pass. What cannot be reached keeps nobody else waiting; it is said in the end, by `Unavailable`."""
        now = await self._store.now()
        round_ = Round(AT_ONCE)
        await round_.one(_ROUTING, self._sweep_routing)
        firsts = await self._buckets.firsts()
        due = await self._buckets.due(now, firsts)
        if len(due) > AT_ONCE:
            random.shuffle(due)  # all nodes are at it: each begins elsewhere
        for begin in range(0, len(due), PORTION):
            portion = due[begin : begin + PORTION]
            await round_.each((self._tag(deadline[1]), partial(self._reach, *deadline)) for deadline in portion)
            await round_.one(_ROUTING, self._sweep_routing)
        untold = await self._buckets.untold(firsts)
        tell = self._conversations.tell_routing
        await round_.each((self._tag(one), partial(self._one, tell, one)) for one in untold)
        outbox = await self._routing.outbox()
        hear = self._conversations.hear
        await round_.each((self._tag(one), partial(self._one, hear, one, raw)) for one, raw in outbox.items())
        round_.end()

    async def _sweep_routing(self) -> None:
        """Also between portions: an offer lapses in time, however much else there is to do."""
        while await self._routing.sweep() == 100:
            pass

    def _tag(self, conversation: str) -> str:
        """Where it lies."""
        return self._store.keys(conversation).tag

    async def _reach(self, kind: str, conversation: str, at: int) -> None:
        try:
            await self._conversations.happen(conversation, DeadlineReached(kind), claim=(kind, at))
        except NotFound:
            await self._conversations.tell_routing(conversation)
            await self._store.erase(conversation)
        except Unavailable:
            raise
        except Exception as error:  # noqa: BLE001 - see `_complain`
            # It must not stand in the way of others in its bucket, nor be offered to agents who cannot read it.
            await self._store.postpone(kind, conversation, await self._store.now() + POSTPONE_MS)
            self._complain(conversation, error)
            await self._one(self._conversations.tell_routing, conversation)

    async def _one(self, do: Callable[..., Awaitable[None]], conversation: str, *more: bytes) -> None:
        try:
            await do(conversation, *more)
        except Unavailable:
            raise
        except Exception as error:  # noqa: BLE001 - see `_complain`
            self._complain(conversation, error)

    def _complain(self, conversation: str, error: Exception) -> None:
        """One that cannot be read, for want of its key or a state of another version, is said, but ends no pass.

        Once in a while, not at every pass; and only our own errors with their text.
        """
        now = time.monotonic()
        if now - self._complained.get(conversation, -math.inf) < POSTPONE_MS / 1000:
            return
        if len(self._complained) > 1000:
            self._complained.clear()
        self._complained[conversation] = now
        what = str(error) if isinstance(error, IdContactError) else type(error).__name__
        _log.error("a conversation cannot go on: %s", what, extra={"conversation": conversation})
