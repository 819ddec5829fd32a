"""`idcontact hash-password`: the hash of a password, for a local staff account in the settings."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from idcontact.errors import SettingsError

if TYPE_CHECKING:
    import argparse

    from idcontact.cli.subparsers import Subparsers

_MAX_BYTES = 1024


def add(subparsers: Subparsers) -> None:
    """Describe the subcommand. There is no argument for the password: command lines can be seen by others."""
    parser = subparsers.add_parser(
        "hash-password",
        help="hash a password for a local staff account",
        description="Ask for a password, or read it on standard input, and print its argon2id hash (RFC 9106) for "
        "password_hash in the settings.",
        allow_abbrev=False,
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print the hash. Raises SettingsError when there is no usable password."""
    from argon2 import PasswordHasher

    password = _asked() if sys.stdin.isatty() else _piped()
    if not password:
        raise SettingsError(["expected a password, got nothing"])
    sys.stdout.write(PasswordHasher().hash(password) + "\n")
    return 0


def _asked() -> str:
    from getpass import getpass

    password = getpass("Password: ")
    if getpass("Again: ") != password:
        raise SettingsError(["the two passwords differ"])
    return password


def _piped() -> str:
    """Standard input as it is, but for the line end that `echo` adds."""
    content = sys.stdin.buffer.read(_MAX_BYTES + 2)
    try:
        password = content.decode().removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError:
        raise SettingsError(["expected a password in UTF-8"]) from None
    if len(password.encode()) > _MAX_BYTES or "\n" in password:
        raise SettingsError([f"expected one line of at most {_MAX_BYTES} bytes"])
    return password
