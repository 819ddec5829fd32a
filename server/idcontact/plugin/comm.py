"""Base of communication plugins. The author writes what people see; everything of the protocol is here."""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any, Final

import msgspec
from starlette.exceptions import HTTPException
from starlette.responses import Response

from idcontact.applications import application
from idcontact.bodies import FORM_BODY, MACHINE_BODY, decode_form, decode_json, read_body
from idcontact.browser import new_browser
from idcontact.errors import BadRequest, IdContactError, NotFound, PluginError, TokenRejected
from idcontact.languages import known
from idcontact.limits import Limit, client_address
from idcontact.openapi import ApiResource, ApiRoute
from idcontact.pem import PrivatePem
from idcontact.plugin import operations
from idcontact.plugin.bound import is_a_look_ahead
from idcontact.plugin.contact import CommSessions, Received
from idcontact.protocol import CommunicationStarted, StartCommunication
from idcontact.receipts import came_along
from idcontact.results import ResultMethod, result_check
from idcontact.security import PagePolicy, check_origin
from idcontact.settings_values import Minutes
from idcontact.urls import split_web_url, with_query

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence

    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.routing import BaseRoute
    from starlette.types import ASGIApp

    from idcontact.languages import Language
    from idcontact.pages import Pages
    from idcontact.plugin.contact import CommSession, Way
    from idcontact.plugin.host import PluginHost

ACTIVITY_PAUSE: Final = 60
"""Seconds between two updates about the same person's activity."""

_logger = logging.getLogger(__name__)


class CommSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What every communication plugin has to be told.

    `decrypt_key`: private key that auth results are encrypted to. `auth_methods`: whose results are accepted.
    `attr_url`: whether results are asked for from server to server; if not, in the address of the landing (`result=`).
    `lifetime`: how long a session is kept, from its start. `landing_limit`: how often one address may bring a result in
    the address of a landing.
    """

    decrypt_key: PrivatePem
    auth_methods: list[ResultMethod]
    attr_url: bool = True
    lifetime: Minutes = Minutes(60 * 60)
    landing_limit: Limit = Limit(60, 600)


class CommPlugin(ABC):
    """A communication plugin: `show` and `act` are its author's.

    The kit takes `start_communication` and the auth result, whichever way it comes; checks it once, when it comes; and
    keeps the session sealed, for a limited time, bound to the person's browser.
    """

    def __init__(self, host: PluginHost, settings: CommSettings, *, pages: Pages | None = None) -> None:
        """`pages`: the host's, extended with the plugin's own. Raises SettingsError for keys that cannot be used."""
        self.host = host
        self.pages = pages or host.pages
        self._results = result_check(settings.decrypt_key, settings.auth_methods, f"plugins.{host.name}")
        self._by_attr_url = settings.attr_url
        self._landing_limit = settings.landing_limit
        self._sessions = CommSessions(host.records, settings.lifetime)
        self._public = self._application(
            [
                ApiResource(
                    "/session/{session}",
                    {"GET": (self._shown, operations.TALK), "POST": (self._acted, operations.ACT_TALKING)},
                ),
                *self.more_routes(),
            ]
        )
        self._internal = self._application(
            [
                ApiRoute(
                    "/start_communication", self._started, methods=["POST"], operation=operations.START_COMMUNICATION
                ),
                ApiRoute("/attr/{place}", self._delivered, methods=["POST"], operation=operations.ATTR),
                ApiRoute("/cancel/{place}", self._cancelled, methods=["POST"], operation=operations.CANCEL),
            ]
        )

    # --- the author's ---

    @abstractmethod
    async def show(self, request: Request, session: CommSession) -> Response:
        """What the person sees. `session.state` says whether there is an auth result, or one is awaited, or failed."""

    async def act(self, request: Request, session: CommSession, fields: Mapping[str, str]) -> Response:
        """A form that a page of the session posted to its own address."""
        raise NotFound("there is no form here")

    async def check(self, purpose: str) -> None:
        """Raise BadRequest when this plugin does nothing for that purpose."""
        del purpose  # most do the same for all

    def more_routes(self) -> Sequence[BaseRoute]:
        """Further public routes. They find their session by `session_of`."""
        return ()

    @asynccontextmanager
    async def lifespan(self) -> AsyncIterator[None]:
        """What the plugin needs to have open while it works."""
        yield

    # --- for the author ---

    async def session_of(self, request: Request, session_id: str) -> CommSession:
        """The session, when it is of the browser that asks. Raises NotAllowed, Gone."""
        return await self._sessions.of_browser(session_id, self._sessions.browser_in(request, session_id))

    async def keep(self, session: CommSession, own: bytes) -> CommSession | None:
        """Keep something with the session, as its `own`; None when it has changed since it was read."""
        return await self._sessions.keep(session, own)

    async def active(self, session: CommSession) -> CommSession:
        """The person does something: tell the authentication plugin that asked to hear of it, once a minute at most.

        The session to go on with.
        """
        now = self.host.clock()
        received = session.received
        if received is None or received.session_url is None or now < session.kept.active_at + ACTIVITY_PAUSE:
            return session
        told = await self._sessions.replace(session, active_at=now)
        if told is None:
            return session
        await self._update(received.session_url, "user_active")
        return told

    async def end(self, session: CommSession) -> None:
        """Forget the session, and log the person out at the authentication plugin that asked to hear of it."""
        await self._sessions.forget(session.id)
        if session.received is not None and session.received.session_url is not None:
            await self._update(session.received.session_url, "logout")

    def language(self, request: Request, session: CommSession) -> Language:
        """What the page asks for by `?lang=`; otherwise what the core said; otherwise what the browser prefers."""
        told = None if "lang" in request.query_params else known(session.language)
        return told or self.pages.language(request)

    def page(self, request: Request, session: CommSession, template: str, **values: Any) -> Response:
        """A page of the session, in the person's language. Its address is not told to any other site.

        A form on it may be answered by a 303 to where the person came from.
        """
        back = [] if session.return_url is None else [session.return_url]
        policy = PagePolicy(form_targets=back, referrer="no-referrer")
        language = self.language(request, session)
        return self.pages.render(request, template, language=language, policy=policy, **values)

    def method_name(self, tag: str, language: str) -> str:
        """What people call the authentication method of that tag; the tag, when the settings no longer have it."""
        method = self._results.methods.get(tag)
        return tag if method is None else method.name.get(language)

    def attribute_name(self, tag: str, language: str) -> str:
        """What people call an attribute."""
        labels = self.host.attribute_labels
        return labels[tag].get(language) if tag in labels else tag

    # --- the kit's ---

    @property
    def public(self) -> ASGIApp:
        """Pages for people: `/session/{session}`, and the author's further routes."""
        return self._public

    @property
    def internal(self) -> ASGIApp:
        """`POST /start_communication` and the attr_urls."""
        return self._internal

    def _application(self, routes: Sequence[BaseRoute]) -> Starlette:
        handlers = {IdContactError: self.pages.handle, HTTPException: self.pages.handle}
        return application(routes, handlers)

    # --- machines ---

    async def _started(self, request: Request) -> Response:
        message = decode_json(await read_body(request, MACHINE_BODY), StartCommunication)
        await self.check(message.purpose)
        context = message.context
        if context is not None and context.return_url is not None and split_web_url(context.return_url) is None:
            raise BadRequest("expected an http or https URL", field="context.return_url")
        brought = await came_along(message, self.host.receipts, self.host.clock())
        received = self._read(brought.token, "start", brought.received_at) if brought is not None else None
        awaits = received is not None or context is None or context.auth != "none"
        places = await self._sessions.begin(message.purpose, context, awaits=awaits)
        if received is not None:
            await self._bring(places.session, received, used=brought is not None and brought.used)
        is_to_come = awaits and received is None
        internal = self.host.internal_url
        started = CommunicationStarted(
            client_url=self._address(places.session),
            attr_url=f"{internal}/attr/{places.attr}" if is_to_come and self._by_attr_url else None,
            cancel_url=f"{internal}/cancel/{places.cancel}" if is_to_come else None,
        )
        return Response(msgspec.json.encode(started), media_type="application/json")

    async def _bring(self, session_id: str, received: Received, *, used: bool) -> None:
        try:
            await self._sessions.receive(await self._sessions.find(session_id), received, used=used)
        except IdContactError:
            await self._sessions.forget(session_id)  # nobody hears of this session
            raise

    async def _delivered(self, request: Request) -> Response:
        """`POST attr_url`: a bad token is 400, checked first; an unknown place 404; the same token again 200."""
        received = self._read((await read_body(request, MACHINE_BODY)).strip(), "attr_url")
        await self._sessions.receive(await self._sessions.at_attr(request.path_params["place"]), received)
        return Response(status_code=200)

    async def _cancelled(self, request: Request) -> Response:
        """`POST cancel_url`: the core could not go on, and nobody will come. Safe to repeat."""
        with suppress(NotFound):
            await self._sessions.cancel(request.path_params["place"])
        return Response(status_code=200)

    def _read(self, token: bytes | str, way: Way, received_at: float | None = None) -> Received:
        """Check a token as of when it was received, which is now, and never again. Raises TokenRejected."""
        now = self.host.clock() if received_at is None else received_at
        read = self._results.read(token, now)
        return Received(
            way=way,
            method=read.method,
            status=read.result.status,
            level=read.result.acr or self._results.methods[read.method].level,
            identified_at=read.result.auth_time or read.issued_at,
            received_at=int(now),
            attributes=read.result.attributes,
            session_url=read.result.session_url,
            digest=read.digest,
            expires_at=read.expires_at,
        )

    async def _update(self, session_url: str, kind: str) -> None:
        """An update about a session (WIRE, "Authentication plugin"). Whatever is answered, it is over."""
        try:
            await self.host.outgoing.post(with_query(session_url, f"type={kind}"), b"", plugin=self.host.name)
        except PluginError as error:
            # Not where to: an address of a session is a capability.
            _logger.info("an update about a session did not arrive: %s", error.reason or error.code)

    # --- people ---

    async def _shown(self, request: Request) -> Response:
        if is_a_look_ahead(request):
            return Response(status_code=503)
        session_id: str = request.path_params["session"]
        browser = self._sessions.browser_in(request, session_id) or new_browser()
        received = await self._in_address(request, session_id, browser)
        session = await self._sessions.bind(session_id, browser)
        if received is None:
            response = await self.show(request, session)
        else:
            await self._take_from_address(session, received)
            response = self._without_query(session)
        self._sessions.set_browser(response, session_id, browser)
        return response

    async def _in_address(self, request: Request, session_id: str, browser: str) -> Received | None:
        """The auth result of `result=`, if there is one. Reading it is dear: only who may open the page gets that done,
        so often and no oftener. Nothing is bound to a browser yet; what is no result changes nothing.
        """
        tokens = request.query_params.getlist("result")
        if not tokens:
            return None
        await self._sessions.open_to(session_id, browser)
        await self.host.limiter.hit(f"{self.host.name}-landing", client_address(request), self._landing_limit)
        if len(tokens) > 1:
            raise TokenRejected("more than one result")
        return self._read(tokens[0], "address")

    async def _take_from_address(self, session: CommSession, received: Received) -> None:
        try:
            await self._sessions.receive(session, received)
        except NotFound:
            # The person came for the page, and gets it; what it was not waiting for is not used.
            _logger.info("an auth result in an address was dropped: none was awaited there")

    def _without_query(self, session: CommSession) -> Response:
        """At once to the same address without the token in it."""
        headers = {
            "Location": self._address(session.id),
            "Referrer-Policy": "no-referrer",
            "Cache-Control": "no-store",
        }
        return Response(status_code=303, headers=headers)

    def _address(self, session_id: str) -> str:
        return f"{self.host.public_url}/session/{session_id}"

    async def _acted(self, request: Request) -> Response:
        check_origin(request, self.host.own_origins)
        session = await self.session_of(request, request.path_params["session"])
        return await self.act(request, session, decode_form(await read_body(request, FORM_BODY)))
