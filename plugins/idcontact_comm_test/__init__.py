"""A communication plugin to try cores and authentication plugins with: it shows the person what came of them.

Nobody else sees it, and nobody answers. Without an `attr_url` (a setting of the kit) it asks for the result in the
address of its page, as communication plugins that have no internal address do.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from idcontact.errors import BadRequest
from idcontact.plugin import CommPlugin, CommSession, CommSettings, PluginHost, Received, ResultState

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from starlette.requests import Request
    from starlette.responses import Response


class CommTest(CommPlugin):
    """Shows how it stands with the auth result, and everything that is in it."""

    def __init__(self, host: PluginHost, settings: CommSettings) -> None:
        super().__init__(host, settings, pages=host.pages.extended("comm_test", Path(__file__).parent))

    async def show(self, request: Request, session: CommSession) -> Response:
        """The result, or why there is none."""
        session = await self.active(session)
        language = self.language(request, session)
        received = session.received
        return self.page(
            request,
            session,
            "comm_test/received.html",
            state=session.state.value,
            facts=list(self._facts(session, language)),
            attributes=list(self._attributes(received, language)),
            return_url=session.return_url,
        )

    async def act(self, request: Request, session: CommSession, fields: Mapping[str, str]) -> Response:
        """The button that ends it."""
        if fields.get("choice") != "end":
            raise BadRequest('expected "end"', field="choice")
        await self.end(session)
        return self.page(request, session, "comm_test/ended.html", return_url=session.return_url)

    def _facts(self, session: CommSession, language: str) -> Iterator[tuple[str, str]]:
        """What is known of the session and of how its result came, as (label, value)."""

        def fact(key: str, value: str) -> tuple[str, str]:
            return self.pages.text(language, f"comm_test.{key}"), value

        yield fact("purpose", session.purpose)
        if session.channel is not None:
            yield fact("channel", session.channel)
        received = session.received
        if received is None:
            return
        yield fact("method", self.method_name(received.method, language))
        if session.state is ResultState.GIVEN:
            yield fact("level", received.level or self.pages.text(language, "comm_test.level.unknown"))
            yield fact("identified_at", _written(received.identified_at))
        yield fact("received_at", _written(received.received_at))
        yield fact("way", self.pages.text(language, f"comm_test.way.{received.way}"))

    def _attributes(self, received: Received | None, language: str) -> Iterator[tuple[str, str]]:
        for tag, value in ((received.attributes if received is not None else None) or {}).items():
            name = self.attribute_name(tag, language)
            yield (name if name == tag else f"{name} ({tag})"), value


def create(host: PluginHost, settings: Mapping[str, object]) -> CommTest:
    """The plugin, for a host. Raises SettingsError."""
    return CommTest(host, host.read_settings(settings, CommSettings))


def _written(seconds: int) -> str:
    """A time as every reader understands it, and as stands in a log."""
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S} UTC"
