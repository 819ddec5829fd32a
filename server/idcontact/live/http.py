"""The HTTP side of live: start_communication and attr_url for machines, landing and page for people.

The door for people: a `client_url` carries a ticket. GET shows a page and changes nothing (a link scanner may look);
its POST exchanges the ticket for a cookie; the first cookie that comes back spends the ticket and counts as landing.
"""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec
from starlette.responses import RedirectResponse, Response

from idcontact.bodies import MACHINE_BODY, decode_json, read_body
from idcontact.browser import has_started
from idcontact.errors import (
    BadRequest,
    Gone,
    IdContactError,
    NotAllowed,
    NotFound,
    OtherBrowser,
    TokenRejected,
)
from idcontact.languages import FIRST, known
from idcontact.limits import client_address
from idcontact.live import operations as ops
from idcontact.live.conversation_state import Auth, AuthStatus, Conversation
from idcontact.live.entrances import cookie_name, holds_cookie
from idcontact.live.happenings import CalledOff, Landed
from idcontact.live.keys import hashed, new_id, new_secret
from idcontact.openapi import ApiResource, ApiRoute
from idcontact.protocol import CommunicationStarted, StartCommunication
from idcontact.security import PagePolicy
from idcontact.urls import split_web_url

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection

    from starlette.requests import HTTPConnection, Request
    from starlette.routing import WebSocketRoute

    from idcontact.limits import Limiter
    from idcontact.live.availability import Reception
    from idcontact.live.entrances import Entrances
    from idcontact.live.floor import Floor
    from idcontact.live.results import Brought, Receiver
    from idcontact.live.settings import LiveSettings
    from idcontact.live.stored import Stored
    from idcontact.pages import Pages

_log = logging.getLogger(__name__)
_ID_AND_SECRET = re.compile(r"([a-z2-7]{26})\.([A-Za-z0-9_-]{43})")


