"""`idcontact demo`: the whole product on this machine, with an embedded Valkey and a made-up municipality."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from idcontact.cli.subparsers import positive

if TYPE_CHECKING:
    from idcontact.cli.subparsers import Subparsers
    from idcontact.demo import Demo


def add(subparsers: Subparsers) -> None:
    """Describe the subcommand."""
    parser = subparsers.add_parser(
        "demo",
        help="run everything on this machine, to try it",
        description="Run the whole product on this machine, with a database, keys and log-ins of its own.",
        allow_abbrev=False,
    )
    parser.add_argument("--port", type=_port, default=8000, help="%(default)s")
    parser.add_argument("--nodes", type=positive, default=1, help="processes that serve together: %(default)s")
    parser.add_argument(
        "--directory", type=Path, default=Path(".demo"), metavar="DIR", help="where everything is kept: %(default)s"
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Serve until Ctrl-C. Raises SettingsError."""
    import asyncio

    import uvloop

    from idcontact.demo import check_port, prepare
    from idcontact.logs import set_up

    set_up("warning")
    check_port(args.port)
    demo = prepare(args.directory.absolute(), args.port)
    if args.nodes == 1:
        uvloop.run(_serve(demo))
    else:
        asyncio.run(_serve_with(demo, args.nodes))
    return 0


def _port(text: str) -> int:
    port = int(text) if text.isascii() and text.isdigit() else 0
    if not 0 < port < 65536:
        raise argparse.ArgumentTypeError("expected a port number, 1 to 65535")
    return port


async def _serve(demo: Demo) -> None:
    import os

    from idcontact.config import load_config
    from idcontact.demo_site import DemoSite
    from idcontact.serve import serve

    settings = demo.write_settings()
    config = load_config(settings, os.environ)
    await serve(config, settings.parent, site=DemoSite, ready=lambda: _say_what_to_open(demo))


async def _serve_with(demo: Demo, nodes: int) -> None:
    import os

    from idcontact.config import load_config
    from idcontact.workers import serve_with_workers

    settings = demo.write_settings()
    config = load_config(settings, os.environ)
    worker = ["--config", str(settings), "--log-level", "warning", "--demo"]
    await serve_with_workers(config, nodes, worker, lambda: _say_what_to_open(demo))


def _say_what_to_open(demo: Demo) -> None:
    rows = "".join(f"    {account.id:8}{account.password:20}{account.role}\n" for account in demo.accounts)
    sys.stdout.write(
        f"""
ID Contact is ready. Open in a browser on this machine:

  {demo.url}/          a made-up municipality, for the one who asks
  {demo.url}/console   the console, for the one who answers (another browser or a private window)

Log in to the console as
{rows}
Ctrl-C ends it. Conversations and log-ins are kept in {demo.directory}.
"""
    )
    sys.stdout.flush()
