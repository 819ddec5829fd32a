"""The `[staff]` table: what it accepts, and what an administrator hears about a mistake."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from argon2 import PasswordHasher, Type

from idcontact.errors import SettingsError
from idcontact.limits import Limit
from idcontact.settings import load
from idcontact.staff.settings import StaffSettings

if TYPE_CHECKING:
    from pathlib import Path

HASH = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash("appel-taart-42")


def read(folder: Path, text: str) -> StaffSettings:
    file = folder / "staff.toml"
    file.write_text(text)
    return load(file, StaffSettings, {})


def test_accounts_durations_and_limits_are_read(tmp_path: Path) -> None:
    settings = read(
        tmp_path,
        f"""
        session_limit = "8 h"
        [[accounts]]
        id = "anna"
        name = "Anna de Vries"
        password_hash = "{HASH}"
        roles = ["agent", "supervisor"]
        purposes = ["report_move"]
        capacity = 4
        [log_in]
        by_address = "30 per 10 min"
        """,
    )
    [anna] = settings.accounts
    assert (anna.id, anna.roles, anna.purposes, anna.capacity) == (
        "anna",
        frozenset({"agent", "supervisor"}),
        ("report_move",),
        4,
    )
    assert anna.password_hash.value() == HASH
    assert settings.session_limit == 8 * 3600.0
    assert settings.log_in.by_address == Limit(30, 600)
    assert settings.log_in.by_account == Limit(100, 3600)


@pytest.mark.parametrize(
    "written",
    ["appel-taart-42", "$2b$12$abcdefghijklmnopqrstuv", PasswordHasher(type=Type.I).hash("x")],
    ids=["a password", "bcrypt", "another argon2"],
)
def test_a_password_hash_that_is_none_is_named_and_not_repeated(tmp_path: Path, written: str) -> None:
    with pytest.raises(SettingsError) as mistake:
        read(tmp_path, f'[[accounts]]\nid = "anna"\nname = "Anna"\npassword_hash = "{written}"\nroles = []')
    assert "accounts[0].password_hash: expected an argon2id hash" in str(mistake.value)
    assert written not in str(mistake.value)


def test_two_accounts_with_one_id_are_a_mistake(tmp_path: Path) -> None:
    one = f'[[accounts]]\nid = "anna"\nname = "Anna"\npassword_hash = "{HASH}"\nroles = ["agent"]\n'
    with pytest.raises(SettingsError) as mistake:
        read(tmp_path, one + one)
    assert "accounts[1].id: expected an id of its own" in str(mistake.value)


@pytest.mark.parametrize("name", ["Anna", "", "anna de vries", "-anna", "a" * 65])
def test_an_id_that_could_not_be_typed_at_log_in_is_a_mistake(tmp_path: Path, name: str) -> None:
    with pytest.raises(SettingsError, match=r"accounts\[0\]\.id"):
        read(tmp_path, f'[[accounts]]\nid = "{name}"\nname = "A"\npassword_hash = "{HASH}"\nroles = ["agent"]')


def test_a_role_that_does_not_exist_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r'accounts\[0\]\.roles\[0\]: expected "agent" or "supervisor"'):
        read(tmp_path, f'[[accounts]]\nid = "a"\nname = "A"\npassword_hash = "{HASH}"\nroles = ["agnet"]')
