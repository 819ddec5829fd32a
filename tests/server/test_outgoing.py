from __future__ import annotations

import asyncio
import contextlib
import logging
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest
from aiohttp import web
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Route

from idcontact.errors import PluginFailed, PluginTimeout
from idcontact.outgoing import MAX_ANSWER, Answer, Outgoing

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from starlette.requests import Request
    from starlette.types import Receive, Scope, Send

SOON = 0.15


@asynccontextmanager
async def plugin_answering(handler: Callable[[web.Request], Awaitable[web.StreamResponse]]) -> AsyncIterator[str]:
    """A plugin elsewhere: a real server on loopback, by its base URL."""
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", handler)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@pytest.fixture
async def outgoing() -> AsyncIterator[Outgoing]:
    async with Outgoing(limit=5) as client:
        yield client


@pytest.fixture
async def impatient() -> AsyncIterator[Outgoing]:
    async with Outgoing(limit=SOON) as client:
        yield client


async def test_a_plugin_elsewhere_gets_the_request_as_it_is(outgoing: Outgoing) -> None:
    async def handler(request: web.Request) -> web.Response:
        seen = (request.method, request.raw_path, request.content_type, request.headers["X-Own"], await request.text())
        return web.json_response(seen, status=201)

    async with plugin_answering(handler) as base:
        answer = await outgoing.post(f"{base}/a%2fb?c=%7E", b"{}", content_type="text/plain", headers={"X-Own": "1"})
    assert answer == Answer(201, b'["POST", "/a%2fb?c=%7E", "text/plain", "1", "{}"]')
    assert answer.is_success


async def test_a_get_is_a_get_and_carries_no_body(outgoing: Outgoing) -> None:
    async def handler(request: web.Request) -> web.Response:
        body = [request.headers.get("Content-Type"), request.headers.get("Content-Length"), await request.text()]
        return web.json_response([request.method, request.raw_path, request.headers["Accept"], *body])

    async def here(request: Request) -> Response:
        body = [request.headers.get("Content-Type"), request.headers.get("Content-Length"), (await request.body())]
        assert body == [None, None, b""]
        return PlainTextResponse(f"{request.method} {request.url.path} {request.headers['Accept']}")

    async with plugin_answering(handler) as base:
        answer = await outgoing.get(f"{base}/availability/a%2Fb")
    assert answer == Answer(200, b'["GET", "/availability/a%2Fb", "application/json", null, null, ""]')
    outgoing.mount("http://core.internal", Starlette(routes=[Route("/availability/{purpose:path}", here)]))
    assert (
        await outgoing.get("http://core.internal/availability/a%2Fb")
    ).body == b"GET /availability/a/b application/json"


@pytest.mark.parametrize("status", [200, 303])
async def test_a_get_keeps_the_rules_of_a_post(outgoing: Outgoing, impatient: Outgoing, status: int) -> None:
    over = asyncio.Event()

    async def handler(request: web.Request) -> web.Response:
        if request.path == "/slow":
            await over.wait()
        return web.Response(
            status=status, body=b"x" * (MAX_ANSWER + (request.path == "/long")), headers={"Location": "/"}
        )

    async with plugin_answering(handler) as base:
        assert (await outgoing.get(f"{base}/x")).status == status
        with pytest.raises(PluginFailed):
            await outgoing.get(f"{base}/long")
        with pytest.raises(PluginTimeout):
            await impatient.get(f"{base}/slow", plugin="chat")
        over.set()


async def test_a_plugin_that_is_down_is_a_plugin_failure(outgoing: Outgoing, unused_tcp_port: int) -> None:
    with pytest.raises(PluginFailed) as caught:
        await outgoing.post(f"http://127.0.0.1:{unused_tcp_port}/x", b"", plugin="phone")
    assert caught.value.plugin == "phone"
    assert caught.value.status == 502
    assert str(unused_tcp_port) not in str(caught.value)


