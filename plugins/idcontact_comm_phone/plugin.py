"""The routes of the telephone: for cores and authentication plugins, and for the contact centre's platform."""

from __future__ import annotations

import hmac
import logging
from contextlib import asynccontextmanager, nullcontext
from typing import TYPE_CHECKING, Final

import msgspec
from starlette.exceptions import HTTPException
from starlette.responses import Response

from idcontact.applications import application
from idcontact.bodies import MACHINE_BODY, decode_json, read_body
from idcontact.errors import IdContactError, NotAuthenticated
from idcontact.limits import client_address
from idcontact.openapi import JSON_TYPE, ApiRoute
from idcontact.plugin import operations as kit
from idcontact.protocol import CommunicationStarted, StartCommunication
from idcontact.receipts import came_along
from idcontact.results import result_check
from idcontact.tokens import status_in
from idcontact_comm_phone import operations
from idcontact_comm_phone.guesses import Guesses
from idcontact_comm_phone.messages import LinkPhone, SessionInfo, TelephoneResult
from idcontact_comm_phone.sessions import PhoneSessions, Result

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.routing import BaseRoute
    from starlette.types import ASGIApp

    from idcontact.plugin import PluginHost
    from idcontact.settings_values import Secret
    from idcontact_comm_phone.settings import PhoneSettings

_NAMES: Final = b"idcontact_comm_phone: names in the store"

_logger = logging.getLogger(__name__)


class CommPhone:
    """The plugin. It has no pages: people see their number and code where the core, or a website, shows them."""

    def __init__(self, host: PluginHost, settings: PhoneSettings) -> None:
        """Raises SettingsError for keys that cannot be used. What the settings leave open is said in the log."""
        self._host = host
        self._settings = settings
        if settings.link_secret is None:
            _logger.warning("plugins.%s: without link_secret, whoever reaches link_phone can tie calls", host.name)
        if settings.info_secret is None:
            _logger.warning("plugins.%s: without info_secret, whoever reaches session_info is answered", host.name)
        self._results = result_check(settings.decrypt_key, settings.auth_methods, f"plugins.{host.name}")
        key = "".join(settings.decrypt_key.value().split()).encode()
        self._sessions = PhoneSessions(host.records, hmac.digest(key, _NAMES, "sha256"), settings.idle)
        self._guesses = Guesses(host.limiter, host.name, settings.tries_of_call, settings.wrong_codes)
        self._public = self._application([])
        self._internal = self._application(
            [
                ApiRoute("/start_communication", self._started, methods=["POST"], operation=kit.START_COMMUNICATION),
                ApiRoute("/session_result/{code}", self._delivered, methods=["POST"], operation=operations.RESULT),
                ApiRoute("/cancel/{place}", self._cancelled, methods=["POST"], operation=kit.CANCEL),
                ApiRoute("/link_phone", self._linked, methods=["POST"], operation=operations.LINK),
                ApiRoute("/session_info/{sessionid:path}", self._told, methods=["GET"], operation=operations.INFO),
                ApiRoute("/clean_db", self._cleaned, methods=["GET"], operation=operations.CLEAN),
            ]
        )

    @property
    def public(self) -> ASGIApp:
        """Nothing: all of it is for machines."""
        return self._public

    @property
    def internal(self) -> ASGIApp:
        """All of it."""
        return self._internal

    @asynccontextmanager
    async def lifespan(self) -> AsyncIterator[None]:
        """Nothing needs opening."""
        yield

    def _application(self, routes: Sequence[BaseRoute]) -> Starlette:
        handlers = {IdContactError: self._refused, HTTPException: self._host.pages.handle}
        return application(routes, handlers)

    async def _refused(self, request: Request, error: Exception) -> Response:
        response = await self._host.pages.handle(request, error)
        if isinstance(error, NotAuthenticated):
            response.headers["WWW-Authenticate"] = "Bearer"  # RFC 9110 section 15.5.2
        return response

    # --- the core, and authentication plugins ---

    async def _started(self, request: Request) -> Response:
        message = decode_json(await read_body(request, MACHINE_BODY), StartCommunication)
        brought = await came_along(message, self._host.receipts, self._host.clock())
        result = self._read(brought.token, brought.received_at) if brought is not None else None
        is_to_come = result is None and (message.context is None or message.context.auth != "none")
        places = await self._sessions.begin(message.purpose, awaits=is_to_come or result is not None)
        if result is not None:
            await self._bring(places.code, result, used=brought is not None and brought.used)
        internal = self._host.internal_url
        started = CommunicationStarted(
            client_url=f"tel:{self._settings.phonenumber},{places.dtmf}",
            attr_url=f"{internal}/session_result/{places.code}" if is_to_come else None,
            cancel_url=f"{internal}/cancel/{places.cancel}" if is_to_come else None,
        )
        return Response(msgspec.json.encode(started), media_type=JSON_TYPE)

    async def _bring(self, code: str, result: Result, *, used: bool) -> None:
        try:
            await self._sessions.receive(code, result, self._host.clock(), used=used)
        except IdContactError:
            await self._sessions.forget(code)  # nobody hears of this session
            raise

    async def _delivered(self, request: Request) -> Response:
        """`POST attr_url`: a bad token is 400, checked first; an unknown code 404; the same token again 200."""
        now = self._host.clock()
        result = self._read((await read_body(request, MACHINE_BODY)).strip(), now)
        await self._sessions.receive(request.path_params["code"], result, now)
        return Response(status_code=200)

    async def _cancelled(self, request: Request) -> Response:
        """`POST cancel_url`: the core could not go on, and nobody will call. Safe to repeat."""
        await self._sessions.cancel(request.path_params["place"])
        return Response(status_code=200)

    def _read(self, token: bytes | str, received_at: float) -> Result:
        """Check a token as of when it was received, and never again. Raises TokenRejected."""
        read = self._results.read(token, received_at)
        return Result(read.result.status, read.result.attributes, read.result.session_url, read.digest, read.expires_at)

    # --- the contact centre's platform ---

    async def _linked(self, request: Request) -> Response:
        _authenticate(request, self._settings.link_secret)
        message = decode_json(await read_body(request, MACHINE_BODY), LinkPhone)
        async with self._guesses.attempt(self._sessions.key_of(message.sessionid), client_address(request)):
            await self._sessions.link(message.dtmf, message.sessionid)
        return Response(status_code=200)

    async def _told(self, request: Request) -> Response:
        secret = self._settings.info_secret
        _authenticate(request, secret)
        async with self._guesses.question(client_address(request)) if secret is None else nullcontext():
            session = await self._sessions.of_call(request.path_params["sessionid"])
        info = SessionInfo(purpose=session.purpose, auth_result=self._as_published(session.result))
        return Response(msgspec.json.encode(info), headers={"Cache-Control": "no-store"}, media_type=JSON_TYPE)

    def _as_published(self, result: Result | None) -> TelephoneResult | None:
        if result is None:
            return None
        return TelephoneResult(
            status=status_in(self._settings.dialect, result.status),
            attributes=result.attributes,
            session_url=result.session_url,
        )

    async def _cleaned(self, request: Request) -> Response:
        """`GET /clean_db`: what platforms and timers of the published plugin still call. It expires by itself here."""
        del request
        return Response(status_code=200)


def _authenticate(request: Request, secret: Secret | None) -> None:
    """Raises NotAuthenticated, where there is a secret and the request does not bring it (RFC 6750 section 2.1)."""
    if secret is None:
        return
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not hmac.compare_digest(given.encode("latin-1"), secret.value().encode()):
        raise NotAuthenticated("expected the secret of the settings, as Authorization: Bearer")
