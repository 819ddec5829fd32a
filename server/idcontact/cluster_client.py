"""A client of a whole Cluster that looks like one of a single server: see `cluster.py`.

It knows where the key stands in the commands that the product uses; others are refused, not guessed at.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from redis.asyncio import Redis
from redis.asyncio.client import Pipeline
from redis.exceptions import AskError, MovedError, RedisError, ResponseError, TryAgainError
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from idcontact.cluster import Address, Masters, slot_of, with_guard

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from idcontact.cluster import Words

    Command: TypeAlias = tuple[Words, Mapping[str, Any]]

REDIRECTS: Final = (AskError, TryAgainError)
"""Nothing was done: the slot is elsewhere (MOVED is an ASK to redis-py), or on its way. It may be sent again."""
PATIENCE: Final = 4.0
"""Seconds that a command may be sent again for because its slot is on its way; one slot moves in far less."""
PAUSE: Final = 0.02
"""Seconds before it is."""
_AWAY: Final = (RedisConnectionError, RedisTimeoutError, OSError)
_EVERYWHERE: Final = frozenset({"PING", "SCRIPT LOAD", "SCRIPT FLUSH", "FLUSHALL"})
_OF_ONE_NODE: Final = frozenset(
    {"INFO", "CONFIG GET", "CLIENT ID", "SCAN", "KEYS", "DBSIZE", "PUBLISH", "PUBSUB", "SCRIPT EXISTS", "CLUSTER"}
)
_ANYWHERE: Final = frozenset({"TIME", "WAIT"})
"""Without a key: beside the command before them, on its connection."""


class ClusterRedis(Redis):
    """See the module. `masters` are its primaries, each with a client of its own."""

    def __init__(self, masters: Masters) -> None:
        super().__init__(connection_pool=masters.client(masters.seeds[0]).connection_pool)
        self.masters = masters

    async def execute_command(self, *args: Any, **options: Any) -> Any:
        """At the primary of its key; without a key at any, or at all."""
        name = args[0]
        if name in _OF_ONE_NODE:
            raise TypeError(f"{name} is asked of one primary, not of the Cluster")
        if name in _EVERYWHERE:
            return await self._everywhere(args, options)
        slot = _slot(args)
        client = await self.masters.serving(slot)
        try:
            return await client.execute_command(*with_guard(args), **options)  # type: ignore[no-untyped-call]
        except REDIRECTS as redirect:
            if isinstance(redirect, MovedError):
                self.masters.moved(redirect)
        except _AWAY:
            self.masters.doubt()
            raise
        [answer] = await self.spread([(args, options)])
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def _everywhere(self, args: Words, options: dict[str, Any]) -> Any:
        """On every primary. A script that one of them has not got is loaded there when it comes to be run."""
        clients = await self.masters.clients()
        done = await asyncio.gather(
            *(client.execute_command(*args, **options) for client in clients),  # type: ignore[no-untyped-call]
            return_exceptions=True,
        )
        failed = [answer for answer in done if isinstance(answer, BaseException)]
        if failed and (args[0] != "SCRIPT LOAD" or len(failed) == len(done)):
            self.masters.doubt()
            raise failed[0]
        return next(answer for answer in done if not isinstance(answer, BaseException))

    def pipeline(self, transaction: bool = True, shard_hint: str | None = None) -> Pipeline:
        """Commands of any slots, each at its primary; with `transaction` all of one slot, and all or nothing."""
        del shard_hint
        return ClusterPipeline(self, transaction=transaction)

    def pubsub(self, **kwargs: Any) -> Any:
        """Not here: each channel is subscribed to at the primary of its slot (`subscriptions.py`)."""
        raise TypeError("a subscription is one primary's, not the Cluster's")

    async def aclose(self, close_connection_pool: bool | None = None) -> None:
        """Close all connections."""
        del close_connection_pool
        await self.masters.aclose()

    async def spread(
        self, commands: Iterable[Command], scripts: Iterable[Any] = (), *, whole: bool = False
    ) -> list[Any]:
        """Answers, or errors, in the order of the commands. `whole`: all in one transaction.

        Those of one primary go out together. What moves meanwhile is sent again until it is there. Raises what is an
        outage of any of the primaries: then some may have been done.
        """
        units = _units(commands, whole=whole)
        left, until = units, time.monotonic() + PATIENCE
        while left:
            at: dict[Redis, list[_Unit]] = {}
            for unit in left:
                at.setdefault(await self._client_of(unit), []).append(unit)
            sent = (_send(client, its, scripts, whole=whole) for client, its in at.items())
            for outcome in await asyncio.gather(*sent, return_exceptions=True):
                if isinstance(outcome, BaseException):
                    if isinstance(outcome, _AWAY):
                        self.masters.doubt()
                    raise outcome
            left = [unit for unit in left if self._goes_on(unit, whole=whole)]
            if left and time.monotonic() > until:
                break
            if left:
                await asyncio.sleep(PAUSE)
        return [answer for unit in units for answer in unit.answers]

    async def _client_of(self, unit: _Unit) -> Redis:
        if unit.asked is not None:
            return self.masters.client(unit.asked)
        return await self.masters.serving(unit.slot)

    def _goes_on(self, unit: _Unit, *, whole: bool) -> bool:
        """Whether it was not done yet, and where it is sent then. A transaction waits until all is in one place."""
        unit.asked = None
        match unit.answers[0]:
            case MovedError() as moved:
                self.masters.moved(moved)
            case AskError() as asked:
                unit.asked = None if whole else Address(asked.host, asked.port)
            case TryAgainError():
                pass
            case _:
                return False
        return True


class ClusterPipeline(Pipeline):
    """Commands that are sent together: see `ClusterRedis.pipeline`."""

    def __init__(self, redis: ClusterRedis, *, transaction: bool) -> None:
        super().__init__(redis.connection_pool, redis.response_callbacks, transaction, None)
        self._cluster = redis

    async def execute(self, raise_on_error: bool = True) -> list[Any]:
        """Send them."""
        try:
            answers = await self._cluster.spread(self.command_stack, self.scripts, whole=self.is_transaction)
        finally:
            await self.reset()  # type: ignore[no-untyped-call]
        for answer in answers:
            if raise_on_error and isinstance(answer, RedisError):
                raise answer
        return answers


@dataclass
class _Unit:
    """A command and those without a key that follow it: they are sent on one connection, and again together."""

    slot: int
    commands: list[Command]
    answers: list[Any] = field(default_factory=list)
    asked: Address | None = None
    """Where it is to be asked for this once."""


def _units(commands: Iterable[Command], *, whole: bool) -> list[_Unit]:
    units: list[_Unit] = []
    for command in commands:
        words = command[0]
        if units and (whole or words[0] in _ANYWHERE):
            units[-1].commands.append(command)
        else:
            units.append(_Unit(_slot(words), [command]))
    return units


def _slot(words: Words) -> int:
    """Of the key of a command; where it has none, that of its name: some primary."""
    name = words[0]
    if name in _ANYWHERE:
        return slot_of(name)
    return slot_of(words[3] if name in {"EVALSHA", "EVAL"} else words[1])


async def _send(client: Redis, units: list[_Unit], scripts: Iterable[Any], *, whole: bool) -> None:
    """All of these to one primary."""
    async with client.pipeline(transaction=whole) as pipeline:
        pipeline.scripts.update(scripts)
        for unit in units:
            if unit.asked is not None:
                pipeline.execute_command("ASKING")
            for words, options in unit.commands:
                pipeline.execute_command(*with_guard(words), **options)
        try:
            answers = await pipeline.execute(raise_on_error=False)
        except ResponseError as refused:
            if not whole:
                raise
            # Nothing of a transaction was done.
            answers = [refused] * len(units[0].commands)
    left = iter(answers)
    for unit in units:
        if unit.asked is not None:
            next(left)
        unit.answers = [next(left) for _ in unit.commands]
