"""Plugins in processes of their own, and a stranger's plugins: for a core that reaches all of them over real HTTP."""

from __future__ import annotations

import subprocess
import sys
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from aiohttp import web

from running import free_port

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

COMMON = """
public_url = "{place.public}"
listen = "127.0.0.1:{place.port}"
internal_url = "{place.internal}"
internal_listen = "127.0.0.1:{place.internal_port}"
redis_url = "{redis}"
redis_prefix = "{name}"
keys_dir = "keys-{name}"
[attributes.fullname]
name = {{ nl = "Naam", en = "Name" }}
"""
"""What every plugin has to be told."""


@dataclass(frozen=True)
class Place:
    """The two ports of a plugin."""

    port: int = field(default_factory=free_port)
    internal_port: int = field(default_factory=free_port)

    @property
    def public(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def internal(self) -> str:
        return f"http://127.0.0.1:{self.internal_port}"


def common_settings(place: Place, redis: str, name: str) -> str:
    """What the settings of every process begin with. `name`: of its keys in Redis, and of its folder of keys."""
    return COMMON.format(place=place, redis=redis, name=name)


@contextmanager
def plugin_process(name: str, settings: str, folder: Path, label: str = "") -> Iterator[Path]:
    """`idcontact plugin`, listening; the file that it writes to. `label`: of its files, when there are two of it."""
    config, log = folder / f"{label or name}.toml", folder / f"{label or name}.log"
    config.write_text(settings)
    command = [sys.executable, "-m", "idcontact", "plugin", name, "--config", str(config)]
    with log.open("wb") as written, subprocess.Popen(command, stdout=subprocess.PIPE, stderr=written) as running:
        assert running.stdout is not None
        try:
            assert running.stdout.readline().startswith(b"plugin"), log.read_text()
            yield log
        finally:
            running.terminate()
            running.wait(20)


@dataclass
class Strangers:
    """Plugins that others wrote: one for authentication and one for the telephone, both as the protocol has them."""

    port: int
    started: list[dict[str, Any]] = field(default_factory=list)
    """Bodies of start_authentication and start_communication, in order."""
    delivered: list[tuple[str, str]] = field(default_factory=list)
    """Path and body of what came to an attr_url."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def authenticate(self, request: web.Request) -> web.Response:
        self.started.append(await request.json())
        return web.json_response({"client_url": f"{self.url}/identify"}, content_type="text/plain")

    async def identify(self, _: web.Request) -> web.Response:
        page = "<!doctype html><title>Who are you?</title><link rel=icon href=data:,>"
        return web.Response(text=page, content_type="text/html")

    async def communicate(self, request: web.Request) -> web.Response:
        body = await request.json()
        self.started.append(body)
        attr_url = {} if "auth_result" in body else {"attr_url": f"{self.url}/session_result/{'c' * 32}"}
        return web.json_response({"client_url": "tel:0201234567,1234567890", **attr_url})

    async def result(self, request: web.Request) -> web.Response:
        self.delivered.append((request.path, await request.text()))
        return web.Response()


@asynccontextmanager
async def strangers() -> AsyncIterator[Strangers]:
    """Both, on one port: they know nothing of us."""
    plugins = Strangers(free_port())
    app = web.Application()
    app.router.add_post("/start_authentication", plugins.authenticate)
    app.router.add_get("/identify", plugins.identify)
    app.router.add_post("/start_communication", plugins.communicate)
    app.router.add_post("/session_result/{code}", plugins.result)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", plugins.port).start()
        yield plugins
    finally:
        await runner.cleanup()
