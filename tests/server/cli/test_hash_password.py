"""hash-password: an argon2id hash of what was typed, and a password that never stands on a command line."""

from __future__ import annotations

import getpass
import io
import sys
from typing import TYPE_CHECKING

import pytest
from argon2 import PasswordHasher, Type, extract_parameters

if TYPE_CHECKING:
    from .conftest import Shell


@pytest.mark.parametrize("typed", ["hünter 2 ", "hünter 2 \n", "hünter 2 \r\n"])
def test_a_piped_password_is_hashed_without_its_line_end(shell: Shell, typed: str) -> None:
    done = shell("hash-password", typed=typed.encode())
    assert (done.status, done.complaint) == (0, "")
    assert extract_parameters(done.output.strip()).type is Type.ID
    assert PasswordHasher().verify(done.output.strip(), "hünter 2 ")


@pytest.mark.parametrize(
    ("typed", "complaint"),
    [
        (b"", "expected a password, got nothing"),
        (b"\n", "expected a password, got nothing"),
        (b"\xff\xfe", "expected a password in UTF-8"),
        (b"one\ntwo\n", "expected one line of at most 1024 bytes"),
        (b"x" * 5000, "expected one line of at most 1024 bytes"),
    ],
)
def test_what_is_no_password_is_refused(shell: Shell, typed: bytes, complaint: str) -> None:
    assert shell("hash-password", typed=typed) == (2, "", f"idcontact hash-password: {complaint}\n")


def test_a_password_on_the_command_line_is_refused(shell: Shell) -> None:
    assert shell("hash-password", "secret").status == 2


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("second", "status"), [("secret", 0), ("secrte", 2)])
def test_at_a_terminal_it_is_asked_twice(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, second: str, status: int
) -> None:
    answers = iter(["secret", second])
    monkeypatch.setattr(getpass, "getpass", lambda _prompt: next(answers))
    monkeypatch.setattr(io, "TextIOWrapper", lambda _stream: Terminal())
    assert shell("hash-password").status == status
    assert sys.stdin.isatty()


def test_ctrl_c_at_the_prompt_ends_without_a_traceback(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(_prompt: str) -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr(getpass, "getpass", interrupted)
    monkeypatch.setattr(io, "TextIOWrapper", lambda _stream: Terminal())
    assert shell("hash-password") == (130, "", "")
