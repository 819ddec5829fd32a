"""The command as a whole: what it offers, and that it is quick to say so."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from .conftest import Shell

SERVER = Path(__file__).parents[3] / "server"
HEAVY = {"argon2", "cryptography", "joserfc", "jwt", "msgspec", "redis", "starlette", "uvicorn", "aiohttp"}


def test_help_lists_the_subcommands_and_loads_nothing_heavy() -> None:
    script = (
        "import sys; from idcontact.cli import main\n"
        "try: main(['--help'])\n"
        "finally: print(*sys.modules, file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, env={"PYTHONPATH": str(SERVER)}
    )
    assert all(name in done.stdout for name in ("open-result", "make-result", "new-keys", "hash-password"))
    assert HEAVY.isdisjoint(done.stderr.split())


@pytest.mark.parametrize("arguments", [(), ("fly",), ("open-result",), ("open-result", "--verify", "x")])
def test_wrong_use_ends_with_status_2_and_the_usage(shell: Shell, arguments: tuple[str, ...]) -> None:
    done = shell(*arguments)
    assert (done.status, done.output) == (2, "")
    assert done.complaint.startswith("usage: idcontact")
