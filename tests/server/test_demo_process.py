"""`idcontact demo` as a person starts, ends and kills it."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import urllib.request
from contextlib import ExitStack
from typing import TYPE_CHECKING, Self

import pytest
from redis import Redis

from idcontact.demo import prepare
from processes import processes_of
from running import free_port
from workers_house import children_of, gone, holder_of, workers_among

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class DemoProcess:
    """A demo in a session of its own, as a terminal has it. Entered: it has said what to open."""

    def __init__(self, directory: Path, port: int, *more: str) -> None:
        self.directory = directory
        self.url = f"http://localhost:{port}"
        self.said = ""
        self._command = [sys.executable, "-m", "idcontact", "demo", "--port", str(port), "--directory", str(directory)]
        self._command += more

    def __enter__(self) -> Self:
        self.process = subprocess.Popen(self._command, stdout=subprocess.PIPE, text=True, start_new_session=True)
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.said += line
            if line.startswith("Ctrl-C ends it"):
                return self
        raise AssertionError(f"the demo ended with status {self.process.wait()}")

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()

    def end_by(self, number: signal.Signals) -> int:
        """As the terminal does it: to every process of the session. Its exit status."""
        os.killpg(self.process.pid, number)
        return self.process.wait(60)

    def read(self, path: str) -> str:
        with urllib.request.urlopen(f"{self.url}{path}", timeout=30) as answer:  # noqa: S310 - our own address
            text: str = answer.read().decode()
            return text

    def start(self, auth_method: str) -> str:
        """Start a session; where the person is led."""
        choice = {"purpose": "report_move", "auth_method": auth_method, "comm_method": "test"}
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        request = urllib.request.Request(f"{self.url}/start", json.dumps(choice).encode(), headers)  # noqa: S310
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 - our own address
            url: str = json.load(answer)["client_url"]
            return url

    def valkey(self) -> Redis:
        return Redis(unix_socket_path=str(self.directory / "valkey" / "valkey.sock"), protocol=2)


@pytest.fixture
def port() -> int:
    return free_port()


def test_it_says_what_to_open_and_as_whom_and_ctrl_c_ends_it_all(tmp_path: Path, port: int) -> None:
    with DemoProcess(tmp_path, port) as demo:
        accounts = prepare(tmp_path, port).accounts
        for said in (f"{demo.url}/ ", f"{demo.url}/console", *(account.password for account in accounts)):
            assert said in demo.said
        assert '<id-contact purpose="report_move"' in demo.read("/")
        assert '"auth_methods"' in demo.read("/session_options/report_move")
        assert demo.read("/health/ready") == '{"status":"ok"}'
        for method, plugin in (("test", "auth_test"), ("test_second", "auth_test_second")):
            assert demo.start(method).startswith(f"{demo.url}/plugins/{plugin}/session/")
        assert processes_of(tmp_path / "valkey") != []
        assert demo.end_by(signal.SIGINT) == 0
    assert processes_of(tmp_path / "valkey") == []


def test_a_kill_loses_nothing_and_leaves_nothing_in_the_way_of_the_next_start(tmp_path: Path, port: int) -> None:
    with DemoProcess(tmp_path, port) as demo:
        with demo.valkey() as client:
            client.set("kept", "yes")
        demo.process.kill()
    with DemoProcess(tmp_path, port) as demo:
        with demo.valkey() as client:
            assert client.get("kept") == b"yes"
        assert demo.end_by(signal.SIGTERM) == 0
    assert processes_of(tmp_path / "valkey") == []


def test_nodes_share_the_port_and_the_store(tmp_path: Path, port: int) -> None:
    with DemoProcess(tmp_path, port, "--nodes", "2") as demo, ExitStack() as connections:
        nodes = workers_among(children_of(demo.process.pid))
        assert len(nodes) == 2
        found: set[int | None] = set()
        while found != set(nodes):  # the kernel spreads connections at random
            connection = connections.enter_context(socket.create_connection(("127.0.0.1", port)))
            connection.sendall(b"GET /health/ready HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert connection.recv(4096).startswith(b"HTTP/1.1 200 OK\r\n")
            found.add(holder_of(connection.getsockname()[1], nodes))
        # Begun at one of them, a session goes on at any.
        for _ in range(6):
            assert "Willeke de Bruijn" in demo.read(demo.start("test").removeprefix(demo.url))
        assert demo.end_by(signal.SIGINT) == 0
    assert processes_of(tmp_path) == []


async def test_nodes_end_when_the_process_that_started_them_is_killed(tmp_path: Path, port: int) -> None:
    with DemoProcess(tmp_path, port, "--nodes", "2") as demo:
        children = children_of(demo.process.pid)
        demo.process.kill()
        for child in children:
            await gone(child)
    assert processes_of(tmp_path) == []


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DemoProcess]:
    """The demo that a second one finds running."""
    with DemoProcess(tmp_path_factory.mktemp("first"), free_port()) as demo:
        yield demo


def test_a_second_one_on_the_same_port_says_so_in_one_sentence(first: DemoProcess, tmp_path: Path) -> None:
    port = int(first.url.rpartition(":")[2])
    second = subprocess.run(
        [*first._command[:-1], str(tmp_path / "second")], capture_output=True, text=True, timeout=60, check=False
    )
    assert second.returncode == 2
    assert second.stderr.count("\n") == 1
    assert f"port {port}: Address already in use; choose another one: make demo PORT=8001" in second.stderr


def test_a_second_one_on_the_same_data_says_so_in_one_sentence(first: DemoProcess) -> None:
    command = [*first._command[:5], str(free_port()), *first._command[6:]]
    second = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert second.returncode == 2
    assert second.stderr.count("\n") == 1
    assert "another running server already uses the data in" in second.stderr
