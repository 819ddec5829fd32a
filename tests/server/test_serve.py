"""`idcontact serve`: a process that says clearly why it cannot start, and ends cleanly."""

from __future__ import annotations

import asyncio
import gc
import logging
import socket
import subprocess
import sys
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from idcontact import app
from idcontact.cli import main
from idcontact.durability import check_store
from idcontact.errors import Unavailable
from idcontact.listeners import bound_together
from idcontact.serve import GC_THRESHOLDS, set_gc_thresholds
from idcontact.settings import Address
from running import ServerProcess, make_site, running_house

if TYPE_CHECKING:
    from collections.abc import Iterator

    from running import Site
    from servers import RedisServer

SECRET = "sentinel-of-a-secret"
NOBODY = f"redis://:{SECRET}@127.0.0.1:1/0"


@pytest.fixture
def collector() -> Iterator[None]:
    """The garbage collector's thresholds as Python has them, and as they were afterwards."""
    before = gc.get_threshold()
    gc.set_threshold(700, 10, 10)
    yield
    gc.set_threshold(*before)


@pytest.fixture
def logging_kept() -> Iterator[None]:
    """Logging as it was, afterwards: the command sets it up for its whole process."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


@dataclass
class Command:
    """`idcontact serve`, in this process."""

    capsys: pytest.CaptureFixture[str]

    def __call__(self, config: Path, *more: str) -> tuple[int, str, str]:
        """Exit status, standard output, standard error."""
        status = main(["serve", "--config", str(config), "--log-level", "warning", *more])
        said = self.capsys.readouterr()
        errors = [line for line in said.err.splitlines() if '"logger":"idcontact.staff"' not in line]
        return status, said.out, "\n".join(errors)


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str], collector: None, logging_kept: None) -> Command:
    return Command(capsys)


def without_store(folder: Path) -> Site:
    """A site whose store is not there."""
    return make_site(folder, NOBODY)


@pytest.mark.parametrize("listener", ["listen", "internal_listen"])
def test_a_port_that_is_taken_is_said_in_one_line(command: Command, tmp_path: Path, listener: str) -> None:
    site = without_store(tmp_path)
    port = site.port if listener == "listen" else site.internal_port
    with socket.create_server(("127.0.0.1", port)):
        assert command(site.config) == (
            2,
            "",
            f"idcontact serve: {listener}: 127.0.0.1:{port}: Address already in use; is another server running there?",
        )


@pytest.mark.parametrize("name", ["listen", "internal_listen"])
def test_a_port_that_others_share_is_not_shared_with_us(command: Command, tmp_path: Path, name: str) -> None:
    """Sockets that share would join theirs, and get half of their connections."""
    site = without_store(tmp_path)
    port = site.port if name == "listen" else site.internal_port
    with ExitStack() as taken:
        bound_together("theirs", Address("127.0.0.1", port), 2, taken)
        status, _, said = command(site.config, "--workers", "2")
    assert (status, said) == (
        2,
        f"idcontact serve: {name}: 127.0.0.1:{port}: Address already in use; is another server running there?",
    )


def test_mistakes_in_the_settings_of_workers_are_said_once_and_none_is_started(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", "/nothing/that/starts")
    monkeypatch.setattr("idcontact.redis._PATIENCE", 0.0)
    site = without_store(tmp_path)
    unreachable = "idcontact serve: redis_url: no Redis or Valkey answers there within 0 s"
    assert command(site.config, "--workers", "3") == (2, "", unreachable)
    site.config.write_text(site.config.read_text().replace("keys_dir", "keys_dri"))
    status, _, said = command(site.config, "--workers", "3")
    assert status == 2
    assert said.startswith("idcontact serve: keys_dri: ")
    assert said.count("\n") == 0


@pytest.mark.parametrize("number", ["0", "-1", "1000", "two", ""])
def test_a_number_of_workers_that_cannot_be_is_wrong_use(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], number: str
) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["serve", "--config", str(tmp_path / "any.toml"), f"--workers={number}"])
    assert "--workers: expected a whole number, 1 to 999" in capsys.readouterr().err


def test_every_mistake_in_the_settings_is_a_line_and_no_secret_is_repeated(tmp_path: Path) -> None:
    """In a process of its own, for its exit status and all that it writes."""
    site = without_store(tmp_path)
    text = site.config.read_text().replace("redis_url", "redis_ulr").replace("[live.purposes.passport]", "[live.extra]")
    site.config.write_text(text.replace('keys_dir = "keys"', "keys_dir = 7"))
    ended = subprocess.run(
        [sys.executable, "-m", "idcontact", "serve", "--config", site.config],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (ended.returncode, ended.stdout) == (2, "")
    lines = ended.stderr.splitlines()
    named = {line.removeprefix("idcontact serve: ").split(":")[0] for line in lines}
    assert named == {"redis_ulr", "keys_dir", "live.extra"}
    assert all(line.startswith("idcontact serve: ") for line in lines)
    assert SECRET not in ended.stderr


def test_a_file_that_is_not_there_is_said(command: Command, tmp_path: Path) -> None:
    missing = tmp_path / "nothing.toml"
    assert command(missing) == (2, "", f"idcontact serve: {missing}: cannot be read: No such file or directory")


def test_a_key_that_cannot_be_used_is_named_whether_or_not_the_store_is_there(command: Command, tmp_path: Path) -> None:
    site = without_store(tmp_path)
    (tmp_path / "decrypt.pem").write_text((tmp_path / "encrypt.pem").read_text())
    assert command(site.config) == (
        2,
        "",
        "idcontact serve: live.decrypt_key: expected a private key in PEM form, got a public key",
    )


def test_a_store_that_cannot_be_reached_is_said(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("idcontact.redis._PATIENCE", 0.0)
    assert command(without_store(tmp_path).config) == (
        2,
        "",
        "idcontact serve: redis_url: no Redis or Valkey answers there within 0 s",
    )


@pytest.mark.parametrize("given", ["", f"?password=wrong-{SECRET}"], ids=["no password", "a wrong password"])
def test_a_store_that_refuses_the_password_is_told_apart_from_one_that_is_not_there(
    command: Command, own_redis_server: RedisServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: str
) -> None:
    monkeypatch.setattr("idcontact.redis._PATIENCE", 0.0)
    with own_redis_server.client() as client:
        client.config_set("requirepass", SECRET)
    status, _, said = command(make_site(tmp_path, f"{own_redis_server.url}{given}").config)
    assert status == 2
    assert said.startswith("idcontact serve: redis_url: what answers there refuses this user name and password")
    assert SECRET not in said


def test_a_store_of_an_unknown_kind_is_said(command: Command, tmp_path: Path) -> None:
    status, _, said = command(make_site(tmp_path, f"mysql://{SECRET}@localhost").config)
    assert status == 2
    assert said.startswith("idcontact serve: redis_url: expected redis://")
    assert SECRET not in said


def children_of(process: int) -> list[str]:
    return [
        child for task in Path(f"/proc/{process}/task").iterdir() for child in (task / "children").read_text().split()
    ]


@pytest.fixture
def site(tmp_path: Path, redis_url: str) -> Site:
    return make_site(tmp_path, redis_url)


async def test_a_store_that_is_lost_again_while_it_is_looked_at_is_waited_for(
    one_redis_server: RedisServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = 0

    async def look(*arguments: Any) -> None:
        nonlocal looks
        looks += 1
        if looks < 3:
            raise Unavailable("the store cannot be reached now; try again in a moment")
        await check_store(*arguments)

    monkeypatch.setattr(app, "check_store", look)
    async with running_house(make_site(tmp_path, one_redis_server.url)):
        assert looks == 3


async def test_sigterm_ends_it_with_status_0_and_leaves_nothing_behind(site: Site) -> None:
    async with ServerProcess(site) as server:
        assert server._process is not None
        process = server._process.pid
        assert children_of(process) == []
        reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
        writer.write(b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n")
        assert await reader.readline() == b"HTTP/1.1 200 OK\r\n"
        assert server.stop() == 0
    await reader.read()  # to its end: an idle connection is closed, not waited for
    writer.close()
    await writer.wait_closed()
    assert not Path(f"/proc/{process}").exists()
    for port in (site.port, site.internal_port):
        with pytest.raises(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port)):
            pass
    log = server.log.read_text()
    assert "Traceback" not in log
    assert '"level":"error"' not in log
    assert "Warning" not in log


def test_the_collectors_thresholds_are_those_that_were_measured(collector: None) -> None:
    set_gc_thresholds()
    assert gc.get_threshold() == GC_THRESHOLDS == (50_000, 50, 1_000)


async def test_a_server_that_runs_has_set_the_collectors_thresholds(collector: None, site: Site) -> None:
    assert gc.get_threshold() == (700, 10, 10)
    async with running_house(site):
        assert gc.get_threshold() == GC_THRESHOLDS
