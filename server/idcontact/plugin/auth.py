"""Base of authentication plugins. The author writes what is the plugin's own; everything of the protocol is here."""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import msgspec
from starlette.exceptions import HTTPException
from starlette.responses import Response

from idcontact.applications import application
from idcontact.bodies import FORM_BODY, MACHINE_BODY, decode_form, decode_json, read_body
from idcontact.browser import new_browser
from idcontact.errors import BadRequest, IdContactError, NotFound, TooLarge
from idcontact.openapi import ApiResource, ApiRoute
from idcontact.pem import PrivatePem, PublicPem
from idcontact.plugin import operations
from idcontact.plugin.bound import is_a_look_ahead
from idcontact.plugin.delivery import deliver, with_result
from idcontact.plugin.session import Sessions
from idcontact.protocol import ClientUrl, StartAuthentication
from idcontact.security import PagePolicy, check_origin, plugin_targets
from idcontact.settings import Origin
from idcontact.tokens import AuthResult, Dialect, EncryptKey, ResultStatus, ResultWriter, SigningKey
from idcontact.urls import origin_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence

    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.routing import BaseRoute
    from starlette.types import ASGIApp

    from idcontact.pages import Pages
    from idcontact.plugin.host import PluginHost
    from idcontact.plugin.session import AuthSession

_logger = logging.getLogger(__name__)


class AuthSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What every authentication plugin has to be told.

    `sign_key`: private key of this plugin. `encrypt_key`: public key of the communication plugin that results are for.
    `allowed_origins`: websites, besides those of this installation, that people may be sent on to and that results
    may be delivered to.
    """

    sign_key: PrivatePem
    encrypt_key: PublicPem
    dialect: Dialect = Dialect.ID_CONTACT
    allowed_origins: list[Origin] = []


class AuthPlugin(ABC):
    """An authentication plugin: `check`, `show` and `act` are its author's, `finish` or `fail` ends a session.

    The kit takes `start_authentication`, keeps the session for 15 minutes and bound to one browser, makes and delivers
    the result, and sends the browser on.
    """

    def __init__(self, host: PluginHost, settings: AuthSettings, *, pages: Pages | None = None) -> None:
        """`pages`: the host's, extended with the plugin's own. Raises SettingsError for keys that cannot be used."""
        self.host = host
        self.pages = pages or host.pages
        self._writer = _writer(settings, f"plugins.{host.name}")
        self._targets = host.allowed_origins | frozenset(settings.allowed_origins)
        self._sessions = Sessions(host.records)
        self._public = self._application(
            [
                ApiResource(
                    "/session/{session}",
                    {"GET": (self._shown, operations.IDENTIFY), "POST": (self._acted, operations.ACT_IDENTIFYING)},
                ),
                *self.more_routes(),
            ]
        )
        start = operations.START_AUTHENTICATION
        self._internal = self._application(
            [ApiRoute("/start_authentication", self._started, methods=["POST"], operation=start)]
        )

    # --- the author's ---

    @abstractmethod
    async def check(self, attributes: Sequence[str]) -> None:
        """Raise BadRequest when one of these attributes cannot be given."""

    @abstractmethod
    async def show(self, request: Request, session: AuthSession) -> Response:
        """What the browser gets first: a page, or a redirect to an identity provider."""

    async def act(self, request: Request, session: AuthSession, fields: Mapping[str, str]) -> Response:
        """A form that a page of the session posted to its own address; usually `finish` or `fail`."""
        raise NotFound("there is no form here")

    def more_routes(self) -> Sequence[BaseRoute]:
        """Further public routes. They find their session by `session_of`."""
        return ()

    @asynccontextmanager
    async def lifespan(self) -> AsyncIterator[None]:
        """What the plugin needs to have open while it works."""
        yield

    # --- for the author ---

    async def finish(
        self,
        session: AuthSession,
        attributes: Mapping[str, str],
        *,
        session_url: str | None = None,
        acr: str | None = None,
    ) -> Response:
        """The person identified. Of `attributes` only those that were asked are passed on. Delivers, and sends on."""
        result = AuthResult(
            status=ResultStatus.SUCCESS,
            attributes={tag: attributes[tag] for tag in session.attributes if tag in attributes},
            session_url=session_url,
            acr=acr,
            auth_time=int(self.host.clock()),
        )
        try:
            token = self._writer.write(result, self.host.clock())
        except TooLarge as error:
            _logger.warning("an auth result of plugin %s cannot be written: %s", self.host.name, error)
            return await self.fail(session)
        return await self._conclude(await self._sessions.finish(session, token))

    async def fail(self, session: AuthSession) -> Response:
        """The person did not identify: refused, cancelled, or was not recognised. Delivers that, and sends on."""
        token = self._writer.write(AuthResult(status=ResultStatus.FAILED), self.host.clock())
        return await self._conclude(await self._sessions.finish(session, token))

    async def session_of(self, request: Request, session_id: str) -> AuthSession:
        """The session, when it is of the browser that asks. Raises NotAllowed, Gone."""
        return await self._sessions.of_browser(session_id, self._sessions.browser_in(request, session_id))

    async def keep(self, session: AuthSession, own: bytes) -> AuthSession | None:
        """Keep something with the session, as its `own`; None when it has changed since it was read."""
        return await self._sessions.keep(session, own)

    def page(self, request: Request, session: AuthSession, template: str, **values: Any) -> Response:
        """A page of the session. Its forms may lead on to the continuation, and to where that leads on to.

        Browsers hold `form-action` against every redirect after a form. Ours end at the continuation; of somebody
        else's installation nobody knows.
        """
        targets = [session.continuation]
        if origin_of(session.continuation) not in self.host.own_origins:
            targets += plugin_targets(self.host.public_url)
        return self.pages.render(request, template, policy=PagePolicy(form_targets=targets), **values)

    # --- the kit's ---

    @property
    def public(self) -> ASGIApp:
        """Pages for people: `/session/{session}`, and the author's further routes."""
        return self._public

    @property
    def internal(self) -> ASGIApp:
        """`POST /start_authentication`."""
        return self._internal

    def _application(self, routes: Sequence[BaseRoute]) -> Starlette:
        handlers = {IdContactError: self.pages.handle, HTTPException: self.pages.handle}
        return application(routes, handlers)

    async def _started(self, request: Request) -> Response:
        message = decode_json(await read_body(request, MACHINE_BODY), StartAuthentication)
        self._check_target(message.continuation, "continuation")
        if message.attr_url is not None:
            self._check_target(message.attr_url, "attr_url")
        elif "#" in message.continuation:
            raise BadRequest("expected a URL without fragment: the result goes into its query", field="continuation")
        await self.check(message.attributes)
        session_id = await self._sessions.begin(message)
        answer = ClientUrl(client_url=f"{self.host.public_url}/session/{session_id}")
        return Response(msgspec.json.encode(answer), media_type="application/json")

    def _check_target(self, url: str, field: str) -> None:
        """Nobody is sent, and no result is delivered, to where the administrator did not allow it."""
        if origin_of(url) not in self._targets:
            raise BadRequest("leads to a website that is not among allowed_origins", field=field)

    async def _shown(self, request: Request) -> Response:
        if is_a_look_ahead(request):
            return Response(status_code=503)
        session_id: str = request.path_params["session"]
        browser = self._sessions.browser_in(request, session_id) or new_browser()
        session = await self._sessions.bind(session_id, browser)
        response = await (self.show(request, session) if session.token is None else self._conclude(session))
        self._sessions.set_browser(response, session_id, browser)
        return response

    async def _acted(self, request: Request) -> Response:
        check_origin(request, self.host.own_origins)
        session = await self.session_of(request, request.path_params["session"])
        return await self.act(request, session, decode_form(await read_body(request, FORM_BODY)))

    async def _conclude(self, session: AuthSession) -> Response:
        """Deliver what a finished session ended with, again when asked again, and send the browser on."""
        token = session.token or ""
        location = session.continuation
        if session.attr_url is None:
            location = with_result(location, token)
        else:
            await deliver(self.host.outgoing, session.attr_url, token, self.host.wait)
        return Response(status_code=303, headers={"Location": location, "Referrer-Policy": "no-referrer"})


def _writer(settings: AuthSettings, where: str) -> ResultWriter:
    sign = SigningKey.from_pem(settings.sign_key.value(), f"{where}.sign_key")
    encrypt = EncryptKey.from_pem(settings.encrypt_key.value(), f"{where}.encrypt_key")
    return ResultWriter(sign, encrypt, settings.dialect)
