"""Which processes there are, for tests that must not leave any behind."""

from __future__ import annotations

from pathlib import Path


def processes_of(directory: Path) -> list[int]:
    """The live processes with something in the directory among their arguments (Linux)."""
    return [
        int(entry.name)
        for entry in Path("/proc").iterdir()
        if entry.name.isdigit() and f"{directory}/" in _arguments_of(entry)
    ]


def _arguments_of(process: Path) -> str:
    try:
        return (process / "cmdline").read_bytes().decode(errors="replace")
    except OSError:  # it has ended since
        return ""
