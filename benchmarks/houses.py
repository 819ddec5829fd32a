"""A node of the product with a store of its own and conversations under way: what several benchmarks compare."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks.machine import GENERATOR_CORE, SERVER_CORE, Generator, on_core
from benchmarks.pairs import make_busy_site
from benchmarks.rows import Row
from benchmarks.stores import pid_of
from benchmarks.under_way import Page, put_under_way, write_lines
from running import ServerProcess, Site
from servers import RedisServer

if TYPE_CHECKING:
    from contextlib import ExitStack
    from pathlib import Path

    from servers import Kind


@dataclass
class House:
    """See the module. `pages` are those of the pairs: the end user's and the agent's, in turns."""

    name: str
    site: Site
    server: ServerProcess
    store: RedisServer
    pages: list[Page]

    def start(self) -> None:
        """Start the node on the servers' core, and come back when it is ready."""
        with on_core(SERVER_CORE):
            self.server.start()
        asyncio.run(self.server.wait_until_up())

    def row(self, stack: ExitStack, load: Path) -> Row:
        """Its pairs at a load generator, ready to talk."""
        sockets = self.site.folder / "live.sockets"
        write_lines(self.site, self.pages, sockets)
        generator = stack.enter_context(Generator(load, self.site.port, "live", sockets))
        generator.wait_until_ready()
        return Row(self.name, generator, {"server": self.server.pid, "Redis": pid_of(self.store)})


def opened_store(
    stack: ExitStack, kind: Kind, fsync: str = "everysec", *, port: int = 0, of: RedisServer | None = None
) -> RedisServer:
    """A store with an append-only file, on the generator's core; `of`: a replica of that one."""
    with on_core(GENERATOR_CORE):
        store = stack.enter_context(RedisServer(kind, appendonly=True, port=port, replica_of=of))
    with store.client() as client:
        client.config_set("appendfsync", fsync)
    return store


def house(stack: ExitStack, folder: Path, name: str, store: RedisServer, *, pairs: int, idle: int = 0) -> House:
    """Settings, conversations, and a node that is not started yet."""
    place = folder / name.replace(" ", "-").replace(",", "")
    place.mkdir()
    site = make_busy_site(place, store.url, pairs)
    pages = put_under_way(site, pairs, idle)
    server = ServerProcess(site, "info")
    stack.callback(server.stop)
    return House(name, site, server, store, pages)
