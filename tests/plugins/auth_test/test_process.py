"""The plugin in a second process, between a core and a communication plugin that know it by its URL alone."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
import time
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Any

import httpx2
import pytest
from aiohttp import web
from starlette.applications import Starlette

from core_house import core_routes
from idcontact.core.settings import CoreSettings
from idcontact.outgoing import Outgoing
from idcontact.settings import read
from plugin_house import FROM_OWN_PAGE, key_pair, result_reader

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator, Mapping
    from pathlib import Path


SETTINGS = """
public_url = "http://127.0.0.1:{public}"
listen = "127.0.0.1:{public}"
internal_url = "http://127.0.0.1:{internal}"
internal_listen = "127.0.0.1:{internal}"
redis_url = "{redis}"
keys_dir = "keys"
[pages]
organisation = "Elsewhere"
[attributes.fullname]
name = "Name"
[plugins.auth_test]
allowed_origins = ["{comm}"]
sign_key = {{file = "sign.pem"}}
encrypt_key = {{file = "encrypt.pem"}}
[plugins.auth_test.attributes]
fullname = "Willeke"
"""


class CommPlugin:
    """A communication plugin elsewhere, on a real port."""

    def __init__(self) -> None:
        self.base = ""
        self.tokens: list[str] = []

    async def start_communication(self, _: web.Request) -> web.Response:
        return web.json_response({"client_url": f"{self.base}/land", "attr_url": f"{self.base}/attr/1"})

    async def attr(self, request: web.Request) -> web.Response:
        self.tokens.append(await request.text())
        return web.Response()


@pytest.fixture
async def comm() -> AsyncIterator[CommPlugin]:
    plugin = CommPlugin()
    application = web.Application()
    application.router.add_post("/start_communication", plugin.start_communication)
    application.router.add_post("/attr/1", plugin.attr)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    plugin.base = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield plugin
    finally:
        await runner.cleanup()


@pytest.fixture
def redis_url(one_redis_url: str) -> str:
    """One kind is enough: what differs between them is not what goes from process to process."""
    return one_redis_url


def write_settings(folder: Path, redis_url: str, comm: str, ports: tuple[int, int]) -> Path:
    (folder / "sign.pem").write_text(key_pair("sign")[0])
    (folder / "encrypt.pem").write_text(key_pair("encrypt")[1])
    file = folder / "plugin.toml"
    file.write_text(SETTINGS.format(public=ports[0], internal=ports[1], redis=redis_url, comm=comm))
    return file


BY_PACKAGE = ["-m", "idcontact_auth_test"]
BY_COMMAND = ["-m", "idcontact", "plugin", "auth_test"]


@contextmanager
def process(config: Path, command: list[str]) -> Iterator[subprocess.Popen[str]]:
    """The plugin's process, listening."""
    arguments = [sys.executable, *command, "--config", str(config)]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        try:
            assert running.stdout.readline(), running.stderr.read() if running.stderr else ""
            yield running
        finally:
            running.terminate()
            running.communicate(timeout=20)


@asynccontextmanager
async def core(auth: str, comm: str, folder: Path) -> AsyncIterator[httpx2.AsyncClient]:
    """A core whose methods are plugins elsewhere."""
    raw: dict[str, Any] = {
        "auth_methods": [{"tag": "test", "name": "Test", "start": auth}],
        "comm_methods": [{"tag": "chat", "name": "Chat", "start": comm}],
        "purposes": [{"tag": "move", "attributes": ["fullname"], "allowed_auth": ["*"], "allowed_comm": ["*"]}],
    }
    async with Outgoing() as outgoing:
        routes = core_routes(read(raw, CoreSettings, base=folder), outgoing, bases={})
        transport = httpx2.ASGITransport(app=Starlette(routes=routes.routes()))
        async with httpx2.AsyncClient(transport=transport, base_url="https://core.example.org") as client:
            yield client


