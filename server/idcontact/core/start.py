"""The start of a session: the requests to plugins that make it, for each kind of start."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Protocol, TypeVar

import msgspec

from idcontact.bodies import decode_json
from idcontact.core.kinds import (
    DuringCommunication,
    FullSession,
    IdentifyFirst,
    Unauthenticated,
    WithEarlierResult,
    WithKeptResult,
)
from idcontact.errors import BadRequest, IdContactError, IdentifyAgain, PluginFailed, RequestError
from idcontact.protocol import ClientUrl, CommunicationStarted, Context, StartAuthentication, StartCommunication
from idcontact.urls import is_browser_url, is_web_url, split_web_url, with_query

if TYPE_CHECKING:
    from collections.abc import Callable

    from idcontact.core.kinds import StartKind
    from idcontact.core.options import AuthMethod, CommMethod, Method, Purpose, Purposes
    from idcontact.outgoing import Answer, Outgoing
    from idcontact.protocol import AuthExpectation

T = TypeVar("T")

_log = logging.getLogger(__name__)

_ON_THE_WAY: Final = 10
"""Seconds that a token has to be valid still, for a plugin elsewhere to take it in time."""


class Visitor(msgspec.Struct, frozen=True):
    """What is known of who starts a session: their language, where they came from, and their browser.

    `browser` is the digest of a browser that is recognised later (`browser.py`), `cookies` what it sent now.
    """

    language: str
    return_url: str | None = None
    browser: str | None = None
    cookies: Mapping[str, str] = {}

    def __repr__(self) -> str:
        return f"Visitor(language={self.language!r}, …)"


class Onward(msgspec.Struct, frozen=True):
    """What an auth plugin is told: where the browser goes on, and where the result is delivered."""

    continuation: str
    attr_url: str | None

    def __repr__(self) -> str:
        return "Onward(…)"


@dataclass(frozen=True)
class Kept:
    """An auth result that the core verified when it came in. Times are in seconds since 1970.

    `browser`: digest of the one that it was begun in, and is spent in.
    """

    purpose: str
    method: str
    token: str = field(repr=False)
    received_at: float
    expires_at: float
    browser: str | None = None


@dataclass(frozen=True)
class LedTo:
    """What came of a result that was spent before: where the person was led, and is again."""

    client_url: str = field(repr=False)


class Leading(Protocol):
    """What the core does in the place of limited auth plugins; `shims.Shims` is one."""

    async def lead(self, method: AuthMethod, continuation: str, attr_url: str | None) -> Onward:
        """What `method` is told, so that the person comes to `continuation` and the result to `attr_url`."""

    async def client_url(self, url: str) -> str:
        """Where a browser goes that no auth method sends on, for a communication plugin's `client_url`."""


class KeptResults(Protocol):
    """Results of people who identified first; `split.Split` is one."""

    async def begin(self, purpose: Purpose, method: AuthMethod, visitor: Visitor) -> Onward:
        """A place for a result to come. Raises BadRequest where that is not offered."""

    async def spend(self, handle: str, comm_method: str, visitor: Visitor) -> Kept | LedTo:
        """The result, once: of all who ask, one gets it. Who asks for the same again hears what came of it.

        Raises Gone, OtherBrowser.
        """

    async def give_back(self, handle: str, kept: Kept) -> None:
        """Nothing came of it: it may be spent again."""

    async def settle(self, handle: str, comm_method: str, client_url: str) -> None:
        """Remember what came of it."""

    async def receipt(self, kept: Kept) -> str:
        """What stands for the result to a communication plugin of this installation."""


