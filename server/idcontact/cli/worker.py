"""`idcontact worker`: one of the processes of `idcontact serve --workers`, which starts it. Not for people."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse

    from idcontact.cli.subparsers import Subparsers


def add(subparsers: Subparsers) -> None:
    """Describe the subcommand; without `help` it is not listed."""
    parser = subparsers.add_parser(
        "worker",
        description="One of the processes of `idcontact serve --workers` and `idcontact demo --nodes`, which start it.",
        allow_abbrev=False,
    )
    parser.add_argument("--config", type=Path, required=True, metavar="FILE", help="settings, as its parent read them")
    parser.add_argument("--log-level", choices=("debug", "info", "warning"), default="info", help="%(default)s")
    parser.add_argument("--demo", action="store_true", help="with the pages of the demo")
    parser.add_argument("--store", metavar="URL", help="where the parent's own Valkey is")
    parser.add_argument("--public-socket", type=int, required=True, metavar="FD", help="a listening socket")
    parser.add_argument("--internal-socket", type=int, metavar="FD", help="another, for the internal application")
    parser.add_argument("--line", type=int, required=True, metavar="FD", help="the line to the parent")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Serve until the parent lets go, or SIGINT or SIGTERM. Raises SettingsError."""
    import os
    import socket

    from msgspec.structs import replace

    from idcontact.config import load_config
    from idcontact.demo_site import DemoSite
    from idcontact.listeners import Doors
    from idcontact.logs import set_up
    from idcontact.serve import run_worker
    from idcontact.settings import Secret
    from idcontact.workers import Line

    set_up(args.log_level)
    config = load_config(args.config, os.environ)
    if args.store is not None:
        config = replace(config, redis_url=Secret(args.store))
    internal = None if args.internal_socket is None else socket.socket(fileno=args.internal_socket)
    doors = Doors(socket.socket(fileno=args.public_socket), internal)
    run_worker(config, args.config.parent, doors, Line(args.line), site=DemoSite if args.demo else None)
    return 0
