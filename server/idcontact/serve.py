"""Running the house: listeners, signals, logging, and the garbage collector's thresholds."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import signal
import socket
from typing import TYPE_CHECKING

import uvicorn

from idcontact.app import open_house
from idcontact.errors import SettingsError
from idcontact.live.messages import MAX_FRAME_BYTES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from starlette.applications import Starlette

    from idcontact.app import Site
    from idcontact.config import Config, Listen
    from idcontact.pages import Pages

GC_THRESHOLDS = (50_000, 50, 1_000)
"""The defaults stall a node for about 90 ms per 1,000 sockets, again and again; see docs/decisions."""

_HARD_FRAME_BYTES = 1024 * 1024
"""Above this a socket is cut off; between MAX_FRAME_BYTES and this it gets an error that says so."""

_log = logging.getLogger(__name__)


class _Server(uvicorn.Server):
    """A listener among several: signals are the process's, not its own."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def set_gc_thresholds() -> None:
    """Fewer full collections."""
    gc.set_threshold(*GC_THRESHOLDS)


def _bound(name: str, listen: Listen) -> socket.socket:
    """A listening socket. Raises SettingsError that names the address when it is taken."""
    family = socket.AF_INET6 if ":" in listen.host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((listen.host, listen.port))
    except OSError as error:
        sock.close()
        reason = error.strerror or "it cannot be used"
        raise SettingsError([f"{name}: {listen}: {reason}; is another server running there?"]) from None
    return sock


def _server(app: Starlette, config: Config) -> _Server:
    return _Server(
        uvicorn.Config(
            app,
            loop="uvloop",
            http="httptools",
            ws="websockets-sansio",
            ws_per_message_deflate=False,
            ws_max_size=max(_HARD_FRAME_BYTES, MAX_FRAME_BYTES),
            ws_ping_interval=20,
            ws_ping_timeout=20,
            lifespan="off",
            access_log=False,
            log_config=None,
            server_header=False,
            proxy_headers=bool(config.trusted_proxies),
            forwarded_allow_ips=config.trusted_proxies or None,
            timeout_graceful_shutdown=5,
        )
    )


async def serve(
    config: Config,
    folder: Path,
    *,
    site: Callable[[Pages], Site] | None = None,
    ready: Callable[[], None] | None = None,
) -> None:
    """Serve until SIGINT or SIGTERM. `ready` is called once people can connect. Raises SettingsError."""
    set_gc_thresholds()
    with contextlib.ExitStack() as sockets:
        public = sockets.enter_context(_bound("listen", config.listen))
        internal = None
        if config.internal_listen is not None:
            internal = sockets.enter_context(_bound("internal_listen", config.internal_listen))
        async with open_house(config, folder, site) as house:
            servers = [(_server(house.public, config), public)]
            if internal is not None:
                servers.append((_server(house.internal, config), internal))
            await _run(servers, ready)


async def _run(servers: list[tuple[_Server, socket.socket]], ready: Callable[[], None] | None) -> None:
    loop = asyncio.get_running_loop()

    def stop() -> None:
        for server, _ in servers:
            if server.should_exit:
                server.force_exit = True
            server.should_exit = True

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop)
    try:
        async with asyncio.TaskGroup() as group:
            for server, sock in servers:
                group.create_task(server.serve(sockets=[sock]))
            if ready is not None:
                while not all(server.started for server, _ in servers):
                    await asyncio.sleep(0.01)
                ready()
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)


def run(
    config: Config,
    folder: Path,
    *,
    site: Callable[[Pages], Site] | None = None,
    ready: Callable[[], None] | None = None,
) -> None:
    """`serve` on the fast event loop."""
    import uvloop

    uvloop.run(serve(config, folder, site=site, ready=ready))
