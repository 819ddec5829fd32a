"""The ceiling: a Starlette application that passes on what it gets, on the same server settings as the product.

It knows no one, keeps nothing, checks nothing and answers nothing. Usage: `python -m benchmarks.bare CONFIG PORT`,
with the product's settings: on its frame path and with its thresholds of the garbage collector. With `-` for CONFIG it
is on uvicorn as it comes, with uvloop and httptools, as `uvicorn[standard]` installs them, and with Python's own
thresholds. Deflate is off in both.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import uvicorn
import uvloop
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocketDisconnect

from idcontact.config import load_config
from idcontact.listeners import bound, serve_all
from idcontact.serve import listener, set_gc_thresholds
from idcontact.settings_values import Address

if TYPE_CHECKING:
    from starlette.websockets import WebSocket


def bare_relay() -> Starlette:
    """Whoever is at one side of a pair gets what the other side says."""
    places: dict[tuple[int, int], WebSocket] = {}

    async def relay(websocket: WebSocket) -> None:
        pair, side = websocket.path_params["pair"], websocket.path_params["side"]
        await websocket.accept()
        places[pair, side] = websocket
        try:
            while True:
                text = await websocket.receive_text()
                await places[pair, 1 - side].send_text(text)
        except WebSocketDisconnect:
            places.pop((pair, side))

    return Starlette(routes=[WebSocketRoute("/relay/{pair:int}/{side:int}", relay)])


def main() -> None:
    """Serve until SIGTERM."""
    settings, port = sys.argv[1], int(sys.argv[2])
    if settings == "-":
        _serve_as_it_comes(port)
        return
    config = load_config(Path(settings), os.environ)
    set_gc_thresholds()
    with bound("PORT", Address("127.0.0.1", port)) as sock:
        uvloop.run(serve_all([(listener(bare_relay(), config), sock)]))


def _serve_as_it_comes(port: int) -> None:
    """Its own choice of event loop and protocols is what it finds installed; written out, so that no other is taken."""
    uvicorn.run(
        bare_relay(),
        host="127.0.0.1",
        port=port,
        loop="uvloop",
        http="httptools",
        ws="websockets-sansio",
        ws_per_message_deflate=False,
        access_log=False,
        log_level="warning",
    )


if __name__ == "__main__":
    main()
