"""When somebody is there for what a person comes for, in words: for pages that do without JavaScript."""

from __future__ import annotations

import math
from datetime import datetime
from typing import TYPE_CHECKING

from idcontact.moments import moment_in_words

if TYPE_CHECKING:
    from idcontact.languages import Language
    from idcontact.moments import Texts
    from idcontact.protocol import Availability


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
