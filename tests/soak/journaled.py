"""Clients of the live protocol that write down everything that they send and hear."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from live_client import Client
from live_people import EndUser, Staff
from soak.journal import Journal

if TYPE_CHECKING:
    from live_client import Frame

_OF_NO_ACCOUNT: Final = frozenset({"ping", "pong", "position", "seen_by", "typing_by"})
"""Frames of which nothing is promised: not written down."""


class Journaled(Client):
    """See the module."""

    journal: Journal

    async def open(self, **options: Any) -> None:
        """Open a socket, and write that down before anything is heard on it."""
        await super().open(**options)
        self.journal.note("opened", {"type": "stream"} if self.by_stream else None)

    async def send_frame(self, frame: Frame) -> None:
        """Written down before it is sent: whatever becomes of it, it may have arrived."""
        if frame["type"] not in _OF_NO_ACCOUNT:
            self.journal.note("sent", frame)
        await super().send_frame(frame)

    def _hear(self, frame: Frame) -> None:
        if frame["type"] not in _OF_NO_ACCOUNT:
            self.journal.note("heard", frame)
        super()._hear(frame)


class JournaledEndUser(Journaled, EndUser):
    """Somebody who wants help."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.journal = Journal("an end user")


class JournaledStaff(Journaled, Staff):
    """Somebody of the staff."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.journal = Journal(self.account, self.account)
