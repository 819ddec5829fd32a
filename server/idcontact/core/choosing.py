"""Where who identified first chooses how to talk: `GET /choose/{handle}`, whole without JavaScript.

And where their results come in: `POST /result/{handle}.{secret}` of the core's internal routes, or in `result=` of the
page itself, for auth plugins that cannot reach those.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from starlette.responses import Response

from idcontact.bodies import MACHINE_BODY, read_body
from idcontact.core import operations
from idcontact.core.plain import Question, choice_of, contact_path, image_sources
from idcontact.core.split import place_of
from idcontact.errors import Gone, IdContactError, TokenRejected
from idcontact.languages import FIRST, known
from idcontact.limits import client_address
from idcontact.openapi import ApiRoute
from idcontact.pages import Back
from idcontact.security import PagePolicy, plugin_targets

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from starlette.requests import Request

    from idcontact.core.http import Limiter
    from idcontact.core.options import Purpose, Purposes
    from idcontact.core.plain import Choice, Offers
    from idcontact.core.split import Found, Identification, Split
    from idcontact.languages import Language
    from idcontact.limits import Limit
    from idcontact.pages import Pages

PATIENCE: Final = 60.0
"""Seconds after somebody came back that their result is waited for: plugins deliver it before."""
_LOOK_EVERY: Final = 0.25
_LOOKS: Final = 16
"""How often the result is looked for before a page is sent that comes back by itself, without any script."""
_COME_BACK: Final = 3  # seconds

_HURRY: Final = 30.0
"""Seconds before a token expires from which its identification has to be repeated for a plugin elsewhere."""


@dataclass(frozen=True)
class _Offered:
    """Ways to talk, and those for which one has to identify once more. `closed`: what to say where none is open."""

    ways: Sequence[Choice] = ()
    again: Sequence[Choice] = ()
    closed: str | None = None

    @property
    def all(self) -> list[Choice]:
        """All of them."""
        return [*self.ways, *self.again]


@dataclass(frozen=True, kw_only=True)
class Choosing:
    """The routes. `limit` is of one address, for results in the address of the page. `clock`: seconds since 1970."""

    split: Split
    purposes: Purposes
    offers: Offers
    pages: Pages
    public_url: str
    limiter: Limiter
    limit: Limit
    clock: Callable[[], float]
    wait: Callable[[float], Awaitable[None]] = asyncio.sleep

    def routes(self) -> list[ApiRoute]:
        """For browsers."""
        return [ApiRoute("/choose/{handle}", self.choose, methods=["GET"], operation=operations.CHOOSE)]

    def internal_routes(self) -> list[ApiRoute]:
        """For auth plugins; never routed publicly."""
        return [ApiRoute("/result/{place}", self.deliver, methods=["POST"], operation=operations.KEEP_RESULT)]

    async def deliver(self, request: Request) -> Response:
        """`POST attr_url`: a bad token is 400, checked first; an unknown place 404; the same token again 200."""
        token = _text((await read_body(request, MACHINE_BODY)).strip())
        read = self.split.read(token)
        handle, secret = place_of(request.path_params["place"])
        await self.split.take(handle, token, read, secret)
        return Response(status_code=200)

    async def choose(self, request: Request) -> Response:
        """The page. Changes nothing, but for taking a `result=` that an auth plugin appended."""
        found = await self.split.find(request.path_params["handle"], request.cookies)
        try:
            if "result" in request.query_params and request.method == "GET":
                return await self._landing_with_result(request, found)
            return await self._shown(request, await self._with_result(await self.split.landed(found)))
        except IdContactError as error:
            back = Back(self._start_page(found.identification), "retry")
            return self.pages.error_response(
                request, error, language=_language(request, found.identification), back=back
            )

    async def _landing_with_result(self, request: Request, found: Found) -> Response:
        """Take the result, and go on to the address without it."""
        await self.limiter.hit("choose", client_address(request), self.limit)
        results = request.query_params.getlist("result")
        if len(results) > 1:
            raise TokenRejected("more than one result")
        await self.split.take(found.handle, results[0], self.split.read(results[0]))
        headers = {"Location": request.url.path, "Referrer-Policy": "no-referrer", "Cache-Control": "no-store"}
        return Response(status_code=303, headers=headers)

    async def _with_result(self, found: Found) -> Found:
        """As soon as a result is there, for a few seconds: the answer waits, rather than the person."""
        for _ in range(_LOOKS):
            if found.identification.status != "begun" or self._late(found.identification):
                return found
            await self.wait(_LOOK_EVERY)
            found = await self.split.again(found)
        return found

    def _late(self, identification: Identification) -> bool:
        return self.clock() - (identification.landed_at or self.clock()) > PATIENCE

    async def _shown(self, request: Request, found: Found) -> Response:
        identification = found.identification
        match identification.status:
            case "begun" if not self._late(identification):
                waiting = self._page(request, found, "waiting", _Offered())
                waiting.headers["Refresh"] = str(_COME_BACK)
                return waiting
            case "begun":
                return await self._not_identified(request, found, "missing")
            case "failed":
                return await self._not_identified(request, found, "failed")
            case "given":
                return await self._identified(request, found)
            case "spent":
                raise Gone("this identification was used already; start again")

    async def _identified(self, request: Request, found: Found) -> Response:
        identification = found.identification
        purpose = self.purposes.find(identification.purpose)
        ways = await self._ways(purpose, _language(request, identification))
        expired = (identification.expires_at or 0) <= self.clock() + _HURRY
        # A plugin elsewhere checks the token's time itself, so for that one has to identify once more.
        again = [way for way in ways if expired and purpose.comm_method(way.value).channel is None]
        offered = _Offered([way for way in ways if way not in again], again, closed=_closed(ways))
        return self._page(request, found, "given", offered)

    async def _not_identified(self, request: Request, found: Found, state: Literal["missing", "failed"]) -> Response:
        purpose = self.purposes.find(found.identification.purpose)
        ways = await self._ways(purpose, _language(request, found.identification))
        offered = _Offered(ways if purpose.allow_unauthenticated else [], closed=_closed(ways))
        return self._page(request, found, state, offered)

    async def _ways(self, purpose: Purpose, language: Language) -> list[Choice]:
        options = await self.offers.of(purpose, language)
        return [
            choice_of(method, self.pages, language, self.public_url, self.clock()) for method in options.comm_methods
        ]

    def _page(
        self,
        request: Request,
        found: Found,
        state: Literal["waiting", "missing", "failed", "given"],
        offered: _Offered,
    ) -> Response:
        identification = found.identification
        language = _language(request, identification)
        purpose = self.purposes.find(identification.purpose)
        # The handle that this page knows opens nothing without the cookie, which no form carries elsewhere.
        targets = plugin_targets(self.public_url)
        return self.pages.render(
            request,
            "choose.html",
            language=language,
            policy=PagePolicy(form_targets=targets, images=image_sources(offered.all), referrer="no-referrer"),
            state=state,
            handle=found.handle,
            purpose=purpose.tag,
            name=purpose.name.get(language) if purpose.name is not None else "",
            method=identification.method,
            method_name=purpose.auth_method(identification.method).name.get(language),
            comm=Question("comm_method", offered.ways, None),
            closed=offered.closed,
            again=offered.again,
            return_url=identification.return_url or "",
        )

    def _start_page(self, identification: Identification) -> str:
        kept = {"lang": identification.language, "return_url": identification.return_url or ""}
        return contact_path(identification.purpose, **kept)


def _closed(ways: Sequence[Choice]) -> str | None:
    """What is said where nobody can be talked to; None where somebody can."""
    return None if any(way.is_open for way in ways) else next((way.note for way in ways), "")


def _language(request: Request, identification: Identification) -> Language:
    """What is asked for here, else what the person began in."""
    return known(request.query_params.get("lang")) or known(identification.language) or FIRST


def _text(token: bytes) -> str:
    """The token as text; what is not ASCII is none, and is refused as one."""
    return token.decode("ascii", "replace")
