"""How the property-based tests and the state machines look for what breaks a rule.

`make test` tries the same examples each time, everywhere. `make soak` searches at random, longer, and tries first what
it found before: `IDCONTACT_SEARCH` says how many times as many examples (20).
"""

from __future__ import annotations

import os
from typing import Final

from hypothesis import settings
from hypothesis.database import DirectoryBasedExampleDatabase

SAME: Final = "same"
SEARCH: Final = "search"
_EXAMPLES: Final = 100
"""Of a rule whose examples cost next to nothing."""


class WrongNumber(Exception):
    """`IDCONTACT_SEARCH` is no number of times."""


def times() -> int:
    """How many times as many examples are tried in this run as in `make test`. Raises WrongNumber."""
    if settings.get_current_profile_name() != SEARCH:
        return 1
    return _wanted_times()


def examples(usual: int) -> int:
    """`max_examples` of a rule for which that many are enough in `make test`: the only way to give that number."""
    return usual * times()


def register_profiles() -> None:
    """Make both known, and take the one of `make test`: pytest's `--hypothesis-profile` takes another afterwards.

    No deadline: how long an example takes says more about the machine.
    """
    settings.register_profile(SAME, derandomize=True, deadline=None, print_blob=True, max_examples=_EXAMPLES)
    settings.register_profile(
        SEARCH,
        derandomize=False,
        deadline=None,
        print_blob=True,
        max_examples=_EXAMPLES * _wanted_times(),
        database=DirectoryBasedExampleDatabase(".hypothesis/examples"),
    )
    settings.load_profile(SAME)


def _wanted_times() -> int:
    written = os.environ.get("IDCONTACT_SEARCH", "20")
    if not written.isascii() or not written.isdigit() or int(written) == 0:
        raise WrongNumber(f"IDCONTACT_SEARCH is {written!r}; it may be a whole number from 1 on")
    return int(written)
