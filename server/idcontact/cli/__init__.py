"""The command `idcontact`.

One module per subcommand, each with `add(subparsers)`, which describes it to argparse, and `run(args)`, which does
it and returns the exit status. What is heavy is imported inside `run`, so that `--help` is there at once.

Exit status: 0 done; 1 the input is not accepted, or the work failed; 2 wrong use, or settings that cannot be used.
"""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Protocol

from idcontact.cli import check_config, demo, hash_password, make_result, new_keys, open_result, plugin, serve, worker
from idcontact.errors import IdContactError, SettingsError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from idcontact.cli.subparsers import Subparsers

_INTERRUPTED = 130  # what shells report for a command that ended by Ctrl-C


class Command(Protocol):
    """What the module of a subcommand offers. `add` sets the default `run` on its parser."""

    def add(self, subparsers: Subparsers) -> None:
        """Describe the subcommand."""


_COMMANDS: tuple[Command, ...] = (
    serve,
    worker,
    demo,
    plugin,
    check_config,
    open_result,
    make_result,
    new_keys,
    hash_password,
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one subcommand; its exit status. Wrong use ends the process with status 2, as argparse does."""
    args = _parser().parse_args(arguments)
    try:
        status: int = args.run(args)
    except SettingsError as error:
        return _say(args.command, error.mistakes, 2)
    except IdContactError as error:
        return _say(args.command, [str(error)], 1)
    except KeyboardInterrupt:
        return _INTERRUPTED
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="idcontact",
        description="Help people at a distance and be sure who you are talking to.",
        allow_abbrev=False,
    )
    subparsers = parser.add_subparsers(dest="command", required=True, metavar="COMMAND", title="commands")
    for command in _COMMANDS:
        command.add(subparsers)
    return parser


def _say(command: str, lines: Sequence[str], status: int) -> int:
    for line in lines:
        sys.stderr.write(f"idcontact {command}: {line}\n")
    return status
