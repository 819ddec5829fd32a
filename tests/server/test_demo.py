"""What `idcontact demo` makes in its directory, and says."""

from __future__ import annotations

import socket
import stat
import tomllib
from typing import TYPE_CHECKING

import pytest
from argon2 import PasswordHasher

from idcontact.demo import HOST, check_port, prepare
from idcontact.errors import SettingsError

if TYPE_CHECKING:
    from pathlib import Path


def test_a_second_start_finds_the_same_keys_and_log_ins(tmp_path: Path) -> None:
    first = prepare(tmp_path / "demo", 8000)
    keys = {path.name: path.read_text() for path in (tmp_path / "demo" / "pem").iterdir()}
    second = prepare(tmp_path / "demo", 8001)
    assert second.accounts == first.accounts
    assert keys == {path.name: path.read_text() for path in (tmp_path / "demo" / "pem").iterdir()}
    assert second.url == "http://localhost:8001"


def test_two_machines_get_different_passwords(tmp_path: Path) -> None:
    one, other = prepare(tmp_path / "one", 8000), prepare(tmp_path / "other", 8000)
    assert not {account.password for account in one.accounts} & {account.password for account in other.accounts}


def test_the_settings_name_two_agents_and_a_supervisor_who_can_log_in(tmp_path: Path) -> None:
    demo = prepare(tmp_path / "demo", 8000)
    settings = tomllib.loads(demo.write_settings("unix:///x").read_text())
    accounts = settings["staff"]["accounts"]
    assert [account["roles"] for account in accounts] == [["agent"], ["agent"], ["supervisor"]]
    for account, written in zip(demo.accounts, accounts, strict=True):
        assert PasswordHasher().verify(written["password_hash"], account.password)
        assert account.password not in demo.write_settings("unix:///x").read_text()


def test_only_this_user_can_read_what_is_made(tmp_path: Path) -> None:
    demo = prepare(tmp_path / "demo", 8000)
    demo.write_settings("unix:///x")
    for path in [demo.directory, *demo.directory.rglob("*")]:
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path


def test_log_ins_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    prepare(tmp_path, 8000)
    (tmp_path / "accounts.json").write_text("[{}]")
    with pytest.raises(SettingsError, match=r"accounts\.json: cannot be read; remove it"):
        prepare(tmp_path, 8000)


def test_a_directory_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SettingsError, match=r"file/demo: Not a directory"):
        prepare(tmp_path / "file" / "demo", 8000)


def test_a_port_that_is_taken_is_named_with_what_to_do() -> None:
    with socket.create_server((HOST, 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(SettingsError, match=rf"port {port}: Address already in use; .*make demo PORT=8001"):
            check_port(port)
    check_port(port)
