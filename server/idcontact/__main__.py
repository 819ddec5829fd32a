"""`python -m idcontact` is `idcontact`."""

from __future__ import annotations

import sys

from idcontact.cli import main

sys.exit(main())
