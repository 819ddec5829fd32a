"""What the server's own WebSocket protocol adds: messages by one call, and one write for each turn of the loop."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from typing import TYPE_CHECKING, Any

import pytest
import uvicorn
from websockets.asyncio.client import connect

from idcontact.listeners import Listener
from idcontact.socket_server import LISTEN, WRITE_TEXT, JoinedWrites, SocketProtocol

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from starlette.types import ASGIApp, Receive, Scope, Send

LENGTHS = (0, 1, 125, 126, 127, 65535, 65536, 200_000)
"""Around the places where RFC 6455 section 5.2 writes a length in another way."""


@contextlib.asynccontextmanager
async def served(app: ASGIApp, **options: Any) -> AsyncIterator[str]:
    """The application on a real server; its URL. `options` are more of uvicorn's."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        config = uvicorn.Config(
            app, ws=SocketProtocol, lifespan="off", log_config=None, ws_per_message_deflate=False, **options
        )
        server = Listener(config)
        serving = asyncio.create_task(server.serve(sockets=[sock]))
        await server.up.wait()
        yield f"ws://127.0.0.1:{sock.getsockname()[1]}"
        server.should_exit = True
        await serving


def _write_text(scope: Scope) -> Callable[[bytes], bool]:
    write: Callable[[bytes], bool] = scope["extensions"][WRITE_TEXT]
    return write


def _protocol(scope: Scope) -> SocketProtocol:
    protocol = scope["extensions"][WRITE_TEXT].__self__
    assert isinstance(protocol, SocketProtocol)
    return protocol


