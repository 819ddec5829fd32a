"""Plugins in processes of their own, each with its ports, its keys in the store and its settings file."""

from __future__ import annotations

import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from plugin_house import key_pair
from running import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

COMMON: Final = """
public_url = "{public}"
listen = "127.0.0.1:{port}"
internal_url = "{internal}"
internal_listen = "127.0.0.1:{internal_port}"
redis_url = "{redis_url}"
redis_prefix = "{prefix}"
keys_dir = "keys-{prefix}"
[attributes.fullname]
name = {{ nl = "Naam", en = "Name" }}
[attributes.city]
name = {{ nl = "Woonplaats", en = "City" }}
"""


@dataclass(frozen=True)
class Place:
    """The two ports of a process, free when this is made."""

    port: int = field(default_factory=free_port)
    internal_port: int = field(default_factory=free_port)

    @property
    def public(self) -> str:
        """Where people reach it."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def internal(self) -> str:
        """Where the core and other plugins reach it."""
        return f"http://127.0.0.1:{self.internal_port}"


def common_settings(place: Place, redis_url: str, prefix: str) -> str:
    """What the settings of every process begin with. `prefix`: of its keys in Redis, and of its folder of keys."""
    return COMMON.format(
        public=place.public,
        port=place.port,
        internal=place.internal,
        internal_port=place.internal_port,
        redis_url=redis_url,
        prefix=prefix,
    )


def write_keys(folder: Path) -> None:
    """`sign.pem` with `verify.pem`, and `decrypt.pem` with `encrypt.pem`: what plugins sign and encrypt by."""
    for name, (private, public) in {
        "sign": ("sign.pem", "verify.pem"),
        "encrypt": ("decrypt.pem", "encrypt.pem"),
    }.items():
        (folder / private).write_text(key_pair(name)[0])
        (folder / public).write_text(key_pair(name)[1])


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
