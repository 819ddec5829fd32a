"""`idcontact plugin NAME`: one plugin in a process of its own, for a core that runs elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse

    from idcontact.cli.subparsers import Subparsers


def add(subparsers: Subparsers) -> None:
    """Describe the subcommand."""
    parser = subparsers.add_parser(
        "plugin",
        help="run one plugin by itself",
        description="Run one installed plugin in a process of its own. The core calls it at its internal_url.",
        allow_abbrev=False,
    )
    parser.add_argument("name", metavar="NAME", help="as its table in the settings: auth_test for [plugins.auth_test]")
    parser.add_argument("--config", required=True, type=Path, metavar="FILE", help="settings (TOML)")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Serve until SIGINT or SIGTERM. Raises SettingsError."""
    from idcontact.plugin.process import serve

    serve(args.name, None, args.config)
    return 0
