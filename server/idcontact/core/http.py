"""The core's public routes: `GET /session_options`, `GET /session_options/{purpose}`, `POST /start`."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final, Protocol, TypeAlias

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from idcontact.bodies import (
    FORM_BODY,
    FORM_TYPE,
    MACHINE_BODY,
    decode_form,
    decode_json,
    fit,
    header,
    headers_of,
    media_type,
    read_body,
)
from idcontact.browser import browser_digest, new_browser, remember_browser
from idcontact.core import operations
from idcontact.core.accept import prefers_json
from idcontact.core.kinds import IdentifyFirst, WithKeptResult, kind_of, signed_kind_of
from idcontact.core.plain import contact_path
from idcontact.core.split import is_handle
from idcontact.core.start import Visitor
from idcontact.errors import BadRequest, Gone, IdContactError, NotAllowed, OtherBrowser, WrongMediaType
from idcontact.languages import LANGUAGES
from idcontact.limits import client_address
from idcontact.pages import Back, prefers_html
from idcontact.protocol import MAX_ADDRESS, ClientUrl, StartRequest
from idcontact.straight import StraightRoute
from idcontact.urls import origin_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, Mapping

    from starlette.requests import HTTPConnection
    from starlette.types import Receive, Scope, Send

    from idcontact.core.availability import Offers
    from idcontact.core.options import Purposes
    from idcontact.core.signed_requests import SignedRequests
    from idcontact.core.start import Starter
    from idcontact.languages import Language
    from idcontact.limits import Limit
    from idcontact.openapi import ApiRoute

    Endpoint: TypeAlias = Callable[[Request], Awaitable[Response]]

JSON_TYPE: Final = "application/json"
SIGNED_REQUEST_TYPE: Final = "application/jwt"

_logger = logging.getLogger(__name__)


class Limiter(Protocol):
    """Counts what somebody does; `limits.Limiter` is one."""

    async def hit(self, name: str, key: str, limit: Limit) -> None:
        """Count one, or raise TooManyRequests."""


class Speaker(Protocol):
    """Says things to people in their language; `pages.Pages` is one."""

    def language(self, request: HTTPConnection) -> Language:
        """The language that this request asks for."""

    def error_response(
        self, request: HTTPConnection, error: Exception, *, language: Language | None = None, back: Back | None = None
    ) -> Response:
        """An error as a page for a person, with a way back, or as JSON for a program."""


@dataclass(frozen=True, kw_only=True)
class CoreRoutes:
    """What the core's routes are made of. `return_origins` are the websites that a person may be led back to."""

    purposes: Purposes
    offers: Offers
    starter: Starter
    signed_requests: SignedRequests
    speaker: Speaker
    limiter: Limiter
    start_limit: Limit
    return_origins: Collection[str]
    clock: Callable[[], float]

    def routes(self) -> list[ApiRoute]:
        """The routes, the busiest first."""
        start, one, every = (
            _Answering(endpoint, self.speaker) for endpoint in (self.start, self.options, self.all_options)
        )
        return [
            StraightRoute("/session_options/{purpose:path}", one, methods=["GET"], operation=operations.OPTIONS),
            StraightRoute("/start", start, methods=["POST"], operation=operations.START),
            StraightRoute("/session_options", every, methods=["GET"], operation=operations.ALL_OPTIONS),
        ]

    async def all_options(self, request: Request) -> Response:
        """`GET /session_options`."""
        return _options(await self.offers.all_json(self.speaker.language(request)))

    async def options(self, request: Request) -> Response:
        """`GET /session_options/{purpose}`."""
        purpose = self.purposes.find(request.path_params["purpose"])
        return _options(await self.offers.json(purpose, self.speaker.language(request)))

    async def start(self, request: Request) -> Response:
        """`POST /start`: which kind of start it is, the message decides (`kinds.py`)."""
        kind = media_type(request)
        if kind == SIGNED_REQUEST_TYPE:
            return await self._start_by_signed_request(request)
        await self.limiter.hit("start", client_address(request), self.start_limit)
        match kind:
            case "application/json":
                return await self._start_by_json(request)
            case "application/x-www-form-urlencoded":
                return await self._start_by_form(request)
            case _:
                raise WrongMediaType(f"expected {JSON_TYPE}, {FORM_TYPE} or {SIGNED_REQUEST_TYPE}")

    async def _start_by_json(self, request: Request) -> Response:
        self._check_origin(request)
        message = decode_json(await read_body(request, MACHINE_BODY), StartRequest)
        kind = kind_of(message)
        browser = new_browser() if isinstance(kind, IdentifyFirst) else None
        visitor = Visitor(
            language=self.speaker.language(request),
            browser=browser_digest(browser) if browser is not None else None,
            cookies=request.cookies if isinstance(kind, WithKeptResult) else {},
        )
        response = await self._go_on(request, await self.starter.start(kind, visitor))
        if browser is not None:  # who identifies first comes back to us, and has to be recognised
            remember_browser(response, browser)
        return response

    async def _start_by_form(self, request: Request) -> Response:
        fields = decode_form(await read_body(request, FORM_BODY))
        language, return_url = self._form_language(request, fields), self._return_url(fields)
        if "auth_handle" not in fields and _hides_its_origin(request):  # a handle works in its own browser alone
            back = self._way_back(fields, language, return_url)
            if back is not None:
                return Response(status_code=303, headers={"Location": back.url})
        self._check_origin(request)
        try:
            kind = kind_of(fit({name: text for name, text in fields.items() if text}, StartRequest))
            browser = new_browser()
            visitor = Visitor(language, return_url, browser_digest(browser), request.cookies)
            response = await self._go_on(request, await self.starter.start(kind, visitor))
        except IdContactError as error:
            _note(error)
            back = _choice_again(fields, language, error) or self._way_back(fields, language, return_url)
            return self.speaker.error_response(request, error, language=language, back=back)
        remember_browser(response, browser)
        return response

    async def _start_by_signed_request(self, request: Request) -> Response:
        """Whose signature holds is not counted: a platform starts for many from one address. Whose does not, is."""
        token = (await read_body(request, MACHINE_BODY)).strip()
        try:
            kind = signed_kind_of(self.signed_requests.read(token, self.clock()))
        except BadRequest:
            await self.limiter.hit("start", client_address(request), self.start_limit)
            raise
        return await self._go_on(request, await self.starter.start(kind, Visitor(self.speaker.language(request))))

    async def _go_on(self, request: Request, client_url: str) -> Response:
        if prefers_json(header(request, b"accept", "*/*")):
            return _Json(ClientUrl(client_url=client_url))
        # Not RedirectResponse: it would rewrite an address that holds a ticket.
        return Response(status_code=303, headers={"Location": await self.starter.for_browser(client_url)})

    def _check_origin(self, request: Request) -> None:
        """What starts a session stands on our own pages or on a website that the settings allow.

        Where the browser hides the origin (`null`), Sec-Fetch-Site has to say that it is our own. What is no browser
        sends neither, and cannot be used against anybody.
        """
        asked = headers_of(request)
        if b"origin" not in asked and b"sec-fetch-site" not in asked:
            return
        origin, site = header(request, b"origin", "null"), header(request, b"sec-fetch-site", "none")
        if origin not in self.return_origins and (origin != "null" or site not in {"none", "same-origin"}):
            raise NotAllowed("this website may not start sessions here; its origin is not in allowed_origins")

    def _form_language(self, request: Request, fields: Mapping[str, str]) -> Language:
        asked = fields.get("lang", "")
        return next((language for language in LANGUAGES if language == asked), self.speaker.language(request))

    def _return_url(self, fields: Mapping[str, str]) -> str | None:
        """Where the person came from, when they may be led back there: anything else would be an open redirect."""
        url = fields.get("return_url", "")
        return url if len(url) <= MAX_ADDRESS and origin_of(url) in self.return_origins else None

    def _way_back(self, fields: Mapping[str, str], language: Language, return_url: str | None) -> Back | None:
        """From a start that failed: to the choice again, where there is one; else to where the person came from."""
        try:
            purpose = self.purposes.find(fields.get("purpose", ""))
        except BadRequest:
            return Back(return_url) if return_url is not None else None
        chosen = {name: fields.get(name, "") for name in ("auth_method", "comm_method")}
        return Back(contact_path(purpose.tag, lang=language, return_url=return_url or "", **chosen), "retry")


