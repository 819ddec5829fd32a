"""One pipelined connection, for the append path and for limits: an awaited command costs a tenth of redis-py's.

redis-py's own connection does the connecting (TLS, AUTH, SELECT), and is then taken over: the writes of one turn of the
event loop go out together, answers are handed out in order, where they come in. A call made while the connection is
down fails at once with `Unavailable`; so does every call that was unanswered when it broke. Whoever called may send
it again: only scripts that remember their answer go this way, and those of which one too many is counted at most.

Of a Cluster each primary has one: see `pipes.py`, which also makes the one for whatever store there is.

With `replicas`, what goes out together is followed by one WAIT, and no answer is handed out before that one has come;
what is called meanwhile goes out together after it. With too few replicas every call fails with `Unavailable`.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections import deque
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

import hiredis
from redis.exceptions import AskError, MovedError, NoScriptError, RedisError, ResponseError, TryAgainError
from redis.exceptions import ConnectionError as RedisConnectionError

from idcontact.errors import Unavailable
from idcontact.redis import reaching, too_few_replicas, unavailable
from idcontact.taken_over import TakenOver

if TYPE_CHECKING:
    from collections.abc import Callable

    from redis.asyncio import Redis

    from idcontact.durability import Replicas
    from idcontact.redis import Script

    Answered: TypeAlias = Callable[[object], None]
    Words: TypeAlias = tuple[str | bytes | int, ...]

_log = logging.getLogger(__name__)
_MAX_PENDING = 50_000
_ANSWER_WITHIN = 5.0


@dataclass(frozen=True)
class Batch:
    """Commands (one or more) that are always the same: packed once, and sent many times as one piece."""

    commands: tuple[Words, ...]

    @cached_property
    def packed(self) -> bytes:
        """All of them, as they are written."""
        return b"".join(map(_packed, self.commands))


class Line(Protocol):
    """What the append path and the limits send by: a `Pipe`, or those of a Cluster."""

    up: asyncio.Event
    """Set while it stands."""

    @property
    def interruptions(self) -> int:
        """How often a connection that stood broke."""

    async def run(self) -> None:
        """Its life: whoever makes it keeps that task."""

    async def ask(self, batch: Batch) -> list[object]:
        """The answers to all of a batch, in order. Raises `Unavailable`, or the first `ResponseError` among them."""

    def script(self, script: Script, words: Words, keys: int, answered: Answered) -> None:
        """Run a script, whose first `keys` words are keys. `answered` is called as soon as there is an answer."""


class _Round:
    """Calls that go out together, and whose answers wait for replicas."""

    def __init__(self, replicas: Replicas) -> None:
        self.wait: Words = ("WAIT", replicas.count, replicas.milliseconds)
        self._count = replicas.count
        self._answers: list[tuple[Answered, object]] = []

    def holding(self, answered: Answered) -> Answered:
        """What takes the answer for `answered`, until `release`."""
        return lambda answer: self._answers.append((answered, answer))

    def release(self, heard: object) -> None:
        """Hand all answers out; `heard` is what WAIT answered: how many replicas have it."""
        there = isinstance(heard, int) and heard >= self._count
        for answered, answer in self._answers:
            hand_out(answered, answer if there or isinstance(answer, Exception) else too_few_replicas())


class Pipe:
    """See the module. `run` is its life: whoever makes it keeps that task."""

    def __init__(
        self,
        redis: Redis,
        scripts: list[Script],
        *,
        on_up: Callable[[], None] | None = None,
        on_down: Callable[[], None] | None = None,
        replicas: Replicas | None = None,
    ) -> None:
        """`on_up` is called whenever the connection stands (again): what broke with the old one may have been done.

        `on_down` is called whenever it broke, or could not be made.
        """
        self._on_up = on_up
        self._on_down = on_down
        self._pool = redis.connection_pool
        self._scripts = scripts
        self._pending: deque[Answered] = deque()
        self._buffer: list[bytes] = []
        self._writer: asyncio.StreamWriter | None = None
        self._flushing = False
        self._progress = 0.0
        self._replicas = replicas
        self._round: _Round | None = None
        """What goes out next; None while nothing does, and where no replicas are waited for."""
        self._awaited: _Round | None = None
        """What is out, and waits for replicas."""
        self.up = asyncio.Event()
        self.interruptions = 0
        """How often a connection that stood broke."""

    def call(self, command: Words | bytes, answered: Answered) -> None:
        """Send one command; bytes: one that is packed already.

        `answered` is called with the answer, or `Unavailable`, or a `ResponseError` (ours).
        """
        if self._writer is None or len(self._pending) >= _MAX_PENDING:
            answered(Unavailable("the store cannot be reached now; try again in a moment"))
            return
        loop = asyncio.get_running_loop()
        if not self._pending:
            self._progress = loop.time()
        if self._replicas is not None:
            self._round = self._round or _Round(self._replicas)
            answered = self._round.holding(answered)
        self._pending.append(answered)
        self._buffer.append(command if isinstance(command, bytes) else _packed(command))
        if not self._flushing:
            self._flushing = True
            loop.call_soon(self._flush)

    async def ask(self, batch: Batch) -> list[object]:
        """The answers to all of a batch, in order. Raises `Unavailable`, or the first `ResponseError` among them."""
        answers = await self.answers_to(batch)
        for answer in answers:
            if isinstance(answer, Exception):
                raise answer
        return answers

    async def answers_to(self, batch: Batch) -> list[object]:
        """The same, with the errors among them. Raises `Unavailable` while the connection is down."""
        if self._writer is None or len(self._pending) >= _MAX_PENDING:
            raise Unavailable("the store cannot be reached now; try again in a moment")
        loop = asyncio.get_running_loop()
        answers: list[object] = []
        done: asyncio.Future[None] = loop.create_future()

        def last(answer: object) -> None:
            answers.append(answer)
            if not done.done():  # nobody waits any more for one that was cancelled
                done.set_result(None)

        if not self._pending:
            self._progress = loop.time()
        self._pending.extend([answers.append] * (len(batch.commands) - 1))
        self._pending.append(last)
        self._buffer.append(batch.packed)
        self._flush()
        await done
        return answers

    def script(self, script: Script, words: Words, keys: int, answered: Answered) -> None:
        """Run a script, whose first `keys` words are keys; once more with its text when the server has forgotten it."""

        def known(answer: object) -> None:
            if isinstance(answer, NoScriptError):
                self.call(("EVAL", script.source, keys, *words), answered)
            else:
                answered(answer)

        self.call(("EVALSHA", script.sha, keys, *words), known)

    async def run(self) -> None:
        """Connect, serve, reconnect; for ever. Ends only by being cancelled."""
        pause = 0.05
        while True:
            connection = self._pool.make_connection()  # type: ignore[no-untyped-call]  # redis-py leaves it untyped
            try:
                with reaching():
                    await connection.connect()
                    for script in self._scripts:
                        await connection.send_command("SCRIPT", "LOAD", script.source)
                        await connection.read_response()
                pause = 0.05
                await self._serve(connection)
            except (Unavailable, RedisError, OSError) as outage:
                _log.warning("a pipelined connection is down: %s", type(outage).__name__)
            finally:
                self._fail_all()
                await connection.disconnect(nowait=True)
            if self._on_down is not None:
                self._on_down()
            await asyncio.sleep(pause * (0.5 + random.random()))  # noqa: S311 - jitter
            pause = min(pause * 2, 1.0)

    async def _serve(self, connection: Any) -> None:
        parser = hiredis.Reader(replyError=_reply_error)
        loop = asyncio.get_running_loop()

        def heard(chunk: bytes) -> None:
            self._progress = loop.time()
            parser.feed(chunk)
            if not self._resolve(parser):
                raise RedisConnectionError("a replica answers here now")

        taken = await TakenOver.of(connection, heard)
        self._writer = connection._writer  # noqa: SLF001 - the seam named in the module
        self.up.set()
        if self._on_up is not None:
            self._on_up()
        watch = asyncio.create_task(self._watch(taken))
        try:
            await taken.end()
        finally:
            watch.cancel()
            await asyncio.gather(watch, return_exceptions=True)

    def _resolve(self, parser: hiredis.Reader) -> bool:
        """Hand out what was answered. False when a replica answers: what was the primary is so no more (READONLY)."""
        primary = True
        while (answer := parser.gets()) is not False:
            primary = primary and not isinstance(answer, _Demoted)
            hand_out(self._pending.popleft(), answer)
        return primary

    async def _watch(self, taken: TakenOver) -> None:
        """A connection that owes an answer for too long is dead, whatever the kernel says."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(_ANSWER_WITHIN / 4)
            if self._pending and loop.time() - self._progress > _ANSWER_WITHIN:
                taken.give_up()
                return

    def _flush(self) -> None:
        self._flushing = False
        if self._writer is None or not self._buffer or self._awaited is not None:
            return
        if self._writer.is_closing():
            return  # it broke this moment: `_serve` is about to end, and fails all that was called
        if self._round is not None:
            self._awaited, self._round = self._round, None
            self._buffer.append(_packed(self._awaited.wait))
            self._pending.append(self._heard)
        self._writer.write(b"".join(self._buffer))
        self._buffer.clear()

    def _heard(self, answer: object) -> None:
        """Replicas have what went out, or not in time; what was called meanwhile is next."""
        awaited, self._awaited = self._awaited, None
        if awaited is not None:
            awaited.release(answer)
        self._flush()

    def _fail_all(self) -> None:
        self.interruptions += self.up.is_set()
        self.up.clear()
        self._writer = None
        self._buffer.clear()
        while self._pending:
            hand_out(self._pending.popleft(), unavailable(ConnectionError()))
        if (waiting := self._round) is not None:
            self._round = None
            waiting.release(None)


