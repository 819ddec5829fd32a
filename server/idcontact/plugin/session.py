"""One authentication, from start_authentication until its result is delivered; bound to one browser."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from idcontact.plugin.bound import BoundSessions, Kept, Session
from idcontact.protocol import StartAuthentication

if TYPE_CHECKING:
    from idcontact.records import Records

LIFETIME: Final = 15 * 60
"""Seconds that a person has to identify."""


class KeptAuthentication(Kept, frozen=True, kw_only=True, array_like=True):
    """What is kept of it. `token` is there once it is finished: then it is only delivered, and never made again."""

    request: StartAuthentication
    token: str | None = None


class AuthSession(Session[KeptAuthentication]):
    """One authentication as its plugin sees it. `own` is what the plugin keeps with it (`AuthPlugin.keep`)."""

    @property
    def attributes(self) -> list[str]:
        """The tags that are asked, in their order."""
        return self.kept.request.attributes

    @property
    def continuation(self) -> str:
        """Where the browser goes when it is done."""
        return self.kept.request.continuation

    @property
    def attr_url(self) -> str | None:
        """Where the result is to be delivered; None: in the query of the continuation."""
        return self.kept.request.attr_url

    @property
    def token(self) -> str | None:
        """The result, once there is one."""
        return self.kept.token


class Sessions(BoundSessions[KeptAuthentication, AuthSession]):
    """The authentications of one plugin."""

    def __init__(self, records: Records) -> None:
        super().__init__(
            records,
            KeptAuthentication,
            AuthSession,
            what="identification",
            cookie_prefix="__Host-idc-auth-",
            lifetime=LIFETIME,
        )

    async def begin(self, request: StartAuthentication) -> str:
        """A new one, for 15 minutes; its id."""
        return await self.create(KeptAuthentication(request=request))

    async def finish(self, session: AuthSession, token: str) -> AuthSession:
        """Give it its result. Once only: of two at the same time both get the session with the first one's result.

        Raises Gone when it is expired.
        """
        while session.token is None:
            finished = await self.replace(session, token=token)
            session = finished or await self.find(session.id)
        return session
