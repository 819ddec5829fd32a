"""What the core does in the place of auth plugins that cannot do all of the protocol (WIRE.md, "Shims").

    tel       a plugin that cannot send a browser to a `tel:` address is given a page that shows the number
    attr_url  a plugin that cannot deliver to an attr_url puts the result in the query, and the core delivers it

The first comes before the second, so both combine.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Annotated, Final

import msgspec
from msgspec import Meta
from starlette.responses import Response

from idcontact.core import operations
from idcontact.core.start import Onward
from idcontact.errors import BadRequest, PluginError, SettingsError, TokenRejected
from idcontact.jws import compact, header_of, json_object, payload_signed_by, sign_jws
from idcontact.limits import client_address
from idcontact.openapi import ApiRoute
from idcontact.tokens import SigningKey
from idcontact.urls import is_browser_url, origin_of, split_web_url

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from starlette.requests import Request

    from idcontact.core.http import Limiter
    from idcontact.core.options import AuthMethod
    from idcontact.core.settings import CoreSettings
    from idcontact.core.telephone import Telephone
    from idcontact.limits import Limit
    from idcontact.outgoing import Outgoing

STATE_LIFETIME: Final = 30 * 60
"""Seconds that the state of the attr_url shim holds: as long as somebody may take to identify."""
TEL_LIFETIME: Final = 60 * 60
"""Seconds that a signed telephone continuation holds: as long as the code in it does."""
MAX_RESULT: Final = 8 * 1024
"""Bytes of a result that are passed on: published receivers take no more (WIRE.md)."""

_STATE_ALGORITHM: Final = "HS256"
_BARE_HEADER: Final = {"typ": None}
"""Their header holds `alg` and nothing else, as the published core writes it."""

_logger = logging.getLogger(__name__)

_Seconds = Annotated[float, Meta(ge=0)]


class _State(msgspec.Struct, frozen=True):
    """The claims of the state: where the result goes, and then the browser."""

    attr_url: str
    continuation: str
    iat: _Seconds
    exp: _Seconds


class _TelClaims(msgspec.Struct, frozen=True):
    continuation: str
    iat: int
    exp: int


class Shims:
    """What each auth method is told instead of what the communication plugin said. `clock`: seconds since 1970.

    Raises SettingsError, with every setting that a method needs and that is missing.
    """

    def __init__(
        self,
        settings: CoreSettings,
        public_url: str,
        telephone: Telephone,
        clock: Callable[[], float],
        within: str | None = None,
    ) -> None:
        """`within`: the origin of addresses that only this process reaches, where there are such."""
        mistakes = _missing(settings)
        if mistakes:
            raise SettingsError(mistakes)
        self._mode = settings.tel_shim
        self._public_url = public_url
        self._telephone = telephone
        self._clock = clock
        self._within = within
        self._secret = settings.internal_secret
        self._tel_base = settings.ui_tel_url if settings.tel_shim == "ui" else ""
        pem = settings.ui_signing_privkey
        self._tel_key = None if pem is None else SigningKey.from_pem(pem.value(), "ui_signing_privkey")

    async def lead(self, method: AuthMethod, continuation: str, attr_url: str | None) -> Onward:
        """What `method` is told, so that the person comes to `continuation` and the result to `attr_url`.

        Raises Unavailable.
        """
        shims_tel = continuation.startswith("tel:") and self._shims_tel(method)
        if attr_url is None or not self._delivers(method, attr_url):
            return Onward(await self._shown(continuation) if shims_tel else continuation, attr_url)
        if self._secret is None:  # who cannot reach the attr_url puts the result into the continuation
            return Onward(await self._shown(continuation) if shims_tel else continuation, None)
        # A browser that we send on ourselves dials a number by itself; a bare token would lead it nowhere.
        if shims_tel and self._mode != "bare":
            continuation = await self._shown(continuation)
        return Onward(f"{self._public_url}/auth_attr_shim/{self._state(attr_url, continuation)}", None)

    def _delivers(self, method: AuthMethod, attr_url: str) -> bool:
        """Whether the core delivers in its place: it cannot, or the address is of this process and it is elsewhere."""
        return method.disable_attr_url or (method.plugin is None and origin_of(attr_url) == self._within)

    async def client_url(self, url: str) -> str:
        """Where a browser goes that no auth plugin sends on: a number is shown to it on our own page, if on any.

        Raises Unavailable.
        """
        return await self._shown(url) if url.startswith("tel:") and self._mode == "page" else url

    def read_state(self, state: str) -> Onward:
        """Where a result goes, and then the browser. Raises BadRequest for every state that is not ours, or expired."""
        try:
            claims = self._claims(state)
        except (TokenRejected, msgspec.ValidationError):
            raise _bad_state("is not one that this server signed") from None
        if claims.exp <= self._clock():
            raise _bad_state("has expired: start again")
        if split_web_url(claims.attr_url) is None or not is_browser_url(claims.continuation):
            raise _bad_state("leads nowhere")
        return Onward(claims.continuation, claims.attr_url)

    def _shims_tel(self, method: AuthMethod) -> bool:
        """As the method says, and else as the mode has it: only `ui` waits for it to be said (WIRE.md)."""
        return self._mode != "ui" if method.shim_tel_url is None else method.shim_tel_url

    async def _shown(self, continuation: str) -> str:
        if self._mode == "page" or self._tel_key is None:
            return await self._telephone.page_for(continuation)
        now = int(self._clock())
        claims = _TelClaims(continuation, now, now + TEL_LIFETIME)
        token = sign_jws(msgspec.json.encode(claims), self._tel_key.native, self._tel_key.algorithm, _BARE_HEADER)
        return f"{self._tel_base}{token}"

    def _state(self, attr_url: str, continuation: str) -> str:
        now = int(self._clock())
        claims = _State(attr_url, continuation, now, now + STATE_LIFETIME)
        return sign_jws(msgspec.json.encode(claims), self._key(), _STATE_ALGORITHM, _BARE_HEADER)

    def _claims(self, state: str) -> _State:
        token = compact(state, 3, "not a JWS in compact form")
        header_of(token)
        payload = payload_signed_by(token, self._key(), _STATE_ALGORITHM)
        if payload is None:
            raise TokenRejected("not signed by internal_secret")
        return msgspec.convert(json_object(payload, "the payload"), _State)

    def _key(self) -> bytes:
        """The bytes of the secret as it is written (WIRE.md). Without one, nothing was signed."""
        if self._secret is None:
            raise _bad_state("is not one that this server signed")
        return self._secret.value().encode()


class AttrUrlShim:
    """`GET /auth_attr_shim/{state}?result=`: delivers for auth plugins that cannot."""

    def __init__(self, shims: Shims, outgoing: Outgoing, limiter: Limiter, limit: Limit) -> None:
        """`limit`: of one address, since each of these requests makes another."""
        self._shims = shims
        self._outgoing = outgoing
        self._limiter = limiter
        self._limit = limit

    def routes(self) -> list[ApiRoute]:
        """The public route."""
        return [ApiRoute("/auth_attr_shim/{state}", self.pass_on, methods=["GET"], operation=operations.ATTR_URL_SHIM)]

    async def pass_on(self, request: Request) -> Response:
        """Deliver the result, and send the browser on.

        A state may come back: a browser loads a page again, and who receives a result takes it once. Without a result,
        as published plugins come back after a failure, there is nothing to deliver. Raises BadRequest, TokenRejected.
        """
        await self._limiter.hit("auth_attr_shim", client_address(request), self._limit)
        onward = self._shims.read_state(request.path_params["state"])
        results = request.query_params.getlist("result")
        if results and request.method == "GET":  # HEAD asks where it leads, and delivers nothing
            await self._deliver(onward.attr_url or "", _only(results))
        # Not RedirectResponse: it would rewrite an address that holds a ticket.
        headers = {"Location": onward.continuation, "Referrer-Policy": "no-referrer", "Cache-Control": "no-store"}
        return Response(status_code=303, headers=headers)

    async def _deliver(self, attr_url: str, result: str) -> None:
        """Once, since it may have arrived. Whatever comes of it, the person goes on (WIRE.md)."""
        try:
            answer = await self._outgoing.post(
                attr_url, result.encode("ascii"), content_type="application/jwt", plugin="attr_url"
            )
        except PluginError as error:
            # Not where to: the address of a result is a capability.
            _logger.warning("an auth result could not be delivered: %s", error.reason or error.code)
            return
        if not answer.is_success:
            _logger.warning("an auth result was refused where it was delivered: status %d", answer.status)


def _only(results: Sequence[str]) -> str:
    """The one result. What cannot be one is delivered to nobody."""
    if len(results) > 1:
        raise TokenRejected("more than one result")
    if len(results[0]) > MAX_RESULT:
        raise TokenRejected(f"longer than {MAX_RESULT} bytes")
    return compact(results[0], 5, "not a JWE in compact form")


def _bad_state(what: str) -> BadRequest:
    return BadRequest(what, field="state")


def _missing(settings: CoreSettings) -> list[str]:
    """What the shims that are asked for cannot do without."""
    mistakes: list[str] = []
    for index, method in enumerate(settings.auth_methods):
        if method.disable_attr_url and settings.internal_secret is None:
            mistakes.append(f"internal_secret: expected, for auth_methods[{index}].disable_attr_url")
        if method.shim_tel_url and settings.tel_shim == "ui" and settings.ui_tel_url is None:
            mistakes.append(f"ui_tel_url: expected, for auth_methods[{index}].shim_tel_url")
        if method.shim_tel_url and settings.tel_shim == "ui" and settings.ui_signing_privkey is None:
            mistakes.append(f"ui_signing_privkey: expected, for auth_methods[{index}].shim_tel_url")
    if settings.tel_shim == "bare" and settings.ui_signing_privkey is None:
        mistakes.append('ui_signing_privkey: expected, for tel_shim = "bare"')
    return mistakes