@dataclass(frozen=True)
class _Answering:
    """An endpoint, as ASGI: an error is said in the way of the request; one that is none of ours is raised on, too."""

    endpoint: Endpoint
    speaker: Speaker

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer."""
        request = Request(scope, receive)
        try:
            response = await self.endpoint(request)
        except IdContactError as error:
            _note(error)
            response = self.speaker.error_response(request, error)
        except Exception as mistake:
            await self.speaker.error_response(request, mistake)(scope, receive, send)
            raise
        await response(scope, receive, send)


def _hides_its_origin(request: Request) -> bool:
    """Whether somebody comes by a form of a website with `Referrer-Policy: no-referrer` or `same-origin`.

    Those are common, and an allowed website cannot be told from any other by them. So nothing is started, but the
    person is not turned away: they confirm the choice on a page of our own.
    """
    headers = request.headers
    site = headers.get("sec-fetch-site", "cross-site")  # who says nothing of it (Safari before 16.4) is from anywhere
    hidden = headers.get("origin") == "null" and site in {"cross-site", "same-site"}
    return hidden and prefers_html(headers.get("accept", ""))


def _choice_again(fields: Mapping[str, str], language: Language, error: IdContactError) -> Back | None:
    """To where who identified first chooses, unless their identification is used, too old for it, or not theirs."""
    handle = fields.get("auth_handle", "")
    if isinstance(error, OtherBrowser | Gone) or not is_handle(handle):
        return None
    return Back(f"/choose/{handle}?lang={language}", "retry")


def _note(error: IdContactError) -> None:
    if error.status >= 500:
        _logger.warning("a request of the core failed: %s", error)


@lru_cache(maxsize=256)
def _options(written: bytes) -> Response:
    """Who is there changes by the second. Caches tell by `Origin` whether a website may read it."""
    headers = {"Cache-Control": "public, max-age=1", "Vary": "Accept-Language, Origin"}
    return Response(written, headers=headers, media_type=JSON_TYPE)


class _Json(Response):
    """A message as JSON: a Response that makes its two headers itself, and is sent as it is."""

    media_type = JSON_TYPE

    def __init__(self, message: object) -> None:
        self.status_code = 200
        self.background = None
        self.body = msgspec.json.encode(message)
        self.raw_headers = [(b"content-length", b"%d" % len(self.body)), (b"content-type", JSON_TYPE.encode())]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer."""
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        await send({"type": "http.response.body", "body": self.body})
