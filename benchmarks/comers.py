"""Pages that come all at once, and how long each waited until it was served.

Usage: `python -m benchmarks.comers PORT FILE`. Each line of FILE is one page, a `Comer` as JSON. When all are read it
prints "ready"; a line on standard input lets them all come, and is answered by one of JSON, a `Came`. The next line
lets them go.

As lean as a client can be that looks at every frame: the protocol is spoken here, on bytes.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from pathlib import Path
from typing import Final, Protocol, cast

import msgspec
import uvloop

_PATIENCE: Final = 30.0
_TEXT, _CLOSE = 0x81, 0x88


class Settled(Protocol):
    """Told once of each page."""

    def __call__(self, *, served: bool) -> None:
        """Whether it got its answer."""


class Comer(msgspec.Struct, frozen=True):
    """One page."""

    path: str
    headers: dict[str, str]
    hello: str


class Came(msgspec.Struct, frozen=True):
    """How it went. Times in seconds; `refused` are those that were closed, or not served within half a minute."""

    waits: list[float]
    refused: int
    bytes: int
    cpu: float
    wall: float


class _Page(asyncio.Protocol):
    """One socket: handshake, hello, and frames until the welcome; then it only counts."""

    def __init__(self, comer: Comer, settled: Settled) -> None:
        self._comer = comer
        self._settled: Settled | None = settled
        self._transport: asyncio.WriteTransport | None = None
        self._began = time.perf_counter()
        self._in = b""
        self._upgraded = False
        self.waited = 0.0
        self.bytes = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.WriteTransport", transport)
        lines = [f"GET {self._comer.path} HTTP/1.1", "Host: 127.0.0.1", "Connection: Upgrade", "Upgrade: websocket"]
        lines += ["Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA=="]
        lines += [f"{name}: {value}" for name, value in self._comer.headers.items()]
        self._transport.write("\r\n".join([*lines, "", ""]).encode())

    def data_received(self, data: bytes) -> None:
        self.bytes += len(data)
        if self._settled is None:
            return
        self._in += data
        if not self._upgraded:
            head, found, rest = self._in.partition(b"\r\n\r\n")
            if not found:
                return
            if not head.startswith(b"HTTP/1.1 101"):
                self._settle(served=False)
                return
            self._upgraded, self._in = True, rest
            assert self._transport is not None
            self._transport.write(_masked(self._comer.hello.encode()))
        while frame := self._next():
            self._hear(*frame)

    def _hear(self, kind: int, payload: bytes) -> None:
        if kind == _CLOSE:
            self._settle(served=False)
        elif kind == _TEXT and self._settled is not None and payload.startswith(b'{"type":"welcome"'):
            self.waited = time.perf_counter() - self._began
            self._settle(served=True)

    def connection_lost(self, _error: Exception | None) -> None:
        self._settle(served=False)

    def _settle(self, *, served: bool) -> None:
        settled, self._settled = self._settled, None
        if settled is not None:
            settled(served=served)

    def _next(self) -> tuple[int, bytes] | None:
        """The next whole frame: RFC 6455, section 5.2; a server masks nothing."""
        have = self._in
        if len(have) < 2:
            return None
        start, length = 2, have[1]
        if length >= 126:
            start = 4 if length == 126 else 10
            length = int.from_bytes(have[2:start])
        if len(have) < start + length:
            return None
        self._in = have[start + length :]
        return have[0], have[start : start + length]

    def close(self) -> None:
        """Go, without a word."""
        self._settled = None
        if self._transport is not None:
            self._transport.abort()


def _masked(payload: bytes) -> bytes:
    """A text frame of a client, under a mask of zeros."""
    length = len(payload)
    size = bytes([0x80 | length]) if length < 126 else bytes([0xFE]) + length.to_bytes(2)
    return bytes([_TEXT]) + size + bytes(4) + payload


async def _connect(port: int, page: _Page) -> None:
    await asyncio.get_running_loop().create_connection(lambda: page, "127.0.0.1", port)


async def _come(port: int, comers: list[Comer]) -> tuple[Came, list[_Page]]:
    loop = asyncio.get_running_loop()
    left, refused = len(comers), 0
    done: asyncio.Future[None] = loop.create_future()

    def settled(*, served: bool) -> None:
        nonlocal left, refused
        left -= 1
        refused += not served
        if not left and not done.done():
            done.set_result(None)

    began, cpu = time.perf_counter(), time.process_time()
    pages = [_Page(comer, settled) for comer in comers]
    connecting = [asyncio.create_task(_connect(port, page)) for page in pages]
    await asyncio.wait([done], timeout=_PATIENCE)
    wall, cpu = time.perf_counter() - began, time.process_time() - cpu
    await asyncio.gather(*connecting, return_exceptions=True)
    waits = [page.waited for page in pages if page.waited]
    return Came(waits, refused + left, sum(page.bytes for page in pages), cpu, wall), pages


async def _serve(port: int, comers: list[Comer]) -> None:
    loop = asyncio.get_running_loop()
    say = sys.stdout
    print("ready", file=say, flush=True)
    while await loop.run_in_executor(None, sys.stdin.readline):
        came, pages = await _come(port, comers)
        print(msgspec.json.encode(came).decode(), file=say, flush=True)
        await loop.run_in_executor(None, sys.stdin.readline)
        for page in pages:
            page.close()
        await asyncio.sleep(0)


def main() -> None:
    """Until standard input ends."""
    lines = Path(sys.argv[2]).read_bytes().splitlines()
    uvloop.run(_serve(int(sys.argv[1]), [msgspec.json.decode(line, type=Comer) for line in lines]))
    os._exit(0)  # a thread may still wait for a line


if __name__ == "__main__":
    main()
