"""What breaks, and when: a plan drawn from a seed, so that the same seed breaks the same things in the same order."""

from __future__ import annotations

import asyncio
from collections import Counter
from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random
    from collections.abc import Awaitable, Callable, Sequence

    from soak.house import House, Node
    from soak.people import Agent, Pace
    from soak.relay import Link

_BETWEEN = 3.0  # seconds that go by before the next fault, at most: nobody may be able to say anything

_STARTS = 5


class Plan:
    """See the module. `counts` says what was broken how often."""

    def __init__(
        self, house: House, pace: Pace, agents: list[Agent], seed: random.Random, *, connections: bool = True
    ) -> None:
        """`connections`: whether they break too, and not only nodes and the store."""
        self.counts: Counter[str] = Counter()
        self._house, self._pace, self._agents, self._seed = house, pace, agents, seed
        self._mending: set[asyncio.Task[None]] = set()
        self._faults: dict[str, Callable[[], Awaitable[None]]] = {
            "nodes killed": self._kill_node,
            "both at once": self._kill_node_with_store,
            **{what: partial(self._break_store, what) for what in house.store.faults},
        }
        if connections:
            self._faults |= {
                "nodes stopped in good order": self._stop_node,
                "connections cut": self._cut,
                "connections half-open": self._half_open,
                "connections slow": self._slow,
                "lids closed": self._close_lid,
                "connections to Redis cut": self._cut_redis,
                "connections to Redis half-open": self._half_open_redis,
                "connections to Redis slow": self._slow_redis,
            }

    async def run(self, seconds: float) -> None:
        """Break things for so long: each kind once at least, in an order of chance. Then everything is mended."""
        loop = asyncio.get_running_loop()
        ends = loop.time() + seconds
        faults = self._shuffled()
        try:
            while faults or loop.time() < ends:
                faults = faults or self._shuffled()
                await self._between()
                await faults.pop()()
        finally:
            await asyncio.gather(*self._mending)
            await self._house.heal()

    def _shuffled(self) -> list[Callable[[], Awaitable[None]]]:
        return self._seed.sample(list(self._faults.values()), len(self._faults))

    async def _between(self) -> None:
        """Until people have said some more: a fault among people who say nothing shows nothing."""
        await self._pace.more_acknowledged(self._seed.randrange(5, 50), _BETWEEN)

    def _count(self, what: str, times: int = 1) -> None:
        self.counts[what] += times

    def _mend_later(self, seconds: float, mend: Callable[[], Awaitable[None]]) -> None:
        async def later() -> None:
            await asyncio.sleep(seconds)
            await mend()

        task = asyncio.create_task(later())
        self._mending.add(task)
        task.add_done_callback(self._mending.discard)

    # --- nodes ------------------------------------------------------------------------------------------------------

    def _standing(self) -> Node | None:
        """A node that may go: one always stays."""
        up = [node for node in self._house.nodes if node.is_up]
        return self._seed.choice(up) if len(up) > 1 else None

    async def _kill_node(self) -> None:
        if (node := self._standing()) is not None:
            self._count("nodes killed")
            node.is_up = False
            node.process.kill()
            self._mend_later(self._seed.uniform(0.2, 2), lambda: self._start(node))

    async def _stop_node(self) -> None:
        if (node := self._standing()) is not None:
            self._count("nodes stopped in good order")
            node.is_up = False

            async def stop_and_start() -> None:
                await asyncio.to_thread(node.process.stop)
                await self._start(node)

            self._mend_later(0, stop_and_start)

    async def _start(self, node: Node) -> None:
        """Again where it ends at once, as whatever watches over it does: the store may be away for long."""
        for left in range(_STARTS, 0, -1):
            node.process.start()
            try:
                await node.process.wait_until_up()
            except AssertionError:
                if left == 1:
                    raise
                self._count("nodes started in vain")
            else:
                node.is_up = True
                return

    # --- people's connections ---------------------------------------------------------------------------------------

    async def _some(self) -> list[int]:
        links = self._house.links()
        share = max(1, len(links) // self._seed.choice((2, 5, 10)))
        return [link.number for link in self._seed.sample(links, min(share, len(links)))]

    async def _cut(self) -> None:
        chosen = set(await self._some())
        for link in self._house.links():
            if link.number in chosen:
                self._count("connections cut")
                link.cut()

    async def _half_open(self) -> None:
        chosen = set(await self._some())
        links = [link for link in self._house.links() if link.number in chosen]
        for link in links:
            self._count("connections half-open")
            link.go_silent()

        async def heal() -> None:
            for link in links:
                link.heal()

        self._mend_later(self._seed.uniform(0.5, 6), heal)

    async def _slow(self) -> None:
        chosen = set(await self._some())
        links = [link for link in self._house.links() if link.number in chosen]
        self._slow_down("connections slow", links, 0.3)

    def _slow_down(self, what: str, links: Sequence[Link], longest: float) -> None:
        for link in links:
            self._count(what)
            link.delay = self._seed.uniform(0.02, longest)

        async def heal() -> None:
            for link in links:
                link.delay = 0.0

        self._mend_later(self._seed.uniform(0.5, 3), heal)

    async def _close_lid(self) -> None:
        self._count("lids closed")
        self._seed.choice(self._agents).lid_closed = self._seed.uniform(0.5, 7)

    # --- the store, and the ways to it --------------------------------------------------------------------------------

    async def _cut_redis(self) -> None:
        node = self._seed.choice(self._house.nodes)
        for link in tuple(node.to_redis.links):
            self._count("connections to Redis cut")
            link.cut()

    async def _half_open_redis(self) -> None:
        node = self._seed.choice(self._house.nodes)
        links = tuple(node.to_redis.links)
        for link in links:
            self._count("connections to Redis half-open")
            link.go_silent()

        async def heal() -> None:
            for link in links:
                link.heal()

        self._mend_later(self._seed.uniform(0.5, 8), heal)

    async def _slow_redis(self) -> None:
        self._slow_down("connections to Redis slow", tuple(self._seed.choice(self._house.nodes).to_redis.links), 0.1)

    async def _break_store(self, what: str) -> None:
        async def alone() -> None:
            """Nothing else happens in that moment."""

        self._count(what)
        await self._house.store.faults[what](self._seed, alone)

    async def _kill_node_with_store(self) -> None:
        """Nobody is left to compare what that node handed out last with what the store still has."""
        self._count("both at once")
        what = self._seed.choice(self._house.store.losses)
        self._count(what)
        await self._house.store.faults[what](self._seed, self._kill_node)
