"""When a store fell back to an earlier copy of itself, and what that may have taken with it.

All times are milliseconds UTC, by the clock of the machine, which is the store's too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True)
class Fall:
    """What was stored before `begin` is in the copy that took over; from `over` on that one answers, and not before."""

    begin: int
    over: int


class Falls:
    """All of one soak. None: the store kept everything."""

    def __init__(self, falls: Sequence[Fall] = ()) -> None:
        self._falls = falls

    def may_have_lost(self, at: int) -> bool:
        """Whether what was stored at `at` may be gone."""
        return any(fall.begin <= at <= fall.over for fall in self._falls)

    def gave_again(self, first: int, later: int, *, early: int = 0, late: int = 0) -> bool:
        """Whether what was given out at `first` may be lost, so that it was given out anew at `later`.

        `early`: by how much `first` may be before it was stored; `late`: by how much after.
        """
        return any(fall.begin - early <= first <= fall.over + late and fall.over <= later for fall in self._falls)

    def lies_between(self, first: int, later: int) -> bool:
        """Whether what was done at `first` or soon after may have been undone at `later`."""
        return any(first <= fall.over <= later for fall in self._falls)

    def began_before(self, at: int) -> bool:
        """Whether anything can have been lost by then."""
        return any(fall.begin <= at for fall in self._falls)
