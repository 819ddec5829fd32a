"""The demo: the whole product on one machine, with keys, accounts and settings of its own in one directory.

`prepare` makes what is not there yet, so that a second start finds the same keys and log-ins; the settings are
written anew each time, for they follow this version of the program and the port.
"""

from __future__ import annotations

import json
import os
import secrets
import socket
from dataclasses import asdict, dataclass
from pathlib import Path
from string import Template
from typing import Final

from argon2 import PasswordHasher

from idcontact.cli.new_keys import write_new_keys
from idcontact.errors import SettingsError

HOST: Final = "127.0.0.1"

_TEMPLATE = Path(__file__).parent / "demo.toml"
_KEYS: Final = ("pem", "pem-second")  # each auth method has keys of its own
_LETTERS: Final = "abcdefghjkmnpqrstuvwxyz23456789"  # none that look alike


@dataclass(frozen=True)
class Account:
    """A staff account of the demo. `password` is made for this machine and shown at each start."""

    id: str
    name: str
    role: str
    password: str
    password_hash: str


@dataclass(frozen=True)
class Demo:
    """A prepared directory, and where the server is to be found."""

    directory: Path
    port: int
    accounts: tuple[Account, ...]

    @property
    def url(self) -> str:
        """The address for browsers. Not 127.0.0.1: browsers keep secure cookies for `localhost` without TLS."""
        return f"http://localhost:{self.port}"

    def write_settings(self) -> Path:
        """Write the settings file; gives its path."""
        values = {
            "public_url": self.url,
            "listen": f"{HOST}:{self.port}",
            "accounts": "\n".join(_account_table(account) for account in self.accounts).rstrip(),
        }
        path = self.directory / "demo.toml"
        _write_private(path, Template(_TEMPLATE.read_text("utf-8")).substitute(values))
        return path


def _account_table(account: Account) -> str:
    return f"""[[staff.accounts]]
id = "{account.id}"
name = "{account.name}"
roles = ["{account.role}"]
password_hash = "{account.password_hash}"
"""


_STAFF: Final = (
    ("sanne", "Sanne de Vries", "agent"),
    ("daan", "Daan Bakker", "agent"),
    ("noor", "Noor Yılmaz", "supervisor"),
)


def check_port(port: int) -> None:
    """Raises SettingsError when another program has the port."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the server does: a port just left is free
        try:
            probe.bind((HOST, port))
        except OSError as error:
            reason = error.strerror or "it cannot be used"
            raise SettingsError([f"port {port}: {reason}; choose another one: make demo PORT=8001"]) from None


def prepare(directory: Path, port: int) -> Demo:
    """Make in `directory` what is not there yet: keys and accounts. Raises SettingsError."""
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        for folder in _KEYS:
            if not (directory / folder).exists():
                _make_keys(directory / folder)
        accounts = _accounts(directory / "accounts.json")
    except OSError as error:
        raise SettingsError([f"{error.filename or directory}: {error.strerror or 'cannot be written'}"]) from None
    return Demo(directory, port, accounts)


def _make_keys(folder: Path) -> None:
    """Elsewhere first, then renamed: a start that is interrupted leaves all of them or none."""
    unfinished = folder.with_name(f"{folder.name}.{os.getpid()}")
    write_new_keys(unfinished, "ec")
    unfinished.rename(folder)


def _accounts(path: Path) -> tuple[Account, ...]:
    try:
        return tuple(Account(**entry) for entry in json.loads(path.read_bytes()))
    except FileNotFoundError:
        accounts = tuple(_new_account(*member) for member in _STAFF)
        _write_private(path, json.dumps([asdict(account) for account in accounts], indent=2))
        return accounts
    except (ValueError, TypeError):
        raise SettingsError([f"{path}: cannot be read; remove it and new log-ins are made"]) from None


def _new_account(name: str, full_name: str, role: str) -> Account:
    password = "-".join("".join(secrets.choice(_LETTERS) for _ in range(4)) for _ in range(3))
    return Account(name, full_name, role, password, PasswordHasher().hash(password))


def _write_private(path: Path, text: str) -> None:
    """A file that only this user can read, there in whole or not at all."""
    unfinished = path.with_name(f"{path.name}.{os.getpid()}")
    with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
    unfinished.rename(path)
