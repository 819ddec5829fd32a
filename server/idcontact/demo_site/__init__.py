"""The website of a made-up municipality, for the demo: one page that embeds the widget as any municipality would."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from starlette.routing import BaseRoute, Mount

from idcontact.asset_files import AssetFiles
from idcontact.openapi import LANGUAGE, ApiRoute, Operation, Parameter, page

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from idcontact.pages import Pages

# Purposes of the demo's settings that the website has a text for; the first one is its front page.
TOPICS: Final = ("report_move", "passport", "parking_permit")
# What the page can put on; the first one is the municipality's own. None of them is the name of a file or a class.
THEMES: Final = ("town", "voorbeeld", "none")

_HOME: Final = Operation(
    summary="A municipality's website, for the demo",
    query=[LANGUAGE, Parameter("topic", "What the page is about.")],
    answers=[page("The page.")],
    stored=False,
)
_HERE = Path(__file__).parent


class DemoSite:
    """The municipality's page at `/`, in Dutch and English, and its own assets at `/demo/`."""

    def __init__(self, pages: Pages) -> None:
        self._pages = pages.extended("demo_site", _HERE)
        self._files = AssetFiles({"/demo": _HERE / "assets"})

    def routes(self) -> list[BaseRoute]:
        """What the composition root adds to the public application."""
        return [ApiRoute("/", self._home, methods=["GET"], operation=_HOME), Mount("/demo", self._files)]

    async def _home(self, request: Request) -> Response:
        asked = request.query_params
        return self._pages.render(
            request,
            "demo_site/home.html",
            topic=_one_of(TOPICS, asked.get("topic")),
            topics=TOPICS,
            theme=_one_of(THEMES, asked.get("theme")),
            themes=THEMES,
            file=self._files.url,
        )


def _one_of(known: tuple[str, ...], asked: str | None) -> str:
    """What was asked for where it is known, else the first one."""
    return asked if asked in known else known[0]
