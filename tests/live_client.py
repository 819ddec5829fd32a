"""A client of the live protocol for tests, written from docs/live-protocol.md and its schema alone.

It keeps every frame that it heard, and holds the server to the page: events come by number without holes or doubles,
and a command is answered once for each time that it was sent. Whoever waits here waits for a frame, with a time-out.
"""

from __future__ import annotations

import asyncio
import json
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, TypeAlias, TypeVar

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Origin, Subprotocol

from live_stream import StreamConnection, StreamLostError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from live_browser import Browser
    from running import Site

PROTOCOL: Final = "idcontact.live.v1"
PATIENCE: Final = 15.0  # seconds that anything may take on a busy machine

Frame: TypeAlias = dict[str, Any]
T = TypeVar("T")


class Refused(Exception):
    """A command was answered by an `error`."""

    def __init__(self, frame: Frame) -> None:
        super().__init__(f"{frame['code']}: {frame['message']}")
        self.frame = frame
        self.code: str = frame["code"]
        self.field: str | None = frame.get("field")
        self.retry_after_ms: int | None = frame.get("retry_after_ms")


@dataclass
class Log:
    """What a client has of one log."""

    log_id: str
    events: list[Frame] = field(default_factory=list)

    @property
    def seq(self) -> int:
        """The number of the last event; 0 when there is none."""
        return len(self.events)

    @property
    def last_at(self) -> Frame:
        """When the last event was, as `hello` says it."""
        return {"at": self.events[-1]["at"]} if self.events else {}


@dataclass
class Command:
    """A command on its way, and how often it was sent and answered."""

    frame: Frame
    answer: asyncio.Future[Frame]
    sent: int = 0
    answers: list[Frame] = field(default_factory=list)

    async def ack(self) -> Frame:
        """Its ack; Refused when the answer is an error."""
        async with asyncio.timeout(PATIENCE):
            frame = await asyncio.shield(self.answer)
        if frame["type"] == "error":
            raise Refused(frame)
        return frame


def matches(frame: Any, wanted: Any) -> bool:
    """Whether everything wanted is in the frame; objects are compared member by member."""
    if isinstance(wanted, dict):
        return isinstance(frame, dict) and all(
            name in frame and matches(frame[name], value) for name, value in wanted.items()
        )
    return bool(frame == wanted)


