"""The start of a session: which kind it is, and the requests to plugins that make it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias, TypeVar

import msgspec

from idcontact.bodies import decode_json
from idcontact.errors import BadRequest, PluginFailed, RequestError
from idcontact.protocol import ClientUrl, CommunicationStarted, Context, StartAuthentication, StartCommunication
from idcontact.urls import is_browser_url, split_web_url

if TYPE_CHECKING:
    from idcontact.core.options import CommMethod, Method, Purposes
    from idcontact.outgoing import Answer, Outgoing
    from idcontact.protocol import StartRequest

T = TypeVar("T")


# --- which kind of start --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class FullSession:
    """Identify first, then talk."""

    purpose: str
    auth_method: str
    comm_method: str


@dataclass(frozen=True)
class WithEarlierResult:
    """Talk, with an auth result that is there already."""

    purpose: str
    auth_result: str
    comm_method: str


@dataclass(frozen=True)
class Unauthenticated:
    """Talk, without identifying."""

    purpose: str
    comm_method: str


StartKind: TypeAlias = FullSession | WithEarlierResult | Unauthenticated

_NOT_OFFERED: Final[dict[type, str]] = {
    WithEarlierResult: "a start with an earlier auth_result is not offered by this server",
    Unauthenticated: "a start without auth_method is not offered by this server",
}


def kind_of(request: StartRequest) -> StartKind:
    """What a start request asks for, by the members that are there. Raises BadRequest when they fit no kind, or two."""
    if request.comm_method is None:
        raise BadRequest("is missing", field="comm_method")
    if request.auth_method is not None and request.auth_result is not None:
        raise BadRequest("auth_method and auth_result do not go together", field="auth_result")
    if request.auth_method is not None:
        return FullSession(request.purpose, request.auth_method, request.comm_method)
    if request.auth_result is not None:
        return WithEarlierResult(request.purpose, request.auth_result, request.comm_method)
    return Unauthenticated(request.purpose, request.comm_method)


# --- starting -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Visitor:
    """What is known of who starts a session: their language, where they came from, and their browser's digest."""

    language: str
    return_url: str | None = None
    browser: str | None = None


class Starter:
    """Starts sessions, through `outgoing`, for `purposes`."""

    def __init__(self, purposes: Purposes, outgoing: Outgoing) -> None:
        self._purposes = purposes
        self._outgoing = outgoing

    async def start(self, kind: StartKind, visitor: Visitor) -> str:
        """Where the end user's browser goes next. Raises BadRequest, PluginFailed, PluginTimeout."""
        match kind:
            case FullSession():
                return await self._full_session(kind, visitor)
            case WithEarlierResult() | Unauthenticated():
                raise BadRequest(_NOT_OFFERED[type(kind)])

    async def _full_session(self, session: FullSession, visitor: Visitor) -> str:
        purpose = self._purposes.find(session.purpose)
        auth, comm = purpose.auth_method(session.auth_method), purpose.comm_method(session.comm_method)
        # First the comm plugin: the auth plugin needs to know where to go on and where to deliver.
        communication = await self._start_communication(
            comm, StartCommunication(purpose=purpose.tag, context=_context(auth, comm, visitor))
        )
        return await self._start_authentication(
            auth,
            StartAuthentication(
                attributes=list(purpose.attributes),
                continuation=communication.client_url,
                attr_url=communication.attr_url,
            ),
        )

    async def _start_communication(self, method: CommMethod, message: StartCommunication) -> CommunicationStarted:
        started = await self._ask(method, "start_communication", message, CommunicationStarted)
        if not is_browser_url(started.client_url):
            raise _nonsense(method.tag, "client_url is neither http, https nor tel")
        if started.attr_url is not None and split_web_url(started.attr_url) is None:
            raise _nonsense(method.tag, "attr_url is neither http nor https")
        return started

    async def _start_authentication(self, method: Method, message: StartAuthentication) -> str:
        started = await self._ask(method, "start_authentication", message, ClientUrl)
        if not is_browser_url(started.client_url):
            raise _nonsense(method.tag, "client_url is neither http, https nor tel")
        return started.client_url

    async def _ask(self, method: Method, path: str, message: msgspec.Struct, shape: type[T]) -> T:
        body = msgspec.json.encode(message)
        return _read(await self._outgoing.post(f"{method.base}/{path}", body, plugin=method.tag), method.tag, shape)


def _context(auth: Method, comm: CommMethod, visitor: Visitor) -> Context | None:
    if comm.channel is None:
        return None
    return Context(
        auth="pending",
        method=auth.tag,
        language=visitor.language,
        channel=comm.channel,
        return_url=visitor.return_url,
        browser=visitor.browser,
    )


def _read(answer: Answer, plugin: str, shape: type[T]) -> T:
    """A plugin's answer: JSON whatever its Content-Type says (WIRE.md)."""
    if not answer.is_success:
        raise PluginFailed(plugin, "a service that is needed refused", reason=f"status {answer.status}")
    try:
        return decode_json(answer.body, shape)
    except RequestError as error:
        raise _nonsense(plugin, str(error)) from None


def _nonsense(plugin: str, reason: str) -> PluginFailed:
    return PluginFailed(plugin, "a service that is needed gave an answer that makes no sense", reason=reason)
