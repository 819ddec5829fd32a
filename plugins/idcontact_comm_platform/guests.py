"""What the browser of a guest meets, and where the result of their identification is delivered."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec
from starlette.exceptions import HTTPException
from starlette.responses import Response

from idcontact.bodies import MACHINE_BODY, decode_json, read_body
from idcontact.errors import BadRequest, PluginFailed
from idcontact.protocol import ClientUrl, SignedStartRequest
from idcontact.receipts import CLOCKS
from idcontact.tokens import ResultStatus
from idcontact.urls import is_browser_url
from idcontact_comm_platform.links import Guest, checked_guest
from idcontact_comm_platform.messages import Chosen
from idcontact_comm_platform.rooms import Received, new_attr_id

if TYPE_CHECKING:
    from starlette.requests import Request

    from idcontact.plugin import PluginHost
    from idcontact.results import ResultCheck
    from idcontact_comm_platform.links import Links
    from idcontact_comm_platform.orders import Orders
    from idcontact_comm_platform.rooms import Rooms
    from idcontact_comm_platform.settings import PlatformSettings

_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Guests:
    """Their routes."""

    host: PluginHost
    settings: PlatformSettings
    links: Links[Guest]
    orders: Orders
    rooms: Rooms
    results: ResultCheck

    async def init(self, request: Request) -> Response:
        """`GET /guest/init/{guest_token}`: to the widget, which is told what to ask and where to go on."""
        token = request.path_params["guest_token"]
        guest = self._guest(token)
        start_url = f"{self.host.public_url}/guest/start/{token}"
        # Not RedirectResponse: it would rewrite an address that holds a token.
        return Response(status_code=303, headers={"Location": self.orders.widget(guest, start_url, self.host.clock())})

    async def start(self, request: Request) -> Response:
        """`POST /guest/start/{guest_token}`: begin to identify; always JSON. Who was refused or failed begins again.

        The core is asked first: what it refuses has not begun.
        """
        if request.method != "POST":  # what no preflight is, but asks like one
            raise HTTPException(405, headers={"Allow": "POST"})
        guest = self._guest(request.path_params["guest_token"])
        chosen = decode_json(await read_body(request, MACHINE_BODY), Chosen)
        if chosen.purpose != guest.purpose:
            raise BadRequest("is not the purpose of this link", field="purpose")
        await self.host.limiter.hit(f"{self.host.name}-start", self.rooms.key_of(guest), self.settings.start_limit)
        await self.rooms.check_may_begin(guest)
        attr_id = new_attr_id()
        started = await self._start_at_core(guest, chosen.auth_method, attr_id)
        await self.rooms.begin(guest, attr_id)
        return Response(msgspec.json.encode(started), media_type="application/json")

    async def receive(self, request: Request) -> Response:
        """`POST attr_url`: a bad token is 400, checked first; an unknown or filled place 404; the same again 200."""
        now = self.host.clock()
        read = self.results.read((await read_body(request, MACHINE_BODY)).strip(), now)
        attr_id = request.path_params["attr_id"]
        purpose = await self.rooms.purpose_at(attr_id)
        received = Received(
            method=read.method,
            level=read.result.acr or self.results.methods[read.method].level,
            attributes=self._asked(purpose, read.result.attributes)
            if read.result.status is ResultStatus.SUCCESS
            else None,
            digest=read.digest,
        )
        await self.rooms.receive(attr_id, received, read.expires_at - now + CLOCKS)
        return Response(status_code=200)

    def _guest(self, token: str) -> Guest:
        guest = checked_guest(self.links.read(token, self.host.clock()))
        if guest.purpose not in self.settings.purposes:
            raise BadRequest("is not a purpose here", field="payload.purpose")
        return guest

    def _asked(self, purpose: str, attributes: dict[str, str] | None) -> dict[str, str]:
        """Of the attributes that came those that the purpose asks for, in that order."""
        given = attributes or {}
        asked = self.settings.purposes.get(purpose)  # none, when the settings changed meanwhile
        kept = {tag: given[tag] for tag in (asked.attributes if asked is not None else ()) if tag in given}
        if len(kept) < len(given):
            _logger.warning("an auth result held more than its purpose asks for; the rest was dropped")
        return kept

    async def _start_at_core(self, guest: Guest, auth_method: str, attr_id: str) -> ClientUrl:
        request = SignedStartRequest(
            purpose=guest.purpose,
            auth_method=auth_method,
            comm_url=guest.redirect_url,
            attr_url=f"{self.host.internal_url}/auth_result/{attr_id}",
        )
        token = self.orders.start(request, self.host.clock())
        answer = await self.host.outgoing.post(
            f"{self.settings.core_url}/start", token.encode("ascii"), content_type="application/jwt", plugin="core"
        )
        return _client_url(answer.status, answer.body)


def _client_url(status: int, body: bytes) -> ClientUrl:
    """What a core answered. Raises BadRequest when it refuses, PluginFailed when it does not work."""
    if status == 400:
        # Whose mistake it is, only the core knows: most often the widget offers what the purpose does not allow.
        raise BadRequest("the core refuses this start; is the method allowed for this purpose?", field="auth_method")
    if not 200 <= status < 300:
        raise PluginFailed("core", "a service that is needed does not work", reason=f"status {status}")
    try:
        started = msgspec.json.decode(body, type=ClientUrl)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise PluginFailed("core", "a service that is needed does not work", reason="no client_url") from None
    if not is_browser_url(started.client_url):
        raise PluginFailed("core", "a service that is needed does not work", reason="client_url is no address")
    return started
