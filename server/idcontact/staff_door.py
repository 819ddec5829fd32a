"""Where live and staff meet: who is at a console, in live's words."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.requests import HTTPConnection

    from idcontact.live.staff_port import Member
    from idcontact.staff.sessions import StaffMember, StaffSessions

ALL = "*"


@dataclass(frozen=True)
class SessionDoor:
    """Opens to whoever has a session of staff. `purposes` are all that are configured: `"*"` stands for them."""

    sessions: StaffSessions
    purposes: Sequence[str]

    async def member_of(self, connection: HTTPConnection) -> StaffMember | None:
        """The person whose session cookie this is, or None."""
        member = await self.sessions.member_of(connection.cookies)
        if member is None or ALL not in member.purposes:
            return member
        return replace(member, purposes=tuple(self.purposes))

    async def still_valid(self, member: Member) -> bool:
        """Whether the session lasts. An open console counts as use of it."""
        session = getattr(member, "session", "")
        return await self.sessions.seen(session) is not None
