"""Everybody who takes part in a soak: staff at their consoles, and places that one end user after another takes."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Self

from soak.people import Agent, Enduring, Visitor, Watcher, log_in

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from types import TracebackType

    from soak.house import House
    from soak.journal import Journal
    from soak.people import Pace

_PATIENCE = 60.0


class Crowd:
    """See the module. Used as a context manager, at the end of which nobody is there any more."""

    def __init__(self, house: House, pace: Pace) -> None:
        self.agents: list[Agent] = []
        self.failures: list[str] = []
        """What ended somebody's life before its time: no fault that the checker could see."""
        self._house, self._pace = house, pace
        self._watcher: Watcher | None = None
        self._visitors: list[Visitor] = []
        self._here: set[Visitor] = set()
        self._staying: dict[Enduring, asyncio.Task[None]] = {}
        self._busy: set[asyncio.Task[None]] = set()
        self._count = 0

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for task in self._busy:
            task.cancel()
        await asyncio.gather(*self._busy, return_exceptions=True)
        await asyncio.gather(*(self._leaves(client) for client in tuple(self._staying)))
        for client in self._everybody():
            await client.browser.close()

    @property
    def journals(self) -> list[Journal]:
        """What all of them wrote down, since the beginning."""
        return [client.journal for client in self._everybody()]

    @property
    def values(self) -> dict[str, str]:
        """Every value of an attribute that was given, and the conversation that it was given for."""
        return {value: visitor.conversation for visitor in self._visitors for value in visitor.values.values()}

    def _everybody(self) -> list[Enduring]:
        watcher = [] if self._watcher is None else [self._watcher]
        return [*self.agents, *watcher, *self._visitors]

    async def gather(self, visitors: int) -> None:
        """Staff to their consoles; end users to that many places."""
        for number, account in enumerate(self._house.accounts):
            self.agents.append(await log_in(self._house, self._pace, account, Agent, number=number))
        self._watcher = await log_in(self._house, self._pace, "sue", Watcher, number=1)
        self._stays(self._watcher)
        for agent in self.agents:
            self._stays(agent)
            self._goes_about(agent.work())
        for _ in range(visitors):
            self._goes_about(self._place())

    async def _place(self) -> None:
        """One end user after another."""
        while not self._pace.over.is_set():
            self._count += 1
            visitor = await Visitor.come(self._house, self._pace, self._count)
            self._visitors.append(visitor)
            self._here.add(visitor)
            self._stays(visitor)
            await visitor.converse()
            if self._pace.over.is_set():
                return  # and stays until all is told
            self._here.discard(visitor)
            await self._leaves(visitor)

    def _goes_about(self, life: Coroutine[None, None, None]) -> None:
        async def until_its_end() -> None:
            try:
                await life
            except Exception as error:  # noqa: BLE001 - the others go on, and the checker has the last word
                self.failures.append(f"somebody gave up: {error!r}")

        task = asyncio.create_task(until_its_end())
        self._busy.add(task)
        task.add_done_callback(self._busy.discard)

    def _stays(self, client: Enduring) -> None:
        self._staying[client] = asyncio.create_task(client.stay())

    async def _leaves(self, client: Enduring) -> None:
        staying = self._staying.pop(client)
        staying.cancel()
        await asyncio.gather(staying, return_exceptions=True)
        client.lose()
        await client.disconnect()
        client.journal.note("lost")

    # --- the end ----------------------------------------------------------------------------------------------------

    async def calm_down(self) -> None:
        """Everybody stops, comes back once more, and hears what there is to hear."""
        self._pace.over.set()
        if self._busy:
            await asyncio.wait(self._busy, timeout=_PATIENCE)
        self.failures += [f"somebody still waits: {task!r}" for task in self._busy]
        await self._until_all_is_told()
        for client in self._staying:
            client.lose()
            client.state_is_old = True
        await self._until_all_is_told()

    async def _until_all_is_told(self) -> None:
        loop = asyncio.get_running_loop()
        latest = loop.time() + _PATIENCE
        while what := self._untold():
            if loop.time() > latest:
                self.failures.append(f"after {_PATIENCE:.0f} s still: {what}")
                return
            await asyncio.sleep(0.05)  # it is told to any of them

    def _untold(self) -> str:
        """What somebody has yet to hear, if anything; the checker judges, this only waits for it."""
        if any(client.state_is_old or not client.is_open for client in self._staying):
            return "somebody is not back"
        last: dict[tuple[str, str], int] = {}
        for client in self._staying:
            for key, log in client.logs.items():
                last[key] = max(last.get(key, 0), log.seq)
        for visitor in self._here:
            key = (visitor.conversation, "public")
            if key not in last or visitor.logs[key].seq < last[key]:
                return "an end user has not heard all"
        for agent in self.agents:
            for conversation in agent.conversations:
                key = (conversation, "public")
                if key not in agent.logs or agent.logs[key].seq < last[key]:
                    return "an agent has not heard all"
        return self._about_the_queue()

    def _about_the_queue(self) -> str:
        assert self._watcher is not None
        waiting = {visitor.conversation for visitor in self._here if visitor.state.get("phase") == "waiting"}
        queue = {name for name, entry in self._watcher.queue.items() if entry["state"] != "assigned"}
        return "" if waiting == queue else f"{len(waiting)} wait and {len(queue)} are in the queue"
