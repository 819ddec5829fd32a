"""A running server for tests: the real one, on real ports, with keys and settings of its own.

`running_house` serves in this process; `ServerProcess` runs `idcontact serve` in a process that may be killed.
"""

from __future__ import annotations

import asyncio
import os
import re
import signal
import socket
import subprocess
import sys
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Final

import aiohttp
from argon2 import PasswordHasher
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from idcontact.config import load_config
from idcontact.serve import serve
from idcontact.tokens import AuthResult, Dialect, EncryptKey, ResultStatus, ResultWriter, SigningKey

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping
    from pathlib import Path

    from idcontact.app import Site as Website
    from idcontact.pages import Pages

PASSWORD: Final = "a long test password"
ATTRIBUTES: Final = {"fullname": "Suzanne Moulin", "city": "Rotterdam"}
"""What the test method gives; distinctive enough to search for where it must not be."""

_SETTINGS = """
public_url = "http://127.0.0.1:{port}"
listen = "127.0.0.1:{port}"
internal_listen = "127.0.0.1:{internal_port}"
internal_url = "http://127.0.0.1:{internal_port}"
redis_url = "{redis_url}"
keys_dir = "keys"
start_limit = "1000 per min"
allowed_origins = ["https://www.voorbeeld.example"]
{top}
[attributes.fullname]
name = {{ nl = "Naam", en = "Name" }}
[attributes.city]
name = {{ nl = "Woonplaats", en = "City" }}
[[auth_methods]]
tag = "test"
name = {{ nl = "Proefpersoon", en = "Test person" }}
start = "plugin:auth_test"
[[comm_methods]]
tag = "chat"
name = {{ nl = "Chatten", en = "Chat" }}
start = "plugin:live"
context = true
[[purposes]]
tag = "report_move"
name = {{ nl = "Verhuizing doorgeven", en = "Report a move" }}
attributes = ["fullname", "city"]
allowed_auth = ["*"]
allowed_comm = ["*"]
[[purposes]]
tag = "passport"
name = {{ nl = "Paspoort", en = "Passport" }}
attributes = ["fullname"]
allowed_auth = ["*"]
allowed_comm = ["*"]
[live]
decrypt_key = {{ file = "decrypt.pem" }}
landing_limit = "1000 per min"
socket_limit = "10000 per min"
{live}
[live.purposes.passport]
unverified = true
[[live.auth_methods]]
tag = "test"
name = {{ nl = "Proefpersoon", en = "Test person" }}
verify_keys = [{{ file = "verify.pem" }}]
attributes = ["fullname", "city"]
[[live.auth_methods]]
tag = "other"
name = "Another method"
verify_keys = [{{ file = "other-verify.pem" }}]
attributes = ["fullname"]
level = "high"
[[staff.accounts]]
id = "ann"
name = "Ann de Boer"
roles = ["agent"]
password_hash = "{password_hash}"
capacity = 3
[[staff.accounts]]
id = "bob"
name = "Bob Smit"
roles = ["agent"]
purposes = ["report_move"]
password_hash = "{password_hash}"
capacity = 1
[[staff.accounts]]
id = "sue"
name = "Sue Visser"
roles = ["supervisor"]
password_hash = "{password_hash}"
[plugins.auth_test]
sign_key = {{ file = "sign.pem" }}
encrypt_key = {{ file = "encrypt.pem" }}
[plugins.auth_test.attributes]
fullname = "Suzanne Moulin"
city = "Rotterdam"
"""


@cache
def _password_hash() -> str:
    return PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)


