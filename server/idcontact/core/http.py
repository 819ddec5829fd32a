"""The core's public routes: `GET /session_options`, `GET /session_options/{purpose}`, `POST /start`."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final, Protocol, TypeAlias

import msgspec
from starlette.responses import Response
from starlette.routing import Route

from idcontact.bodies import (
    FORM_BODY,
    FORM_TYPE,
    MACHINE_BODY,
    decode_form,
    decode_json,
    fit_form,
    media_type,
    read_body,
)
from idcontact.browser import browser_digest, new_browser, remember_browser
from idcontact.core.accept import prefers_json
from idcontact.core.start import Visitor, kind_of
from idcontact.errors import BadRequest, IdContactError, NotAllowed, WrongMediaType
from idcontact.limits import client_address
from idcontact.protocol import ClientUrl, StartRequest
from idcontact.settings_values import LANGUAGES
from idcontact.urls import origin_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence

    from starlette.middleware import Middleware
    from starlette.requests import HTTPConnection, Request

    from idcontact.core.options import Purposes
    from idcontact.core.start import Starter
    from idcontact.limits import Limit

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

    def language(self, request: HTTPConnection) -> str:
        """The language that this request asks for."""

    def error_response(self, request: HTTPConnection, error: Exception) -> Response:
        """An error as a page for a person, or as JSON for a program."""


@dataclass(frozen=True, kw_only=True)
class CoreRoutes:
    """What the core's routes are made of. `return_origins` are the websites that a person may be led back to."""

    purposes: Purposes
    starter: Starter
    speaker: Speaker
    limiter: Limiter
    start_limit: Limit
    return_origins: Collection[str]

    def routes(self, middleware: Sequence[Middleware] = ()) -> list[Route]:
        """The routes. `middleware` goes around each: the place for CORS."""
        around = partial(Route, middleware=list(middleware))
        return [
            around("/session_options", self._answering(self.all_options), methods=["GET"]),
            around("/session_options/{purpose}", self._answering(self.options), methods=["GET"]),
            around("/start", self._answering(self.start), methods=["POST"]),
        ]

    async def all_options(self, request: Request) -> Response:
        """`GET /session_options`."""
        return _json(self.purposes.options(self.speaker.language(request)), {"Vary": "Accept-Language"})

    async def options(self, request: Request) -> Response:
        """`GET /session_options/{purpose}`."""
        purpose = self.purposes.find(request.path_params["purpose"])
        return _json(purpose.options(self.speaker.language(request)), {"Vary": "Accept-Language"})

    async def start(self, request: Request) -> Response:
        """`POST /start`."""
        await self.limiter.hit("start", client_address(request), self.start_limit)
        match media_type(request):
            case "application/json":
                return await self._start_by_json(request)
            case "application/x-www-form-urlencoded":
                return await self._start_by_form(request)
            case "application/jwt":
                raise BadRequest("a signed start request is not offered by this server")
            case _:
                raise WrongMediaType(f"expected {JSON_TYPE} or {FORM_TYPE}")

    async def _start_by_json(self, request: Request) -> Response:
        message = decode_json(await read_body(request, MACHINE_BODY), StartRequest)
        visitor = Visitor(language=self.speaker.language(request))
        return _go_on(request, await self.starter.start(kind_of(message), visitor))

    async def _start_by_form(self, request: Request) -> Response:
        self._check_form_origin(request)
        fields = decode_form(await read_body(request, FORM_BODY))
        message = fit_form(fields, StartRequest)
        browser = new_browser()
        visitor = Visitor(
            language=self._form_language(request, fields),
            return_url=self._return_url(fields),
            browser=browser_digest(browser),
        )
        response = _go_on(request, await self.starter.start(kind_of(message), visitor))
        remember_browser(response, browser)
        return response

    def _check_form_origin(self, request: Request) -> None:
        """A form that starts a session stands on our own pages or on a website that the settings allow.

        Where the browser hides the origin (`null`), Sec-Fetch-Site has to say that it is our own. What is no browser
        sends neither, and cannot be used against anybody.
        """
        origin = request.headers.get("origin", "null")
        site = request.headers.get("sec-fetch-site", "none")
        if origin not in self.return_origins and (origin != "null" or site not in {"none", "same-origin"}):
            raise NotAllowed("this website may not start sessions here; its origin is not in allowed_origins")

    def _form_language(self, request: Request, fields: Mapping[str, str]) -> str:
        asked = fields.get("lang", "")
        return asked if asked in LANGUAGES else self.speaker.language(request)

    def _return_url(self, fields: Mapping[str, str]) -> str | None:
        """Where the person came from, when they may be led back there: anything else would be an open redirect."""
        url = fields.get("return_url", "")
        return url if origin_of(url) in self.return_origins else None

    def _answering(self, endpoint: Endpoint) -> Endpoint:
        async def answer(request: Request) -> Response:
            try:
                return await endpoint(request)
            except IdContactError as error:
                if error.status >= 500:
                    _logger.warning("a request of the core failed: %s", error)
                return self.speaker.error_response(request, error)

        return answer


def _go_on(request: Request, client_url: str) -> Response:
    if prefers_json(request.headers.get("accept", "*/*")):
        return _json(ClientUrl(client_url=client_url))
    # Not RedirectResponse: it would rewrite an address that holds a ticket.
    return Response(status_code=303, headers={"Location": client_url})


def _json(message: object, headers: Mapping[str, str] | None = None) -> Response:
    return Response(msgspec.json.encode(message), headers=dict(headers or {}), media_type=JSON_TYPE)
