"""Where pages connect: end users and staff, by WebSocket, or by a stream and POSTs where WebSockets are blocked.

Who may come in is decided once for both ways: by origin, cookie and limits. Whoever may is counted by who they are, and
only the others by their address: all of an office may come back at once, and strangers there keep nobody out.
"""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, TypeAlias

import msgspec
from starlette.responses import Response
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket

from idcontact.bodies import read_body
from idcontact.errors import BadRequest, Gone, IdContactError, NotAllowed, TooManyRequests
from idcontact.limits import client_address
from idcontact.live import messages as m
from idcontact.live import operations as ops
from idcontact.live.console import Console
from idcontact.live.end_user import EndUserEnd
from idcontact.live.socket import (
    BAD_PROTOCOL,
    GONE,
    NOT_ALLOWED,
    NOT_AUTHENTICATED,
    RATE_LIMITED,
    TRY_AGAIN,
    Line,
    Socket,
)
from idcontact.live.stream import Streaming, refused
from idcontact.live.streams import MAX_NUMBER
from idcontact.openapi import ApiRoute
from idcontact.security import check_origin, check_socket_origin

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection

    from starlette.requests import HTTPConnection, Request
    from starlette.types import Receive, Scope, Send

    from idcontact.limits import Limiter
    from idcontact.live.floor import Floor
    from idcontact.live.settings import LiveSettings
    from idcontact.live.store import ConversationStore
    from idcontact.live.streams import Streams
    from idcontact.pages import Pages

    Answering: TypeAlias = Callable[
        [Callable[[Request], Awaitable[Response]]], Callable[[Request], Awaitable[Response]]
    ]

_log = logging.getLogger(__name__)
_ID = re.compile(r"[a-z2-7]{26}")
_NUMBER = re.compile(r"[1-9][0-9]{0,15}")
MAX_BATCH_BYTES = 128 * 1024
BATCHES = "/(c/[^/]+|console)/frames"
"""Where batches are POSTed, as a regular expression."""
_end_user_frames = msgspec.json.Decoder(m.EndUserFrame)
_staff_frames = msgspec.json.Decoder(m.StaffFrame)


@dataclass(frozen=True)
class Visitor:
    """Somebody who may come in. `owner` names them; `serve` is their life on a line."""

    owner: str
    serve: Callable[[Line], Awaitable[None]]


Admit: TypeAlias = "Callable[[HTTPConnection], Awaitable[Visitor | int]]"
"""Who it is; or the code to close with."""


def cookie_name(conversation: str) -> str:
    """Of the cookie that whoever landed at a conversation holds."""
    return f"__Host-idc-c-{conversation}"


async def holds_cookie(store: ConversationStore, connection: HTTPConnection, conversation: str) -> bool:
    """Whether this is the browser that landed there."""
    if _ID.fullmatch(conversation) is None:
        return False
    cookie = connection.cookies.get(cookie_name(conversation))
    return cookie is not None and await store.enter(conversation, cookie)


