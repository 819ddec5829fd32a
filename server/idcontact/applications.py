"""Applications as everything here is served: an address that is not there is not there, and leads nowhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.applications import Starlette

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from starlette.routing import BaseRoute
    from starlette.types import ExceptionHandler


def application(routes: Sequence[BaseRoute], handlers: Mapping[type[Exception], ExceptionHandler]) -> Starlette:
    """An application of these routes, and of what answers for the errors in them.

    Starlette by itself redirects from an address with a slash too many to the one without, on the host that the request
    names. Endpoints for machines never redirect, as clients make a GET of a POST that is redirected (WIRE.md); and no
    address comes from a header.
    """
    made = Starlette(routes=list(routes), exception_handlers=dict(handlers))
    made.router.redirect_slashes = False
    return made