class Starter:
    """Starts sessions, through `outgoing`, for `purposes`."""

    def __init__(
        self,
        purposes: Purposes,
        outgoing: Outgoing,
        leading: Leading,
        kept_results: KeptResults,
        clock: Callable[[], float],
    ) -> None:
        self._purposes = purposes
        self._outgoing = outgoing
        self._leading = leading
        self._kept_results = kept_results
        self._clock = clock

    async def start(self, kind: StartKind, visitor: Visitor) -> str:
        """Where the end user's browser goes next.

        Raises BadRequest, Gone, OtherBrowser for the caller's faults, Closed outside the opening hours, and
        PluginFailed or PluginTimeout for a plugin's faults.
        """
        purpose = self._purposes.find(kind.purpose)
        if not isinstance(kind, DuringCommunication):  # who is talking already is there
            purpose.check_open(self._clock())
        match kind:
            case FullSession():
                return await self._full_session(kind, purpose, visitor)
            case IdentifyFirst():
                auth = purpose.auth_method(kind.auth_method)
                place = await self._kept_results.begin(purpose, auth, visitor)
                return await self._identify(auth, purpose, place.continuation, place.attr_url)
            case WithEarlierResult():
                comm = purpose.comm_method(kind.comm_method)
                context = _context("given", comm, visitor)
                return await self._with_token(comm, purpose, kind.auth_result, context)
            case WithKeptResult():
                return await self._with_kept_result(kind, purpose, visitor)
            case Unauthenticated():
                return await self._unauthenticated(kind, purpose, visitor)
            case DuringCommunication():
                auth = purpose.auth_method(kind.auth_method)
                return await self._identify(auth, purpose, kind.comm_url, kind.attr_url)

    async def for_browser(self, client_url: str) -> str:
        """What a browser is sent to for it: as on the way through an auth plugin. Programs do as they like with it."""
        return await self._leading.client_url(client_url)

    # --- one kind each ---

    async def _full_session(self, session: FullSession, purpose: Purpose, visitor: Visitor) -> str:
        auth, comm = purpose.auth_method(session.auth_method), purpose.comm_method(session.comm_method)
        # First the comm plugin: the auth plugin needs to know where to go on and where to deliver.
        communication = await self._communicate(
            comm, StartCommunication(purpose=purpose.tag, context=_context("pending", comm, visitor, auth.tag))
        )
        try:
            return await self._identify(auth, purpose, communication.client_url, communication.attr_url)
        except IdContactError:
            await self._call_off(comm, communication)
            raise

    async def _unauthenticated(self, session: Unauthenticated, purpose: Purpose, visitor: Visitor) -> str:
        comm = purpose.comm_method(session.comm_method)
        if not purpose.allow_unauthenticated:
            raise BadRequest("is missing: this purpose is not started without identifying", field="auth_method")
        message = StartCommunication(purpose=purpose.tag, context=_context("none", comm, visitor))
        return (await self._communicate(comm, message)).client_url

    async def _with_kept_result(self, session: WithKeptResult, purpose: Purpose, visitor: Visitor) -> str:
        comm = purpose.comm_method(session.comm_method)
        kept = await self._kept_results.spend(session.auth_handle, comm.tag, visitor)
        if isinstance(kept, LedTo):
            return kept.client_url
        try:
            # The browser that it was begun in has just shown itself: it is the one to recognise later.
            client_url = await self._talk(
                comm, purpose, kept, msgspec.structs.replace(visitor, browser=kept.browser or visitor.browser)
            )
        except BaseException:
            await self._kept_results.give_back(session.auth_handle, kept)
            raise
        await self._kept_results.settle(session.auth_handle, comm.tag, client_url)
        return client_url

    async def _talk(self, comm: CommMethod, purpose: Purpose, kept: Kept, visitor: Visitor) -> str:
        if kept.purpose != purpose.tag:
            raise BadRequest("is of a result for another purpose", field="auth_handle")
        if comm.channel is None:
            return await self._with_token(comm, purpose, self._still_valid(kept), None)
        # A plugin of this installation need not hurry: what was verified on receipt stays verified.
        receipt = await self._kept_results.receipt(kept)
        message = StartCommunication(
            purpose=purpose.tag, context=_context("given", comm, visitor, kept.method, receipt)
        )
        try:
            return (await self._communicate(comm, message, blame="auth_handle")).client_url
        except BadRequest:
            # One that understands the context, but stands on a store of its own, does not know the receipt.
            context = _context("given", comm, visitor, kept.method)
            return await self._with_token(comm, purpose, self._still_valid(kept), context)

    def _still_valid(self, kept: Kept) -> str:
        """The token, as it came, for who reads it as any other. Raises IdentifyAgain."""
        if kept.expires_at <= self._clock() + _ON_THE_WAY:
            raise IdentifyAgain("the identification is too long ago for this way to talk")
        return kept.token

    async def _with_token(self, comm: CommMethod, purpose: Purpose, token: str, context: Context | None) -> str:
        """Talk, with a token of the caller's. Where it is refused, the token is to blame, and not the plugin."""
        if not comm.disable_attributes_at_start:
            message = StartCommunication(purpose=purpose.tag, auth_result=token, context=context)
            return (await self._communicate(comm, message, blame="auth_result")).client_url
        communication = await self._communicate(comm, StartCommunication(purpose=purpose.tag, context=context))
        if communication.attr_url is None:
            if split_web_url(communication.client_url) is None:
                raise _nonsense(comm.tag, "no attr_url, and a client_url that cannot hold a result")
            return with_query(communication.client_url, f"result={token}")
        answer = await self._outgoing.post(
            communication.attr_url, token.encode(), content_type="application/jwt", plugin=comm.tag
        )
        if not answer.is_success:
            raise _refusal(answer, comm.tag, blame="auth_result")
        return communication.client_url

    # --- requests to plugins ---

    async def _communicate(
        self, method: CommMethod, message: StartCommunication, blame: str | None = None
    ) -> CommunicationStarted:
        started = await self._ask(method, "start_communication", message, CommunicationStarted, blame)
        if not is_browser_url(started.client_url):
            raise _nonsense(method.tag, "client_url is neither http, https nor tel")
        if started.attr_url is not None and not is_web_url(started.attr_url):
            raise _nonsense(method.tag, "attr_url is neither http nor https")
        return started

    async def _identify(self, method: AuthMethod, purpose: Purpose, continuation: str, attr_url: str | None) -> str:
        led = await self._leading.lead(method, continuation, attr_url)
        message = StartAuthentication(
            attributes=list(purpose.attributes), continuation=led.continuation, attr_url=led.attr_url
        )
        started = await self._ask(method, "start_authentication", message, ClientUrl)
        if not is_browser_url(started.client_url):
            raise _nonsense(method.tag, "client_url is neither http, https nor tel")
        return started.client_url

    async def _call_off(self, method: CommMethod, communication: CommunicationStarted) -> None:
        """Nobody will come. A plugin of ours is told so; with others, what was begun expires."""
        if method.channel is None or communication.cancel_url is None:
            return
        try:
            answer = await self._outgoing.post(communication.cancel_url, b"", plugin=method.tag)
            if not answer.is_success:
                raise _refusal(answer, method.tag)
        except IdContactError as error:
            _log.warning("a communication that nobody will come to could not be called off: %s", error)

    async def _ask(
        self, method: Method, path: str, message: msgspec.Struct, shape: type[T], blame: str | None = None
    ) -> T:
        answer = await self._outgoing.post(f"{method.base}/{path}", msgspec.json.encode(message), plugin=method.tag)
        if not answer.is_success:
            raise _refusal(answer, method.tag, blame)
        try:
            return decode_json(answer.body, shape)  # JSON whatever its Content-Type says (WIRE.md)
        except RequestError as error:
            raise _nonsense(method.tag, str(error)) from None


def _context(
    auth: AuthExpectation,
    comm: CommMethod,
    visitor: Visitor,
    method: str | None = None,
    receipt: str | None = None,
) -> Context | None:
    if comm.channel is None:
        return None
    return Context(
        auth=auth,
        method=method,
        language=visitor.language,
        channel=comm.channel,
        return_url=visitor.return_url,
        browser=visitor.browser,
        receipt=receipt,
    )


def _refusal(answer: Answer, plugin: str, blame: str | None = None) -> IdContactError:
    """What to say of a status that is not 2xx. With `blame`, 400 is about that member of the caller's request."""
    if blame is not None and answer.status == 400:
        return BadRequest("was not accepted by the communication plugin", field=blame)
    return PluginFailed(plugin, "a service that is needed refused", reason=f"status {answer.status}")


def _nonsense(plugin: str, reason: str) -> PluginFailed:
    return PluginFailed(plugin, "a service that is needed gave an answer that makes no sense", reason=reason)
