"""What a supervisor or a load balancer asks: does this process answer, and can it do its work?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from starlette.responses import JSONResponse, Response

from idcontact.openapi import ApiRoute, Operation, json
from idcontact.redis import is_up

if TYPE_CHECKING:
    from redis.asyncio import Redis
    from starlette.requests import Request

_UP: Final = {"status": "ok"}
_LIVE: Final = Operation(
    summary="Whether this process answers", answers=[json(dict[str, str], "It does.")], stored=False
)
_READY: Final = Operation(
    summary="Whether this process can do its work",
    answers=[json(dict[str, str], "It can."), json(dict[str, str], "The store cannot be reached.", 503)],
    stored=False,
)


def health_routes(redis: Redis) -> list[ApiRoute]:
    """`GET /health/live` and `GET /health/ready`, for both applications."""

    async def live(request: Request) -> Response:
        del request
        return JSONResponse(_UP)

    async def ready(request: Request) -> Response:
        del request
        if await is_up(redis):
            return JSONResponse(_UP)
        return JSONResponse({"status": "the store cannot be reached"}, status_code=503)

    return [
        ApiRoute("/health/live", live, methods=["GET"], operation=_LIVE),
        ApiRoute("/health/ready", ready, methods=["GET"], operation=_READY),
    ]
