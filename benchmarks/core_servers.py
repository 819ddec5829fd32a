"""The servers that benchmarks of the core compare: the product, a bare Starlette application, and two stub plugins.

Usage: `python -m benchmarks.core_servers ROLE CONFIG PORT STUB_PORT`, with the product's settings. Roles:

- `product`: the product as it ships, with its plugins behind HTTP at STUB_PORT;
- `mounted`: the same, but that its process answers for those plugins itself, as it does for plugins of its own;
- `bare`: a Starlette application that makes the same two requests to the stubs, and does nothing else; the options are
  a dictionary in memory (OPTIONS, a file beside CONFIG);
- `stubs`: both plugins.
"""

from __future__ import annotations

import json
import os
import sys
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

import aiohttp
import uvloop
from starlette.applications import Starlette
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from idcontact.app import Means, build_house
from idcontact.config import load_config
from idcontact.keystore import DirectoryKeyStore
from idcontact.listeners import bound, serve_all
from idcontact.logs import set_up
from idcontact.outgoing import Outgoing
from idcontact.redis import connect
from idcontact.serve import listener, set_gc_thresholds
from idcontact.settings_values import Address
from idcontact.tasks import Tasks

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.requests import Request
    from starlette.types import ASGIApp, Receive, Scope, Send

    from idcontact.config import Config

OPTIONS: Final = "options.json"
_ANSWERS: Final = {
    "/start_communication": json.dumps(
        {
            "client_url": "https://chat.example.org/land/" + "a" * 70,
            "attr_url": "https://chat.example.org/attr/" + "b" * 70,
        }
    ).encode(),
    "/start_authentication": json.dumps({"client_url": "https://login.example.org/begin/" + "c" * 43}).encode(),
    "/report_move": json.dumps({"open": True, "agents": 3, "waiting": 2, "expected_wait": 240}).encode(),
}


async def stub(scope: Scope, receive: Receive, send: Send) -> None:
    """Both plugins: as little as an answer can cost."""
    while (await receive()).get("more_body", False):
        pass
    answer = _ANSWERS[scope["path"][scope["path"].rindex("/") :]]
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(answer)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": answer})


@asynccontextmanager
async def product(config: Config, folder: Path, mounted_at: str | None) -> AsyncIterator[ASGIApp]:
    """The public application of a house, running."""
    assert config.redis_url is not None
    async with AsyncExitStack() as stack:
        redis = connect(config.redis_url.value())
        stack.push_async_callback(redis.aclose)
        keystore = DirectoryKeyStore(config.keys_dir)
        stack.callback(keystore.close)
        outgoing = await stack.enter_async_context(Outgoing())
        house = build_house(config, folder, Means(redis, keystore, outgoing))
        if mounted_at is not None:
            outgoing.mount(mounted_at, stub)
        tasks = await stack.enter_async_context(Tasks())
        tasks.keep(house.limiter.run, "limits")
        await stack.enter_async_context(house.core.lifespan())
        if house.live is not None:
            await stack.enter_async_context(house.live.lifespan())
        yield house.public


@asynccontextmanager
async def bare(folder: Path, stubs: str) -> AsyncIterator[ASGIApp]:
    """Starlette, aiohttp, and nothing else."""
    options = json.loads((folder / OPTIONS).read_text())
    connector = aiohttp.TCPConnector(limit=100, limit_per_host=50)
    async with aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=5)) as session:

        async def start(request: Request) -> Response:
            asked = await request.json()
            async with session.post(f"{stubs}/phone/start_communication", json={"purpose": asked["purpose"]}) as answer:
                begun = await answer.json()
            told = {
                "attributes": ["fullname", "city"],
                "continuation": begun["client_url"],
                "attr_url": begun["attr_url"],
            }
            async with session.post(f"{stubs}/auth/start_authentication", json=told) as answer:
                onward = await answer.json()
            return JSONResponse({"client_url": onward["client_url"]})

        async def session_options(request: Request) -> Response:
            del request
            return JSONResponse(options)

        yield Starlette(
            routes=[
                Route("/session_options/{purpose}", session_options),
                Route("/start", start, methods=["POST"]),
            ]
        )


@asynccontextmanager
async def _stubs() -> AsyncIterator[ASGIApp]:
    yield stub


async def serve(role: str, config_file: Path, port: int, stub_port: int) -> None:
    """Until SIGTERM."""
    config = load_config(config_file, os.environ)
    folder, stubs = config_file.parent, f"http://127.0.0.1:{stub_port}"
    application = {
        "product": lambda: product(config, folder, None),
        "mounted": lambda: product(config, folder, stubs),
        "bare": lambda: bare(folder, stubs),
        "stubs": _stubs,
    }[role]()
    with bound("PORT", Address("127.0.0.1", port)) as sock:
        async with application as app:
            await serve_all([(listener(app, config), sock)])


def main() -> None:
    """See the module."""
    role, config_file, port, stub_port = sys.argv[1:]
    set_up("info")
    set_gc_thresholds()
    uvloop.run(serve(role, Path(config_file), int(port), int(stub_port)))


if __name__ == "__main__":
    main()
