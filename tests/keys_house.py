"""What tests of keys are made of: a clock that tests move, and a node that can crash between any two steps."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from idcontact import epoch_files

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

_STEPS: Final = ("open", "write", "fchmod", "fsync", "link", "unlink", "listdir", "read")


@dataclass
class HandClock:
    """A machine's clocks, moved by hand. `shift` is how far the time of day is off; `machine` may be another's."""

    passed: float = 0.0
    shift: float = 0.0
    machine: bytes = b"this machine now"

    def wall(self) -> float:
        return 1_700_000_000.0 + self.passed + self.shift

    def elapsed(self) -> float:
        return 1000.0 + self.passed

    def boot(self) -> bytes:
        return self.machine


class Crash(BaseException):
    """The node is killed here. No handler of the product catches it, as none would run."""


@dataclass
class Fuse:
    """Kills the node at the step that `left` counts down to; from then on it can do nothing."""

    left: int | None = None
    steps: list[str] = field(default_factory=list)

    def burn(self, step: str) -> None:
        self.steps.append(step)
        if self.left is None:
            return
        if self.left == 0:
            raise Crash
        self.left -= 1

    def reset(self, left: int | None = None) -> None:
        self.left, self.steps = left, []


class FusedOs:
    """The module `os`, each step of which burns the fuse first."""

    def __init__(self, fuse: Fuse) -> None:
        self._fuse = fuse

    def __getattr__(self, name: str) -> Any:
        real = getattr(os, name)
        if name not in _STEPS:
            return real

        def fused(*arguments: Any, **named: Any) -> Any:
            self._fuse.burn(name)
            return real(*arguments, **named)

        return fused


def fuse_files(monkeypatch: pytest.MonkeyPatch) -> Fuse:
    """Put a fuse in every step that the files of epochs take."""
    fuse = Fuse()
    monkeypatch.setattr(epoch_files, "os", FusedOs(fuse))
    return fuse


def contents(directory: Path) -> dict[str, bytes]:
    """Everything that is in a directory."""
    return {path.name: path.read_bytes() for path in directory.iterdir()}