@dataclass(frozen=True, kw_only=True)
class LiveHttp:
    """All of it. `internal_url` is where other servers reach `internal_routes`."""

    floor: Floor
    entrances: Entrances
    reception: Reception
    receiver: Receiver
    settings: LiveSettings
    purposes: Collection[str]
    pages: Pages
    limiter: Limiter
    public_url: str
    internal_url: str
    own_origins: Collection[str]

    def internal_routes(self) -> list[ApiRoute]:
        """For the core and for authentication plugins; never routed publicly."""
        answering = self._answering
        return [
            ApiRoute(
                "/start_communication", answering(self.start_communication), methods=["POST"], operation=ops.START
            ),
            ApiRoute(
                "/availability/{purpose:path}",
                answering(self.availability),
                methods=["GET"],
                operation=ops.AVAILABILITY,
            ),
            ApiRoute("/attr/{place}", answering(self.deliver), methods=["POST"], operation=ops.ATTR),
            ApiRoute("/cancel/{place}", answering(self.call_off), methods=["POST"], operation=ops.CANCEL),
        ]

    def public_routes(self) -> list[ApiRoute | WebSocketRoute]:
        """For browsers."""
        answering = self._answering
        return [
            ApiResource(
                "/land/{ticket}",
                {"GET": (answering(self.landing), ops.LANDING), "POST": (answering(self.land), ops.LAND)},
            ),
            ApiRoute("/c/{conversation}", answering(self.conversation), methods=["GET"], operation=ops.CONVERSATION),
            *self.entrances.routes(answering),
        ]

    # --- machines -------------------------------------------------------------------------------------------------

    async def start_communication(self, request: Request) -> Response:
        """`POST /start_communication` (WIRE, communication plugin)."""
        message = decode_json(await read_body(request, MACHINE_BODY), StartCommunication)
        if message.purpose not in self.purposes:
            raise BadRequest("this purpose is not known here", field="purpose")
        brought = await self.receiver.brought(message)
        context = message.context
        if context is not None and context.return_url is not None and split_web_url(context.return_url) is None:
            raise BadRequest("expected an http or https URL", field="context.return_url")
        expected = AuthStatus.PENDING
        if brought is None and context is not None and context.auth == "none":
            expected = AuthStatus.NONE
        ticket, attr = new_secret(), new_secret()
        state = Conversation(
            id=new_id(),
            purpose=message.purpose,
            channel=context.channel if context is not None else "chat",
            language=context.language if context is not None else "",
            created_at=await self.floor.conversations.store.now(),
            auth=Auth(expected),
            browser=context.browser if context is not None else None,
            return_url=context.return_url if context is not None else None,
        )
        secrets = {"ticket": hashed(ticket)}
        takes_result = brought is None and expected is AuthStatus.PENDING
        if takes_result:
            secrets["attr"] = hashed(attr)
        await self.floor.conversations.start(state, secrets)
        if brought is not None:
            await self._give(state.id, brought)
        started = CommunicationStarted(
            client_url=f"{self.public_url}/land/{state.id}.{ticket}",
            attr_url=f"{self.internal_url}/attr/{state.id}.{attr}" if takes_result else None,
            cancel_url=f"{self.internal_url}/cancel/{state.id}.{attr}" if takes_result else None,
        )
        return Response(msgspec.json.encode(started), media_type="application/json")

    async def _give(self, conversation: str, brought: Brought) -> None:
        try:
            await self.receiver.take(conversation, brought.read, used=brought.used)
        except IdContactError:
            # Nobody hears of this conversation: nothing of it is left to expire.
            await self.floor.conversations.happen(conversation, CalledOff())
            raise

    async def availability(self, request: Request) -> Response:
        """`GET /availability/{purpose}`: an unknown one is 404."""
        said = await self.reception.availability(request.path_params["purpose"])
        return Response(msgspec.json.encode(said), media_type="application/json")

    async def deliver(self, request: Request) -> Response:
        """`POST attr_url`: a bad token is 400, checked first; an unknown place 404; the same token again 200."""
        read = self.receiver.check((await read_body(request, MACHINE_BODY)).strip())
        conversation, secret = _parted(request.path_params["place"])
        if not await self.floor.conversations.store.holds(conversation, "attr", secret):
            raise NotFound("no auth result is expected here")
        await self.receiver.take(conversation, read)
        return Response(status_code=200)

    async def call_off(self, request: Request) -> Response:
        """`POST cancel_url`: the identification could not be started, so nobody will come. Safe to repeat."""
        conversation, secret = _parted(request.path_params["place"])
        if await self.floor.conversations.store.holds(conversation, "attr", secret):
            await self.floor.conversations.happen(conversation, CalledOff())
        return Response(status_code=200)

    # --- people ---------------------------------------------------------------------------------------------------

    async def landing(self, request: Request) -> Response:
        """The page of a ticket. Changes nothing, but for taking a `result=` that an auth plugin appended."""
        conversation, ticket = _parted(request.path_params["ticket"])
        if "result" in request.query_params and request.method == "GET":
            return await self._landing_with_result(request, conversation, ticket)
        if await self._has_cookie(request, conversation):
            return _see_other(f"/c/{conversation}")
        if not await self.floor.conversations.store.knows_ticket(conversation, ticket):
            raise Gone("this link was used or has expired; start again")
        return self.pages.render(request, "landing.html", policy=PagePolicy(referrer="no-referrer"))

    async def _landing_with_result(self, request: Request, conversation: str, ticket: str) -> Response:
        """Take the result, and go on to the address without it."""
        await self.limiter.hit("landing", client_address(request), self.settings.landing_limit)
        store = self.floor.conversations.store
        if not await store.knows_ticket(conversation, ticket) and not await self._has_cookie(request, conversation):
            raise Gone("this link was used or has expired; start again")
        results = request.query_params.getlist("result")
        if len(results) > 1:
            raise TokenRejected("more than one result")
        await self.receiver.take(conversation, self.receiver.check(results[0]))
        return _see_other(request.url.path)

    async def land(self, request: Request) -> Response:
        """A ticket for a cookie."""
        await self.limiter.hit("landing", client_address(request), self.settings.landing_limit)
        conversation, ticket = _parted(request.path_params["ticket"])
        if await self._has_cookie(request, conversation):
            return _see_other(f"/c/{conversation}")
        store = self.floor.conversations.store
        state = (await self._load_or_gone(conversation)).state
        if self.settings.other_browser == "refuse" and not _same_browser(request, state):
            raise NotAllowed("this link belongs to another browser; start again in this one")
        cookie = new_secret()
        if await store.exchange(conversation, ticket, cookie) != "ok":
            raise Gone("this link was used or has expired; start again")
        response = _see_other(f"/c/{conversation}")
        response.set_cookie(
            cookie_name(conversation),
            cookie,
            max_age=self.settings.longest,
            path="/",
            secure=True,
            httponly=True,
            samesite="lax",
        )
        return response

    async def conversation(self, request: Request) -> Response:
        """The page of a conversation, for who holds its cookie."""
        conversation = request.path_params["conversation"]
        if not await self._has_cookie(request, conversation):
            raise OtherBrowser("this page opens only in the browser that the conversation was started in")
        state = (await self._load_or_gone(conversation)).state
        if state.landed_at is None:
            landed = Landed(_same_browser(request, state), self.pages.language(request))
            state = (await self.floor.conversations.happen(conversation, landed)).state
        language = known(state.language) or FIRST
        policy = PagePolicy(referrer="no-referrer")
        return self.pages.render(
            request, "conversation.html", language=language, policy=policy, conversation=conversation
        )

    async def _load_or_gone(self, conversation: str) -> Stored:
        try:
            return await self.floor.conversations.store.load(conversation)
        except NotFound:
            raise Gone("this conversation is over and was deleted, or the link has expired") from None

    async def _has_cookie(self, request: HTTPConnection, conversation: str) -> bool:
        return await holds_cookie(self.floor.conversations.store, request, conversation)

    def _answering(
        self, endpoint: Callable[[Request], Awaitable[Response]]
    ) -> Callable[[Request], Awaitable[Response]]:
        async def answer(request: Request) -> Response:
            try:
                return await endpoint(request)
            except IdContactError as error:
                _log.info("a request was refused: %s", error, extra={"code": error.code})
                return self.pages.error_response(request, error)

        return answer


def _parted(place: str) -> tuple[str, str]:
    """`<conversation>.<secret>`, as tickets and attr_urls carry them."""
    found = _ID_AND_SECRET.fullmatch(place)
    if found is None:
        raise NotFound("there is nothing here")
    return found[1], found[2]


def _same_browser(request: HTTPConnection, state: Conversation) -> bool | None:
    """Whether this browser started the session; None when that is not known."""
    if state.browser is None:
        return None
    return has_started(request.cookies, state.browser)


def _see_other(path: str) -> RedirectResponse:
    return RedirectResponse(path, status_code=303)
