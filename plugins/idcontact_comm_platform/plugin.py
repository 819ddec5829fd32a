"""The plugin, put together."""

from __future__ import annotations

from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware

from idcontact.applications import application
from idcontact.asset_files import AssetFiles
from idcontact.errors import IdContactError, SettingsError
from idcontact.oidc import RelyingParty
from idcontact.openapi import ApiRoute
from idcontact.results import result_check
from idcontact.tasks import Tasks
from idcontact.urls import origin_of
from idcontact_comm_platform import operations
from idcontact_comm_platform.door import OpenDoor
from idcontact_comm_platform.guests import Guests
from idcontact_comm_platform.hosts import LOGIN_SCRIPT, ROOM_SCRIPT, Hosts, Script
from idcontact_comm_platform.links import Guest, Host, Links
from idcontact_comm_platform.live import Live
from idcontact_comm_platform.login import LOGIN, LOGOUT, REDIRECT, LoginDoor
from idcontact_comm_platform.orders import Orders
from idcontact_comm_platform.rooms import Rooms

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from starlette.routing import BaseRoute
    from starlette.types import ASGIApp

    from idcontact.pages import Pages
    from idcontact.plugin import PluginHost
    from idcontact_comm_platform.settings import PlatformSettings

_HERE: Final = Path(__file__).parent


class Platform:
    """A communication plugin for a chat or video product of somebody else, that only wants the attributes."""

    def __init__(self, host: PluginHost, settings: PlatformSettings) -> None:
        """Raises SettingsError."""
        where = f"plugins.{host.name}"
        _check(settings, where)
        self._host = host
        pages = host.pages.extended("comm_platform", _HERE)
        results = result_check(settings.decrypt_key, settings.auth_methods, where)
        secret = settings.host_signature_secret.value()
        rooms = Rooms(host, secret, idle=settings.idle, lifetime=settings.lifetime)
        host_links = Links(settings.host_signature_secret, Host)
        self._door = _login_door(host, settings, pages)
        door = self._door or OpenDoor()
        self._files = AssetFiles({ROOM_SCRIPT.rpartition("/")[0]: _HERE / "assets"})
        self._guests = Guests(
            host=host,
            settings=settings,
            links=Links(settings.guest_signature_secret, Guest),
            orders=Orders(settings, where),
            rooms=rooms,
            results=results,
        )
        self._hosts = Hosts(
            host=host,
            settings=settings,
            pages=pages,
            links=host_links,
            rooms=rooms,
            results=results,
            door=door,
            files=self._files,
        )
        self._live = Live(host=host, links=host_links, rooms=rooms, door=door)
        handlers = {IdContactError: pages.handle, HTTPException: pages.handle}
        self._public = application(self._public_routes(settings), handlers)
        self._internal = application(self._internal_routes(), handlers)

    def _public_routes(self, settings: PlatformSettings) -> Sequence[BaseRoute]:
        # The widget is a page of another site. The token in the address is all that counts: no cookie comes along.
        widget = Middleware(
            CORSMiddleware, allow_origins=[origin_of(settings.widget_url) or ""], allow_methods=["POST"],
            allow_headers=["Content-Type"],
        )  # fmt: skip
        return [
            ApiRoute("/guest/init/{guest_token}", self._guests.init, methods=["GET"], operation=operations.INIT),
            ApiRoute(
                "/guest/start/{guest_token}",
                self._guests.start,
                methods=["POST", "OPTIONS"],
                operation=operations.START,
                middleware=[widget],
            ),
            ApiRoute("/host/live/{host_token}", self._live.stream, methods=["GET"], operation=operations.LIVE),
            *self._login_routes(),
            ApiRoute("/host/{host_token}", self._hosts.show, methods=["GET"], operation=operations.ROOM),
            *(
                ApiRoute(path, Script(self._files, path), methods=["GET"], operation=operations.SCRIPT)
                for path in (ROOM_SCRIPT, LOGIN_SCRIPT)
            ),
        ]

    def _login_routes(self) -> Sequence[BaseRoute]:
        if self._door is None:
            return []
        return [
            ApiRoute(LOGIN, self._door.login, methods=["GET"], operation=operations.LOGIN),
            ApiRoute(REDIRECT, self._door.redirect, methods=["GET"], operation=operations.REDIRECT),
            ApiRoute(LOGOUT, self._door.logout, methods=["POST"], operation=operations.LOGOUT),
        ]

    def _internal_routes(self) -> Sequence[BaseRoute]:
        # The second one is for an `internal_url` that ends in /internal, as in settings of the published plugin.
        return [
            ApiRoute("/auth_result/{attr_id}", self._guests.receive, methods=["POST"], operation=operations.RESULT),
            ApiRoute(
                "/internal/auth_result/{attr_id}", self._guests.receive, methods=["POST"], operation=operations.RESULT
            ),
        ]

    @property
    def public(self) -> ASGIApp:
        """What browsers of guests and hosts reach."""
        return self._public

    @property
    def internal(self) -> ASGIApp:
        """The attr_urls."""
        return self._internal

    @property
    def open_paths(self) -> Sequence[str]:
        """What the widget posts to."""
        return ["/guest/start/[^/]+"]

    @asynccontextmanager
    async def lifespan(self) -> AsyncIterator[None]:
        """Hear of what happens on other nodes."""
        async with Tasks() as tasks:
            tasks.keep(self._host.signals.run, "signals")
            yield


def _login_door(host: PluginHost, settings: PlatformSettings, pages: Pages) -> LoginDoor | None:
    if settings.login is None:
        return None
    party = RelyingParty(
        settings.login,
        redirect_uri=f"{host.public_url}{REDIRECT}",
        outgoing=host.outgoing,
        records=host.records,
        clock=host.clock,
    )
    return LoginDoor(host, settings.login, pages, party, settings.frame_ancestors)


def _check(settings: PlatformSettings, where: str) -> None:
    mistakes: list[str] = []
    if settings.guest_signature_secret == settings.host_signature_secret:
        mistakes.append(
            f"{where}.host_signature_secret: expected another secret than guest_signature_secret: "
            "a guest could pass for a host"
        )
    spans = {"idle": settings.idle, "lifetime": settings.lifetime}
    mistakes += [f"{where}.{name}: expected a second or more" for name, span in spans.items() if span < 1]
    if settings.login is not None and not settings.login.values:
        mistakes.append(f"{where}.login.values: expected one or more: whose accounts may see what people share")
    if settings.login is not None and settings.login.session < 60:
        mistakes.append(f"{where}.login.session: expected a minute or more")
    if settings.login is not None and not settings.login.algorithms:
        mistakes.append(f"{where}.login.algorithms: expected one or more")
    if not settings.purposes:
        mistakes.append(f"{where}.purposes: expected one or more")
    if mistakes:
        raise SettingsError(mistakes)
