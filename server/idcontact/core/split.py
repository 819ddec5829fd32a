"""Results of people who identify first, and choose afterwards how to talk: kept by the core in between.

    begun     the person is identifying; nothing has come yet
    given     a result came, was verified and used, once, and is kept encrypted
    failed    the result says that the person did not identify
    spent     it was passed on to a communication plugin

What is kept is bound to the browser that began (`browser.py`): the handle in the address opens nothing elsewhere. The
auth plugin is told the handle and nobody else is before the person comes back: who sends another person to identify in
their place never learns it.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import logging
import re
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

import msgspec

from idcontact.browser import has_started
from idcontact.core.start import Kept, LedTo, Onward
from idcontact.errors import BadRequest, Conflict, Gone, NotFound, OtherBrowser, TokenRejected, Unavailable
from idcontact.tokens import ResultStatus

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from idcontact.core.options import AuthMethod, Purpose, Purposes
    from idcontact.core.start import Visitor
    from idcontact.receipts import Receipts, UsedResults
    from idcontact.records import Record, Records
    from idcontact.results import ResultCheck
    from idcontact.tokens import ReadResult

Status: TypeAlias = Literal["begun", "given", "failed", "spent"]

LIFETIME: Final = 30 * 60
"""Seconds from the start until the person has to have chosen how to talk."""

_LOOK_EVERY: Final = 0.25
_WHOLE_START: Final = 16.0
"""Seconds after which a start that still has not ended never will: the limit of its three requests, and a little."""

_HANDLE: Final = re.compile(r"[A-Za-z0-9_-]{43}")
_PLACE: Final = re.compile(r"([A-Za-z0-9_-]{43})\.([A-Za-z0-9_-]{43})")

_logger = logging.getLogger(__name__)


class Identification(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """What is kept of one. `browser` is a digest, `secret` the hash of what the attr_url ends in.

    Times are in seconds since 1970: `landed_at` is when the person first came back, `received_at` when the result came
    and was verified, `expires_at` until when its token holds for others. `led_to` is where the person went with it, to
    talk by `comm_method`.
    """

    purpose: str
    method: str
    browser: str
    secret: str
    language: str
    return_url: str | None
    status: Status = "begun"
    landed_at: float | None = None
    received_at: float | None = None
    expires_at: float | None = None
    digest: str = ""
    token: str = ""
    comm_method: str = ""
    led_to: str = ""

    def __repr__(self) -> str:
        return f"Identification(purpose={self.purpose!r}, status={self.status!r}, …)"


_decoder = msgspec.msgpack.Decoder(Identification)


@dataclass(frozen=True)
class Found:
    """One as it was read. `handle` leads to it."""

    handle: str = field(repr=False)
    identification: Identification
    record: Record = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class Split:
    """Keeps them. All methods raise Unavailable while the store is away.

    `results` reads tokens; without it, no result can be kept and the choice is not offered. `internal_url` is the base
    of the core's internal routes, `reachable` whether a plugin elsewhere can reach it. `clock`: seconds since 1970.
    """

    records: Records
    used: UsedResults
    receipts: Receipts
    results: ResultCheck | None
    purposes: Purposes
    public_url: str
    internal_url: str
    reachable: bool
    clock: Callable[[], float]
    wait: Callable[[float], Awaitable[None]] = asyncio.sleep

    # --- the two starts ---

    async def begin(self, purpose: Purpose, method: AuthMethod, visitor: Visitor) -> Onward:
        """A place for a result to come. Raises BadRequest where that is not offered."""
        if self.results is None or method.tag not in self.results.methods:
            raise BadRequest("is missing: this server cannot keep a result of that auth method", field="comm_method")
        if not purpose.comm_methods:
            raise BadRequest("is missing: for this purpose there is no way to talk afterwards", field="comm_method")
        if visitor.browser is None:
            raise BadRequest("is missing: choosing afterwards is for a browser that is recognised", field="comm_method")
        secret = secrets.token_urlsafe(32)
        identification = Identification(
            purpose=purpose.tag,
            method=method.tag,
            browser=visitor.browser,
            secret=_hashed(secret),
            language=visitor.language,
            return_url=visitor.return_url,
        )
        handle = await self.records.create(msgspec.msgpack.encode(identification), LIFETIME)
        delivers = (method.plugin is not None or self.reachable) and not method.disable_attr_url
        return Onward(
            f"{self.public_url}/choose/{handle}",
            # Who cannot deliver brings it along in the query of the continuation.
            f"{self.internal_url}/result/{handle}.{secret}" if delivers else None,
        )

    async def spend(self, handle: str, comm_method: str, visitor: Visitor) -> Kept | LedTo:
        """The result, once: of all who ask, one gets it.

        Who asks for the same again, by pressing twice or going back, hears what came of it, as soon as that is known.
        Raises Gone, OtherBrowser, Conflict.
        """
        waited = 0.0
        while True:
            found = await self.find(handle, visitor.cookies)
            identification = found.identification
            if identification.led_to and identification.comm_method == comm_method:
                return LedTo(identification.led_to)
            if identification.status == "spent" and (identification.led_to or waited >= _WHOLE_START):
                raise Gone("this identification was used already; start again")
            if identification.status == "spent":
                await self.wait(_LOOK_EVERY)
                waited += _LOOK_EVERY
            elif identification.status != "given":
                raise Conflict("there is no identification here to go on with", field="auth_handle")
            elif await self._replace(found, msgspec.structs.replace(identification, status="spent")) is not None:
                return _kept(identification)

    async def settle(self, handle: str, comm_method: str, client_url: str) -> None:
        """Remember what came of it, for who asks again. Where that fails, who asked first goes on all the same."""
        try:
            record = await self.records.read(handle)
            if record is not None:
                found = Found(handle, _decoder.decode(record.value), record)
                identification = found.identification
                led = msgspec.structs.replace(identification, comm_method=comm_method, led_to=client_url, token="")
                await self._replace(found, led)
        except Unavailable as outage:
            _logger.warning("what came of an identification could not be noted: %s", outage)

    async def give_back(self, handle: str, kept: Kept) -> None:
        """Nothing came of it: it may be spent again, for as long as it would have been kept."""
        record = await self.records.read(handle)
        if record is None:
            return
        found = Found(handle, _decoder.decode(record.value), record)
        if found.identification.status == "spent" and _kept(found.identification) == kept:
            await self._replace(found, msgspec.structs.replace(found.identification, status="given"))

    async def receipt(self, kept: Kept) -> str:
        """What stands for the result to a communication plugin of this installation."""
        return await self.receipts.keep(kept.token, kept.received_at)

    # --- the result ---

    def read(self, token: str | bytes) -> ReadResult:
        """What a token says, now that it comes in; nobody looks at its five minutes again. Raises TokenRejected."""
        if self.results is None:
            raise TokenRejected("no results are kept here")
        return self.results.read(token, self.clock())

    async def take(self, handle: str, token: str, read: ReadResult, secret: str | None = None) -> None:
        """Keep a result that was read. The same one again is fine. `secret`: of the attr_url that it came to.

        Raises TokenRejected when it was used elsewhere, or is of a method that the purpose does not allow; NotFound
        when none is expected here, or another one came.
        """
        while True:
            found = await self._at(handle, secret)
            identification = found.identification
            if hmac.compare_digest(identification.digest, read.digest):
                return
            if identification.status != "begun":
                raise NotFound("no auth result is expected here")
            self._check_method(identification, read)
            if not await self.used.claim(read.digest, _hashed(handle), read.expires_at - self.clock()):
                raise TokenRejected("this auth result was used before")
            success = read.result.status is ResultStatus.SUCCESS
            filled = msgspec.structs.replace(
                identification,
                status="given" if success else "failed",
                received_at=self.clock(),
                expires_at=float(read.expires_at),
                method=read.method,
                digest=read.digest,
                token=token if success else "",
            )
            if await self._replace(found, filled) is not None:
                _logger.info("a result is kept: %s", filled.status, extra={"purpose": identification.purpose})
                return

    def _check_method(self, identification: Identification, read: ReadResult) -> None:
        try:
            self.purposes.find(identification.purpose).auth_method(read.method)
        except BadRequest:
            raise TokenRejected(f"method {read.method} is not allowed for purpose {identification.purpose}") from None

    async def _at(self, handle: str, secret: str | None) -> Found:
        record = await self.records.read(handle)
        if record is None:
            raise NotFound("no auth result is expected here")
        identification = _decoder.decode(record.value)
        if secret is not None and not hmac.compare_digest(identification.secret, _hashed(secret)):
            raise NotFound("no auth result is expected here")
        return Found(handle, identification, record)

    # --- the person ---

    async def find(self, handle: str, cookies: Mapping[str, str]) -> Found:
        """What a handle leads to, for the browser that began it. Raises Gone, OtherBrowser."""
        record = await self.records.read(handle) if is_handle(handle) else None
        if record is None:
            raise Gone("this identification has expired, or never was; start again")
        identification = _decoder.decode(record.value)
        if not has_started(cookies, identification.browser):
            # Somebody may have been sent to identify in another one's place.
            _logger.info(
                "an identification was gone on with in another browser", extra={"purpose": identification.purpose}
            )
            raise OtherBrowser("this page opens only in the browser that the identification was started in")
        return Found(handle, identification, record)

    async def landed(self, found: Found) -> Found:
        """Note that the person came back, the first time."""
        if found.identification.landed_at is not None:
            return found
        landed = await self._replace(found, msgspec.structs.replace(found.identification, landed_at=self.clock()))
        return landed or await self.again(found)

    async def again(self, found: Found) -> Found:
        """The same, as it is now."""
        record = await self.records.read(found.handle)
        return found if record is None else Found(found.handle, _decoder.decode(record.value), record)

    async def _replace(self, found: Found, identification: Identification) -> Found | None:
        """It, in its new state; None when it has changed since it was read."""
        value = msgspec.msgpack.encode(identification)
        if not await self.records.replace(found.handle, value, found.record):
            return None
        return Found(found.handle, identification, found.record.replaced_by(value))


def is_handle(written: str) -> bool:
    """Whether it can be one that we made."""
    return _HANDLE.fullmatch(written) is not None


def place_of(written: str) -> tuple[str, str]:
    """Handle and secret, as an attr_url ends in them. Raises NotFound."""
    found = _PLACE.fullmatch(written)
    if found is None:
        raise NotFound("there is nothing here")
    return found[1], found[2]


def _kept(identification: Identification) -> Kept:
    return Kept(
        purpose=identification.purpose,
        method=identification.method,
        token=identification.token,
        received_at=identification.received_at or 0.0,
        expires_at=identification.expires_at or 0.0,
        browser=identification.browser,
    )


def _hashed(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
