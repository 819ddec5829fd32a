"""Write what follows from something else: TypeScript types, JSON Schema, golden files.

    python -m idcontact.generate           write them
    python -m idcontact.generate --check   exit 1 and name each file that is not what it should be

`live/messages/` is the one source of the frames of the socket protocol, `texts/nl.json` of the shape of what front
ends say; the check also names what another language lacks or has besides. The golden files hold one example of every
frame: `<frame>.json` with all its members and, where some may be left out, `<frame>.least.json` without those. The
tests of both sides read them.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from idcontact.generate import texts
from idcontact.generate.examples import GOLDEN_UNIONS, golden_files
from idcontact.generate.json_schema import schema
from idcontact.generate.typescript import TypeScript
from idcontact.languages import TEXTS_FOLDER

if TYPE_CHECKING:
    from collections.abc import Iterable

TYPESCRIPT = Path("client/src/generated/messages.ts")
SCHEMA = Path("docs/live-protocol.schema.json")
TEXTS = Path("client/src/generated/texts.ts")
GOLDEN = Path("tests/golden")


def everything() -> dict[Path, str]:
    """Every generated file, by its path from the root of the source tree."""
    golden = {GOLDEN / name: text for name, text in golden_files().items()}
    return {TYPESCRIPT: TypeScript().module(), SCHEMA: schema(), TEXTS: texts.module(TEXTS_FOLDER), **golden}


def stale(root: Path) -> list[str]:
    """One line for each file that is missing, differs, or should not be there; empty when all is as generated."""
    wanted = everything()
    found = []
    for path, text in wanted.items():
        there = root / path
        if not there.is_file():
            found.append(f"{path}: missing")
        elif there.read_text(encoding="utf-8") != text:
            found.append(f"{path}: differs from what it is written from")
    return found + [f"{path}: no such frame any more" for path in superfluous(root, wanted)]


def superfluous(root: Path, wanted: Iterable[Path]) -> list[Path]:
    """Golden files of frames that are gone. Other people's files under the golden directory are not looked at."""
    present = {path.relative_to(root) for path in (root / GOLDEN).glob("*/*.json")}
    ours = {path for path in present if path.parent.name in GOLDEN_UNIONS}
    return sorted(ours - set(wanted))


def write(root: Path) -> None:
    """Make the files under `root` what they should be."""
    wanted = everything()
    for path, text in wanted.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")
    for path in superfluous(root, wanted):
        (root / path).unlink()


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m idcontact.generate", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing; fail when a file is stale")
    parser.add_argument(
        "--root", type=Path, default=Path(__file__).resolve().parents[3], help="root of the source tree"
    )
    options = parser.parse_args(arguments)
    root: Path = options.root
    if not (root / "client").is_dir():
        parser.error(f"{root} is not a source tree of this project: it has no client/")
    if not options.check:
        write(root)
        return 0
    mistakes = [*stale(root), *texts.differences(TEXTS_FOLDER)]
    if mistakes:
        sys.stderr.write(
            "\n".join(
                [*mistakes, "`make generate` writes what is stale; what a language lacks is for people to say.", ""]
            )
        )
    return 1 if mistakes else 0


if __name__ == "__main__":
    sys.exit(main())
