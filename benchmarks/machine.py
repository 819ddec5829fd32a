"""Processes, the cores they may use, and the time they take."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Self

import msgspec

from idcontact.embedded import ending_with_parent

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).parent
SERVER_CORE, GENERATOR_CORE = 0, 1
_BESIDE = {"load": ("framing",)}
"""Programs of more than one file, beside ws.c."""
_FLAGS = ("-O2", "-std=c11", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Wconversion", "-Werror")


class Missing(Exception):
    """Something that this machine does not have; the text says what to do."""


def compiled(name: str, folder: Path) -> Path:
    """The program `name`.c of this folder, compiled."""
    compiler = shutil.which(os.environ.get("CC") or "cc")
    if compiler is None:
        raise Missing(
            "the load generator is written in C: install a compiler (apt-get install gcc libc6-dev), or set CC"
        )
    program = folder / name
    made = subprocess.run(
        [compiler, *_FLAGS, "-o", program, *(HERE / f"{part}.c" for part in (name, "ws", *_BESIDE.get(name, ())))],
        capture_output=True,
        text=True,
        check=False,
    )
    if made.returncode != 0:
        raise Missing(f"{compiler} could not compile {name}.c: {made.stderr.strip()[-2000:]}")
    return program


@contextlib.contextmanager
def on_core(core: int | None) -> Iterator[None]:
    """What is started meanwhile runs on this core only, with all of its threads. None, or no choice: anywhere."""
    if core is None or not hasattr(os, "sched_setaffinity") or (os.cpu_count() or 1) < 2:
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def resident_bytes(pid: int) -> int:
    """The memory that a process has now."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def cpu_seconds(pid: int) -> float:
    """The CPU time that a process and all its threads have used, by a clock finer than the 10 ms of its `stat`."""
    tasks = Path(f"/proc/{pid}/task")
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks.iterdir()) / 1e9


class Figures(msgspec.Struct, frozen=True):
    """What the load generator says of one run. Times in microseconds, from when a message was due."""

    sent: int
    delivered: int
    lost: int
    wrong: int
    per_second: float
    cpu_share: float
    p50: float
    p99: float
    lag_p99: float


class Generator:
    """A load generator with its sockets open, between runs too. A context manager."""

    def __init__(
        self,
        program: Path,
        port: int,
        mode: str,
        sockets: Path,
        *,
        core: int | None = GENERATOR_CORE,
        talkers: int | None = None,
    ) -> None:
        """`talkers`: only so many of the sockets talk, and the others are opened by `open_the_others`."""
        self._command = [str(program), str(port), mode, str(sockets), *([] if talkers is None else [str(talkers)])]
        self._core = core
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        with on_core(self._core):
            self._process = subprocess.Popen(
                ending_with_parent(self._command), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
            )
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process is not None
        self._process.terminate()
        self._process.communicate()

    def wait_until_ready(self) -> None:
        """Until all sockets are open and have settled."""
        if self._line() != "ready":
            raise AssertionError("the load generator is not ready")

    def open_the_others(self) -> None:
        """Open the sockets that do not talk."""
        self._say("others")
        self.wait_until_ready()

    def run(self, kind: str, value: int, warm_up: float, seconds: float) -> Figures:
        """One run: `closed` with a window, or `open` with a rate."""
        self._say(f"{kind} {value} {warm_up} {seconds}")
        return msgspec.json.decode(self._line(), type=Figures)

    def _say(self, line: str) -> None:
        assert self._process is not None
        assert self._process.stdin is not None
        self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()

    def _line(self) -> str:
        assert self._process is not None
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise AssertionError(f"the load generator ended with status {self._process.wait()}")
        return line.strip()


@contextlib.contextmanager
def running(command: list[str], core: int | None, log: BinaryIO | None = None) -> Iterator[int]:
    """A server process on one core (None: anywhere), until left; its number. What it says goes to `log`."""
    with on_core(core):
        process = subprocess.Popen(ending_with_parent(command), stdout=log, stderr=log)
    try:
        yield process.pid
    finally:
        process.terminate()
        process.wait()