def free_port() -> int:
    """A port that nobody has now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _write_pair(folder: Path, private: str, public: str) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    (folder / private).write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    (folder / public).write_bytes(
        key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    )


@dataclass(frozen=True)
class Site:
    """A folder with settings and keys, and where its server is found."""

    folder: Path
    port: int
    internal_port: int

    @property
    def url(self) -> str:
        """The public application."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def internal(self) -> str:
        """The internal application."""
        return f"http://127.0.0.1:{self.internal_port}"

    @property
    def live(self) -> str:
        """The live plugin's internal routes: where a core would call it."""
        return f"{self.internal}/plugins/live"

    @property
    def config(self) -> Path:
        """The settings."""
        return self.folder / "idcontact.toml"

    def token(
        self,
        attributes: Mapping[str, str] | None = None,
        *,
        status: ResultStatus = ResultStatus.SUCCESS,
        sign: str = "sign.pem",
        at: float | None = None,
    ) -> str:
        """An auth result, as the test method would write it; `other-sign.pem` is another method's key."""
        writer = ResultWriter(
            SigningKey.from_pem((self.folder / sign).read_text()),
            EncryptKey.from_pem((self.folder / "encrypt.pem").read_text()),
            Dialect.ID_CONTACT,
        )
        given = dict(ATTRIBUTES if attributes is None else attributes) if status is ResultStatus.SUCCESS else None
        return writer.write(AuthResult(status=status, attributes=given), time.time() if at is None else at)


def make_site(folder: Path, redis_url: str, *, live: str = "", top: str = "", beside: Site | None = None) -> Site:
    """Settings and keys in `folder`; with `beside`, another node of that site, with the same keys."""
    site = Site(folder, free_port(), free_port())
    if beside is None:
        for private, public in (
            ("sign.pem", "verify.pem"),
            ("other-sign.pem", "other-verify.pem"),
            ("decrypt.pem", "encrypt.pem"),
        ):
            _write_pair(folder, private, public)
    text = _SETTINGS.format(
        port=site.port,
        internal_port=site.internal_port,
        redis_url=redis_url,
        live=live,
        top=top,
        password_hash=_password_hash(),
    )
    if beside is not None:
        text = text.replace('"keys"', f'"{beside.folder}/keys"')
        text = re.sub(r'file = "', f'file = "{beside.folder}/', text)
    site.config.write_text(text)
    return site


@asynccontextmanager
async def running_house(site: Site, website: Callable[[Pages], Website] | None = None) -> AsyncIterator[Site]:
    """The server, in this process and loop, until left; `website` beside it, as the demo's is."""
    stop, ready = asyncio.Event(), asyncio.Event()
    config = load_config(site.config, {})
    serving = asyncio.create_task(serve(config, site.folder, site=website, ready=ready.set, stop=stop))
    waiting = asyncio.create_task(ready.wait())
    await asyncio.wait({serving, waiting}, return_when=asyncio.FIRST_COMPLETED)
    try:
        if serving.done():
            serving.result()
        yield site
    finally:
        waiting.cancel()
        stop.set()
        await serving


class ServerProcess:
    """`idcontact serve` in a process of its own. Its log is kept in `log`."""

    def __init__(self, site: Site, log_level: str = "debug") -> None:
        self.site = site
        self.log = site.folder / f"server-{site.port}.log"
        self._level = log_level
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it; `wait_until_up` says when it serves."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "idcontact", "serve", "--config", self.site.config, "--log-level", self._level],
                stdout=log,
                stderr=log,
                env={**os.environ, "PYTHONWARNINGS": "default"},
            )

    async def wait_until_up(self, seconds: float = 60) -> None:
        """Until it answers that it is ready."""
        async with aiohttp.ClientSession() as session, asyncio.timeout(seconds):
            while True:
                if self._process is not None and self._process.poll() is not None:
                    raise AssertionError(f"the server ended: {self.log.read_text()[-2000:]}")
                try:
                    async with session.get(f"{self.site.url}/health/ready") as answer:
                        if answer.status == 200:
                            return
                except aiohttp.ClientError:
                    pass
                await asyncio.sleep(0.02)

    @property
    def pid(self) -> int:
        """The number of the running process."""
        assert self._process is not None, "not started"
        return self._process.pid

    def kill(self) -> None:
        """kill -9."""
        self._end(signal.SIGKILL)

    def stop(self) -> int:
        """SIGTERM; its exit status."""
        return self._end(signal.SIGTERM)

    def _end(self, number: signal.Signals) -> int:
        process, self._process = self._process, None
        if process is None:
            return 0
        process.send_signal(number)
        return process.wait(20)

    async def __aenter__(self) -> ServerProcess:
        self.start()
        try:
            await self.wait_until_up()
        except BaseException:
            self.kill()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        self.stop()
