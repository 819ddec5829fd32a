"""Tasks with an owner: kept while they run, cancelled and awaited when it ends, never silent when they fail."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Coroutine, Iterable
    from types import TracebackType

_log = logging.getLogger(__name__)
_PAUSE = 1.0
_PATIENCE = 1.0


async def _again_and_again(work: Callable[[], Coroutine[object, object, object]], name: str) -> None:
    while True:
        try:
            await work()
            return
        except Exception as error:  # noqa: BLE001 - what is kept does not end by a mistake
            _log.exception("%s failed, and begins again: %s", name, type(error).__name__)
        await asyncio.sleep(_PAUSE)


async def end(*tasks: asyncio.Task[Any]) -> None:
    """Cancel these tasks and wait until they are done, whatever they end with.

    More than once where that is needed: in Python 3.11 `asyncio.wait_for`, which the Redis client uses, loses a
    cancellation that comes in the moment that its work is done (https://github.com/python/cpython/issues/81839).
    """
    running: Collection[asyncio.Task[Any]] = tasks
    while running:
        for task in running:
            task.cancel()
        _, running = await asyncio.wait(running, timeout=_PATIENCE)
    await asyncio.gather(*tasks, return_exceptions=True)


async def several(at_once: int, work: Iterable[Coroutine[object, object, object]]) -> None:
    """Do all of it, `at_once` at a time, begun in order. The first error ends the others, and is raised."""
    left = iter(work)

    async def hand() -> None:
        for one in left:
            await one

    hands = [asyncio.create_task(hand()) for _ in range(at_once)]
    try:
        await asyncio.gather(*hands)
    finally:
        await end(*hands)


class Tasks:
    """`async with Tasks() as tasks: tasks.start(work())`. Leaving cancels what still runs and waits for it."""

    def __init__(self) -> None:
        self._running: set[asyncio.Task[object]] = set()

    def start(self, work: Coroutine[object, object, object], name: str | None = None) -> asyncio.Task[object]:
        """Run `work` until it ends or the owner does."""
        task = asyncio.create_task(work, name=name)
        self._running.add(task)
        task.add_done_callback(self._ended)
        return task

    def keep(self, work: Callable[[], Coroutine[object, object, object]], name: str) -> asyncio.Task[object]:
        """Run `work` until the owner ends: when it fails, it is said, and begun again after a moment."""
        return self.start(_again_and_again(work, name), name)

    async def idle(self) -> None:
        """Wait until everything that was started has ended by itself."""
        while self._running:
            await asyncio.wait(tuple(self._running))

    def _ended(self, task: asyncio.Task[object]) -> None:
        self._running.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            # The type alone: an error's text may come from anywhere.
            _log.error("task %s failed: %s", task.get_name(), type(error).__name__, exc_info=error)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def stop(self) -> None:
        """Cancel everything and wait for it."""
        while self._running:
            await end(*self._running)
