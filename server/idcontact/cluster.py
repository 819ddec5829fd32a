"""A Redis or Valkey Cluster (`redis+cluster://host:port,host:port`): which primary has which slot, and clients of all.

Every key and channel of ours that is used together with others has a hash tag, so that they lie in one slot. The client
looks like any other; it asks the primary of the slot, and follows slots that move (MOVED, ASK, TRYAGAIN).

While a slot moves, a primary has some of its keys and another one has the others. A script that ran then would find
half of what there is. So each names one key more, in the same slot, that is never there: a primary refuses a script one
of whose keys it has not got while the slot is open, and takes it when the slot is closed.
"""

from __future__ import annotations

import asyncio
import random
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias
from urllib.parse import unquote, urlsplit

from redis.asyncio import Redis
from redis.asyncio.connection import BlockingConnectionPool, Connection, SSLConnection
from redis.crc import key_slot
from redis.exceptions import AuthenticationError, ClusterDownError, MovedError
from redis.exceptions import ConnectionError as RedisConnectionError

from idcontact.sentinel import address_in
from idcontact.tasks import end

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    Words: TypeAlias = tuple[Any, ...]

SCHEMES: Final = ("redis+cluster", "rediss+cluster")
EXPECTED: Final = "redis+cluster://host:port,host:port"
SLOTS: Final = 16384
_OTHER: Final = "got something else"
_PORT: Final = 6379
_ANSWERS_WITHIN: Final = 1.0
"""Seconds for each node that is asked for the slots: one that is gone must not keep us from asking the next."""
_LOOKS_APART: Final = 0.1
_TRIES: Final = 1000
_SCRIPTS: Final = frozenset({"EVALSHA", "EVAL"})


class Address(NamedTuple):
    """Where a node is."""

    host: str
    port: int


def is_cluster(url: str) -> bool:
    """Whether a `redis_url` names nodes of a Cluster."""
    return url.partition("://")[0] in SCHEMES


def cluster_masters(url: str, options: Mapping[str, Any]) -> Masters:
    """The primaries of such a `redis_url`. Raises ValueError, with nothing of what was written.

    Any nodes will do: they name the others. User name and password stand where they do in `redis://`, and are the same
    on all nodes; with `rediss+cluster` all are reached by TLS. `options` are those of each connection.
    """
    parts = urlsplit(url)
    login, _, hosts = parts.netloc.rpartition("@")
    if not hosts or parts.path.strip("/") or parts.query:
        raise ValueError(_OTHER)
    username, _, password = login.partition(":")
    given: dict[str, Any] = {"username": unquote(username) or None, "password": unquote(password) or None}
    kind = SSLConnection if parts.scheme == "rediss+cluster" else Connection

    def client(address: Address) -> Redis:
        made = {**options, **given, **address._asdict()}
        return Redis.from_pool(BlockingConnectionPool(connection_class=kind, **made))

    return Masters([Address(*address_in(host, _PORT)) for host in hosts.split(",")], client)


def slot_of(key: str | bytes) -> int:
    """The slot of a key or channel."""
    return key_slot(key if isinstance(key, bytes) else key.encode())


def never_there(key: str) -> str:
    """A key in the slot of this one that nobody ever makes: see the module."""
    opens = key.find("{")
    closes = key.find("}", opens + 1)
    return f"{{{key[opens + 1 : closes] if 0 <= opens < closes - 1 else key}}}"


def with_guard(words: Words) -> Words:
    """The command as it goes to a Cluster: a script names one key more."""
    if words[0] not in _SCRIPTS or not int(words[2]):
        return words
    keys = int(words[2])
    return (*words[:2], keys + 1, *words[3 : 3 + keys], never_there(words[3]), *words[3 + keys :])


