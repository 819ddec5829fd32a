"""Moments to come, in words."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from idcontact.languages import Language


class Texts(Protocol):
    """Texts by key; `pages.Pages` has them."""

    def text(self, language: Language, key: str, **values: object) -> str:
        """The text with this key, its `{names}` filled."""


def moment_in_words(texts: Texts, language: Language, moment: datetime, now: float) -> str:
    """A moment to come, on the clock of its own offset: today and tomorrow, the day of this week, or the date."""
    today = datetime.fromtimestamp(now, UTC).astimezone(moment.tzinfo).date()
    values = {
        "time": texts.text(language, "times.clock", hour=f"{moment:%H}", minute=f"{moment:%M}"),
        "day": texts.text(language, "times.days").split()[moment.weekday()],
        "date": moment.day,
        "month": texts.text(language, "times.months").split()[moment.month - 1],
    }
    match (moment.date() - today).days:
        case 0:
            return texts.text(language, "times.today", **values)
        case 1:
            return texts.text(language, "times.tomorrow", **values)
        case days if 1 < days < 7:
            return texts.text(language, "times.this_week", **values)
        case _:
            return texts.text(language, "times.later", **values)
