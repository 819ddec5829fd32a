"""Several processes on one machine, behind one address: a parent that serves nobody itself, and its workers.

The parent owns what they share: the bound sockets and, where the settings name no store, the Valkey. It starts
`idcontact worker` for each (processes of their own, not forks: they begin with nothing of the parent's memory, event
loop or threads), starts another when one dies, and on SIGHUP replaces them one after the other, each new one up before
the old one is told to go. See docs/decisions/0013-workers.md.

On Linux each place has a listening socket of its own (SO_REUSEPORT): the kernel spreads connections evenly, and since
the parent holds the sockets, those that wait in one are there for the next worker in that place. Elsewhere all share
one.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from idcontact.app import open_store
from idcontact.errors import StartFailed
from idcontact.listeners import Doors, bound_together
from idcontact.tasks import end

if TYPE_CHECKING:
    from asyncio.subprocess import Process
    from collections.abc import Callable, Iterator, Sequence

    from idcontact.config import Config

_log = logging.getLogger(__name__)

UP: Final = b"1"
"""What a worker says over its line when people can connect."""
UP_WITHIN: Final = 60.0  # seconds
STEADY: Final = 10.0
"""Seconds after which a worker that dies is no sign that the next one will."""
FIRST_PAUSE: Final = 0.1
LONGEST_PAUSE: Final = 10.0
_AT_LEISURE: Final = 15.0
"""Seconds, beside those of draining, for requests that are under way, and for closing everything."""


class Line:
    """A worker's line to its parent: it says that it is up; when the parent lets go of it, the worker ends.

    So a worker ends also when its parent is killed.
    """

    def __init__(self, descriptor: int) -> None:
        self._socket = socket.socket(fileno=descriptor)
        self._socket.setblocking(False)

    def say_up(self) -> None:
        """Say it. The parent may have gone since: then `let_go` comes too."""
        with contextlib.suppress(OSError):
            self._socket.send(UP)

    async def let_go(self) -> None:
        """Come back when the parent has let go."""
        with contextlib.suppress(OSError):
            while await asyncio.get_running_loop().sock_recv(self._socket, 1):
                pass

    def close(self) -> None:
        """Close this end."""
        self._socket.close()


class Worker:
    """One process, as its parent sees it."""

    def __init__(self, process: Process, line: socket.socket) -> None:
        self.process = process
        self.began = time.monotonic()
        self._line = line

    async def up(self) -> bool:
        """Come back when it serves, or will not. One that will not is ended."""
        try:
            async with asyncio.timeout(UP_WITHIN):
                if await asyncio.get_running_loop().sock_recv(self._line, 1) == UP:
                    return True
        except (OSError, TimeoutError):
            pass
        self.kill()
        await self.process.wait()
        return False

    def leave(self) -> None:
        """Tell it to take no more, to hand over its people, and to end."""
        self._line.close()

    async def ended(self, within: float) -> None:
        """Come back when it has ended; one that takes too long is killed. `leave` comes first."""
        try:
            async with asyncio.timeout(within):
                await self.process.wait()
        except TimeoutError:
            _log.error("worker process %d did not end within %g s, and is killed", self.process.pid, within)
            self.kill()
            await self.process.wait()

    def hurry(self) -> None:
        """Tell it not to wait for anything."""
        # Two signals, since it may not have heard yet that it is to leave; of one kind they might be taken together.
        for number in (signal.SIGINT, signal.SIGTERM):
            if self.process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    self.process.send_signal(number)

    def kill(self) -> None:
        """End it at once."""
        self._line.close()
        if self.process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self.process.kill()


@dataclass
class Place:
    """One of the workers, whichever process that is at the time."""

    number: int
    doors: Doors
    worker: Worker
    pause: float = 0.0
    """Seconds to wait before the next start after a death."""
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    """Another worker is in it."""

    def take(self, worker: Worker) -> None:
        """Have this one in it."""
        self.worker = worker
        self.changed.set()


def pause_after(lived: float, before: float) -> float:
    """Seconds to wait before starting another worker, when one lived for `lived` and was waited for `before`."""
    return 0.0 if lived >= STEADY else min(max(FIRST_PAUSE, 2 * before), LONGEST_PAUSE)


class Workers:
    """All of them: one for each of `doors`. `command` is how a worker is told its settings; `drain` as in Config."""

    def __init__(self, doors: Sequence[Doors], command: Sequence[str], drain: float) -> None:
        self._doors = doors
        self._command = command
        self._patience = drain + _AT_LEISURE
        self._processes: set[Worker] = set()
        self._ending = asyncio.Event()
        self._roll = asyncio.Event()

    async def run(self, ready: Callable[[], None] | None = None) -> None:
        """Until SIGINT or SIGTERM; a second one does not wait. Raises StartFailed when a worker cannot start at all."""
        with self._signals():
            work = asyncio.create_task(self._work(ready))
            told = asyncio.create_task(self._ending.wait())
            try:
                await asyncio.wait({work, told}, return_when=asyncio.FIRST_COMPLETED)
                if work.done():
                    work.result()
            finally:
                await end(work, told)
                await self._end_all()

    async def _work(self, ready: Callable[[], None] | None) -> None:
        places = [Place(number, doors, await self._spawn(doors)) for number, doors in enumerate(self._doors, 1)]
        if not all(await asyncio.gather(*(place.worker.up() for place in places))):
            raise StartFailed("a worker could not start; what it said about that stands above")
        _log.info("%d workers are up", len(places))
        if ready is not None:
            ready()
        async with asyncio.TaskGroup() as group:
            for place in places:
                group.create_task(self._keep(place))
            group.create_task(self._replace_when_told(places))

    async def _spawn(self, doors: Doors) -> Worker:
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        lent = {"--line": theirs.fileno(), "--public-socket": doors.public.fileno()}
        if doors.internal is not None:
            lent["--internal-socket"] = doors.internal.fileno()
        try:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-P", "-m", "idcontact", "worker", *self._command),
                *(word for name, number in lent.items() for word in (name, str(number))),
                stdin=subprocess.DEVNULL,
                pass_fds=list(lent.values()),
                # A session of its own: Ctrl-C in a terminal reaches the parent alone, which passes it on.
                start_new_session=True,
            )
        except BaseException:
            ours.close()
            raise
        finally:
            theirs.close()
        worker = Worker(process, ours)
        self._processes.add(worker)
        return worker

    # --- one that died --------------------------------------------------------------------------------------------

    async def _keep(self, place: Place) -> None:
        """Have a worker in this place, for ever."""
        while True:
            worker = place.worker
            place.changed.clear()
            if not await _died(worker, place.changed):
                continue
            worker.leave()
            self._processes.discard(worker)
            place.pause = pause_after(time.monotonic() - worker.began, place.pause)
            _log.warning(
                "worker %d (process %d) ended with status %s; another is started %s",
                *(place.number, worker.process.pid, worker.process.returncode),
                f"in {place.pause:g} s" if place.pause else "now",
            )
            await self._revive(place, worker)

    async def _revive(self, place: Place, dead: Worker) -> None:
        while place.worker is dead:
            await asyncio.sleep(place.pause)
            async with place.lock:
                if place.worker is dead and not await self._put_new(place):
                    place.pause = pause_after(0, place.pause)
                    _log.error("worker %d could not start; tried again in %g s", place.number, place.pause)

    async def _put_new(self, place: Place) -> bool:
        """Have a new worker in this place, up. False, and everything as it was, when it could not start."""
        try:
            worker = await self._spawn(place.doors)
        except OSError as error:  # no room for a process, or none to run: those that are there go on
            _log.error("a process could not be started: %s", error.strerror or type(error).__name__)
            return False
        if not await worker.up():
            self._processes.discard(worker)
            return False
        place.take(worker)
        _log.info("worker %d is process %d now", place.number, worker.process.pid)
        return True

    # --- all of them anew -----------------------------------------------------------------------------------------

    async def _replace_when_told(self, places: Sequence[Place]) -> None:
        while True:
            await self._roll.wait()
            self._roll.clear()
            _log.info("the workers are replaced, one after the other")
            if await self._replace_all(places):
                _log.info("all workers are replaced")
            else:
                _log.error("a new worker could not start; the workers that are there go on")

    async def _replace_all(self, places: Sequence[Place]) -> bool:
        for place in places:
            async with place.lock:
                old = place.worker
                if not await self._put_new(place):
                    return False
            old.leave()
            await old.ended(self._patience)
            self._processes.discard(old)
        return True

    # --- the end --------------------------------------------------------------------------------------------------

    async def _end_all(self) -> None:
        # The parent's hold on the sockets goes first: who connects now would wait for somebody to come.
        for doors in self._doors:
            doors.close()
        for worker in self._processes:
            worker.leave()
        await asyncio.gather(*(worker.ended(self._patience) for worker in self._processes))

    @contextlib.contextmanager
    def _signals(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()

        def told_to_end() -> None:
            if self._ending.is_set():
                for worker in self._processes:
                    worker.hurry()
            self._ending.set()

        handlers = {signal.SIGINT: told_to_end, signal.SIGTERM: told_to_end, signal.SIGHUP: self._roll.set}
        for number, handler in handlers.items():
            loop.add_signal_handler(number, handler)
        try:
            yield
        finally:
            for number in handlers:
                loop.remove_signal_handler(number)


async def _died(worker: Worker, replaced: asyncio.Event) -> bool:
    """Come back when it has ended, or when another is in its place: then it is for who replaced it."""
    waits = asyncio.create_task(worker.process.wait()), asyncio.create_task(replaced.wait())
    try:
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    finally:
        await end(*waits)
    return not replaced.is_set()


def _doors(config: Config, count: int, owner: contextlib.ExitStack) -> list[Doors]:
    public = bound_together("listen", config.listen, count, owner)
    if config.internal_listen is None:
        return [Doors(socket, None) for socket in public]
    internal = bound_together("internal_listen", config.internal_listen, count, owner)
    return [Doors(*pair) for pair in zip(public, internal, strict=True)]


async def serve_with_workers(
    config: Config, count: int, command: Sequence[str], ready: Callable[[], None] | None = None
) -> None:
    """Serve with `count` workers until SIGINT or SIGTERM. `command`: the words that tell a worker its settings.

    Raises SettingsError for what is wrong with them, before anything is started; StartFailed.
    """
    with contextlib.ExitStack() as sockets:
        doors = _doors(config, count, sockets)
        async with open_store(config) as store:
            own = [] if config.redis_url is not None else ["--store", store]
            await Workers(doors, [*command, *own], config.drain).run(ready)
