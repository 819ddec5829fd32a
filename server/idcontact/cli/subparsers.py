"""What the subcommands share in describing themselves: argparse's types, key files, times."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from idcontact.errors import SettingsError

if TYPE_CHECKING:
    Subparsers: TypeAlias = argparse._SubParsersAction[argparse.ArgumentParser]  # noqa: SLF001  it has no public name

_MAX_KEY_FILE = 64 * 1024


def add_key_file(parser: argparse.ArgumentParser, option: str, purpose: str) -> None:
    """Add a required option that takes the path of a PEM file."""
    parser.add_argument(option, required=True, type=Path, metavar="FILE", help=f"{purpose} (PEM)")


def add_time(parser: argparse.ArgumentParser, purpose: str) -> None:
    """Add `--at`, seconds since 1970; None when it is not given."""
    parser.add_argument(
        "--at", type=_unix_time, metavar="UNIX_TIME", help=f"{purpose} (seconds since 1970; default: now)"
    )


def positive(text: str) -> int:
    """An argument that is a whole number, 1 or more."""
    if not text.isascii() or not text.isdigit() or len(text) > 3 or int(text) < 1:
        raise argparse.ArgumentTypeError("expected a whole number, 1 to 999")
    return int(text)


def read_key_file(path: Path) -> str:
    """The text of a key file. Raises SettingsError that names the file."""
    try:
        with path.open("rb") as file:
            content = file.read(_MAX_KEY_FILE + 1)
    except OSError as error:
        raise SettingsError([f"{path}: cannot be read: {error.strerror or 'unknown reason'}"]) from None
    if len(content) > _MAX_KEY_FILE:
        raise SettingsError([f"{path}: expected a key in PEM form, got a file of over {_MAX_KEY_FILE} bytes"])
    # Whatever is not PEM is refused where the key is parsed, in better words than a decoding error would give.
    return content.decode("ascii", "replace")


def _unix_time(text: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 11:
        raise argparse.ArgumentTypeError("expected whole seconds since 1970")
    return int(text)
