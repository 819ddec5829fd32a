"""The servers that the product on two nodes is compared with: each of two processes, with Redis between them."""

from __future__ import annotations

import os
import shutil
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from benchmarks.machine import HERE, Generator, Missing, running
from benchmarks.pairs import write_bare_pairs, write_socketio_pairs
from benchmarks.rows import Row, listening
from benchmarks.stores import pid_of
from running import free_port

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from contextlib import AsyncExitStack
    from pathlib import Path

    from servers import RedisServer

PEERS = HERE / "peers"
BARE, BARE_ON_OURS = "bare relay, uvicorn as is", "bare relay, on our frames"
SOCKETIO, PYTHON_SOCKETIO, CHANNELS = "socket.io + redis-adapter", "python-socketio + Redis", "Channels + pub/sub layer"


async def peer_rows(
    stack: AsyncExitStack, load: Path, store: RedisServer, pairs: int, folder: Path
) -> AsyncIterator[Row]:
    """Each peer, started, with its sockets open."""
    python, node = _python(), _node()
    path, url = str(store.socket), store.url
    for name, mode, command in (
        (SOCKETIO, "socketio", [node, str(PEERS / "socketio.mjs"), path]),
        (PYTHON_SOCKETIO, "socketio", [python, str(PEERS / "python_socketio.py"), url]),
        (CHANNELS, "relay", [python, str(PEERS / "django_channels.py"), url]),
    ):
        ports = (free_port(), free_port())
        log = stack.enter_context((folder / f"{mode}-{ports[0]}.log").open("ab"))
        with _for_production():
            pids = [stack.enter_context(running([*command, str(port)], None, log)) for port in ports]
        for port in ports:
            await listening(port)
        sockets = folder / f"{ports[0]}.sockets"
        (write_socketio_pairs if mode == "socketio" else write_bare_pairs)(pairs, sockets, ports)
        generator = stack.enter_context(Generator(load, ports[0], mode, sockets, core=None))
        generator.wait_until_ready()
        yield Row(name, generator, {"server": pids[0], "Redis": pid_of(store)}, {"server": pids[1]})


async def single_rows(stack: AsyncExitStack, load: Path, bound: Path, pairs: int, config: Path) -> AsyncIterator[Row]:
    """In one process, without a store: a bare Starlette relay on either frame path, and one in C."""
    bare = [sys.executable, "-m", "benchmarks.bare"]
    for name, command in ((BARE, [*bare, "-"]), (BARE_ON_OURS, [*bare, str(config)]), ("relay in C", [str(bound)])):
        port = free_port()
        pid = stack.enter_context(running([*command, str(port)], None))
        await listening(port)
        sockets = config.parent / f"{port}.sockets"
        write_bare_pairs(pairs, sockets)
        generator = stack.enter_context(Generator(load, port, "relay", sockets, core=None))
        generator.wait_until_ready()
        yield Row(name, generator, {"server": pid})


def _python() -> str:
    python = PEERS / ".venv" / "bin" / "python"
    if not python.exists():
        raise Missing("the servers to compare with are not installed: `make bench` does that, into benchmarks/peers")
    return str(python)


def _node() -> str:
    node = shutil.which("node")
    if node is None or not (PEERS / "node_modules" / "socket.io").is_dir():
        raise Missing("Node and socket.io are not installed: `make bench` does that, into benchmarks/peers")
    return node


@contextmanager
def _for_production() -> Iterator[None]:
    """Node's packages leave checks out then."""
    before = os.environ.get("NODE_ENV")
    os.environ["NODE_ENV"] = "production"
    try:
        yield
    finally:
        if before is None:
            del os.environ["NODE_ENV"]
        else:
            os.environ["NODE_ENV"] = before
