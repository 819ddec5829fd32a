"""Which kind of start a request is: decided once, by the members that are there (WIRE.md, `POST /start`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

import msgspec

from idcontact.errors import BadRequest, TokenRejected
from idcontact.jws import compact
from idcontact.urls import is_browser_url, split_web_url

if TYPE_CHECKING:
    from idcontact.protocol import SignedStartRequest, StartRequest


class _Kind(msgspec.Struct, frozen=True):
    """What a start says. Structs, because these are made in half the time of a dataclass."""

    purpose: str

    def __repr__(self) -> str:
        return f"{type(self).__name__}(purpose={self.purpose!r}, …)"


class FullSession(_Kind, frozen=True):
    """Identify first, then talk."""

    auth_method: str
    comm_method: str


class IdentifyFirst(_Kind, frozen=True):
    """Identify, and choose afterwards how to talk."""

    auth_method: str


class WithEarlierResult(_Kind, frozen=True):
    """Talk, with an auth result that the caller has already."""

    auth_result: str
    comm_method: str


class WithKeptResult(_Kind, frozen=True):
    """Talk, with an auth result that the core has kept since the person identified first."""

    auth_handle: str
    comm_method: str


class Unauthenticated(_Kind, frozen=True):
    """Talk, without identifying."""

    comm_method: str


class DuringCommunication(_Kind, frozen=True):
    """Identify while talking already: asked for by a requestor that signs, for a conversation elsewhere."""

    auth_method: str
    comm_url: str
    attr_url: str | None


StartKind: TypeAlias = (
    FullSession | IdentifyFirst | WithEarlierResult | WithKeptResult | Unauthenticated | DuringCommunication
)

_WAYS: Final = ("auth_method", "auth_result", "auth_handle")
"""How an auth result comes about: a start has one of these at most."""


def kind_of(request: StartRequest) -> StartKind:
    """What a start request asks for. Raises BadRequest when its members fit no kind, or belong to several."""
    if request.comm_url is not None or request.attr_url is not None:
        field = "comm_url" if request.comm_url is not None else "attr_url"
        raise BadRequest("belongs in a signed request (application/jwt), and not in this one", field=field)
    if (request.auth_method, request.auth_result, request.auth_handle).count(None) < len(_WAYS) - 1:
        given = [name for name in _WAYS if getattr(request, name) is not None]
        raise BadRequest(f"{' and '.join(given)} do not go together", field=given[-1])
    if request.comm_method is None:
        if request.auth_method is None:
            raise BadRequest("is missing", field="comm_method")
        return IdentifyFirst(request.purpose, request.auth_method)
    if request.auth_method is not None:
        return FullSession(request.purpose, request.auth_method, request.comm_method)
    if request.auth_result is not None:
        _check_form(request.auth_result)
        return WithEarlierResult(request.purpose, request.auth_result, request.comm_method)
    if request.auth_handle is not None:
        return WithKeptResult(request.purpose, request.auth_handle, request.comm_method)
    return Unauthenticated(request.purpose, request.comm_method)


def _check_form(auth_result: str) -> None:
    """Only the form of a token: it may be put into an address, and whether it holds is for its receiver to say."""
    try:
        compact(auth_result, 5, "is not a JWE in compact form")
    except TokenRejected as error:
        raise BadRequest(error.reason or error.message, field="auth_result") from None


def signed_kind_of(request: SignedStartRequest) -> DuringCommunication:
    """What a signed start request asks for. Raises BadRequest when it asks for another kind too, or leads nowhere."""
    for name in ("comm_method", "auth_result", "auth_handle"):
        if getattr(request, name) is not None:
            raise BadRequest(f"{name} and comm_url do not go together", field=f"request.{name}")
    if not is_browser_url(request.comm_url):
        raise BadRequest("expected an http, https or tel URL", field="request.comm_url")
    if request.attr_url is not None and split_web_url(request.attr_url) is None:
        raise BadRequest("expected an http or https URL", field="request.attr_url")
    if request.attr_url is None and (split_web_url(request.comm_url) is None or "#" in request.comm_url):
        # The result goes into the query of comm_url, which has to have one.
        raise BadRequest("expected a web URL without fragment, when there is no attr_url", field="request.comm_url")
    return DuringCommunication(request.purpose, request.auth_method, request.comm_url, request.attr_url)
