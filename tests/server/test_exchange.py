"""Requests and answers as they go over a connection: HTTP/1.1 in bytes (RFC 9112)."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from typing import TYPE_CHECKING

import pytest
import uvicorn

from idcontact.listeners import Listener
from idcontact.socket_server import HttpProtocol

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from starlette.types import ASGIApp, Receive, Scope, Send

    Header = tuple[bytes, bytes]

GET = b"GET / HTTP/1.1\r\nhost: here\r\n\r\n"
IDLE = 1
"""Seconds after which a connection is closed, here."""


@contextlib.asynccontextmanager
async def connected(app: ASGIApp) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A connection to a real server of the application."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        config = uvicorn.Config(
            app,
            http=HttpProtocol,
            lifespan="off",
            log_config=None,
            date_header=False,
            server_header=False,
            timeout_keep_alive=IDLE,
        )
        server = Listener(config)
        serving = asyncio.create_task(server.serve(sockets=[sock]))
        await server.up.wait()
        reader, writer = await asyncio.open_connection(*sock.getsockname())
        try:
            async with asyncio.timeout(10):
                yield reader, writer
        finally:
            writer.close()
            server.should_exit = True
            await serving


def answering(status: int, headers: Sequence[Header], *parts: bytes) -> ASGIApp:
    """An application that answers so, after it has read the request."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        del scope
        while (await receive()).get("more_body", False):
            pass
        await send({"type": "http.response.start", "status": status, "headers": headers})
        for index, part in enumerate(parts):
            await send({"type": "http.response.body", "body": part, "more_body": index + 1 < len(parts)})

    return app


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers with the target and the body of the request."""
    body, more = b"", True
    while more:
        message = await receive()
        body += message["body"]
        more = message["more_body"]
    said = scope["raw_path"] + b"?" + scope["query_string"] + b" " + body
    await answering(200, [(b"content-length", b"%d" % len(said))], said)(scope, _nothing_more, send)


async def _nothing_more() -> dict[str, object]:
    return {"type": "http.request"}


async def _all_of(app: ASGIApp, request: bytes) -> bytes:
    """What a server says to a request, until it closes the connection."""
    async with connected(app) as (reader, writer):
        writer.write(request)
        return await reader.read()


LENGTH_2 = [(b"content-length", b"2")]
CLOSING = GET.replace(b"\r\n\r\n", b"\r\nconnection: close\r\n\r\n")


@pytest.mark.parametrize(
    ("request_", "app", "answer"),
    [
        pytest.param(
            CLOSING,
            answering(200, LENGTH_2, b"hi"),
            b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nhi",
            id="of a known length",
        ),
        pytest.param(
            CLOSING,
            answering(200, LENGTH_2, b"h", b"", b"i"),
            b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nhi",
            id="of a known length, in parts",
        ),
        pytest.param(
            CLOSING,
            answering(200, [], b"one", b"", b"two"),
            b"HTTP/1.1 200 OK\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n"
            b"3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n",
            id="of an unknown length, in chunks",
        ),
        pytest.param(
            CLOSING.replace(b"GET", b"HEAD"),
            answering(200, LENGTH_2, b"hi"),
            b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n",
            id="to HEAD: no body",
        ),
        pytest.param(
            CLOSING,
            answering(304, [(b"ETag", b'"1"')], b""),
            b'HTTP/1.1 304 Not Modified\r\netag: "1"\r\nconnection: close\r\n\r\n',
            id="304: no length",
        ),
        pytest.param(
            GET,
            answering(200, [*LENGTH_2, (b"connection", b"Close")], b"hi"),
            b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: Close\r\n\r\nhi",
            id="that closes by itself",
        ),
        pytest.param(
            b"GET / HTTP/1.0\r\n\r\n",
            answering(200, LENGTH_2, b"hi"),
            b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nhi",
            id="to HTTP/1.0",
        ),
        pytest.param(
            CLOSING,
            answering(
                303, [(b"location", b"/a"), (b"set-cookie", b"a=1"), (b"set-cookie", b"b=2"), LENGTH_2[0]], b"hi"
            ),
            b"HTTP/1.1 303 See Other\r\nlocation: /a\r\nset-cookie: a=1\r\nset-cookie: b=2\r\ncontent-length: 2\r\n"
            b"connection: close\r\n\r\nhi",
            id="with headers of one answer alone",
        ),
    ],
)
async def test_an_answer_goes_out_as_http_has_it(request_: bytes, app: ASGIApp, answer: bytes) -> None:
    assert await _all_of(app, request_) == answer


@pytest.mark.parametrize(
    "header",
    [(b"x-name", b"a\r\nset-cookie: b=1"), (b"location", b"/\r\nset-cookie: b=1"), (b"x\r\ny", b"1"), (b"a:b", b"1")],
)
async def test_a_header_that_would_be_two_is_never_sent(header: Header) -> None:
    for _ in range(2):  # the second time too, where it might be remembered
        said = await _all_of(answering(200, [header, *LENGTH_2], b"hi"), CLOSING)
        assert said.startswith(b"HTTP/1.1 500 Internal Server Error\r\n") or said == b""
        assert b"set-cookie" not in said
        assert b"hi" not in said


@pytest.mark.parametrize("body", [b"h", b"hello"])
async def test_a_body_that_is_not_as_long_as_announced_ends_the_connection(body: bytes) -> None:
    said = await _all_of(answering(200, LENGTH_2, body), GET)
    assert not said.endswith(b"hello")


async def test_requests_that_come_together_are_answered_in_turn_with_their_own_bodies() -> None:
    requests = b"".join(
        b"POST /%d?q=%d HTTP/1.1\r\nhost: here\r\ncontent-length: 3\r\n\r\nno%d" % (n, n, n) for n in range(5)
    )
    async with connected(echo) as (reader, writer):
        writer.write(requests)
        for n in range(5):
            head = await reader.readuntil(b"\r\n\r\n")
            assert b"content-length: 10\r\n" in head
            assert await reader.readexactly(10) == b"/%d?q=%d no%d" % (n, n, n)


async def test_a_body_in_chunks_and_in_pieces_comes_whole_and_is_asked_for_where_that_is_expected() -> None:
    async with connected(echo) as (reader, writer):
        writer.write(
            b"POST /%20/a HTTP/1.1\r\nhost: here\r\nexpect: 100-continue\r\ntransfer-encoding: chunked\r\n\r\n"
        )
        assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        for piece in (b"5\r\nhel", b"lo\r\n1", b"\r\n!\r\n0\r\n\r\n"):
            writer.write(piece)
            await writer.drain()
        await reader.readuntil(b"\r\n\r\n")
        assert await reader.readexactly(14) == b"/%20/a? hello!"


async def test_an_endless_answer_goes_out_as_it_comes_and_ends_when_nobody_reads_it_any_more() -> None:
    gone = asyncio.Event()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await answering(200, [], b"first", b"")(scope, _nothing_more, _without_an_end(send))
        assert (await receive())["type"] == "http.disconnect"
        await send({"type": "http.response.body", "body": b"to nobody"})
        gone.set()

    async with connected(app) as (reader, writer):
        writer.write(GET)
        await reader.readuntil(b"first\r\n")
        writer.close()
        await gone.wait()


def _without_an_end(send: Send) -> Send:
    async def sent(message: dict[str, object]) -> None:
        await send({**message, **({"more_body": True} if message["type"] == "http.response.body" else {})})

    return sent  # type: ignore[return-value]


async def test_a_connection_is_closed_when_it_has_been_idle_for_long_enough_and_no_sooner() -> None:
    loop = asyncio.get_running_loop()
    async with connected(answering(200, LENGTH_2, b"hi")) as (reader, writer):
        for _ in range(3):
            writer.write(GET)
            await reader.readuntil(b"hi")
            # Not a wait for anything to happen: it is used again before it may be closed.
            await asyncio.sleep(IDLE * 0.6)
        writer.write(GET)
        await reader.readuntil(b"hi")
        used = loop.time()
        assert await reader.read() == b""
        assert IDLE * 0.9 < loop.time() - used < IDLE * 5


async def test_a_request_that_takes_longer_than_a_connection_may_be_idle_is_answered() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == "/slow":
            await asyncio.sleep(IDLE * 1.5)  # how slow it is; nothing waits for it
        await answering(200, LENGTH_2, b"hi")(scope, receive, send)

    async with connected(app) as (reader, writer):
        for path in (b"/", b"/slow", b"/"):
            writer.write(GET.replace(b"/ ", path + b" ", 1))
            await reader.readuntil(b"\r\n\r\nhi")
