"""What live needs of staff, and nothing more. `staff` offers it; `app` joins them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from starlette.requests import HTTPConnection


class Member(Protocol):
    """Somebody who is logged in."""

    @property
    def id(self) -> str:
        """The account."""

    @property
    def name(self) -> str:
        """The name that end users read."""

    @property
    def roles(self) -> Collection[str]:
        """agent, supervisor, administrator."""

    @property
    def purposes(self) -> Sequence[str]:
        """Tags of the purposes that they serve or watch."""

    @property
    def capacity(self) -> int:
        """How many conversations at once."""


class StaffDoor(Protocol):
    """Who is at a console."""

    async def member_of(self, connection: HTTPConnection) -> Member | None:
        """The person whose session cookie this is, or None."""

    async def still_valid(self, member: Member) -> bool:
        """Whether that session has not ended meanwhile."""


class AuditTrail(Protocol):
    """Where disclosures are written down."""

    async def disclosed(self, *, who: str, tags: Sequence[str], conversation: str, purpose: str, reason: str) -> None:
        """Somebody is about to be shown these attributes. Never values."""
