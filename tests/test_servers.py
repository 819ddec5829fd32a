"""The servers that other tests stand on."""

from __future__ import annotations

import os
import select
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from servers import ServerMissing, binary_of, wanted_kinds

if TYPE_CHECKING:
    from redis.asyncio import Redis

    from servers import RedisServer


async def test_each_test_starts_with_an_empty_server(redis: Redis) -> None:
    assert await redis.dbsize() == 0
    await redis.set("left", "behind")


async def test_each_test_starts_with_an_empty_server_even_after_another(redis: Redis) -> None:
    assert await redis.dbsize() == 0
    await redis.set("left", "behind")


def test_a_killed_server_with_an_append_only_file_comes_back_with_its_data(own_redis_server: RedisServer) -> None:
    with own_redis_server.client() as client:
        client.set("kept", "yes")
    own_redis_server.kill()
    own_redis_server.start()
    with own_redis_server.client() as client:
        assert client.get("kept") == b"yes"


def test_a_server_ends_when_its_test_process_is_killed() -> None:
    script = (
        "import time; from servers import *\n"
        "server = RedisServer(wanted_kinds()[0]); server.start()\n"
        "print(server._process.pid, server.directory, flush=True); time.sleep(60)"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent)}
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, env=environment, text=True) as parent:
        assert parent.stdout is not None
        pid, directory = parent.stdout.readline().split()
        server = os.pidfd_open(int(pid))
        parent.kill()
    ready = _wait_readable(server, seconds=5)
    os.close(server)
    subprocess.run(["rm", "-r", directory], check=True)
    assert ready, "the server outlived the process that started it"


def test_an_unknown_kind_of_server_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IDCONTACT_TEST_REDIS", "memcached")
    with pytest.raises(ServerMissing, match="memcached; it may name valkey and redis"):
        wanted_kinds()


def test_a_missing_redis_server_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(ServerMissing, match="apt-get install redis-server"):
        binary_of("redis")


def _wait_readable(pidfd: int, seconds: float) -> bool:
    """A pidfd becomes readable when its process has ended."""
    return bool(select.select([pidfd], [], [], seconds)[0])