class Client:
    """One page: at most one socket at a time, and all that was heard on any of them."""

    def __init__(self, site: Site, path: str, browser: Browser) -> None:
        self.site = site
        self.path = path
        self.browser = browser
        self.frames: list[Frame] = []
        self.logs: dict[tuple[str, str], Log] = {}
        self.commands: dict[str, Command] = {}
        self.faults: list[str] = []
        self.close_code: int | None = None
        self.page = secrets.token_hex(8)
        self.attempt = 0
        self.by_stream = False
        self.posts_to: Site | None = None
        """By a stream instead of a WebSocket; POSTs go to this node where it is another."""
        self._taken: set[int] = set()
        self._declared: dict[tuple[str, str], int] = {}
        self._socket: ClientConnection | StreamConnection | None = None
        self._reading: asyncio.Task[None] | None = None
        self._waiting: list[asyncio.Future[None]] = []

    # The socket

    async def open(
        self,
        *,
        origin: str | None = None,
        subprotocol: str | None = PROTOCOL,
        cookie: str | None = None,
        reading: bool = True,
        **options: Any,
    ) -> None:
        """Open a socket, and say nothing on it yet. `origin` and `cookie` are the browser's unless given.

        Without `reading`, nothing is taken from it until `read`. `options` are those of what
        opens it: `websockets.connect`, or `StreamConnection.open`.
        """
        await self.disconnect()
        self.attempt += 1
        sent = self.browser.cookie_header if cookie is None else cookie
        self.close_code = None
        said = self.site.url if origin is None else origin
        if self.by_stream:
            headers = {"Origin": said, **({"Cookie": sent} if sent else {})}
            self._socket = await StreamConnection.open(self.site, self.path, headers, posts_to=self.posts_to, **options)
        else:
            self._socket = await self._websocket(said, subprotocol, sent, options)
        if reading:
            self.read()

    async def _websocket(
        self, origin: str, subprotocol: str | None, sent: str, options: dict[str, Any]
    ) -> ClientConnection:
        return await connect(
            self.site.url.replace("http", "ws", 1) + self.path,
            origin=Origin(origin),
            subprotocols=None if subprotocol is None else [Subprotocol(subprotocol)],
            additional_headers={"Cookie": sent} if sent else {},
            compression=None,
            max_size=None,
            open_timeout=PATIENCE,
            close_timeout=1,
            ping_interval=None,
            **options,
        )

    def read(self) -> None:
        """Take what comes from the open socket from now on."""
        assert self._socket is not None, "not connected"
        self._reading = asyncio.create_task(self._read(self._socket))

    async def connect(self, have: Sequence[Frame] | None = None) -> Frame:
        """Open a socket and say hello; the `welcome`. `have` is what this client has, or `()` for a first load."""
        await self.open()
        return await self.hello(have)

    async def hello(self, have: Sequence[Frame] | None = None) -> Frame:
        """Say hello on the open socket; the `welcome` that answers it."""
        said = self.have() if have is None else list(have)
        self._declared = {(one["conversation"], one["log"]): one["seq"] for one in said}
        before = len(self.frames)
        await self.send_frame({"type": "hello", "have": said, "page": self.page, "attempt": self.attempt})
        return await self.wait_for("welcome", since=before)

    async def resume(self) -> Frame:
        """Connect again as a page does: with what it has, and with the commands that nobody answered."""
        welcome = await self.connect()
        for command in [one for one in self.commands.values() if not one.answer.done()]:
            await self._send(command)
        return welcome

    async def disconnect(self) -> None:
        """Close the socket, if there is one."""
        opened, self._socket = self._socket, None
        reading, self._reading = self._reading, None
        if opened is not None:
            await opened.close()
        if reading is not None:
            await reading

    def lose(self) -> None:
        """Lose the connection without a word, as a phone in a tunnel does."""
        if self._socket is not None:
            self._socket.transport.abort()

    async def closed(self) -> int:
        """The code with which the server closes the socket."""
        return await self.until(lambda: self.close_code, "the server to close the socket")

    async def close(self) -> None:
        """Leave, and say what the server did wrong."""
        await self.disconnect()
        assert not self.faults, self.faults

    @property
    def line(self) -> ClientConnection | StreamConnection | None:
        """What it is connected by."""
        return self._socket

    @property
    def is_open(self) -> bool:
        """Whether the socket is there, as far as this side knows."""
        return self._socket is not None and self.close_code is None

    # What is sent

    async def send_frame(self, frame: Frame) -> None:
        """Send any frame."""
        await self.send_raw(json.dumps(frame, ensure_ascii=False))

    async def send_raw(self, text: str | bytes) -> None:
        """Send a frame as it is; on a lost socket it is lost too, as it would be on its way."""
        assert self._socket is not None, "not connected"
        try:
            await self._socket.send(text)
        except (ConnectionClosed, StreamLostError):
            return

    async def begin(self, kind: str, *, command_id: str | None = None, **members: Any) -> Command:
        """Send a command without waiting for its answer. The same id again is the same command again."""
        chosen = secrets.token_urlsafe(12) if command_id is None else command_id
        command = self.know({"type": kind, "id": chosen, **members})
        await self._send(command)
        return command

    def know(self, frame: Frame) -> Command:
        """A command that is about to be sent, for whoever sends it in a way of their own."""
        known = self.commands.get(frame["id"])
        if known is None or known.answer.done():
            earlier = (known.sent, known.answers) if known is not None else (0, [])
            known = Command(frame, asyncio.get_running_loop().create_future(), *earlier)
            self.commands[frame["id"]] = known
        return known

    async def command(self, kind: str, *, command_id: str | None = None, **members: Any) -> Frame:
        """Send a command; its `ack`, or Refused."""
        return await (await self.begin(kind, command_id=command_id, **members)).ack()

    async def _send(self, command: Command) -> None:
        command.sent += 1
        await self.send_frame(command.frame)

    async def ping(self) -> None:
        """Come back when the server has dealt with everything that was sent before."""
        nonce = secrets.token_hex(8)
        await self.send_frame({"type": "ping", "nonce": nonce})
        await self.wait_for("pong", nonce=nonce)

    # What is heard

    async def _read(self, opened: ClientConnection | StreamConnection) -> None:
        try:
            async for text in opened:
                self._hear(json.loads(text))
        except ConnectionClosed:
            pass
        finally:
            if self._socket is opened or self._socket is None:
                self.close_code = opened.close_code
            self._wake()

    def _hear(self, frame: Frame) -> None:
        self.frames.append(frame)
        kind = frame["type"]
        if "log" in frame:
            self._keep_event(frame)
        elif kind in {"ack", "error"} and frame.get("id") is not None:
            self._keep_answer(frame)
        elif kind == "welcome":
            for key, log in list(self.logs.items()):
                del log.events[self._declared.get(key, 0) :]
        self.view(frame)
        self._wake()

    def _keep_event(self, frame: Frame) -> None:
        key = (frame["conversation"], frame["log"])
        log = self.logs.get(key)
        if log is None or log.log_id != frame["log_id"]:
            log = self.logs[key] = Log(frame["log_id"])
        if frame["seq"] != log.seq + 1:
            self.faults.append(f"event {frame['seq']} ({frame['type']}) of the {frame['log']} log after {log.seq}")
        log.events.append(frame)

    def _keep_answer(self, frame: Frame) -> None:
        command = self.commands.get(frame["id"])
        if command is None:
            if frame["type"] == "ack":  # an error may well be about a frame that was no command
                self.faults.append(f"an ack of a command that was never sent: {frame}")
            return
        command.answers.append(frame)
        if len(command.answers) > command.sent:
            self.faults.append(f"{len(command.answers)} answers to {command.frame['type']}, sent {command.sent} times")
        if not command.answer.done():
            command.answer.set_result(frame)

    def view(self, frame: Frame) -> None:
        """Take over what a view says; what there is to see differs between the two sides."""
        raise NotImplementedError

    def have(self) -> list[Frame]:
        """What `hello` says that this client has."""
        return [
            {"conversation": conversation, "log": name, "log_id": log.log_id, "seq": log.seq, **log.last_at}
            for (conversation, name), log in self.logs.items()
        ]

    def heard(self, kind: str, **members: Any) -> list[Frame]:
        """Every frame of that type so far that has these members."""
        return [frame for frame in self.frames if frame["type"] == kind and matches(frame, members)]

    async def wait_for(self, kind: str, *, since: int = 0, **members: Any) -> Frame:
        """The first frame like this that no one has waited for before; `since` an index in `frames`."""

        def look() -> int | None:
            for index in range(since, len(self.frames)):
                frame = self.frames[index]
                if index not in self._taken and frame["type"] == kind and matches(frame, members):
                    return index + 1  # never 0: that would read as not found
            return None

        index = await self.until(look, f"{kind} {members}") - 1
        self._taken.add(index)
        return self.frames[index]

    async def until(self, look: Callable[[], T | None], what: str, seconds: float = PATIENCE) -> T:
        """Look after every frame, until there is something to see."""
        try:
            async with asyncio.timeout(seconds):
                while not (found := look()):
                    assert not self.faults, self.faults
                    change: asyncio.Future[None] = asyncio.get_running_loop().create_future()
                    self._waiting.append(change)
                    await change
        except TimeoutError:
            heard = [frame["type"] for frame in self.frames[-20:]]
            raise AssertionError(f"waited for {what}; closed: {self.close_code}; last heard: {heard}") from None
        return found

    def _wake(self) -> None:
        waiting, self._waiting = self._waiting, []
        for change in waiting:
            if not change.done():
                change.set_result(None)

    def events(self, conversation: str, log: str = "public") -> list[Frame]:
        """Every event of that log that this client has."""
        known = self.logs.get((conversation, log))
        return [] if known is None else list(known.events)

    async def has_seq(self, conversation: str, seq: int, log: str = "public") -> None:
        """Until this client has every event of that log up to this one."""
        await self.until(lambda: len(self.events(conversation, log)) >= seq, f"event {seq} of the {log} log")
