"""What one socket says about typing: passed on to the other side, now and then, and kept nowhere."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from idcontact.errors import Unavailable

if TYPE_CHECKING:
    from idcontact.live import messages as m
    from idcontact.live.store import ConversationStore

AT_MOST_EVERY: Final = 2.0
"""Seconds: a page says it again every three, and what comes faster is not passed on."""


class Typist:
    """One socket's. Whoever it is types in one conversation at a time."""

    def __init__(self, store: ConversationStore, who: m.Sender, part: str = "") -> None:
        """`part` is the agent's id."""
        self._store = store
        self._who = who
        self._part = part
        self._where = ""
        """The conversation in which typing was said last, and not taken back."""
        self._at = 0.0

    async def says(self, frame: m.Typing) -> None:
        """Pass it on, unless that was done a moment ago. What gets lost is said again by the next one."""
        now, known = time.monotonic(), frame.conversation == self._where
        is_news = (not known or now - self._at >= AT_MOST_EVERY) if frame.on else known
        if not is_news:
            return
        self._where, self._at = (frame.conversation if frame.on else ""), now
        with suppress(Unavailable):
            await self._store.tell_typing(frame.conversation, self._who, self._part, on=frame.on)
