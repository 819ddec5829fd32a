"""What a host sees of a room: a page for a frame of the platform's, or JSON."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import msgspec
from starlette.responses import Response

from idcontact.errors import IdContactError
from idcontact.pages import prefers_html
from idcontact.security import PagePolicy
from idcontact_comm_platform.framed import in_frames
from idcontact_comm_platform.login import LOGIN, LOGOUT
from idcontact_comm_platform.messages import Credentials
from idcontact_comm_platform.rooms import State

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.requests import Request
    from starlette.types import Receive, Scope, Send

    from idcontact.asset_files import AssetFiles
    from idcontact.pages import Pages
    from idcontact.plugin import PluginHost
    from idcontact.results import ResultCheck
    from idcontact_comm_platform.door import Door
    from idcontact_comm_platform.links import Host, Links
    from idcontact_comm_platform.rooms import Person, Rooms, View
    from idcontact_comm_platform.settings import PlatformSettings


ROOM_SCRIPT: Final = "/host-assets/room.js"
LOGIN_SCRIPT: Final = "/host-assets/login.js"
"""Where the scripts of the pages are, below the plugin's public address."""


@dataclass(frozen=True)
class Script:
    """A script of the pages, wherever the plugin is mounted. ASGI."""

    files: AssetFiles
    path: str

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer with the file."""
        await self.files({**scope, "path": self.path, "app_root_path": ""}, receive, send)


@dataclass(frozen=True)
class _Shown:
    """One guest, in words. `facts` are (label, value) pairs; `means`, how they identified."""

    name: str
    purpose: str
    state: str
    means: str | None
    facts: Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Hosts:
    """The room as a page, as JSON, and the log-in page in its place."""

    host: PluginHost
    settings: PlatformSettings
    pages: Pages
    links: Links[Host]
    rooms: Rooms
    results: ResultCheck
    door: Door
    files: AssetFiles

    async def show(self, request: Request) -> Response:
        """`GET /host/{host_token}`: attributes of everyone in the room, newest last. A bad token is 400."""
        try:
            return await self._room(request, request.path_params["host_token"])
        except IdContactError as error:
            return in_frames(self.pages.error_response(request, error), self.settings.frame_ancestors)

    async def _room(self, request: Request, token: str) -> Response:
        host = self.links.read(token, self.host.clock())
        as_page = prefers_html(request.headers.get("accept", "")) or "json" not in request.headers.get("accept", "")
        if not await self.door.admits(request):
            login_url = f"{self.host.public_url}{LOGIN}"
            return self.page(request, "login.html", login_url=login_url, script_url=self._script(LOGIN_SCRIPT))
        view = await self.rooms.look(host)
        if not as_page:
            return Response(msgspec.json.encode(_credentials(view)), media_type="application/json")
        language = self.pages.language(request)
        return self.page(
            request,
            "room.html",
            people=[self._shown(person, language) for person in view.people],
            live_url=f"{self.host.public_url}/host/live/{token}?since={view.revision}",
            script_url=self._script(ROOM_SCRIPT),
            logout_url=f"{self.host.public_url}{LOGOUT}" if self.settings.login is not None else None,
            room=token,
        )

    def page(self, request: Request, template: str, **values: Any) -> Response:
        """A page that the platform may show in a frame."""
        policy = PagePolicy(frames=self.settings.frame_ancestors, referrer="no-referrer")
        return self.pages.render(request, f"comm_platform/{template}", policy=policy, **values)

    def _script(self, path: str) -> str:
        return f"{self.host.public_url}{self.files.url(path)}"

    def _shown(self, person: Person, language: str) -> _Shown:
        received = person.received
        purpose = self.settings.purposes.get(person.purpose)
        return _Shown(
            name=person.name,
            purpose=person.purpose if purpose is None or purpose.name is None else purpose.name.get(language),
            state=person.state.value,
            means=None if received is None else self._means(received.method, language),
            facts=[(self._label(tag, language), value) for tag, value in _attributes(person).items()],
        )

    def _means(self, method: str, language: str) -> str:
        """What people call a method; its tag, when the settings no longer have it."""
        known = self.results.methods.get(method)
        return method if known is None else known.name.get(language)

    def _label(self, tag: str, language: str) -> str:
        labels = self.host.attribute_labels
        return labels[tag].get(language) if tag in labels else tag


def _attributes(person: Person) -> dict[str, str]:
    return {} if person.received is None else person.received.attributes or {}


def _credentials(view: View) -> list[Credentials]:
    return [
        Credentials(purpose=person.purpose, name=person.name, attributes=_attributes(person))
        for person in view.people
        if person.state is State.GIVEN
    ]
