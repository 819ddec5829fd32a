"""The whole story over real HTTP: core, authentication plugin and platform plugin in processes of their own."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from contextlib import AsyncExitStack, ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import httpx2
import pytest

from platform_house import AS_PERSON, GUEST_SECRET, HOST_SECRET, guest_token, host_token
from plugin_house import key_pair
from running import ServerProcess, Site, free_port, make_site

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

VIDEO: Final = "https://video.example"
WIDGET: Final = "https://widget.example"

ALONE = """
public_url = "http://127.0.0.1:{public}"
listen = "127.0.0.1:{public}"
internal_url = "http://127.0.0.1:{internal}"
internal_listen = "127.0.0.1:{internal}"
redis_url = "{redis}"
redis_prefix = "{name}"
keys_dir = "{name}-keys"
"""
PLATFORM = """
[plugins.comm_platform]
core_url = "{core}"
start_auth_key_id = "platform"
start_auth_signing_privkey = {{ file = "start.pem" }}
widget_url = "https://widget.example/?"
widget_signing_privkey = {{ file = "widget.pem" }}
display_name = "Video"
guest_signature_secret = "{guest_secret}"
host_signature_secret = "{host_secret}"
decrypt_key = {{ file = "decrypt.pem" }}
frame_ancestors = ["https://video.example"]
[[plugins.comm_platform.auth_methods]]
tag = "test"
name = "Test person"
verify_keys = [{{ file = "verify.pem" }}]
attributes = ["fullname", "city"]
[plugins.comm_platform.purposes.report_move]
name = "Report a move"
attributes = ["fullname"]
"""
AUTH = """
[plugins.auth_test]
sign_key = {{ file = "sign.pem" }}
encrypt_key = {{ file = "encrypt.pem" }}
allowed_origins = ["https://video.example", "{internal}"]
[plugins.auth_test.attributes]
fullname = "Suzanne Moulin"
city = "Rotterdam"
"""


@pytest.fixture
def redis_url(one_redis_url: str) -> str:
    """One kind is enough: what differs between them is not what goes from process to process."""
    return one_redis_url


@dataclass(frozen=True)
class Running:
    """Where everything is found, and what the processes wrote."""

    site: Site
    platform: str
    logs: list[Path]


@contextmanager
def plugin_process(name: str, config: Path, log: Path) -> Iterator[subprocess.Popen[str]]:
    """One plugin, listening; it has to end in good order."""
    command = [sys.executable, "-m", f"idcontact_{name}", "--config", str(config)]
    with log.open("w") as err, subprocess.Popen(command, stdout=subprocess.PIPE, stderr=err, text=True) as running:
        assert running.stdout is not None
        assert running.stdout.readline(), log.read_text()
        try:
            yield running
        finally:
            running.send_signal(signal.SIGTERM)
            assert running.wait(20) == 0, log.read_text()


def write_alone(folder: Path, redis: str, name: str, tables: str) -> tuple[Path, str, str]:
    """Settings of a plugin in a process of its own; its public and internal address."""
    public, internal = free_port(), free_port()
    file = folder / f"{name}.toml"
    file.write_text(ALONE.format(public=public, internal=internal, redis=redis, name=name) + tables)
    return file, f"http://127.0.0.1:{public}", f"http://127.0.0.1:{internal}"


@pytest.fixture(params=["alone", "in the server"])
async def running(request: pytest.FixtureRequest, redis_url: str, tmp_path: Path) -> AsyncIterator[Running]:
    site = make_site(tmp_path, redis_url)
    write_keys(tmp_path)
    tables = PLATFORM.format(core=site.url, guest_secret=GUEST_SECRET, host_secret=HOST_SECRET)
    text = site.config.read_text().partition("[plugins.auth_test]")[0]
    alone = request.param == "alone"
    logs = [tmp_path / "auth.log", tmp_path / "platform.log"]
    platform, internal = f"{site.url}/plugins/comm_platform", site.internal
    with ExitStack() as stack:
        if alone:
            file, platform, internal = write_alone(tmp_path, redis_url, "platform", tables)
            stack.enter_context(plugin_process("comm_platform", file, logs[1]))
        else:
            text += tables
        auth_file, _, auth = write_alone(tmp_path, redis_url, "auth", AUTH.format(internal=internal))
        stack.enter_context(plugin_process("auth_test", auth_file, logs[0]))
        keys = '[authonly_request_keys.platform]\nfile = "start-public.pem"\n'
        site.config.write_text(text.replace('"plugin:auth_test"', f'"{auth}"') + keys)
        async with ServerProcess(site) as server:
            yield Running(site, platform, [log for log in (*logs, server.log) if log.exists()])


def write_keys(folder: Path) -> None:
    """The keys that the platform plugin signs with, and the core's half."""
    for name, number in (("start.pem", 0), ("start-public.pem", 1), ("widget.pem", 0)):
        (folder / name).write_text(key_pair(name.partition(".")[0].partition("-")[0])[number])


