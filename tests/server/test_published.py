"""A core by itself, started as the published one is: by its settings file, unchanged, with `idcontact serve`."""

from __future__ import annotations

import asyncio
import json
import shutil
import signal
import subprocess
import sys
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
from aiohttp import web

from processes import processes_of
from running import free_port

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

PUBLISHED = Path(__file__).parent.parent / "published"


class Plugins:
    """The plugins of a published installation, as one small server: it notes what it is asked."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.asked: dict[str, Any] = {}

    async def start_communication(self, request: web.Request) -> web.Response:
        self.asked["communication"] = await request.json()
        return web.json_response({"client_url": "https://chat.example/room/1", "attr_url": f"{self.url}/attr/1"})

    async def start_authentication(self, request: web.Request) -> web.Response:
        self.asked["authentication"] = await request.json()
        return web.Response(text=json.dumps({"client_url": "https://digid.example/1"}), content_type="text/plain")


@asynccontextmanager
async def plugins() -> AsyncIterator[Plugins]:
    port = free_port()
    served = Plugins(port)
    app = web.Application()
    for prefix in ("", "/internal"):
        app.router.add_post(f"{prefix}/start_communication", served.start_communication)
        app.router.add_post(f"{prefix}/start_authentication", served.start_authentication)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    yield served
    await runner.cleanup()


@asynccontextmanager
async def core(folder: Path, environ: dict[str, str]) -> AsyncIterator[str]:
    """`idcontact serve` in `folder`, with nothing but these variables; its URL, once it answers."""
    port = free_port()
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "idcontact", "serve"],
            cwd=folder,
            env={"ROCKET_PORT": str(port), **environ},
            stdout=log,
            stderr=log,
        )
    try:
        async with aiohttp.ClientSession() as session:
            while process.poll() is None:
                try:
                    async with session.get(f"http://127.0.0.1:{port}/health/ready") as answer:
                        if answer.status == 200:
                            break
                except aiohttp.ClientConnectorError:
                    await asyncio.sleep(0.02)  # nothing to wait on: the port is not there yet
        assert process.poll() is None, (folder / "log").read_text()
        yield f"http://127.0.0.1:{port}"
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize("dialect", ["id_contact", "verder_helpen"])
async def test_a_published_settings_file_starts_a_core_that_starts_sessions(dialect: str, tmp_path: Path) -> None:
    shutil.copy(PUBLISHED / f"{dialect}.toml", tmp_path / "config.toml")
    async with plugins() as there:
        digid = f"{there.url}/internal/"
        methods = {
            "ROCKET_AUTH_METHODS": f"[{{tag = digid, name = DigiD, image_path = /d.svg, start = {digid}}}]",
            "ROCKET_COMM_METHODS": f"[{{tag = chat, name = Chat, image_path = /c.svg, start = {there.url}}}, "
            f"{{tag = call, name = Bellen, image_path = /b.svg, start = {there.url}}}]",
            "ROCKET_PURPOSES": "[{tag = report_move, attributes = [email], allowed_auth = [*], allowed_comm = [*]}]",
        }
        async with (
            core(tmp_path, {"ROCKET_CONFIG": "config.toml", **methods}) as url,
            aiohttp.ClientSession() as browser,
        ):
            async with browser.get(f"{url}/session_options/report_move") as answer:
                options = await answer.json()
            assert [(method["tag"], method["name"]) for method in options["comm_methods"]] == [
                ("chat", "Chat"),
                ("call", "Bellen"),
            ]
            body = {"purpose": "report_move", "auth_method": "digid", "comm_method": "chat"}
            headers = {"Accept": "application/json"}
            async with browser.post(f"{url}/start", json=body, headers=headers) as answer:
                assert (answer.status, await answer.json()) == (200, {"client_url": "https://digid.example/1"})
            async with browser.get(f"{url}/console") as answer:
                assert answer.status == 404
    assert there.asked == {
        "communication": {"purpose": "report_move"},
        "authentication": {
            "attributes": ["email"],
            "continuation": "https://chat.example/room/1",
            "attr_url": f"{there.url}/attr/1",
        },
    }
    assert processes_of(tmp_path / "valkey") == [], "its own Valkey ends with it"


@pytest.mark.parametrize("dialect", ["id_contact", "verder_helpen"])
async def test_a_published_settings_file_starts_a_core_as_it_is_and_says_what_it_takes(
    dialect: str, tmp_path: Path
) -> None:
    shutil.copy(PUBLISHED / f"{dialect}.toml", tmp_path / "Rocket.toml")
    async with (
        core(tmp_path, {}) as url,
        aiohttp.ClientSession() as browser,
        browser.get(f"{url}/session_options") as answer,
    ):
        options = await answer.json()
    assert list(options)[:3] == ["report_move", "request_permit", "request_passport"]
    assert [method["image_path"] for method in options["report_move"]["auth_methods"]] == [
        "/static/irma.svg",
        "/static/digid.svg",
    ]
    said = [json.loads(line) for line in (tmp_path / "log").read_text().splitlines()]
    about = [line["text"] for line in said if line["logger"] == "idcontact.settings"]
    assert about[0].startswith(f"{tmp_path}/Rocket.toml: settings of the published core")
    assert len(about) == {"id_contact": 3, "verder_helpen": 1}[dialect], "one line for each key that is not used"
