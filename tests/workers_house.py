"""A parent with its workers, for tests that watch, kill and replace them (Linux)."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from asyncio.subprocess import PIPE
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from asyncio.subprocess import Process
    from collections.abc import AsyncIterator

    from running import Site

ESTABLISHED: Final = "01"
_PATIENCE: Final = 60.0  # seconds in which processes start or end on a busy machine


class Parent:
    """`idcontact serve --workers`. Its log is read line by line: what it says is what tests wait for."""

    def __init__(self, site: Site, process: Process) -> None:
        self.site = site
        self.process = process
        self.log: list[dict[str, Any]] = []
        self._more = asyncio.Condition()
        self._silent = False
        self._reading = asyncio.create_task(self._read())

    async def _read(self) -> None:
        assert self.process.stderr is not None
        async for line in self.process.stderr:
            async with self._more:
                self.log.append(json.loads(line) if line.startswith(b"{") else {"text": line.decode()})
                self._more.notify_all()
        async with self._more:
            self._silent = True
            self._more.notify_all()

    async def says(self, text: str, *, since: int = 0) -> int:
        """Wait until an entry after `since` holds this text; how many entries there are up to it."""
        async with asyncio.timeout(_PATIENCE), self._more:
            while True:
                for index in range(since, len(self.log)):
                    if text in self.log[index]["text"]:
                        return index + 1
                assert not self._silent, f"it ended without {text!r}: {self.log[-5:]}"
                await self._more.wait()

    def workers(self) -> list[int]:
        """The processes that it started and that have not ended, the longest there first."""
        return workers_among(children_of(self.process.pid))

    def tell(self, number: signal.Signals) -> None:
        """Send it a signal."""
        self.process.send_signal(number)

    async def ended(self) -> int:
        """Its exit status, and everything it said read."""
        async with asyncio.timeout(_PATIENCE):
            await self._reading
            return await self.process.wait()


def children_of(process: int) -> list[int]:
    """The processes that this one started, of any of its threads."""
    found: set[int] = set()
    for task in Path(f"/proc/{process}/task").iterdir():
        with suppress(FileNotFoundError):  # a thread that has ended since
            found.update(int(child) for child in (task / "children").read_text().split())
    return sorted(found)


def workers_among(processes: list[int]) -> list[int]:
    """Those that are workers."""
    return [process for process in processes if b"\0worker\0" in _arguments(process)]


def _arguments(process: int) -> bytes:
    try:
        return Path(f"/proc/{process}/cmdline").read_bytes()
    except OSError:  # it has ended since
        return b""


def holder_of(port: int, workers: list[int]) -> int | None:
    """Which of these processes has the connection whose other end is at this port of 127.0.0.1."""
    inodes = set()
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        if fields[3] == ESTABLISHED and int(fields[2].rpartition(":")[2], 16) == port:
            inodes.add(f"socket:[{fields[9]}]")
    for worker in workers:
        for descriptor in Path(f"/proc/{worker}/fd").iterdir():
            if descriptor.is_symlink() and str(descriptor.readlink()) in inodes:
                return worker
    return None


async def gone(process: int) -> None:
    """Until that process, which is not a child of ours, has ended."""
    try:
        descriptor = os.pidfd_open(process)
    except ProcessLookupError:
        return
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_reader(descriptor, ended.set)
    try:
        async with asyncio.timeout(_PATIENCE):
            await ended.wait()
    finally:
        loop.remove_reader(descriptor)
        os.close(descriptor)


@asynccontextmanager
async def workers_of(site: Site, count: int) -> AsyncIterator[Parent]:
    """A parent whose workers are up; ended in the end, if it has not."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "idcontact", "serve", "--config", site.config, "--workers", str(count)),
        stderr=PIPE,
        limit=2**20,
    )
    parent = Parent(site, process)
    try:
        await parent.says("workers are up")
        yield parent
    finally:
        if process.returncode is None:
            parent.tell(signal.SIGTERM)
        await parent.ended()
