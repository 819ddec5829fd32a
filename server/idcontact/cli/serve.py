"""`idcontact serve`: the server, with an administrator's settings and Redis."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse

    from idcontact.cli.subparsers import Subparsers


def add(subparsers: Subparsers) -> None:
    """Describe the subcommand."""
    parser = subparsers.add_parser(
        "serve",
        help="run the server",
        description="Run the server with the settings in FILE. Every mistake in it is named; then the status is 2.",
        allow_abbrev=False,
    )
    parser.add_argument("--config", type=Path, required=True, metavar="FILE", help="settings, TOML")
    parser.add_argument("--log-level", choices=("debug", "info", "warning"), default="info", help="%(default)s")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Serve until SIGINT or SIGTERM. Raises SettingsError."""
    import os

    from idcontact.config import load_config
    from idcontact.logs import set_up
    from idcontact.serve import run as serve

    set_up(args.log_level)
    path: Path = args.config.absolute()
    serve(load_config(path, os.environ), path.parent)
    return 0
