"""The pipes of a Cluster, one to each primary; and the choice of what goes to the store that there is.

A piece of which the slot has moved, or is on its way, was not done: it is sent again, and all later ones of its slot
wait behind it, so that they stay in order. After `PATIENCE` whoever called hears that the store is away.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from functools import lru_cache, partial
from itertools import count
from typing import TYPE_CHECKING, NamedTuple

from redis.exceptions import MovedError, RedisError

from idcontact.cluster import never_there, slot_of
from idcontact.cluster_client import PATIENCE, PAUSE, REDIRECTS, ClusterRedis
from idcontact.pipe import Batch, Line, Pipe, hand_out
from idcontact.redis import reaching, unavailable
from idcontact.tasks import Tasks, end

if TYPE_CHECKING:
    from collections.abc import Callable

    from redis.asyncio import Redis

    from idcontact.cluster import Address
    from idcontact.durability import Replicas
    from idcontact.pipe import Answered, Words
    from idcontact.redis import Script


def line_to(
    redis: Redis,
    scripts: list[Script],
    *,
    on_up: Callable[[], None] | None = None,
    replicas: Replicas | None = None,
) -> Line:
    """What goes to this store: see `Pipe`."""
    to = partial(Pipe, scripts=scripts, on_up=on_up, replicas=replicas)
    return Pipes(redis, to, on_up) if isinstance(redis, ClusterRedis) else to(redis)


class _Piece(NamedTuple):
    """A script that is to be run, until when it may be sent, and its place in the order of calls."""

    number: int
    slot: int
    script: Script
    words: Words
    keys: int
    answered: Answered
    until: float


@lru_cache(maxsize=20_000)
def _place(key: str) -> tuple[int, str]:
    """The slot of a key, and what is never there: of a conversation's the same for each message."""
    return slot_of(key), never_there(key)


@dataclass(frozen=True)
class _Part:
    """The commands of a batch that go to one primary, and their places in it."""

    at: Address
    places: list[int]
    batch: Batch


