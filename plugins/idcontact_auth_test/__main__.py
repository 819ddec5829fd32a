"""`python -m idcontact_auth_test --config FILE`: this plugin in a process of its own."""

from __future__ import annotations

import sys

from idcontact.plugin.process import main
from idcontact_auth_test import create

if __name__ == "__main__":
    sys.exit(main("auth_test", create, sys.argv[1:]))