async def test_messages_of_every_length_arrive_whole_and_in_the_order_in_which_they_were_sent_either_way() -> None:
    texts = ["é" * (length // 2) + "x" * (length % 2) for length in LENGTHS]

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        write = _write_text(scope)
        await receive()
        await send({"type": "websocket.accept"})
        for text in texts:
            assert write(text.encode())
            await send({"type": "websocket.send", "text": "between"})
        await receive()

    async with served(app) as url, asyncio.timeout(10), connect(url, max_size=None) as client:
        for text in texts:
            assert await client.recv() == text
            assert await client.recv() == "between"


async def test_nothing_is_written_before_the_handshake_or_after_the_close() -> None:
    answers: asyncio.Queue[bool] = asyncio.Queue()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        write = _write_text(scope)
        await receive()
        answers.put_nowait(write(b"too early"))
        await send({"type": "websocket.accept"})
        answers.put_nowait(write(b"in time"))
        await send({"type": "websocket.close", "code": 4400})
        answers.put_nowait(write(b"too late"))

    async with served(app) as url, asyncio.timeout(10), connect(url) as client:
        assert await client.recv() == "in time"
        await client.wait_closed()
        assert client.close_code == 4400
        assert [await answers.get() for _ in range(3)] == [False, True, False]


async def test_who_listens_gets_whole_texts_and_what_is_not_taken_comes_by_receive() -> None:
    heard: list[bytes] = []
    done: asyncio.Queue[list[Any]] = asyncio.Queue()

    def hear(text: bytes) -> bool:
        heard.append(text)
        return text != b"not this one"

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        scope["extensions"][LISTEN](hear)
        received = [await receive(), await receive()]
        scope["extensions"][LISTEN](None)
        await send({"type": "websocket.send", "text": "no longer listening"})
        done.put_nowait([message.get("text", message.get("bytes")) for message in (*received, await receive())])

    async with served(app) as url, asyncio.timeout(10), connect(url) as client:
        await client.send("one")
        await client.send(["in ", "parts, ", "é"])
        await client.send("not this one")
        await client.send(b"bytes")
        await client.recv()
        await client.send("after")
        assert await done.get() == ["not this one", b"bytes", "after"]
    assert heard == [b"one", "in parts, é".encode(), b"not this one"]


async def test_a_reader_that_is_too_slow_makes_the_call_say_that_there_is_no_room() -> None:
    full = asyncio.Event()
    written = 0

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        nonlocal written
        write = _write_text(scope)
        await receive()
        await send({"type": "websocket.accept"})
        while write(b"x" * 60_000):
            written += 1
            await asyncio.sleep(0)
        full.set()
        await send({"type": "websocket.send", "text": "waited for room"})
        await receive()

    async with served(app) as url, asyncio.timeout(20), connect(url, max_queue=1) as client:
        await full.wait()
        assert [len(await client.recv()) for _ in range(written)] == [60_000] * written
        assert await client.recv() == "waited for room"


async def test_who_takes_nothing_and_answers_no_ping_is_gone_though_much_is_still_to_be_sent() -> None:
    gone: asyncio.Queue[str] = asyncio.Queue()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        write = _write_text(scope)
        await receive()
        await send({"type": "websocket.accept"})
        while write(b"x" * 60_000):  # noqa: ASYNC110 - each turn more, and nobody says when there is no room
            await asyncio.sleep(0)
        gone.put_nowait((await receive())["type"])

    async with served(app, ws_ping_interval=0.2, ws_ping_timeout=0.2) as url, asyncio.timeout(10):
        client = await connect(url, max_queue=1, ping_interval=None)
        client.transport.pause_reading()
        assert await gone.get() == "websocket.disconnect"
        client.transport.abort()


async def test_nor_is_who_takes_no_close_either_kept_for_what_was_to_be_sent_before_it() -> None:
    gone: asyncio.Queue[int] = asyncio.Queue()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        protocol = _protocol(scope)
        protocol.close_timeout = 0.1
        await receive()
        await send({"type": "websocket.accept"})
        transport = protocol.transport
        assert isinstance(transport, JoinedWrites)
        while transport._transport.get_write_buffer_size() == 0:
            protocol.write_text(b"x" * 10_000)
            await asyncio.sleep(0)
        await send({"type": "websocket.close", "code": 4409})
        for _ in range(2):  # that this side has closed it, and that it is closed
            gone.put_nowait((await receive())["code"])

    async with served(app, ws_ping_interval=0.2, ws_ping_timeout=0.2) as url, asyncio.timeout(10):
        client = await connect(url, max_queue=1, ping_interval=None)
        client.transport.pause_reading()
        assert await gone.get() == 4409
        await gone.get()
        client.transport.abort()


async def test_pings_of_who_takes_nothing_are_not_answered_for_later() -> None:
    grown: asyncio.Queue[int] = asyncio.Queue()
    full = asyncio.Event()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        protocol = _protocol(scope)
        transport = protocol.transport
        assert isinstance(transport, JoinedWrites)
        await receive()
        await send({"type": "websocket.accept"})
        while protocol.write_text(b"x" * 60_000):  # noqa: ASYNC110 - each turn more, and nobody says when there is no room
            await asyncio.sleep(0)
        before = transport._transport.get_write_buffer_size()
        full.set()
        assert (await receive())["text"] == "so much for that"
        await asyncio.sleep(0)
        grown.put_nowait(transport._transport.get_write_buffer_size() - before)

    async with served(app, ws_ping_interval=None) as url, asyncio.timeout(10):
        client = await connect(url, max_queue=1, ping_interval=None)
        client.transport.pause_reading()
        await full.wait()
        for _ in range(500):
            await client.ping()
        await client.send("so much for that")
        assert await grown.get() <= 0
        client.transport.abort()


class _Recorder(asyncio.Transport):
    def __init__(self) -> None:
        super().__init__()
        self.did: list[object] = []

    def write(self, data: bytes | bytearray | memoryview[Any]) -> None:
        self.did.append(bytes(data))

    def is_closing(self) -> bool:
        return "closed" in self.did

    def close(self) -> None:
        self.did.append("closed")


@pytest.fixture
def recorder() -> _Recorder:
    return _Recorder()


async def test_what_is_sent_in_one_turn_of_the_loop_goes_out_in_one_write(recorder: _Recorder) -> None:
    joined = JoinedWrites(recorder, asyncio.get_running_loop())
    joined.write(b"one ")
    joined.writelines([b"and ", b"two"])
    assert recorder.did == []
    await asyncio.sleep(0)
    joined.write(b"three")
    await asyncio.sleep(0)
    assert recorder.did == [b"one and two", b"three"]


async def test_much_does_not_wait_for_the_end_of_the_turn(recorder: _Recorder) -> None:
    joined = JoinedWrites(recorder, asyncio.get_running_loop())
    joined.write(b"first")
    joined.write(b"x" * 100_000)
    assert [data for data in recorder.did if isinstance(data, bytes)] == [b"first" + b"x" * 100_000]


async def test_what_waits_is_written_before_the_connection_is_closed_and_nothing_after(recorder: _Recorder) -> None:
    joined = JoinedWrites(recorder, asyncio.get_running_loop())
    joined.write(b"last words")
    joined.close()
    joined.write(b"too late")
    await asyncio.sleep(0)
    assert recorder.did == [b"last words", "closed"]
