"""python-socketio with its Redis manager: whoever is at one side of a pair gets what the other side says, on any node.

Usage: `python python_socketio.py REDIS-URL PORT`.
"""

from __future__ import annotations

import sys
from typing import Any
from urllib.parse import parse_qs

import socketio
from serving import serve


def relay(redis_url: str) -> socketio.ASGIApp:
    """A room for each side of each pair."""
    server = socketio.AsyncServer(
        async_mode="asgi", transports=["websocket"], client_manager=socketio.AsyncRedisManager(redis_url)
    )
    others: dict[str, str] = {}

    async def connect(sid: str, environ: dict[str, Any]) -> None:
        query = parse_qs(environ["QUERY_STRING"])
        pair, side = query["pair"][0], int(query["side"][0])
        others[sid] = f"{pair}/{1 - side}"
        await server.enter_room(sid, f"{pair}/{side}")

    async def say(sid: str, said: dict[str, Any]) -> None:
        await server.emit("say", said, room=others[sid])

    async def disconnect(sid: str, _reason: str) -> None:
        others.pop(sid, None)

    for handler in (connect, say, disconnect):
        server.on(handler.__name__, handler)
    return socketio.ASGIApp(server)


if __name__ == "__main__":
    serve(relay(sys.argv[1]), int(sys.argv[2]))
