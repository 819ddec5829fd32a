"""Sessions by telephone, kept sealed; each is found by three names.

    code       32 characters of the attr_url: the session itself is kept under it
    dtmf       10 digits that the person dials: leads to the code
    call       what the contact centre's platform calls the call: leads to the code, once they are tied

The second and the third could be guessed, or tried out one by one by who has a copy of the store: they are kept as
HMACs, by a secret that is not in the store. Which call a session is tied to, and its result, stand in the session
alone, and are set once: a name only leads there.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import msgspec

from idcontact.errors import NotFound, TokenRejected
from idcontact.receipts import CLOCKS
from idcontact.tokens import ResultStatus

if TYPE_CHECKING:
    from idcontact.records import Record, Records

CODE_BYTES: Final = 24
"""Random bytes of a code: 32 characters."""
DTMF_DIGITS: Final = 10


class Result(msgspec.Struct, frozen=True, array_like=True):
    """An auth result that was checked when it came, and is not doubted again.

    `digest` tells it from every other; it is used once until `expires_at` (seconds since 1970).
    """

    status: ResultStatus
    attributes: dict[str, str] | None
    session_url: str | None
    digest: str
    expires_at: int

    def __repr__(self) -> str:
        return f"Result(status={self.status.value!r}, …)"


class Kept(msgspec.Struct, frozen=True, array_like=True):
    """What is kept of a session. `dtmf` and `call` are the names that lead to it; `awaits`: a result is to come."""

    purpose: str
    dtmf: str
    awaits: bool
    result: Result | None = None
    call: str | None = None


_decoder: Final = msgspec.msgpack.Decoder(Kept)


@dataclass(frozen=True)
class Places:
    """How a new session is found: by what is dialled, by who delivers a result, and by who calls it off."""

    dtmf: str = field(repr=False)
    code: str = field(repr=False)
    cancel: str = field(repr=False)


@dataclass(frozen=True)
class _Session:
    code: str = field(repr=False)
    kept: Kept = field(repr=False)
    record: Record = field(repr=False)


class PhoneSessions:
    """The sessions of one plugin, each for `idle` seconds after it was last made more of. All raise Unavailable."""

    def __init__(self, records: Records, secret: bytes, idle: float) -> None:
        """`secret` makes the names: the same on all nodes, and not in the store."""
        self._records = records
        self._secret = secret
        self._idle = idle

    async def begin(self, purpose: str, *, awaits: bool) -> Places:
        """A new session. `awaits`: whether a result is to come."""
        code = secrets.token_urlsafe(CODE_BYTES)
        dtmf = _new_dtmf()
        while not await self._records.put(self._name("dtmf", dtmf), code.encode(), self._idle):
            dtmf = _new_dtmf()  # somebody else's, who is still to call or calls now
        kept = Kept(purpose, self._name("dtmf", dtmf), awaits)
        await self._records.put(code, msgspec.msgpack.encode(kept), self._idle)
        return Places(dtmf, code, f"{code}.{self._name('cancel', code)}")

    async def receive(self, code: str, result: Result, now: float, *, used: bool = False) -> None:
        """Give a session its result, once. The same one again changes nothing. `used`: the core used it, for this.

        Raises NotFound when there is no such session, it expects no result or has another one; TokenRejected when
        another session has this one.
        """
        while True:
            session = await self._find(code)
            given = session.kept.result
            if given is not None and given.digest == result.digest:
                return
            if given is not None or not session.kept.awaits:
                raise NotFound("no auth result is expected here")
            if not used and not await self._records.claim(result.digest, code, result.expires_at - now + CLOCKS):
                raise TokenRejected("this auth result was used before")
            if await self._replace(session, result=result):
                return

    async def link(self, dtmf: str, call: str) -> None:
        """Tie a call to the session whose digits were dialled, once.

        Raises NotFound when there is no such session, it is tied already, or the call is tied to another.
        """
        code = await self._led_by(self._name("dtmf", dtmf))
        session = await self._find(code)
        name = self._name("call", call)
        if session.kept.call is not None or not await self._lead(name, code):
            raise _no_such_call()
        while not await self._replace(session, call=name):
            session = await self._find(code)
            if session.kept.call == name:
                return  # it was us: a client whose answer was lost asked the store again, which then said no
            if session.kept.call is not None:
                await self._records.take(name)
                raise _no_such_call()

    async def of_call(self, call: str) -> Kept:
        """The session that a call is tied to. Raises NotFound."""
        name = self._name("call", call)
        session = await self._find(await self._led_by(name))
        if session.kept.call != name:
            raise _no_such_call()
        return session.kept

    async def cancel(self, place: str) -> None:
        """End the session whose `Places.cancel` this is, when nothing has come of it yet."""
        code, _, proof = place.partition(".")
        if not hmac.compare_digest(self._name("cancel", code).encode(), proof.encode("utf-8", "surrogatepass")):
            return
        try:
            session = await self._find(code)
        except NotFound:
            return
        if session.kept.call is None and session.kept.result is None:
            await self.forget(code)

    async def forget(self, code: str) -> None:
        """Delete a session, and what leads to it."""
        record = await self._records.take(code)
        if record is None:
            return
        kept = _decoder.decode(record.value)
        for name in filter(None, (kept.dtmf, kept.call)):
            await self._records.take(name)

    def key_of(self, call: str) -> str:
        """What a call is counted by: nobody gets back from it to what the platform calls the call."""
        return self._name("call", call)

    # --- names ---

    def _name(self, kind: str, text: str) -> str:
        message = f"{kind}:{text}".encode("utf-8", "surrogatepass")
        return hmac.new(self._secret, message, hashlib.sha256).hexdigest()

    async def _led_by(self, name: str) -> str:
        record = await self._records.read(name)
        if record is None:
            raise _no_such_call()
        return record.value.decode()

    async def _lead(self, name: str, code: str) -> bool:
        """Whether the name leads to this code: it did, when an earlier attempt got no further, or does from now on."""
        if await self._records.put(name, code.encode(), self._idle):
            return True
        record = await self._records.read(name)
        return record is not None and record.value.decode() == code

    # --- the session ---

    async def _find(self, code: str) -> _Session:
        record = await self._records.read(code)
        if record is None:
            raise NotFound("there is no such session")
        return _Session(code, _decoder.decode(record.value), record)

    async def _replace(self, session: _Session, **changes: object) -> bool:
        """Whether the session has these members now; not, when it has changed since it was read.

        What leads to it lives on first: what is acknowledged is found again.
        """
        kept = msgspec.structs.replace(session.kept, **changes)
        for name in filter(None, (kept.dtmf, kept.call)):
            record = await self._records.read(name)
            if record is not None:
                await self._records.replace(name, record.value, record, self._idle)
        return await self._records.replace(session.code, msgspec.msgpack.encode(kept), session.record, self._idle)


def _new_dtmf() -> str:
    return f"{secrets.randbelow(10**DTMF_DIGITS):0{DTMF_DIGITS}}"


def _no_such_call() -> NotFound:
    return NotFound("there is no session for this call")