def _packed(command: Words) -> bytes:
    packed: bytes = hiredis.pack_command(command)  # type: ignore[arg-type]  # its stub says: exactly one word
    return packed


def hand_out(answered: Answered, answer: object) -> None:
    """Call `answered`: what goes wrong there is said, and troubles nobody else."""
    try:
        answered(answer)
    except Exception as mistake:  # noqa: BLE001  it is one caller's: the others get their answers
        _log.exception("an answer could not be handed out: %s", type(mistake).__name__)


class _Demoted(Unavailable):
    """A replica answers, or one without a primary. It closes no connection of those who took it for the primary."""


_REDIRECTS = {"MOVED": MovedError, "ASK": AskError, "TRYAGAIN": TryAgainError}
"""Of a Cluster: the slot is elsewhere, or on its way."""


def _reply_error(text: str) -> Exception:
    if text.startswith("NOSCRIPT"):
        return NoScriptError(text)
    if text.startswith(("READONLY", "MASTERDOWN")):
        known = unavailable(ResponseError(text))
        return _Demoted(known.message, reason=known.reason)
    kind, _, rest = text.partition(" ")
    if (redirect := _REDIRECTS.get(kind)) is not None:
        sent_on: Exception = redirect(rest)
        return sent_on
    if text.startswith(("BUSY", "OOM", "MISCONF", "LOADING", "NOREPLICAS", "CLUSTERDOWN")):
        return unavailable(ResponseError(text))
    return ResponseError(text)
