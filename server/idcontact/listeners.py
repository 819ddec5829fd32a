"""Listening: sockets that say why when they cannot, and several servers that start and end as one."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
import sys
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, TypedDict

import uvicorn

from idcontact.errors import SettingsError
from idcontact.socket_server import is_settling
from idcontact.tasks import Tasks

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator, Sequence

    from idcontact.settings_values import Address

_SETTLE: Final = 1.0
"""Seconds for connections that have just come, or are just going."""
_LOOK_EVERY: Final = 0.02  # seconds


class Listener(uvicorn.Server):
    """One server of a process that may have several: signals are the process's, not its own.

    When it ends it takes no more, calls `leave`, and ends when what was begun is done.
    """

    def __init__(
        self, config: uvicorn.Config, leave: Callable[[], Coroutine[object, object, None]] | None = None
    ) -> None:
        super().__init__(config)
        self.up = asyncio.Event()
        self._leave = leave

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, and say so."""
        await super().startup(sockets)
        self.up.set()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End: without a hurry, unless `force_exit` is set."""
        for server in self.servers:
            server.close()
        if self._leave is not None:
            async with Tasks() as tasks:
                leaving = tasks.start(self._leave(), "leave")
                while not leaving.done() and not self.force_exit:
                    await asyncio.wait({leaving}, timeout=_LOOK_EVERY)
        until = time.monotonic() + _SETTLE
        while self._is_settling() and time.monotonic() < until:  # noqa: ASYNC110 - nobody says when a connection ends
            await asyncio.sleep(_LOOK_EVERY)
        await super().shutdown(sockets)

    def _is_settling(self) -> bool:
        return not self.force_exit and any(map(is_settling, self.server_state.connections))

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals alone."""
        yield


class Forwarding(TypedDict):
    """What uvicorn is told of forwarding headers."""

    proxy_headers: bool
    forwarded_allow_ips: list[str] | None


def forwarding(trusted_proxies: list[str]) -> Forwarding:
    """Believe the forwarding headers of these addresses, and of no others. uvicorn alone believes 127.0.0.1."""
    return Forwarding(proxy_headers=bool(trusted_proxies), forwarded_allow_ips=trusted_proxies or None)


@dataclass(frozen=True)
class Doors:
    """The bound sockets of one node: of the public application, and of the internal one where that listens."""

    public: socket.socket
    internal: socket.socket | None

    def close(self) -> None:
        """Take no more here; other processes may still have them."""
        self.public.close()
        if self.internal is not None:
            self.internal.close()


def bound(name: str, address: Address, *, shared: bool = False) -> socket.socket:
    """A bound socket. Raises SettingsError that names the setting and the address when it cannot be had.

    `shared`: beside others that are shared.
    """
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if shared:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    try:
        sock.bind((address.host, address.port))
        sock.listen(1024)
    except OSError as error:
        sock.close()
        reason = error.strerror or "it cannot be used"
        raise SettingsError([f"{name}: {address}: {reason}; is another server running there?"]) from None
    return sock


def bound_together(name: str, address: Address, count: int, owner: contextlib.ExitStack) -> list[socket.socket]:
    """As many bound sockets of one address, over which the kernel spreads connections evenly (SO_REUSEPORT of Linux).

    Elsewhere one socket as often. `owner` closes them. Raises SettingsError as `bound`.
    """
    alone = owner.enter_context(bound(name, address))
    if sys.platform != "linux":
        return [alone] * count
    # A socket that shares joins whoever is there and shares too, another server of this user for one: the one that
    # does not has shown that nobody is.
    taken = replace(address, port=alone.getsockname()[1])
    alone.close()
    return [owner.enter_context(bound(name, taken, shared=True)) for _ in range(count)]


async def serve_all(
    servers: Sequence[tuple[Listener, socket.socket]],
    *,
    ready: Callable[[], None] | None = None,
    stop: asyncio.Event | None = None,
) -> None:
    """Serve until `stop` is set, or SIGINT or SIGTERM comes: then take no more, and let what was begun end.

    A second signal does not wait. `ready` is called once all listen.
    """
    ending = stop or asyncio.Event()
    with _signals_to(ending, servers):
        async with asyncio.TaskGroup() as group:
            serving = [group.create_task(server.serve(sockets=[sock])) for server, sock in servers]
            told = group.create_task(ending.wait())
            listening = group.create_task(_all_up([server for server, _ in servers]))
            await asyncio.wait({told, listening, *serving}, return_when=asyncio.FIRST_COMPLETED)
            if ready is not None and listening.done():
                ready()
            await asyncio.wait({told, *serving}, return_when=asyncio.FIRST_COMPLETED)
            told.cancel()
            listening.cancel()
            for server, _ in servers:
                server.should_exit = True


async def _all_up(servers: Sequence[Listener]) -> None:
    for server in servers:
        await server.up.wait()


@contextlib.contextmanager
def _signals_to(ending: asyncio.Event, servers: Sequence[tuple[Listener, socket.socket]]) -> Iterator[None]:
    loop = asyncio.get_running_loop()

    def end() -> None:
        if ending.is_set():
            for server, _ in servers:
                server.force_exit = True
        ending.set()

    numbers = (signal.SIGINT, signal.SIGTERM)
    for number in numbers:
        loop.add_signal_handler(number, end)
    try:
        yield
    finally:
        for number in numbers:
            loop.remove_signal_handler(number)
