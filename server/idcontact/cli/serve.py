"""`idcontact serve`: the server, with an administrator's settings and Redis."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from idcontact.cli.subparsers import positive

if TYPE_CHECKING:
    import argparse

    from idcontact.cli.subparsers import Subparsers


def add(subparsers: Subparsers) -> None:
    """Describe the subcommand."""
    parser = subparsers.add_parser(
        "serve",
        help="run the server",
        description="Run the server. Every mistake in its settings is named; then the status is 2. Settings: FILE, "
        "else what IDCONTACT_CONFIG or ROCKET_CONFIG names, else idcontact.toml or Rocket.toml in this folder.",
        allow_abbrev=False,
    )
    parser.add_argument("--config", type=Path, metavar="FILE", help="settings (TOML), ours or the published core's")
    parser.add_argument("--log-level", choices=("debug", "info", "warning"), default="info", help="%(default)s")
    parser.add_argument(
        "--workers",
        type=positive,
        metavar="N",
        help="serve with N processes and one that keeps them; SIGHUP replaces them one after the other",
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Serve until SIGINT or SIGTERM. Raises SettingsError."""
    import asyncio
    import logging
    import os

    from idcontact.config import find_config, kind_of_file
    from idcontact.errors import SettingsError
    from idcontact.logs import set_up
    from idcontact.serve import run as serve
    from idcontact.trial import try_config
    from idcontact.workers import serve_with_workers

    set_up(args.log_level)
    path = find_config(args.config, os.environ, Path.cwd())
    reading = try_config(path, os.environ).reading
    if reading.mistakes and args.config is None:
        raise SettingsError([f"{path}: these settings cannot be used", *reading.mistakes])
    config = reading.result()
    log = logging.getLogger("idcontact.settings")
    log.info("%s: %s", path, kind_of_file(reading, os.environ))
    for warning in reading.warnings:
        log.warning("%s", warning)
    if args.workers is None:
        serve(config, path.parent)
    else:
        worker = ["--config", str(path), "--log-level", args.log_level]
        asyncio.run(serve_with_workers(config, args.workers, worker))
    return 0
