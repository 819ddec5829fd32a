"""`python -m idcontact_comm_phone --config FILE`: this plugin in a process of its own."""

from __future__ import annotations

import sys

from idcontact.plugin.process import main
from idcontact_comm_phone import create

if __name__ == "__main__":
    sys.exit(main("comm_phone", create, sys.argv[1:]))