@pytest.mark.parametrize("url", ["ftp://127.0.0.1/x", "javascript:alert(1)", "//127.0.0.1/", "http://a b/", ""])
async def test_what_is_not_a_web_address_is_never_called(outgoing: Outgoing, url: str) -> None:
    with pytest.raises(PluginFailed):
        await outgoing.post(url, b"")


async def test_a_plugin_that_does_not_answer_in_time_is_a_timeout(impatient: Outgoing) -> None:
    over = asyncio.Event()

    async def never(_: web.Request) -> web.Response:
        await over.wait()
        return web.Response()

    async with plugin_answering(never) as base:
        with pytest.raises(PluginTimeout) as caught:
            await impatient.post(f"{base}/x", b"", plugin="slow")
        over.set()
    assert caught.value.status == 504
    assert caught.value.plugin == "slow"


async def test_the_limit_counts_for_the_whole_answer_not_for_each_piece(impatient: Outgoing) -> None:
    async def drip(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(b".")
            await asyncio.sleep(SOON / 10)  # how slow this plugin is; nothing waits for it

    async with plugin_answering(drip) as base:
        with pytest.raises(PluginTimeout):
            await impatient.post(f"{base}/x", b"")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_plugin_that_redirects_is_not_followed(outgoing: Outgoing, status: int) -> None:
    asked: list[str] = []

    async def redirect(request: web.Request) -> web.Response:
        asked.append(request.path)
        return web.Response(status=status, headers={"Location": "/elsewhere"})

    async with plugin_answering(redirect) as base:
        answer = await outgoing.post(f"{base}/start_communication", b"")
        assert (answer.status, answer.is_success) == (status, False)
        assert (await outgoing.get(f"{base}/availability/move")).status == status
    assert asked == ["/start_communication", "/availability/move"]


class Answering:
    """A plugin in bytes, that answers the first so many requests and hangs up on the next, which it has read.

    `requests` are the bodies that came, `connections` how many it took.
    """

    def __init__(self, answered: int) -> None:
        self.requests: list[bytes] = []
        self.connections = 0
        self._answered = answered

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        with contextlib.suppress(asyncio.IncompleteReadError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
                self.requests.append(await reader.readexactly(length))
                if len(self.requests) > self._answered:
                    break
                writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}")
        writer.close()


@pytest.mark.parametrize("answered", [0, 1, 3])
async def test_a_post_that_may_have_arrived_is_not_sent_again_also_over_a_connection_that_was_used_before(
    outgoing: Outgoing, answered: int
) -> None:
    plugin = Answering(answered)
    server = await asyncio.start_server(plugin, "127.0.0.1", 0)
    async with server:
        base = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        bodies = [b"%d" % number for number in range(answered + 1)]
        for body in bodies[:-1]:
            assert (await outgoing.post(f"{base}/start_communication", body)).is_success
        with pytest.raises(PluginFailed):
            await outgoing.post(f"{base}/start_communication", bodies[-1])
    assert plugin.requests == bodies
    assert plugin.connections == 1, "all over one connection"


async def test_an_answer_of_exactly_the_limit_is_read_and_a_longer_one_is_a_failure(outgoing: Outgoing) -> None:
    async def handler(request: web.Request) -> web.Response:
        return web.Response(body=b"x" * int(await request.text()))

    async with plugin_answering(handler) as base:
        answer = await outgoing.post(base, str(MAX_ANSWER).encode())
        assert len(answer.body) == MAX_ANSWER
        with pytest.raises(PluginFailed):
            await outgoing.post(base, str(MAX_ANSWER + 1).encode())


async def test_an_endless_answer_is_left_at_once(outgoing: Outgoing) -> None:
    async def endless(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(b"x" * 10_000)

    async with plugin_answering(endless) as base:
        with pytest.raises(PluginFailed):
            await outgoing.post(base, b"")


async def test_what_is_not_http_is_a_plugin_failure(outgoing: Outgoing) -> None:
    async def shout(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"SSH-2.0-nonsense\r\n\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(shout, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(PluginFailed):
            await outgoing.post(f"http://127.0.0.1:{port}/", b"")


# --- within this process --------------------------------------------------------------------------------------------


def application(endpoint: Callable[[Request], Awaitable[Response]]) -> Starlette:
    return Starlette(routes=[Route("/start_authentication", endpoint, methods=["POST"])])


BASE = "http://127.0.0.1:8001/plugins/near"


async def test_a_plugin_in_this_process_gets_the_same_request_without_a_socket(outgoing: Outgoing) -> None:
    async def endpoint(request: Request) -> Response:
        return PlainTextResponse(
            f"{request.url} {request.headers['content-type']} {(await request.body()).decode()}", status_code=201
        )

    outgoing.mount(BASE, application(endpoint))
    answer = await outgoing.post(f"{BASE}/start_authentication?a=%20b", b"{}")
    assert answer == Answer(201, f"{BASE}/start_authentication?a=%20b application/json {{}}".encode())


async def test_the_innermost_mounted_application_answers_and_a_longer_name_is_another_one(outgoing: Outgoing) -> None:
    def saying(word: str) -> Callable[[Scope, Receive, Send], Awaitable[None]]:
        return PlainTextResponse(word)

    outgoing.mount(BASE, saying("near"))
    outgoing.mount(f"{BASE}/inner/", saying("inner"))
    assert (await outgoing.post(f"{BASE}/x", b"")).body == b"near"
    assert (await outgoing.post(f"{BASE}?x", b"")).body == b"near"
    assert (await outgoing.post(f"{BASE}/inner/x", b"")).body == b"inner"
    with pytest.raises(PluginFailed):  # nothing listens there, and nothing is mounted there
        await outgoing.post(f"{BASE}er/x", b"")


async def test_a_plugin_in_this_process_that_takes_too_long_is_cancelled(impatient: Outgoing) -> None:
    cancelled = asyncio.Event()

    async def endpoint(_: Request) -> Response:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.set()
            raise
        return Response()

    impatient.mount(BASE, application(endpoint))
    with pytest.raises(PluginTimeout):
        await impatient.post(f"{BASE}/start_authentication", b"")
    assert cancelled.is_set()


async def test_what_a_plugin_in_this_process_raises_reaches_neither_the_caller_nor_the_log(
    outgoing: Outgoing, caplog: pytest.LogCaptureFixture
) -> None:
    async def endpoint(_: Scope, __: Receive, ___: Send) -> None:
        raise ValueError("bsn 999990019")

    outgoing.mount(BASE, endpoint)
    with caplog.at_level(logging.DEBUG), pytest.raises(PluginFailed) as caught:
        await outgoing.post(f"{BASE}/start_authentication", b"", plugin="near")
    assert "999990019" not in f"{caught.value} {caught.value!r} {caplog.text}"
    assert caught.value.__cause__ is None
    assert "plugin near failed: ValueError at" in caplog.text


async def test_redirects_and_long_or_missing_answers_are_alike_within_this_process(outgoing: Outgoing) -> None:
    async def redirect(_: Request) -> Response:
        return RedirectResponse("/elsewhere")

    async def long(_: Request) -> Response:
        async def pieces() -> AsyncIterator[bytes]:
            for _ in range(100):
                yield b"x" * 1000

        return StreamingResponse(pieces())

    async def silent(_: Scope, __: Receive, ___: Send) -> None:
        return None

    outgoing.mount(BASE, application(redirect))
    assert (await outgoing.post(f"{BASE}/start_authentication", b"")).status == 307
    outgoing.mount(BASE, application(long))
    with pytest.raises(PluginFailed):
        await outgoing.post(f"{BASE}/start_authentication", b"")
    outgoing.mount(BASE, silent)
    with pytest.raises(PluginFailed):
        await outgoing.post(f"{BASE}/start_authentication", b"")
