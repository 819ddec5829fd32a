"""A Valkey of our own, for who has none: started, taken care of and ended together with this process."""

from __future__ import annotations

import os
import sys
from typing import Final

_DIE_WITH_PARENT: Final = """
import ctypes, os, signal, sys
ctypes.CDLL(None).prctl(1, signal.SIGTERM)
if os.getppid() == int(sys.argv[1]):
    os.execv(sys.argv[2], sys.argv[2:])
"""  # 1 is PR_SET_PDEATHSIG; a parent that died before the call is noticed by its changed id


def ending_with_parent(command: list[str]) -> list[str]:
    """The same command, such that Linux sends it SIGTERM when the thread that started it ends, however it ends.

    A launcher that becomes the command, and not a `preexec_fn`, which may deadlock in a process with threads.
    On other systems the command is returned as it is.
    """
    if sys.platform != "linux":
        return command
    return [sys.executable, "-I", "-S", "-c", _DIE_WITH_PARENT, str(os.getpid()), *command]
