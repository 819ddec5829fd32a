"""Hosts log in at an OpenID provider: in a tab of their own, because providers refuse to be shown in a frame.

Their cookie goes along into a frame on the platform's site (`SameSite=None`). It holds nothing: what it stands for is
kept sealed, and ends when they log out.
"""

from __future__ import annotations

import hashlib
import logging
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

import msgspec
from starlette.responses import Response

from idcontact.bodies import FORM_BODY, decode_form, read_body
from idcontact.browser import known_browser, new_browser
from idcontact.errors import IdContactError, NotAllowed
from idcontact.limits import client_address
from idcontact.oidc import UNDER_WAY
from idcontact.pages import prefers_html
from idcontact.security import PagePolicy, check_origin
from idcontact_comm_platform.framed import in_frames

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.requests import Request

    from idcontact.oidc import RelyingParty
    from idcontact.pages import Pages
    from idcontact.plugin import PluginHost
    from idcontact_comm_platform.settings import LoginSettings

LOGIN: Final = "/host/auth/login"
REDIRECT: Final = "/host/auth/redirect"
LOGOUT: Final = "/host/auth/logout"

_TOKEN: Final = re.compile(r"[\w-]+\.[\w-]+\.[\w-]+", re.ASCII)
"""A JWS in its compact form (RFC 7515 section 3.1)."""

_Cookie: TypeAlias = Literal["host", "login"]
_logger = logging.getLogger(__name__)


class _LoggedIn(msgspec.Struct, frozen=True, array_like=True, tag="host"):
    """Somebody who is logged in."""

    subject: str


@dataclass(frozen=True)
class LoginDoor:
    """Admits who is logged in; and its routes. `frames`: origins of pages that may show the log-out in a frame."""

    host: PluginHost
    settings: LoginSettings
    pages: Pages
    party: RelyingParty
    frames: Sequence[str]

    async def admits(self, request: Request) -> bool:
        """Whether the cookie is of somebody who is logged in."""
        session_id = known_browser(request.cookies.get(self._cookie("host")))
        record = await self.host.records.read(session_id) if session_id is not None else None
        if record is None:
            return False
        try:
            msgspec.msgpack.decode(record.value, type=_LoggedIn)
        except msgspec.MsgspecError:  # the id of something else that the plugin keeps
            return False
        return True

    async def login(self, request: Request) -> Response:
        """`GET /host/auth/login`: to the provider. Several tabs may be under way at once."""
        await self.host.limiter.hit(f"{self.host.name}-login", client_address(request), self.settings.limit)
        browser = self._browser(request) or new_browser()
        # Not RedirectResponse: it would rewrite an address that holds a state.
        response = Response(status_code=303, headers={"Location": await self.party.begin(browser)})
        self._set(response, "login", browser, UNDER_WAY, "lax")
        return response

    async def redirect(self, request: Request) -> Response:
        """`GET /host/auth/redirect`: back from the provider."""
        try:
            identity = await self.party.finish(request.query_params, self._browser(request))
        except NotAllowed as error:
            _logger.warning("a log-in was refused: %s", error.reason)
            raise
        if identity.is_unverified(self.settings.claim):
            _logger.warning("a log-in was refused: the provider does not say that the e-mail address is verified")
            return self._unverified(request)
        if not identity.has(self.settings.claim, self.settings.values):
            _logger.warning("a log-in was refused: the account may not see what people share")
            raise NotAllowed("this account may not see what people share; log in with another one")
        kept = msgspec.msgpack.encode(_LoggedIn(identity.subject))
        response = self._said(request, "in")
        self._set(
            response, "host", await self.host.records.create(kept, self.settings.session), self.settings.session, "none"
        )
        return response

    async def logout(self, request: Request) -> Response:
        """`POST /host/auth/logout`, from a page of ours, which may be in a frame."""
        try:
            return await self._logged_out(request)
        except IdContactError as error:
            return in_frames(self.pages.error_response(request, error), self.frames)

    async def _logged_out(self, request: Request) -> Response:
        check_origin(request, self.host.own_origins)
        room = decode_form(await read_body(request, FORM_BODY)).get("room", "")
        if await self.admits(request):
            await self.host.records.take(request.cookies[self._cookie("host")])
        # Whether it is a good link, the room's own page says.
        room_url = f"{self.host.public_url}/host/{room}" if _TOKEN.fullmatch(room) else None
        response = self._said(request, "out", self.frames, room_url)
        self._set(response, "host", "", 0, "none")
        return response

    def _unverified(self, request: Request) -> Response:
        """Another account, or another try, helps nobody here: a person is told what does."""
        if not prefers_html(request.headers.get("accept", "")):
            raise NotAllowed("the log-in provider does not say that this account's e-mail address is verified")
        response = self._said(request, "unverified")
        response.status_code = NotAllowed.status
        return response

    def _said(
        self,
        request: Request,
        what: Literal["in", "out", "unverified"],
        frames: Sequence[str] = (),
        room_url: str | None = None,
    ) -> Response:
        policy = PagePolicy(frames=frames, referrer="no-referrer")
        return self.pages.render(request, "comm_platform/logged.html", policy=policy, what=what, room_url=room_url)

    # --- cookies ---

    def _browser(self, request: Request) -> str | None:
        return known_browser(request.cookies.get(self._cookie("login")))

    def _cookie(self, what: _Cookie) -> str:
        """Two plugins of this kind may have one host name."""
        return f"__Host-idc-{what}-{hashlib.sha256(self.host.name.encode()).hexdigest()[:16]}"

    def _set(
        self,
        response: Response,
        what: Literal["host", "login"],
        value: str,
        seconds: float,
        site: Literal["lax", "none"],
    ) -> None:
        response.set_cookie(
            self._cookie(what), value, max_age=int(seconds), path="/", secure=True, httponly=True, samesite=site
        )
