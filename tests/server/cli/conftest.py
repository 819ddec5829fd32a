"""Runs a subcommand as a shell would: arguments and standard input in, status and both outputs back."""

from __future__ import annotations

import io
import sys
from typing import TYPE_CHECKING, NamedTuple, Protocol

import pytest

from idcontact.cli import main

if TYPE_CHECKING:
    from pathlib import Path


class Outcome(NamedTuple):
    status: int
    output: str
    complaint: str


class Shell(Protocol):
    def __call__(self, *arguments: str | Path, typed: bytes = b"") -> Outcome: ...


@pytest.fixture
def shell(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Shell:
    def run(*arguments: str | Path, typed: bytes = b"") -> Outcome:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(typed)))
        capsys.readouterr()
        try:
            status = main([str(argument) for argument in arguments])
        except SystemExit as end:
            status = end.code if isinstance(end.code, int) else 1
        return Outcome(status, *capsys.readouterr())

    return run
