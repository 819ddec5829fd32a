"""Routes that are reached without Starlette's layers: those that are asked most, and say their errors themselves.

Each of the three layers stands in the way of the request and of every message of its answer, to catch what an
endpoint raises. An endpoint that catches it itself needs none of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.routing import Match

from idcontact.openapi import ApiRoute

if TYPE_CHECKING:
    from collections.abc import Iterable

    from starlette.routing import BaseRoute
    from starlette.types import ASGIApp, Receive, Scope, Send


class StraightRoute(ApiRoute):
    """A route whose endpoint is ASGI, and answers whatever becomes of the request. Among other routes it is as any."""


class Straight:
    """Those of `routes` before all others; `app` has them all, and answers for the rest."""

    def __init__(self, app: ASGIApp, routes: Iterable[BaseRoute]) -> None:
        straight = [route for route in routes if isinstance(route, StraightRoute)]
        self._app = app
        self._by_path = {
            (method, route.path): route
            for route in straight
            for method in route.methods or ()
            if not route.param_convertors
        }
        self._by_form = [route for route in straight if route.param_convertors]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        route = self._found(scope) if scope["type"] == "http" and not scope["root_path"] else None
        if route is None:
            await self._app(scope, receive, send)
        else:
            scope["route"] = route
            await route.app(scope, receive, send)

    def _found(self, scope: Scope) -> StraightRoute | None:
        """The one for this path and method; what its path holds is in the scope then."""
        route = self._by_path.get((scope["method"], scope["path"]))
        if route is not None:
            scope["path_params"] = {}
            return route
        for other in self._by_form:
            match, child = other.matches(scope)
            if match is Match.FULL:
                scope.update(child)
                return other
        return None
