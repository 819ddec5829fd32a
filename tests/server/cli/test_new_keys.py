"""new-keys: pairs that work, readable by their owner alone, and nothing overwritten."""

from __future__ import annotations

import json
import os
import stat
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from .conftest import Shell

NAMES = {"sign-key.private.pem", "verify-key.public.pem", "decrypt-key.private.pem", "encrypt-key.public.pem"}


@pytest.mark.parametrize("kind", ["rsa", "ec"])
def test_a_result_made_with_new_keys_is_opened_with_them(shell: Shell, tmp_path: Path, kind: str) -> None:
    directory = tmp_path / "a" / "keys"
    done = shell("new-keys", directory, "--type", kind)
    assert done.status == 0
    assert {path.name for path in directory.iterdir()} == NAMES
    assert all(str(directory / name) in done.output for name in NAMES)
    made = shell(
        "make-result", "--sign-key", directory / "sign-key.private.pem",
        "--encrypt-key", directory / "encrypt-key.public.pem", "--attribute", "city=Rotterdam",
    )  # fmt: skip
    opened = shell(
        "open-result", "--verify-key", directory / "verify-key.public.pem",
        "--decrypt-key", directory / "decrypt-key.private.pem", typed=made.output.encode(),
    )  # fmt: skip
    assert json.loads(opened.output)["attributes"] == {"city": "Rotterdam"}


def test_only_their_owner_can_read_new_keys(shell: Shell, tmp_path: Path) -> None:
    directory = tmp_path / "keys"
    before = os.umask(0)
    try:
        shell("new-keys", directory, "--type", "ec")
    finally:
        os.umask(before)
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in directory.iterdir()} == {0o600}


def test_a_key_that_is_there_is_not_overwritten(shell: Shell, tmp_path: Path) -> None:
    there = tmp_path / "encrypt-key.public.pem"
    there.symlink_to(tmp_path / "nowhere")
    done = shell("new-keys", tmp_path, "--type", "ec")
    assert done == (2, "", f"idcontact new-keys: {there}: is there already, and is not overwritten\n")
    assert list(tmp_path.iterdir()) == [there]


def test_a_directory_that_cannot_be_made_is_named(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = shell("new-keys", tmp_path / "file", "--type", "ec")
    assert (done.status, done.output) == (2, "")
    assert done.complaint == f"idcontact new-keys: {tmp_path / 'file'}: cannot be written: File exists\n"
