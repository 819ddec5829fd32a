"""open-result and make-result: a token opened, one refused, and the two as each other's counterpart."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from .conftest import Outcome, Shell

VECTORS: dict[str, Any] = json.loads((Path(__file__).parents[2] / "vectors" / "auth_results.json").read_text())
NOW = str(VECTORS["now"])


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    """A directory with the `rsa` keys of the vectors."""
    for use, half in [("sign", "private"), ("sign", "public"), ("encrypt", "private"), ("encrypt", "public")]:
        (tmp_path / f"{use}.{half}").write_text(VECTORS["keys"]["rsa"][use][half])
    return tmp_path


def vector(kind: str, name: str) -> bytes:
    (found,) = [entry for entry in VECTORS[kind] if entry["name"] == name]
    token: str = found["token"]
    return token.encode()


def open_result(shell: Shell, keys: Path, token: bytes, at: str = NOW) -> Outcome:
    files = ("--verify-key", keys / "sign.public", "--decrypt-key", keys / "encrypt.private")
    return shell("open-result", *files, "--at", at, typed=token)


def make_result(shell: Shell, keys: Path, *options: str) -> Outcome:
    files = ("--sign-key", keys / "sign.private", "--encrypt-key", keys / "encrypt.public")
    return shell("make-result", *files, "--at", NOW, *options)


def test_an_auth_result_is_opened_and_printed(shell: Shell, keys: Path) -> None:
    done = open_result(shell, keys, vector("accept", "rsa id-contact with session_url"))
    assert (done.status, done.complaint) == (0, "")
    assert json.loads(done.output) == {
        "status": "success",
        "attributes": {"email": "suzanne@example.nl", "fullname": "Suzanne Moulin", "city": "Rotterdam"},
        "session_url": "https://auth.example.nl/session/update",
    }


def test_a_failed_result_is_printed_as_such(shell: Shell, keys: Path) -> None:
    done = open_result(shell, keys, vector("accept", "rsa failed"))
    assert json.loads(done.output) == {"status": "failed", "attributes": None, "session_url": None}


def test_white_space_around_a_token_does_not_matter(shell: Shell, keys: Path) -> None:
    done = open_result(shell, keys, b"\r\n  " + vector("accept", "rsa verder-helpen") + b"\t\n\n")
    assert json.loads(done.output)["status"] == "success"


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("expired", "exp has been reached"),
        ("signed by another key", "the signature is not by a configured key"),
        ("not ascii", "not a JWE in compact form"),
        ("empty", "not a JWE in compact form"),
    ],
)
def test_a_token_that_is_not_accepted_is_told_why(shell: Shell, keys: Path, name: str, reason: str) -> None:
    done = open_result(shell, keys, vector("reject", name))
    assert done == (1, "", f"idcontact open-result: the token is not accepted ({reason})\n")


def test_an_endless_input_is_refused(shell: Shell, keys: Path) -> None:
    assert "longer than 32768 bytes" in open_result(shell, keys, b"a" * 10_000_000).complaint


def test_the_time_of_reading_is_now_unless_it_is_given(shell: Shell, keys: Path) -> None:
    token = make_result(shell, keys).output.encode()
    files = ("--verify-key", keys / "sign.public", "--decrypt-key", keys / "encrypt.private")
    assert shell("open-result", *files, typed=token).status == 1
    fresh = shell("make-result", "--sign-key", keys / "sign.private", "--encrypt-key", keys / "encrypt.public")
    assert shell("open-result", *files, typed=fresh.output.encode()).status == 0


@pytest.mark.parametrize("dialect", ["id-contact", "verder-helpen"])
def test_what_is_made_can_be_opened(shell: Shell, keys: Path, dialect: str) -> None:
    made = make_result(
        shell, keys, "--dialect", dialect, "--attribute", "naam=Zoë = één", "--attribute", "leeg=",
        "--session-url", "https://auth.example.nl/s?1",
    )  # fmt: skip
    assert made.status == 0
    assert not made.output.endswith("\n")
    assert json.loads(open_result(shell, keys, made.output.encode()).output) == {
        "status": "success",
        "attributes": {"naam": "Zoë = één", "leeg": ""},
        "session_url": "https://auth.example.nl/s?1",
    }


def test_a_failure_can_be_made(shell: Shell, keys: Path) -> None:
    made = make_result(shell, keys, "--status", "failed")
    assert json.loads(open_result(shell, keys, made.output.encode()).output)["status"] == "failed"


def test_nothing_reaches_the_terminal_that_it_might_act_on(shell: Shell, keys: Path) -> None:
    hostile = "\x1b[2Jgreen\u009b31m\u202eé"
    made = make_result(shell, keys, "--attribute", f"name={hostile}")
    done = open_result(shell, keys, made.output.encode())
    assert json.loads(done.output)["attributes"] == {"name": hostile}
    assert all(char.isprintable() or char == "\n" for char in done.output)
    assert "é" in done.output


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (("--attribute", "novalue"), "argument --attribute: expected KEY=VALUE"),
        (("--attribute", "=x"), "argument --attribute: expected KEY=VALUE"),
        (("--attribute", "k=\udcff"), "argument --attribute: expected UTF-8"),
        (("--attribute", "k=1", "--attribute", "k=2"), "--attribute: expected each key once"),
        (("--status", "failed", "--attribute", "k=1"), "--attribute: expected none with --status failed"),
        (("--status", "succes"), "argument --status: invalid choice"),
        (("--dialect", "klingon"), "argument --dialect: invalid choice"),
        (("--session-url", "javascript:1"), "argument --session-url: expected an http or https URL"),
        (("--at", "-1"), "argument --at: expected"),
        (("--at", "tomorrow"), "argument --at: expected whole seconds since 1970"),
    ],
)
def test_wrong_use_is_told_and_ends_with_status_2(
    shell: Shell, keys: Path, options: tuple[str, ...], complaint: str
) -> None:
    done = make_result(shell, keys, *options)
    assert (done.status, done.output) == (2, "")
    assert complaint in done.complaint
    assert "Traceback" not in done.complaint


def test_attributes_that_do_not_fit_are_refused(shell: Shell, keys: Path) -> None:
    done = make_result(shell, keys, "--attribute", "photo=" + "x" * 40_000)
    assert done == (1, "", "idcontact make-result: attributes: the attributes do not fit in an auth result\n")


def test_a_key_file_that_cannot_be_read_is_named(shell: Shell, keys: Path) -> None:
    (keys / "sign.public").unlink()
    done = open_result(shell, keys, b"")
    path = keys / "sign.public"
    assert done == (2, "", f"idcontact open-result: {path}: cannot be read: No such file or directory\n")
    path.mkdir()
    assert f"{path}: cannot be read: Is a directory" in open_result(shell, keys, b"").complaint


def test_a_key_file_of_the_wrong_kind_is_named(shell: Shell, keys: Path) -> None:
    path = keys / "sign.public"
    path.write_text(VECTORS["keys"]["rsa"]["sign"]["private"])
    done = open_result(shell, keys, b"")
    assert done.status == 2
    assert done.complaint == (f"idcontact open-result: {path}: expected a public key in PEM form, got a private key\n")
    path.write_bytes(b"\xff" * 100_000)
    assert f"{path}: expected a key in PEM form, got a file of over" in open_result(shell, keys, b"").complaint
    path.write_bytes(b"\xff\x00")
    assert f"{path}: expected a public key in PEM form, got text" in open_result(shell, keys, b"").complaint
