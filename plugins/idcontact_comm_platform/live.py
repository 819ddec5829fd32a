"""What happens in a room, as server-sent events (WHATWG HTML, section 9.2): `start`, then `update` for each change.

The events say that something changed, never what. Each has the revision of the room as its id: a browser that
reconnects tells which one it saw last (`Last-Event-ID`; our own page also `since`), and hears at once when it missed
something. A hint of another node may be lost: the room is looked at now and then without one.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from starlette.responses import Response

from idcontact.errors import BadRequest, Unavailable
from idcontact.tasks import end

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request
    from starlette.types import Receive, Scope, Send

    from idcontact.plugin import PluginHost
    from idcontact_comm_platform.door import Door
    from idcontact_comm_platform.links import Host, Links
    from idcontact_comm_platform.rooms import Rooms

PAUSE: Final = 15.0
"""Seconds after which the room is looked at without a hint, and the connection is shown to be there."""
_NO_REVISION: Final = ""


class _Over(Exception):
    """The stream ends, after what was said."""


@dataclass(frozen=True)
class Live:
    """`GET /host/live/{host_token}`."""

    host: PluginHost
    links: Links[Host]
    rooms: Rooms
    door: Door
    pause: float = PAUSE

    async def stream(self, request: Request) -> Response:
        """The events of the room."""
        return _EventStream(lambda tell: self._tell(request, tell))

    async def _tell(self, request: Request, tell: Callable[[str], Awaitable[None]]) -> None:
        """Until the connection ends, or the host may not look any more."""
        host = await self._admitted(request, tell)
        seen = request.headers.get("last-event-id") or request.query_params.get("since") or _NO_REVISION
        with self.host.signals.heard(self.rooms.place(host.room_id)) as event:
            view = await self.rooms.look(host)
            until = view.until
            await tell(_event("start", seen or view.revision))
            while True:
                if seen not in {_NO_REVISION, view.revision}:
                    await tell(_event("update", view.revision))
                seen = view.revision
                if not await self._woken(event, until):
                    await tell(":\n\n")
                try:
                    await self._admitted(request, tell)
                    view = await self.rooms.look(host)
                    until = view.until
                except Unavailable:
                    until = None  # it may have passed: what is missed now is seen at the next look, after a pause

    async def _woken(self, event: asyncio.Event, until: float | None) -> bool:
        """Whether somebody hinted that there is something to see, before it is time to look anyway."""
        ends_in = self.pause if until is None else max(until - self.host.clock(), 0.0)
        try:
            async with asyncio.timeout(min(self.pause, ends_in)):
                await event.wait()
        except TimeoutError:
            return False
        event.clear()
        return True

    async def _admitted(self, request: Request, tell: Callable[[str], Awaitable[None]]) -> Host:
        try:
            host = self.links.read(request.path_params["host_token"], self.host.clock())
        except BadRequest:
            await tell(_event("badrequest", _NO_REVISION))
            raise _Over from None
        if not await self.door.admits(request):
            await tell(_event("forbidden", _NO_REVISION))
            raise _Over
        return host


class _EventStream(Response):
    """An answer that lasts until it is over or the browser is gone, whichever comes first."""

    media_type = "text/event-stream"

    def __init__(self, say: Callable[[Callable[[str], Awaitable[None]]], Awaitable[None]]) -> None:
        self._say = say
        self.status_code = 200
        self.background = None
        # A proxy that collects answers before it passes them on would keep the events back.
        self.init_headers({"Cache-Control": "no-store", "X-Accel-Buffering": "no"})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})

        async def tell(text: str) -> None:
            await send({"type": "http.response.body", "body": text.encode(), "more_body": True})

        saying = asyncio.ensure_future(self._say(tell))
        leaving = asyncio.ensure_future(_until_gone(receive))
        try:
            await asyncio.wait({saying, leaving}, return_when=asyncio.FIRST_COMPLETED)
            if saying.done():
                saying.result()
        except (_Over, Unavailable, OSError):
            pass  # the browser is gone; or it comes back by itself, when it was not told to stay away
        finally:
            await end(saying, leaving)
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _event(data: str, revision: str) -> str:
    return f"id: {revision}\ndata: {data}\n\n" if revision else f"data: {data}\n\n"