@dataclass(frozen=True, kw_only=True)
class Entrances:
    """See the module."""

    floor: Floor
    streams: Streams
    settings: LiveSettings
    pages: Pages
    limiter: Limiter
    own_origins: Collection[str]

    def routes(self, answering: Answering) -> list[ApiRoute | WebSocketRoute]:
        """All of them. `answering` makes answers of errors."""
        routes: list[ApiRoute | WebSocketRoute] = []
        for path, admit, described in (
            ("/c/{conversation}", self._end_user, (ops.END_USER_EVENTS, ops.END_USER_FRAMES)),
            ("/console", self._staff, (ops.STAFF_EVENTS, ops.STAFF_FRAMES)),
        ):
            events, frames = answering(partial(self._events, admit)), answering(partial(self._frames, admit))
            routes += [
                WebSocketRoute(f"{path}/socket", _SocketApp(partial(self._socket, admit))),
                ApiRoute(f"{path}/events", events, methods=["GET"], operation=described[0]),
                ApiRoute(f"{path}/frames", frames, methods=["POST"], operation=described[1]),
            ]
        return routes

    # --- who ------------------------------------------------------------------------------------------------------

    async def _end_user(self, connection: HTTPConnection) -> Visitor | int:
        conversation = connection.path_params["conversation"]
        store = self.floor.conversations.store
        if not await holds_cookie(store, connection, conversation):
            known = _ID.fullmatch(conversation) is not None and await store.exists(conversation)
            return NOT_AUTHENTICATED if known else GONE

        async def serve(line: Line) -> None:
            allowed = self.settings.frames_per_10_seconds
            socket: Socket[m.EndUserFrame] = Socket(line, _end_user_frames, allowed)
            with self.floor.sockets.kept(socket, "end_user"):
                await socket.run(EndUserEnd(conversation, socket, self.floor))

        return Visitor(f"end_user {conversation}", serve)

    async def _staff(self, connection: HTTPConnection) -> Visitor | int:
        member = await self.floor.door.member_of(connection)
        if member is None:
            return NOT_AUTHENTICATED

        async def serve(line: Line) -> None:
            allowed = self.settings.frames_per_10_seconds
            socket: Socket[m.StaffFrame] = Socket(line, _staff_frames, allowed)
            with self.floor.sockets.kept(socket, "agent" if "agent" in member.roles else "supervisor"):
                await socket.run(Console(member, self.pages.language(connection), socket, self.floor))

        return Visitor(f"staff {member.id}", serve)

    async def _admitted(
        self,
        connection: HTTPConnection,
        check: Callable[[HTTPConnection, Collection[str]], None],
        admit: Admit,
    ) -> Visitor | int:
        try:
            check(connection, self.own_origins)
            visitor = await admit(connection)
            await self._count(connection, visitor)
            return visitor
        except NotAllowed:
            return NOT_ALLOWED
        except TooManyRequests:
            return RATE_LIMITED
        except IdContactError as error:
            _log.warning("a connection could not be admitted: %s", error)
            return TRY_AGAIN

    async def _count(self, connection: HTTPConnection, visitor: Visitor | int) -> None:
        if isinstance(visitor, int):
            await self.limiter.hit("stranger", client_address(connection), self.settings.socket_limit)
        else:
            await self.limiter.hit("socket", visitor.owner, self.settings.socket_limit)

    # --- how ------------------------------------------------------------------------------------------------------

    async def _socket(self, admit: Admit, websocket: WebSocket, receive: Receive, send: Send) -> None:
        """Accept, or accept and close with the reason: a page cannot read the status of a refused handshake."""
        visitor = await self._admitted(websocket, check_socket_origin, admit)
        known = m.PROTOCOL in websocket.scope["subprotocols"]
        await websocket.accept(subprotocol=m.PROTOCOL if known else None)
        if isinstance(visitor, int) or not known:
            await websocket.close(self._refusing(visitor if isinstance(visitor, int) else BAD_PROTOCOL))
            return
        await visitor.serve(Line.of(websocket, receive, send))

    async def _events(self, admit: Admit, request: Request) -> Response:
        """`GET …/events`: what the server says, and where to POST the rest."""
        visitor = await self._admitted(request, check_origin, admit)
        if isinstance(visitor, int) or request.method == "HEAD":
            return refused(self._refusing(visitor if isinstance(visitor, int) else BAD_PROTOCOL))
        stream_id, stream = self.streams.open(visitor.owner)
        return Streaming(stream, visitor.serve, partial(self.streams.close, stream_id))

    def _refusing(self, code: int) -> int:
        self.floor.sockets.closed[code] += 1
        return code

    async def _frames(self, admit: Admit, request: Request) -> Response:
        """`POST …/frames`: one frame a line. Answered over the stream."""
        check_origin(request, self.own_origins)
        visitor = await admit(request)
        try:
            await self._take(request, visitor)
        except (NotAllowed, BadRequest, Gone):
            await self._count(request, visitor)
            raise
        return Response(status_code=204)

    async def _take(self, request: Request, visitor: Visitor | int) -> None:
        if isinstance(visitor, int):
            raise NotAllowed("this is not, or no longer, yours to say something to")
        number = request.headers.get("idcontact-batch", "")
        if _NUMBER.fullmatch(number) is None or int(number) > MAX_NUMBER:
            raise BadRequest("expected the number of this batch, from 1", field="Idcontact-Batch")
        token = request.headers.get("idcontact-stream", "")
        if not token:
            raise BadRequest("expected what the stream's first event says", field="Idcontact-Stream")
        body = await read_body(request, MAX_BATCH_BYTES)
        try:
            frames = body.decode().removesuffix("\n").split("\n")
        except UnicodeDecodeError:
            raise BadRequest("frames are text, UTF-8") from None
        await self.streams.take(token, visitor.owner, int(number), frames)


class _SocketApp:
    """An endpoint that sends and receives frames without Starlette's layer, which costs as much as a frame itself."""

    def __init__(self, serve: Callable[[WebSocket, Receive, Send], Awaitable[None]]) -> None:
        self._serve = serve

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._serve(WebSocket(scope, receive, send), receive, send)