@pytest.mark.parametrize("command", [BY_PACKAGE, BY_COMMAND], ids=["package", "command"])
async def test_a_session_through_a_plugin_in_another_process(
    redis_url: str, comm: CommPlugin, command: list[str], tmp_path: Path, unused_tcp_port_factory: Callable[[], int]
) -> None:
    ports = unused_tcp_port_factory(), unused_tcp_port_factory()
    public, internal = (f"http://127.0.0.1:{port}" for port in ports)
    config = write_settings(tmp_path, redis_url, comm.base, ports)
    with process(config, command) as running:
        async with core(internal, comm.base, tmp_path) as client, httpx2.AsyncClient() as browser:
            start = {"purpose": "move", "auth_method": "test", "comm_method": "chat"}
            started = await client.post("/start", data=start)
            url = started.headers["location"]
            assert re.fullmatch(rf"{public}/session/[\w-]{{43}}", url)
            page = await browser.get(url, headers={"Accept-Language": "en"})
            assert "Elsewhere asks for these details" in page.text
            assert "Willeke" in page.text
            stylesheet = re.search(r'href="(/assets/site\.css[^"]*)"', page.text)
            assert stylesheet is not None
            assert (await browser.get(f"{public}{stylesheet[1]}")).status_code == 200
            # Over plain HTTP only a browser treats loopback as secure; this client is helped to send the cookie.
            headers: Mapping[str, str] = {
                **FROM_OWN_PAGE,
                "Origin": public,
                "Cookie": page.headers["set-cookie"].partition(";")[0],
            }
            answer = await browser.post(url, data={"choice": "share"}, headers=dict(headers))
            assert (answer.status_code, answer.headers["location"]) == (303, f"{comm.base}/land")
            assert (await browser.post(f"{public}/start_authentication", json={})).status_code == 404
        running.send_signal(signal.SIGTERM)
        out, err = running.communicate(timeout=20)
        assert running.returncode == 0, err
    assert result_reader().read(comm.tokens[0], time.time()).result.attributes == {"fullname": "Willeke"}
    for secret in (url.rpartition("/")[2], comm.tokens[0], "Willeke"):
        assert secret not in out + err


def test_settings_that_cannot_be_used_are_named_without_a_traceback(tmp_path: Path) -> None:
    config = tmp_path / "plugin.toml"
    config.write_text('public_url = "nowhere"\nlisten = "localhost"\n[plugins.auth_test]\n')
    done = run("--config", str(config))
    assert done.returncode == 2
    assert [line.partition(":")[0] for line in done.stderr.splitlines()] == [
        "public_url",
        "listen",
        "internal_url",
        "internal_listen",
        "redis_url",
    ]


def test_the_settings_of_the_plugin_itself_are_checked_too(
    tmp_path: Path, redis_url: str, unused_tcp_port_factory: Callable[[], int]
) -> None:
    ports = unused_tcp_port_factory(), unused_tcp_port_factory()
    config = write_settings(tmp_path, redis_url, "https://example.org", ports)
    (tmp_path / "sign.pem").unlink()
    done = run("--config", str(config))
    assert done.returncode == 2
    assert done.stderr.startswith("plugins.auth_test.sign_key.file: expected a file that can be read")


def test_a_port_that_is_taken_is_said_in_one_sentence(tmp_path: Path, redis_url: str, unused_tcp_port: int) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        config = write_settings(tmp_path, redis_url, "https://example.org", (unused_tcp_port, port))
        done = run("--config", str(config))
    assert done.returncode == 2
    [sentence] = done.stderr.splitlines()
    assert sentence.startswith(f"internal_listen: 127.0.0.1:{port}: Address already in use")


def test_a_store_that_is_not_there_is_said_at_once(tmp_path: Path, unused_tcp_port_factory: Callable[[], int]) -> None:
    ports = unused_tcp_port_factory(), unused_tcp_port_factory()
    done = run("--config", str(write_settings(tmp_path, "unix:///nonexistent/s", "https://example.org", ports)))
    assert done.returncode == 1
    assert "the store cannot be reached now" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_plugin_that_is_not_installed_is_told_what_is(tmp_path: Path) -> None:
    config = write_settings(tmp_path, "unix:///nonexistent/s", "https://example.org", (1, 2))
    command = [sys.executable, "-m", "idcontact", "plugin", "auth_tset", "--config", str(config)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 2
    assert re.search(r"plugins\.auth_tset: no such plugin is installed; there are: .*auth_test", done.stderr)


@pytest.mark.parametrize("arguments", [[], ["--config"], ["--config", "a", "b"], ["--help"]])
def test_wrong_use_is_told(arguments: list[str]) -> None:
    done = run(*arguments)
    assert (done.returncode, done.stderr) == (2, "usage: --config FILE\n")


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *BY_PACKAGE, *arguments], capture_output=True, text=True, check=False, timeout=60
    )
