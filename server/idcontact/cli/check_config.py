"""`idcontact check-config`: what a settings file says, as the server understands it, and what is wrong with it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse

    from idcontact.cli.subparsers import Subparsers
    from idcontact.settings_reader import Understood


def add(subparsers: Subparsers) -> None:
    """Describe the subcommand."""
    parser = subparsers.add_parser(
        "check-config",
        help="say what a settings file means, and what is wrong with it",
        description="Print every setting as the server understands it, and where it comes from: a place in the file, a "
        "variable of the environment, or the default. Secrets and keys are not shown. Keys that are not used are "
        "warned about. Nothing is started. Exit status 2 when the server would not start with it.",
        allow_abbrev=False,
    )
    parser.add_argument("file", type=Path, nargs="?", metavar="FILE", help="otherwise the one that `serve` would take")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print settings, warnings and mistakes. Raises SettingsError for what cannot be read at all."""
    import os

    from idcontact.config import find_config, kind_of_file
    from idcontact.settings_shown import shown
    from idcontact.trial import try_config

    path = find_config(args.file, os.environ, Path.cwd())
    trial = try_config(path, os.environ)
    reading = trial.reading
    sys.stdout.write(f"# {path}: {kind_of_file(reading, os.environ)}\n")
    said = [known for known in reading.understood if known.origin is not None or known.value not in (None, "")]
    lines = [(shown(known), _source(known)) for known in said]
    width = min(max((len(line) for line, _ in lines), default=0), 60)
    sys.stdout.write("".join(f"{line:{width}}  # {source}\n" for line, source in lines))
    sys.stdout.flush()
    for word, texts in (("warning", [*reading.warnings, *trial.heard]), ("mistake", reading.mistakes)):
        for text in texts:
            sys.stderr.write(f"{word}: {text}\n")
    return 2 if reading.mistakes else 0


def _source(known: Understood) -> str:
    from idcontact.settings_written import dotted

    if known.origin is None:
        return "default"
    if known.origin.variable is not None:
        return known.origin.variable
    profile, *within = known.origin.path
    if known.origin.path == known.where:
        return "file"
    return f"file, [{profile}]" if tuple(within) == known.where else f"file: {dotted(known.origin.path)}"
