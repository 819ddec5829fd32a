"""When somebody is there for what a person comes for, in words: for pages that do without JavaScript."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from idcontact.languages import Language
    from idcontact.protocol import Availability


class Texts(Protocol):
    """Texts by key; `pages.Pages` has them."""

    def text(self, language: Language, key: str, **values: object) -> str:
        """The text with this key, its `{names}` filled."""


def availability_in_words(texts: Texts, language: Language, availability: Availability, now: float) -> str:
    """What to say of it; nothing where nothing is known but that it is open. `now` is in seconds since 1970."""
    if not availability.open:
        if availability.until is None:
            return texts.text(language, "available.closed")
        opens = moment_in_words(texts, language, datetime.fromisoformat(availability.until), now)
        return texts.text(language, "available.closed_until", when=opens)
    if availability.agents == 0:
        return texts.text(language, "available.nobody")
    if availability.expected_wait is None:
        return ""
    minutes = math.ceil(availability.expected_wait / 60)
    if minutes <= 1:
        return texts.text(language, "available.soon")
    if minutes > 60:
        return texts.text(language, "available.long")
    return texts.text(language, "available.wait", minutes=minutes)


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
