"""One communication as its plugin sees it: what it is about, and the auth result once there is one."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Literal, TypeAlias

import msgspec

from idcontact.errors import Gone, NotFound, TokenRejected
from idcontact.plugin.bound import BoundSessions, Kept, Session
from idcontact.receipts import CLOCKS
from idcontact.tokens import ResultStatus

if TYPE_CHECKING:
    from idcontact.protocol import Context
    from idcontact.records import Records


Way: TypeAlias = Literal["start", "attr_url", "address"]
"""How an auth result came: in start_communication, at the attr_url, or as `result=` in the address of the landing."""


class ResultState(StrEnum):
    """How it stands with the auth result of a communication."""

    NONE = "none"
    """Nobody identifies in this one."""
    AWAITED = "awaited"
    """It is to come, and may never: published plugins deliver nothing when somebody cancels."""
    GIVEN = "given"
    FAILED = "failed"


class Received(msgspec.Struct, frozen=True, kw_only=True):
    """An auth result that was checked when it came, and is not doubted again.

    `method` is the tag of the settings; `level` its assurance, None when it is not known. Times are in seconds since
    1970: `identified_at` when the person did, `received_at` when it came. `attributes` by tag, None when it failed.
    """

    way: Way
    method: str
    status: ResultStatus
    level: str | None
    identified_at: int
    received_at: int
    attributes: dict[str, str] | None
    session_url: str | None
    digest: str
    expires_at: int


@dataclass(frozen=True)
class Places:
    """Of a new session: its id, and what stands in its attr_url and its cancel_url."""

    session: str = field(repr=False)
    attr: str = field(repr=False)
    cancel: str = field(repr=False)


class KeptContact(Kept, frozen=True, kw_only=True, array_like=True):
    """What is kept of it. `attr` and `cancel` are hashes of the secrets in the addresses that the core was given;
    `active_at` is when an update about it was last sent."""

    purpose: str
    awaits: bool
    language: str | None = None
    channel: str | None = None
    return_url: str | None = None
    attr: str = ""
    cancel: str = ""
    received: Received | None = None
    active_at: float = 0.0


class CommSession(Session[KeptContact]):
    """One communication. `own` is what the plugin keeps with it (`CommPlugin.keep`)."""

    @property
    def purpose(self) -> str:
        """What it is about, by tag."""
        return self.kept.purpose

    @property
    def language(self) -> str | None:
        """The person's, where the core said it."""
        return self.kept.language

    @property
    def channel(self) -> str | None:
        """`chat` or `video`, where the core said it."""
        return self.kept.channel

    @property
    def return_url(self) -> str | None:
        """Where the person came from, where the core said it."""
        return self.kept.return_url

    @property
    def received(self) -> Received | None:
        """The auth result, once it has come."""
        return self.kept.received

    @property
    def state(self) -> ResultState:
        """How it stands with the auth result."""
        if self.received is None:
            return ResultState.AWAITED if self.kept.awaits else ResultState.NONE
        return ResultState.GIVEN if self.received.status is ResultStatus.SUCCESS else ResultState.FAILED


class CommSessions(BoundSessions[KeptContact, CommSession]):
    """The communications of one plugin, kept for `lifetime` seconds from their start."""

    def __init__(self, records: Records, lifetime: float) -> None:
        super().__init__(
            records,
            KeptContact,
            CommSession,
            what="session",
            cookie_prefix="__Host-idc-comm-",
            lifetime=lifetime,
        )

    async def begin(self, purpose: str, context: Context | None, *, awaits: bool) -> Places:
        """A new one. `awaits`: whether an auth result is to come, or came along."""
        attr, cancel = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
        kept = KeptContact(
            purpose=purpose,
            awaits=awaits,
            language=context.language if context is not None else None,
            channel=context.channel if context is not None else None,
            return_url=context.return_url if context is not None else None,
            attr=_hashed(attr),
            cancel=_hashed(cancel),
        )
        session_id = await self.create(kept)
        return Places(session_id, f"{session_id}.{attr}", f"{session_id}.{cancel}")

    async def at_attr(self, place: str) -> CommSession:
        """The session whose `Places.attr` this is. Raises NotFound."""
        session, secret = await self._at(place)
        if not hmac.compare_digest(session.kept.attr, secret):
            raise _nothing_expected()
        return session

    async def cancel(self, place: str) -> None:
        """End the session whose `Places.cancel` this is, when nobody has come yet. Raises NotFound."""
        session, secret = await self._at(place)
        if session.kept.browser is None and hmac.compare_digest(session.kept.cancel, secret):
            await self.forget(session.id)

    async def forget(self, session_id: str) -> None:
        """Delete the session with all that is in it."""
        await self.records.take(session_id)

    async def _at(self, place: str) -> tuple[CommSession, str]:
        session_id, _, secret = place.partition(".")
        try:
            return await self.find(session_id), _hashed(secret)
        except Gone:
            raise NotFound("there is no session here") from None

    async def receive(self, session: CommSession, received: Received, *, used: bool = False) -> CommSession:
        """Give it its auth result. The same one again changes nothing. `used`: the core used it, for this.

        Raises NotFound when it expects none or has another one, TokenRejected when another session used it, Gone.
        """
        while True:
            if session.received is not None and session.received.digest == received.digest:
                return session
            if session.state is not ResultState.AWAITED:
                raise _nothing_expected()
            remembered = received.expires_at - received.received_at + CLOCKS
            if not used and not await self.records.claim(received.digest, session.id, remembered):
                raise TokenRejected("this auth result was used before")
            filled = await self.replace(session, received=received)
            if filled is not None:
                return filled
            session = await self.find(session.id)


def _hashed(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def _nothing_expected() -> NotFound:
    return NotFound("no auth result is expected here")
