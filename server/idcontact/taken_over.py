"""A connection that redis-py made (TLS, AUTH, SELECT), and whose bytes are handed out where they come in.

asyncio's reader wakes a task for each piece, which costs as much as what is done with it, and a turn of the event loop.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from collections.abc import Callable


class TakenOver(asyncio.Protocol):
    """See the module. Whoever wrote to it goes on doing so by the connection's own writer."""

    def __init__(self, before: asyncio.Protocol, heard: Callable[[bytes], None]) -> None:
        self._before = before
        self._heard = heard
        self._over: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    @classmethod
    async def of(cls, connection: Any, heard: Callable[[bytes], None]) -> TakenOver:
        """Take it over: `heard` gets what comes, and what had come already. What it raises is the end of it."""
        reader = connection._reader  # noqa: SLF001 - the seam: redis-py offers no other
        transport: asyncio.Transport = connection._writer.transport  # noqa: SLF001
        taken = cls(cast("asyncio.Protocol", transport.get_protocol()), heard)
        transport.set_protocol(taken)
        ended = reader._eof or transport.is_closing()  # noqa: SLF001 - of which nobody is told a second time
        reader.feed_eof()
        if early := await reader.read():
            taken.data_received(early)
        if ended:
            taken.give_up()
        return taken

    async def end(self) -> None:
        """Until the other side has ended it, or `give_up`. Raises what it broke with, or what `heard` raised."""
        await self._over

    def give_up(self) -> None:
        """It is dead, whatever the kernel says."""
        if not self._over.done():
            self._over.set_result(None)

    # --- asyncio's side -------------------------------------------------------------------------------------------

    def data_received(self, data: bytes) -> None:
        """A piece has come in."""
        if self._over.done():
            return
        try:
            self._heard(data)
        except Exception as mistake:  # noqa: BLE001 - whoever waits for the end is told
            self._over.set_exception(mistake)

    def eof_received(self) -> None:
        """The other side has ended it. The transport closes."""
        self.give_up()

    def connection_lost(self, exc: Exception | None) -> None:
        """It is gone; the writer waits for what stood here before to hear of that."""
        if exc is None:
            self.give_up()
        elif not self._over.done():
            self._over.set_exception(exc)
        self._before.connection_lost(exc)

    def pause_writing(self) -> None:
        """Too much waits to be written."""
        self._before.pause_writing()

    def resume_writing(self) -> None:
        """No longer."""
        self._before.resume_writing()
