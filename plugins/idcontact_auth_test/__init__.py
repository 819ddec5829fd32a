"""An authentication plugin to try things with: it passes on what its settings say, when the person agrees.

Nobody is identified by it. Never configure it where results have to be true.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from idcontact.errors import BadRequest
from idcontact.plugin import AuthPlugin, AuthSession, AuthSettings, PluginHost
from idcontact.urls import host_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from starlette.requests import Request
    from starlette.responses import Response


class AuthTestSettings(AuthSettings, frozen=True, kw_only=True):
    """`[plugins.auth_test]`. `attributes` are those of everybody who comes here, by tag."""

    attributes: dict[str, str] = msgspec.field(default_factory=dict)


class AuthTest(AuthPlugin):
    """Shows which attributes are asked, with their values, and passes them on or not as the person says."""

    def __init__(self, host: PluginHost, settings: AuthTestSettings) -> None:
        super().__init__(host, settings, pages=host.pages.extended("auth_test", Path(__file__).parent))
        self._attributes = settings.attributes

    async def check(self, attributes: Sequence[str]) -> None:
        """Only what the settings have can be given."""
        for index, tag in enumerate(attributes):
            if tag not in self._attributes:
                raise BadRequest("cannot be given by this plugin", field=f"attributes[{index}]")

    async def show(self, request: Request, session: AuthSession) -> Response:
        """The attributes, and two buttons."""
        language = self.pages.language(request)
        labels = self.host.attribute_labels
        facts = [
            (labels[tag].get(language) if tag in labels else tag, self._attributes[tag]) for tag in session.attributes
        ]
        return self.page(request, session, "auth_test/share.html", facts=facts, goes_to=host_of(session.continuation))

    async def act(self, request: Request, session: AuthSession, fields: Mapping[str, str]) -> Response:
        """The button that was pressed."""
        match fields.get("choice"):
            case "share":
                return await self.finish(session, self._attributes)
            case "refuse":
                return await self.fail(session)
            case _:
                raise BadRequest('expected "share" or "refuse"', field="choice")


def create(host: PluginHost, settings: Mapping[str, object]) -> AuthTest:
    """The plugin, for a host. Raises SettingsError."""
    return AuthTest(host, host.read_settings(settings, AuthTestSettings))
