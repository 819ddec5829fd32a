"""Running the house: its listeners, and the garbage collector's thresholds."""

from __future__ import annotations

import asyncio
import contextlib
import gc
from functools import partial
from typing import TYPE_CHECKING

import uvicorn

from idcontact.app import open_house
from idcontact.errors import SettingsError
from idcontact.listeners import Doors, Listener, bound, forwarding, serve_all
from idcontact.live.messages import MAX_FRAME_BYTES
from idcontact.socket_server import HttpProtocol, SocketProtocol
from idcontact.tasks import Tasks

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from pathlib import Path

    from starlette.types import ASGIApp

    from idcontact.app import Site
    from idcontact.config import Config
    from idcontact.pages import Pages
    from idcontact.workers import Line

GC_THRESHOLDS = (50_000, 50, 1_000)
"""The defaults stall a node for about 90 ms per 1,000 sockets, again and again; see docs/decisions."""

_HARD_FRAME_BYTES = 1024 * 1024
"""Above this a socket is cut off; between MAX_FRAME_BYTES and this it gets an error that says so."""

PING_EVERY = 20.0
PONG_WITHIN = 20.0
"""Seconds. Who is lost without a word, in a tunnel or behind a lid, is missed by this, and by nothing else."""


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
            ws_ping_interval=PING_EVERY,
            ws_ping_timeout=PONG_WITHIN,
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
    doors: Doors | None = None,
) -> None:
    """Serve until `stop` is set, or SIGINT or SIGTERM comes. `ready` is called once people can connect.

    `doors`: sockets that a parent bound for this process and others; otherwise they are as the settings say. Raises
    SettingsError.
    """
    set_gc_thresholds()
    with contextlib.closing(doors or _doors(config)) as taken:
        async with open_house(config, folder, site, one_of_many=doors is not None) as house:
            leave = None if house.live is None else partial(house.live.hand_over, config.drain)
            servers = [(listener(house.public, config, leave), taken.public)]
            if taken.internal is not None:
                servers.append((listener(house.internal, config), taken.internal))
            await serve_all(servers, ready=ready, stop=stop)


def _doors(config: Config) -> Doors:
    public = bound("listen", config.listen)
    if config.internal_listen is None:
        return Doors(public, None)
    try:
        return Doors(public, bound("internal_listen", config.internal_listen))
    except SettingsError:
        public.close()
        raise


def run(config: Config, folder: Path) -> None:
    """`serve` on the fast event loop."""
    import uvloop

    uvloop.run(serve(config, folder))


def run_worker(
    config: Config, folder: Path, doors: Doors, line: Line, *, site: Callable[[Pages], Site] | None = None
) -> None:
    """`serve` in one of several processes, until its parent lets go of it."""
    import uvloop

    uvloop.run(_serve_for_parent(config, folder, doors, line, site))


async def _serve_for_parent(
    config: Config, folder: Path, doors: Doors, line: Line, site: Callable[[Pages], Site] | None
) -> None:
    stop = asyncio.Event()

    async def stop_when_let_go() -> None:
        await line.let_go()
        stop.set()

    async with Tasks() as tasks:
        tasks.start(stop_when_let_go(), "line to the parent")
        await serve(config, folder, site=site, ready=line.say_up, stop=stop, doors=doors)
