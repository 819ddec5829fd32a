"""Running the house: its listeners, and the garbage collector's thresholds."""

from __future__ import annotations

import contextlib
import gc
from functools import partial
from typing import TYPE_CHECKING

import uvicorn

from idcontact.app import open_house
from idcontact.listeners import Listener, bound, forwarding, serve_all
from idcontact.live.messages import MAX_FRAME_BYTES
from idcontact.socket_server import HttpProtocol, SocketProtocol

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Coroutine
    from pathlib import Path

    from starlette.types import ASGIApp

    from idcontact.app import Site
    from idcontact.config import Config
    from idcontact.pages import Pages

GC_THRESHOLDS = (50_000, 50, 1_000)
"""The defaults stall a node for about 90 ms per 1,000 sockets, again and again; see docs/decisions."""

_HARD_FRAME_BYTES = 1024 * 1024
"""Above this a socket is cut off; between MAX_FRAME_BYTES and this it gets an error that says so."""


def set_gc_thresholds() -> None:
    """Fewer full collections."""
    gc.set_threshold(*GC_THRESHOLDS)


def listener(
    app: ASGIApp, config: Config, leave: Callable[[], Coroutine[object, object, None]] | None = None
) -> Listener:
    """A server of `app` on the stack that was measured to be the fastest: see benchmarks/. `leave` as in Listener."""
    return Listener(
        uvicorn.Config(
            app,
            http=HttpProtocol,
            ws=SocketProtocol,
            ws_per_message_deflate=False,
            ws_max_size=max(_HARD_FRAME_BYTES, MAX_FRAME_BYTES),
            ws_ping_interval=20,
            ws_ping_timeout=20,
            lifespan="off",
            access_log=False,
            log_config=None,
            server_header=False,
            timeout_graceful_shutdown=5,
            **forwarding(config.trusted_proxies),
        ),
        leave,
    )


async def serve(
    config: Config,
    folder: Path,
    *,
    site: Callable[[Pages], Site] | None = None,
    ready: Callable[[], None] | None = None,
    stop: asyncio.Event | None = None,
) -> None:
    """Serve until `stop` is set, or SIGINT or SIGTERM comes. `ready` is called once people can connect.

    Raises SettingsError.
    """
    set_gc_thresholds()
    with contextlib.ExitStack() as sockets:
        public = sockets.enter_context(bound("listen", config.listen))
        internal = None
        if config.internal_listen is not None:
            internal = sockets.enter_context(bound("internal_listen", config.internal_listen))
        async with open_house(config, folder, site) as house:
            leave = None if house.live is None else partial(house.live.hand_over, config.drain)
            servers = [(listener(house.public, config, leave), public)]
            if internal is not None:
                servers.append((listener(house.internal, config), internal))
            await serve_all(servers, ready=ready, stop=stop)


def run(config: Config, folder: Path) -> None:
    """`serve` on the fast event loop."""
    import uvloop

    uvloop.run(serve(config, folder))