class Masters:
    """The primaries: which slot is whose, and a client of each. Nothing is asked before it is needed."""

    def __init__(self, seeds: list[Address], client: Callable[[Address], Redis]) -> None:
        self.seeds = seeds
        self._make = client
        self._clients: dict[Address, Redis] = {}
        self._owners: list[Address | None] = [None] * SLOTS
        self._watching: set[asyncio.Event] = set()
        self._looking: asyncio.Task[None] | None = None
        self._looked_at = 0.0
        self.version = 0
        """Another one whenever something has moved; 0 until it was looked at first."""

    def client(self, address: Address) -> Redis:
        """A client of this node alone, which closes with the others."""
        known = self._clients.get(address)
        if known is None:
            known = self._clients[address] = self._make(address)
        return known

    def owner(self, slot: int) -> Address | None:
        """The primary of this slot; None when nobody serves it, or that is not known yet."""
        return self._owners[slot]

    @property
    def all(self) -> list[Address]:
        """All that serve anything."""
        return sorted({owner for owner in self._owners if owner is not None})

    @property
    def unserved(self) -> int:
        """How many slots nobody serves."""
        return self._owners.count(None)

    def a_key_at_each(self, name: str) -> list[str]:
        """Names that begin with this one, of a key at each primary. Who serves next to nothing may be left out."""
        found: dict[Address, str] = {}
        for number in range(_TRIES):
            key = f"{name}:{{{number}}}"
            owner = self._owners[slot_of(key)]
            if owner is not None:
                found.setdefault(owner, key)
        return list(found.values())

    @contextmanager
    def watched(self) -> Iterator[asyncio.Event]:
        """An event that is set whenever something has moved."""
        event = asyncio.Event()
        self._watching.add(event)
        try:
            yield event
        finally:
            self._watching.discard(event)

    async def serving(self, slot: int) -> Redis:
        """A client of the primary of this slot. Raises ClusterDownError when nobody serves it."""
        if self._owners[slot] is None:
            await self.look()
        owner = self._owners[slot]
        if owner is None:
            raise ClusterDownError("a slot is not served")
        return self.client(owner)

    async def clients(self) -> list[Redis]:
        """A client of each primary. Raises ClusterDownError unless all slots are served."""
        if self.unserved:
            await self.look()
        if self.unserved:
            raise ClusterDownError("not all slots are served")
        return [self.client(address) for address in self.all]

    def moved(self, said: MovedError) -> None:
        """A node says where a slot is now; the others are asked for the rest."""
        address = Address(said.host, said.port)
        if address.host and self._owners[said.slot_id] != address:
            owners = self._owners.copy()
            owners[said.slot_id] = address
            self._settle(owners)
        self.doubt()

    def doubt(self) -> None:
        """Something may have moved: look again, soon, and without anybody waiting for it."""
        self._begin_to_look()

    async def look(self) -> None:
        """Ask who serves what; those who ask at the same time ask together. Raises RedisError when nobody answers."""
        await asyncio.shield(self._begin_to_look())

    def _begin_to_look(self) -> asyncio.Task[None]:
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look(), name="slots of the Cluster")
            self._looking.add_done_callback(_heard)
        return self._looking

    async def aclose(self) -> None:
        """Close all connections."""
        if self._looking is not None:
            await end(self._looking)
        clients = tuple(self._clients.values())
        self._clients.clear()
        for client in clients:
            await client.aclose()

    async def _look(self) -> None:
        await asyncio.sleep(self._looked_at + _LOOKS_APART - time.monotonic())
        silent: Exception = RedisConnectionError("no node of the Cluster answers")
        try:
            known = self.all
            for address in [*random.sample(known, len(known)), *self.seeds]:
                try:
                    async with asyncio.timeout(_ANSWERS_WITHIN):
                        said = await self.client(address).execute_command("CLUSTER", "SLOTS")  # type: ignore[no-untyped-call]
                except (RedisConnectionError, OSError, TimeoutError) as silence:
                    silent = silence if isinstance(silence, AuthenticationError) else silent
                    continue
                self._settle(_owners(said, address))
                await self._leave_others()
                return
            raise silent
        finally:
            self._looked_at = time.monotonic()

    async def _leave_others(self) -> None:
        """Nodes that serve nothing (any more) may be gone for ever: no connection to them waits to be used again."""
        kept = {*self.all, *self.seeds}
        for address in self._clients.keys() - kept:
            await self._clients[address].connection_pool.disconnect(inuse_connections=False)

    def _settle(self, owners: list[Address | None]) -> None:
        if owners == self._owners and self.version:
            return
        self._owners = owners
        self.version += 1
        for event in self._watching:
            event.set()


def _heard(looking: asyncio.Task[None]) -> None:
    """Who waits hears what went wrong; where nobody does, the next look is soon enough."""
    if not looking.cancelled():
        looking.exception()


def _owners(said: list[Any], asked: Address) -> list[Address | None]:
    """By slot, from an answer to CLUSTER SLOTS: `[first, last, [host, port, …], …]` of each span."""
    owners: list[Address | None] = [None] * SLOTS
    for first, last, (host, port, *_), *_ in said:
        name = host.decode() if host else ""
        # A node that does not know its own name, or does not tell: the one by which it was reached.
        address = Address(name if name not in {"", "?"} else asked.host, int(port))
        owners[first : last + 1] = [address] * (last + 1 - first)
    return owners


async def state_of(client: Redis) -> dict[str, str]:
    """What a node says of its Cluster (CLUSTER INFO). Raises RedisError, also of a server that is no part of any."""
    said = await client.execute_command("CLUSTER", "INFO")  # type: ignore[no-untyped-call]
    lines = (line.partition(":") for line in said.decode().splitlines())
    return {name: value for name, _, value in lines}


async def wrong_with(masters: Masters) -> str | None:
    """What keeps the Cluster from taking everything, in words for the operator. Raises RedisError when nobody answers.

    None when every slot is served, by primaries that all answer and say so.
    """
    await masters.look()
    if masters.unserved:
        return f"{masters.unserved} of its {SLOTS} slots are served by no primary"
    states = await asyncio.gather(*map(state_of, await masters.clients()), return_exceptions=True)
    silent = sum(isinstance(state, BaseException) for state in states)
    if silent:
        return f"{silent} of its {len(states)} primaries do not answer"
    if any(isinstance(state, dict) and state.get("cluster_state") != "ok" for state in states):
        return "its own nodes say that it is down"
    return None
