"""That an agent is there: a lease in routing, renewed while the console is open, never a flag."""

from __future__ import annotations

import asyncio
import logging
import random
from typing import TYPE_CHECKING

from idcontact.errors import IdContactError
from idcontact.live.comings import is_overtaken, name_of
from idcontact.live.socket import NOT_AUTHENTICATED, REPLACED

if TYPE_CHECKING:
    from collections.abc import Callable

    from idcontact.live.floor import Floor
    from idcontact.live.messages import Hello
    from idcontact.live.staff_port import Member

_log = logging.getLogger(__name__)
LEASE_MS = 45_000
LINGER_MS = 4_000
"""How long an agent whose console closed is still held to be there: a reload is not an absence."""
RENEW_EVERY = 15.0


class Attendance:
    """One console's. `close` ends its socket with a code, when the log-in ended or a newer console took over."""

    def __init__(self, member: Member, floor: Floor, close: Callable[[int], None]) -> None:
        self.conn = ""
        """By this name routing knows this console; none before hello."""
        self._member = member
        self._floor = floor
        self._routing = floor.conversations.routing
        self._close = close
        self._arrived = False
        self._left = False
        self._task: asyncio.Task[object] | None = None

    @property
    def takes_conversations(self) -> bool:
        """Whether this person is an agent, and not only watches."""
        return "agent" in self._member.roles and bool(self._member.purposes) and self._member.capacity > 0

    async def begin(self, hello: Hello) -> bool:
        """Be there, and stay. False when the same page has come again since. Raises `Unavailable`."""
        self.conn = self.conn or name_of(hello)
        if self.takes_conversations and not await self._arrive():
            return False
        if self._task is None and not self._left:
            self._task = self._floor.tasks.start(self._keep(), "keep an agent's lease")
            self._floor.attendances.add(self)
        return True

    async def arrive_again(self) -> None:
        """The store may have forgotten that the agent is here."""
        try:
            if self._arrived and not self._left:
                await self._arrive()
        except IdContactError as error:
            _log.debug("an agent could not be noted again: %s", error)  # with the next renewal

    async def leave(self) -> None:
        """The console is gone. The agent is held to be there a moment longer."""
        self._left = True
        self._floor.attendances.discard(self)
        if self._task is not None:
            self._task.cancel()
        if self._arrived and not self._floor.sockets.leaving:
            try:
                await self._lease(LINGER_MS)
            except IdContactError as error:
                _log.debug("a leaving agent could not be noted: %s", error)  # the lease lapses by itself

    async def renew(self) -> None:
        """Renew once; end the socket when the log-in ended, or a newer console has the agent."""
        if not await self._floor.door.still_valid(self._member):
            self._close(NOT_AUTHENTICATED)
            return
        if not self._arrived or self._left or await self._lease(LEASE_MS):
            return
        known = await self._routing.agent(self._member.id)
        another = known is not None and known.present and known.conn != self.conn
        # An earlier try of this very page is there again when the store fell back to an earlier copy of itself.
        if known is not None and another and not is_overtaken(known.conn, self.conn):
            self._close(REPLACED)
        elif not self._left:
            await self._arrive()

    async def _keep(self) -> None:
        while True:
            await asyncio.sleep(RENEW_EVERY * random.uniform(0.8, 1.0))  # noqa: S311 - those who came together part
            try:
                await self.renew()
            except IdContactError as error:
                _log.debug("a lease could not be renewed: %s", error)
            except Exception as error:  # noqa: BLE001 - an agent whose lease nobody renews is gone although they are there
                _log.exception("a lease could not be renewed: %s", type(error).__name__)

    async def _arrive(self) -> bool:
        member = self._member
        until = await self._floor.conversations.store.now() + LEASE_MS
        taken = await self._routing.act(
            "arrive",
            id=member.id,
            name=member.name,
            purposes=list(member.purposes),
            capacity=member.capacity,
            conn=self.conn,
            lease=until,
        )
        if taken != 1:
            self._close(REPLACED)
            return False
        self._arrived = True
        return True

    async def _lease(self, duration: int) -> bool:
        until = await self._floor.conversations.store.now() + duration
        return await self._routing.act("lease", id=self._member.id, conn=self.conn, lease=until) == 1