class Pipes:
    """See the module, and `Line`."""

    def __init__(self, redis: ClusterRedis, to: Callable[..., Pipe], on_up: Callable[[], None] | None) -> None:
        self._redis = redis
        self._masters = redis.masters
        self._to = to
        self._on_up = on_up
        self._lanes: dict[Address, tuple[Pipe, asyncio.Task[object]]] = {}
        self._held: dict[int, list[_Piece]] = {}
        self._numbers = count()
        self._plans: dict[int, tuple[int, Batch, list[_Part]]] = {}
        self._ended = 0
        self.up = asyncio.Event()

    @property
    def interruptions(self) -> int:
        """See `Line.interruptions`."""
        return self._ended + sum(pipe.interruptions for pipe, _ in self._lanes.values())

    async def run(self) -> None:
        """See `Line.run`."""
        async with Tasks() as tasks:
            try:
                with self._masters.watched() as moved:
                    while True:
                        moved.clear()
                        await self._follow(tasks)
                        await moved.wait()
            finally:
                self.up.clear()
                for pieces in self._held.values():
                    for piece in pieces:
                        hand_out(piece.answered, unavailable(ConnectionError()))
                self._held.clear()

    async def _follow(self, tasks: Tasks) -> None:
        """A pipe to each primary, and none to others."""
        while not self._masters.version:
            try:
                await self._masters.look()
            except (RedisError, OSError):
                await asyncio.sleep(PAUSE)
        wanted = self._masters.all
        for address in self._lanes.keys() - set(wanted):
            pipe, task = self._lanes.pop(address)
            await end(task)
            self._ended += pipe.interruptions
        for address in wanted:
            if address not in self._lanes:
                self.up.clear()
                pipe = self._to(self._masters.client(address), on_up=self._stands, on_down=self._broke)
                self._lanes[address] = pipe, tasks.keep(pipe.run, "connection to a primary")
        self._look_whether_all_stand()

    def _look_whether_all_stand(self) -> None:
        if not self._masters.unserved and all(pipe.up.is_set() for pipe, _ in self._lanes.values()):
            self.up.set()

    def _stands(self) -> None:
        self._look_whether_all_stand()
        if self._on_up is not None:
            self._on_up()

    def _broke(self) -> None:
        self.up.clear()
        self._masters.doubt()

    # --- pieces ---------------------------------------------------------------------------------------------------

    def script(self, script: Script, words: Words, keys: int, answered: Answered) -> None:
        """See `Line.script`."""
        slot, guard = _place(str(words[0]))
        until = asyncio.get_running_loop().time() + PATIENCE
        guarded = (*words[:keys], guard, *words[keys:])
        piece = _Piece(next(self._numbers), slot, script, guarded, keys + 1, answered, until)
        held = self._held.get(slot)
        if held is None:
            self._send(piece)
        else:
            held.append(piece)

    def _send(self, piece: _Piece) -> None:
        lane = self._lane(piece.slot)
        if lane is None:
            self._masters.doubt()
            hand_out(piece.answered, unavailable(ConnectionError()))
            return

        def came(answer: object) -> None:
            if isinstance(answer, REDIRECTS):
                self._hold(piece, answer)
            else:
                piece.answered(answer)

        lane.script(piece.script, piece.words, piece.keys, came)

    def _lane(self, slot: int) -> Pipe | None:
        owner = self._masters.owner(slot)
        lane = None if owner is None else self._lanes.get(owner)
        return None if lane is None else lane[0]

    def _hold(self, piece: _Piece, why: object) -> None:
        if isinstance(why, MovedError):
            self._masters.moved(why)
        held = self._held.get(piece.slot)
        if held is None:
            self._held[piece.slot] = [piece]
            asyncio.get_running_loop().call_later(PAUSE, self._release, piece.slot)
        else:
            held.append(piece)

    def _release(self, slot: int) -> None:
        """Send what was held, in the order in which it was called, once there is a pipe to send it by."""
        loop = asyncio.get_running_loop()
        pieces = sorted(self._held.pop(slot, ()), key=lambda piece: piece.number)
        for piece in [piece for piece in pieces if piece.until < loop.time()]:
            pieces.remove(piece)
            hand_out(piece.answered, unavailable(TimeoutError()))
        lane = self._lane(slot)
        if pieces and (lane is None or not lane.up.is_set()):
            self._masters.doubt()
            self._held[slot] = pieces
            loop.call_later(PAUSE, self._release, slot)
            return
        for piece in pieces:
            self._send(piece)

    # --- batches --------------------------------------------------------------------------------------------------

    async def ask(self, batch: Batch) -> list[object]:
        """See `Line.ask`. What has moved meanwhile is asked again: a batch only reads."""
        parts = self._parts(batch)
        lanes = [self._lanes[part.at][0] for part in parts]
        asked = (lane.answers_to(part.batch) for lane, part in zip(lanes, parts, strict=True))
        found = await asyncio.gather(*asked, return_exceptions=True)
        answers: list[object] = [None] * len(batch.commands)
        for part, said in zip(parts, found, strict=True):
            if isinstance(said, BaseException):
                raise said
            for place, answer in zip(part.places, said, strict=True):
                answers[place] = await self._again(batch.commands[place], answer)
        return answers

    async def _again(self, command: Words, answer: object) -> object:
        if isinstance(answer, REDIRECTS):
            with reaching():
                return await self._redis.execute_command(*command)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def _parts(self, batch: Batch) -> list[_Part]:
        """By primary. Raises `Unavailable` where there is no pipe to one."""
        version, known, parts = self._plans.get(id(batch), (0, None, []))
        if version != self._masters.version or known is not batch:
            places: dict[Address | None, list[int]] = {}
            for place, command in enumerate(batch.commands):
                places.setdefault(self._masters.owner(slot_of(str(command[1]))), []).append(place)
            parts = [
                _Part(at, its, Batch(tuple(batch.commands[place] for place in its)))
                for at, its in places.items()
                if at is not None
            ]
            if None in places or any(part.at not in self._lanes for part in parts):
                self._masters.doubt()
                raise unavailable(ConnectionError())
            self._plans[id(batch)] = self._masters.version, batch, parts
        return parts
