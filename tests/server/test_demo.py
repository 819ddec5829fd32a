"""What `idcontact demo` makes in its directory, and says."""

from __future__ import annotations

import shutil
import socket
import stat
import tomllib
from typing import TYPE_CHECKING

import pytest
from argon2 import PasswordHasher

from idcontact.demo import HOST, check_port, prepare
from idcontact.errors import SettingsError
from idcontact.trial import try_config

if TYPE_CHECKING:
    from pathlib import Path


def keys_of(directory: Path) -> dict[str, str]:
    return {str(path.relative_to(directory)): path.read_text() for path in directory.glob("pem*/*.pem")}


def test_a_second_start_finds_the_same_keys_and_log_ins(tmp_path: Path) -> None:
    first = prepare(tmp_path / "demo", 8000)
    keys = keys_of(tmp_path / "demo")
    assert len(keys) == 8
    second = prepare(tmp_path / "demo", 8001)
    assert second.accounts == first.accounts
    assert keys == keys_of(tmp_path / "demo")
    assert second.url == "http://localhost:8001"


def test_two_machines_get_different_passwords(tmp_path: Path) -> None:
    one, other = prepare(tmp_path / "one", 8000), prepare(tmp_path / "other", 8000)
    assert not {account.password for account in one.accounts} & {account.password for account in other.accounts}


def test_the_settings_name_two_agents_and_a_supervisor_who_can_log_in(tmp_path: Path) -> None:
    demo = prepare(tmp_path / "demo", 8000)
    settings = tomllib.loads(demo.write_settings().read_text())
    accounts = settings["staff"]["accounts"]
    assert [account["roles"] for account in accounts] == [["agent"], ["agent"], ["supervisor"]]
    for account, written in zip(demo.accounts, accounts, strict=True):
        assert PasswordHasher().verify(written["password_hash"], account.password)
        assert account.password not in demo.write_settings().read_text()


def test_the_settings_can_be_used_and_show_a_choice_of_each_kind(tmp_path: Path) -> None:
    trial = try_config(prepare(tmp_path / "demo", 8000).write_settings(), {})
    assert (trial.reading.mistakes, trial.reading.warnings, trial.heard) == ([], [], [])
    config = trial.reading.result()
    assert (len(config.auth_methods), len(config.comm_methods)) == (2, 2)
    assert {purpose.tag for purpose in config.purposes if purpose.allow_unauthenticated} == {"passport"}
    assert {purpose.tag for purpose in config.purposes if purpose.opening_hours} == {"parking_permit"}
    assert (config.redis_url, config.valkey_dir) == (None, tmp_path / "demo" / "valkey")


def test_the_demo_of_an_earlier_version_gets_the_keys_that_it_has_not(tmp_path: Path) -> None:
    prepare(tmp_path, 8000)
    shutil.rmtree(tmp_path / "pem-second")
    before = keys_of(tmp_path)
    prepare(tmp_path, 8000)
    assert before.items() < keys_of(tmp_path).items()


def test_only_this_user_can_read_what_is_made(tmp_path: Path) -> None:
    demo = prepare(tmp_path / "demo", 8000)
    demo.write_settings()
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
