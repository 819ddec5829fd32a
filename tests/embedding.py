"""A website of somebody else's that puts the widget on its pages, word for word as docs/embed.md says it."""

from __future__ import annotations

import asyncio
import re
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

import uvicorn
from starlette.applications import Starlette
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.requests import Request
    from starlette.types import ASGIApp

_GUIDE: Final = Path(__file__).parents[1] / "docs/embed.md"
_CORE: Final = "https://contact.example.org"
_WEBSITE: Final = "https://www.example.org"


def snippet(heading: str, language: str) -> str:
    """The first block of code in this language under this heading of the guide."""
    _, _, section = _GUIDE.read_text(encoding="utf-8").partition(f"\n## {heading}\n")
    found = re.search(rf"```{language}\n(.*?)\n```", section.partition("\n## ")[0], re.DOTALL)
    assert found is not None, f"docs/embed.md has no {language} under {heading!r}"
    return found[1]


class Website:
    """Its pages. They are reached as `localhost`: a core on `127.0.0.1` is another site to browsers, not only another
    origin. As `127.0.0.1` they are a website that the core does not allow.
    """

    def __init__(self) -> None:
        self.port = 0
        self.core = _CORE

    @property
    def origin(self) -> str:
        """Of the website that the core allows."""
        return f"http://localhost:{self.port}"

    @property
    def stranger(self) -> str:
        """Of the same pages under a name that the core does not know."""
        return f"http://127.0.0.1:{self.port}"

    def app(self) -> Starlette:
        """Pages of the guide: `/verhuizen`, `/strict`, `/hidden` (its origin), `/button` and `/link`.

        And `/frame?of=`, which frames what is asked; `/` is empty.
        """
        return Starlette(
            routes=[
                Route("/", self._empty),
                Route("/verhuizen", self._plain),
                Route("/strict", self._strict),
                Route("/hidden", self._hidden),
                Route("/button", self._button),
                Route("/link", self._link),
                Route("/frame", self._frame),
                Route("/favicon.ico", self._icon),
            ]
        )

    def written(self, text: str) -> str:
        """A snippet of the guide with the addresses of this test."""
        text = text.replace(_CORE, self.core).replace(_WEBSITE, self.origin)
        return text.replace(quote(_WEBSITE, safe=""), quote(self.origin, safe=""))

    def _page(self, body: str) -> Response:
        return HTMLResponse(f'<!doctype html><html lang="nl"><title>Verhuizen</title><h1>Verhuizen</h1>{body}')

    async def _empty(self, request: Request) -> Response:
        del request
        return self._page("")

    async def _plain(self, request: Request) -> Response:
        del request
        return self._page(self.written(snippet("A plain page", "html")))

    async def _strict(self, request: Request) -> Response:
        """With something that the policy forbids besides, when asked for: to see that it is in force."""
        forbidden = "<script>window.broken = true</script>" if "break" in request.query_params else ""
        page = self._page(self.written(snippet("A plain page", "html")) + forbidden)
        name, _, value = self.written(snippet("A strict Content Security Policy", "http")).partition(": ")
        page.headers[name] = value
        return page

    async def _hidden(self, request: Request) -> Response:
        page = await self._plain(request)
        page.headers["Referrer-Policy"] = "same-origin"
        return page

    async def _button(self, request: Request) -> Response:
        del request
        script, _, _ = snippet("A plain page", "html").partition("\n")
        return self._page(self.written(script + snippet("A button of your own", "html")))

    async def _link(self, request: Request) -> Response:
        del request
        return self._page(self.written(snippet("Without JavaScript", "html")))

    async def _icon(self, request: Request) -> Response:
        del request
        return Response('<svg xmlns="http://www.w3.org/2000/svg"/>', media_type="image/svg+xml")

    async def _frame(self, request: Request) -> Response:
        addresses = [f"{self.core}{path}" for path in request.query_params.getlist("of")]
        return self._page("".join(f'<iframe src="{address}" title="x"></iframe>' for address in addresses))


@asynccontextmanager
async def serving(app: ASGIApp) -> AsyncIterator[int]:
    """An application on a port of 127.0.0.1, which is this."""
    config = uvicorn.Config(app, host="127.0.0.1", port=0, log_level="warning")
    listener = config.bind_socket()
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        yield listener.getsockname()[1]
    finally:
        server.should_exit = True
        await serving
        listener.close()