async def identify(browser: httpx2.AsyncClient, running: Running, token: str, choice: str) -> httpx2.Response:
    """What the browser of a guest does from the platform's link on."""
    init = await browser.get(f"{running.platform}/guest/init/{token}")
    assert init.headers["location"].startswith(f"{WIDGET}/?ey")
    started = await browser.post(
        f"{running.platform}/guest/start/{token}",
        json={"purpose": "report_move", "auth_method": "test"},
        headers={"Origin": WIDGET, "Sec-Fetch-Site": "cross-site"},
    )
    assert started.status_code == 200, started.text
    assert started.headers["access-control-allow-origin"] == WIDGET
    page = await browser.get(started.json()["client_url"], headers=AS_PERSON)
    assert page.status_code == 200, page.text
    own = {"Origin": str(page.url).partition("/session")[0]}
    cookie = page.headers["set-cookie"].partition(";")[0]  # Secure, which this client takes for HTTPS only
    return await browser.post(str(page.url), data={"choice": choice}, headers={**own, **AS_PERSON, "Cookie": cookie})


async def events(stream: httpx2.Response) -> AsyncIterator[str]:
    async for line in stream.aiter_lines():
        if line.startswith("data: "):
            yield line.removeprefix("data: ")


async def test_a_guest_of_a_platform_identifies_and_its_host_sees_it_at_once(running: Running) -> None:
    guest, host = guest_token(), host_token()
    async with httpx2.AsyncClient(timeout=30) as browser:
        async with browser.stream("GET", f"{running.platform}/host/live/{host}") as stream:
            told = events(stream)
            assert await anext(told) == "start"
            refused = await identify(browser, running, guest, "refuse")
            assert refused.headers["location"] == f"{VIDEO}/room?guest"
            assert await anext(told) == "update"
            shared = await identify(browser, running, guest, "share")
            assert (shared.status_code, shared.headers["location"]) == (303, f"{VIDEO}/room?guest")
            assert await anext(told) == "update"
        page = await browser.get(f"{running.platform}/host/{host}", headers=AS_PERSON)
        assert "Suzanne Moulin" in page.text
        assert "Rotterdam" not in page.text
        assert "frame-ancestors https://video.example;" in page.headers["content-security-policy"]
        assert "x-frame-options" not in page.headers
        script = page.text.split('script type="module" src="')[1].split('"')[0]
        assert (await browser.get(script)).status_code == 200
        again = await browser.get(f"{running.platform}/host/{host}", headers={"Accept": "application/json"})
        given = {"purpose": "report_move", "name": "Henk", "attributes": {"fullname": "Suzanne Moulin"}}
        assert again.json() == [given]
    written = "".join(log.read_text() for log in running.logs)
    for secret in ("Suzanne", guest, host, "Henk", json.dumps(given)):
        assert secret not in written


async def test_a_plugin_that_is_listened_to_still_ends_in_good_order(redis_url: str, tmp_path: Path) -> None:
    make_site(tmp_path, redis_url)
    write_keys(tmp_path)
    tables = PLATFORM.format(core="http://127.0.0.1:9", guest_secret=GUEST_SECRET, host_secret=HOST_SECRET)
    file, platform, _ = write_alone(tmp_path, redis_url, "platform", tables)
    async with httpx2.AsyncClient(timeout=30) as browser, AsyncExitStack() as listening:
        with plugin_process("comm_platform", file, tmp_path / "platform.log"):
            stream = browser.stream("GET", f"{platform}/host/live/{host_token()}")
            assert await anext(events(await listening.enter_async_context(stream))) == "start"
