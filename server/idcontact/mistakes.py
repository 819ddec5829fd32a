"""Mistakes in the settings, of several steps: so that the first step that fails does not hide those of the others."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from idcontact.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterator


class Mistakes:
    """What was found until now, a line for each."""

    def __init__(self) -> None:
        self.found: list[str] = []

    @contextmanager
    def noted(self) -> Iterator[None]:
        """Around a step: its SettingsError is kept, and the next step may go on without it."""
        try:
            yield
        except SettingsError as error:
            self.found += error.mistakes

    def refuse(self) -> None:
        """Raises SettingsError with all of them, if there are any."""
        if self.found:
            raise SettingsError(self.found)
