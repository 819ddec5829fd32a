"""Three nodes on one store, with a lossy network between them and everybody else, and between them and that.

One door for all nodes: each connection to it goes to a node by chance, as behind a balancer without sticky sessions.
"""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

import aiohttp

from live_browser import post_internally
from running import ServerProcess, Site, free_port, make_site
from soak.relay import Relay, Tcp, Unix

if TYPE_CHECKING:
    import random
    from collections.abc import AsyncIterator

    from soak.relay import Link
    from soak.stores import Store

OFFER_TIMEOUT: Final = 3000
"""Milliseconds."""
_LIVE: Final = f"""
agent_grace = "4s"
offer_timeout = "{OFFER_TIMEOUT} ms"
decline_pause = "2s"
wrap_up = "30 min"
frames_per_10_seconds = 1000
"""
_LOG_IN: Final = """
[staff.log_in]
by_address = "10000 per min"
by_address_and_account = "1000 per min"
"""
CAPACITY: Final = 4


@dataclass
class Node:
    """One of them, and its own way to Redis."""

    process: ServerProcess
    to_redis: Relay
    is_up: bool = True


@dataclass
class House:
    """All of it. `door` is the site that people come to."""

    door: Site
    way_in: Relay
    nodes: list[Node]
    store: Store
    chance: random.Random
    accounts: list[str] = field(default_factory=list)

    def links(self) -> list[Link]:
        """Everybody's connections, in an order that does not change by itself."""
        return sorted(self.way_in.links, key=lambda link: link.number)

    async def post(self, path: str, body: bytes, content_type: str) -> bytes:
        """A POST by the core or an auth plugin, to whichever node answers."""
        while True:
            node = self.chance.choice(self.nodes).process.site
            try:
                async with asyncio.timeout(5):
                    status, answer = await post_internally(f"{node.internal}{path}", body, content_type)
            except (OSError, TimeoutError, aiohttp.ClientError):
                status, answer = 503, b""
            if status == 200:
                return answer
            assert status >= 500, (path, status, answer)
            await asyncio.sleep(0.1)

    async def heal(self) -> None:
        """Everything runs, and every connection carries."""
        for relay in (self.way_in, *(node.to_redis for node in self.nodes)):
            relay.heal()
        await self.store.heal()
        await asyncio.gather(*(node.process.wait_until_up() for node in self.nodes))


@asynccontextmanager
async def running_soak_house(
    folder: Path, store: Store, chance: random.Random, agents: int, nodes: int = 3
) -> AsyncIterator[House]:
    """Nodes that serve, until left."""
    async with AsyncExitStack() as stack:
        stack.enter_context(store)
        ways = Path(stack.enter_context(TemporaryDirectory(prefix="idc-", dir="/tmp")))  # a socket's path is short
        port = free_port()
        made: list[Node] = []
        accounts = [f"agent{number}" for number in range(agents)]
        for number in range(nodes):
            near = ways / str(number)
            relay = await stack.enter_async_context(Relay(Unix(near), lambda: store.reached))
            (folder / str(number)).mkdir()
            site = make_site(
                folder / str(number),
                store.url or f"unix://{near}",
                live=_LIVE,
                top=store.settings,
                beside=made[0].process.site if made else None,
            )
            _behind_the_door(site, port, accounts)
            process = ServerProcess(site, "info")
            process.start()
            stack.callback(process.kill)
            made.append(Node(process, relay))
        await asyncio.gather(*(node.process.wait_until_up() for node in made))

        def choose() -> Tcp | None:
            up = [node for node in made if node.is_up]
            return Tcp(chance.choice(up).process.site.port) if up else None

        way_in = await stack.enter_async_context(Relay(Tcp(port), choose))
        door = Site(folder / "0", port, made[0].process.site.internal_port)
        yield House(door, way_in, made, store, chance, accounts)


def _behind_the_door(site: Site, port: int, accounts: list[str]) -> None:
    text = site.config.read_text()
    password_hash = next(line for line in text.splitlines() if line.startswith("password_hash"))
    text = text.replace(f'public_url = "{site.url}"', f'public_url = "http://127.0.0.1:{port}"')
    for account in accounts:
        text += f'[[staff.accounts]]\nid = "{account}"\nname = "{account.title()}"\nroles = ["agent"]\n'
        text += f"{password_hash}\ncapacity = {CAPACITY}\n"
    site.config.write_text(text + _LOG_IN)
