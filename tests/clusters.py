"""A Redis or Valkey Cluster for tests: primaries that share the slots, each with a replica where asked for."""

from __future__ import annotations

import socket
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING, Final, Self

import redis as redis_client
from redis.crc import key_slot

from servers import Kind, RedisServer

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

SLOTS: Final = 16384
_PRIMARIES: Final = 3
_WITHIN: Final = 20.0  # seconds; measured: 2 to 3 s
_NODE_TIMEOUT_MS: Final = 1000


class Cluster:
    """Three primaries on this machine, `replicated` each with a replica. Used as a context manager.

    `url` is for the setting `redis_url`. `primaries` and `replicas` are `RedisServer`s, in the order of their slots:
    `kill`, `start` (comes back on its data, when `appendonly`), `pause` and `resume` each as you like; `await_whole`
    afterwards. `serving(key)` is the node that has a key now, `others(key)` are the primaries that have not: roles
    change when one takes over. `move(key, to)` moves the slot of a key with all that is in it, `opened(key, to)` begins
    that and leaves it half done, `closed(key, to)` ends it. `fail_over(node)` lets the replica of a primary take over
    in good order; after a kill one does by itself, in about two seconds (`await_served`). `flush()` empties all of it.
    """

    def __init__(self, kind: Kind, *, replicated: bool = False, appendonly: bool = False) -> None:
        ports = _free_ports(4 * _PRIMARIES if replicated else 2 * _PRIMARIES)

        def node() -> RedisServer:
            settings = {
                "--cluster-enabled": "yes",
                "--cluster-config-file": "nodes.conf",
                "--cluster-node-timeout": str(_NODE_TIMEOUT_MS),
                "--cluster-port": str(ports.pop()),
            }
            return RedisServer(kind, appendonly=appendonly, port=ports.pop(), more=settings)

        self.primaries = [node() for _ in range(_PRIMARIES)]
        self.replicas = [node() for _ in range(_PRIMARIES)] if replicated else []
        self._bus = {one.port: one.more["--cluster-port"] for one in self.nodes}
        self._running = ExitStack()

    @property
    def nodes(self) -> list[RedisServer]:
        """All of them."""
        return [*self.primaries, *self.replicas]

    @property
    def url(self) -> str:
        """For the setting `redis_url`."""
        return f"redis+cluster://{','.join(f'127.0.0.1:{one.port}' for one in self.primaries)}"

    def __enter__(self) -> Self:
        for one in self.nodes:
            self._running.enter_context(one)
        self.form()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._running.close()

    def form(self) -> None:
        """Make them one Cluster."""
        first = self.primaries[0]
        for number, one in enumerate(self.primaries):
            _ask(one, "SET-CONFIG-EPOCH", number + 1)
            _ask(
                one,
                "ADDSLOTSRANGE",
                number * SLOTS // _PRIMARIES,
                (number + 1) * SLOTS // _PRIMARIES - 1,
            )
        for one in self.nodes:
            _ask(first, "MEET", "127.0.0.1", one.port, self._bus[one.port])
        _until(lambda: all(len(_known(one)) == len(self.nodes) for one in self.nodes), "they do not find each other")
        for primary, replica in zip(self.primaries, self.replicas, strict=False):
            _ask(replica, "REPLICATE", _id_of(primary))
        self.await_whole()

    def await_whole(self) -> None:
        """Until every node says that all slots are served, each by one of them, and every replica follows."""
        _until(lambda: _agree(self.nodes), "the Cluster is not whole")

    def await_served(self) -> None:
        """Until those that run say so, whoever is gone."""
        _until(lambda: _agree([one for one in self.nodes if one.is_running]), "not all slots are served")

    def serving(self, key: str) -> RedisServer:
        """The node that has this key."""
        slot = key_slot(key.encode())
        for one in self.nodes:
            try:
                if any(first <= slot <= last for first, last in _own_slots(one)):
                    return one
            except redis_client.ConnectionError:
                continue
        raise AssertionError("nobody serves this slot")

    def others(self, key: str) -> list[RedisServer]:
        """The nodes that serve other slots than that of this key."""
        serving = self.serving(key)
        return [one for one in self.nodes if one is not serving and _own_slots(one)]

    def opened(self, key: str, to: RedisServer) -> int:
        """Begin to move the slot of `key`: it is open on both sides, and nothing in it has moved. Returns the slot."""
        slot, source = key_slot(key.encode()), self.serving(key)
        _ask(to, "SETSLOT", slot, "IMPORTING", _id_of(source))
        _ask(source, "SETSLOT", slot, "MIGRATING", _id_of(to))
        return slot

    def closed(self, key: str, to: RedisServer) -> None:
        """Move what is in a slot that is open, and close it."""
        slot, source, others = key_slot(key.encode()), self.serving(key), self.others(key)
        with source.client() as client:
            while names := client.execute_command("CLUSTER GETKEYSINSLOT", slot, 10):
                client.execute_command("MIGRATE", "127.0.0.1", to.port, "", 0, 5000, "KEYS", *names)
        for one in (to, source, *(other for other in others if other is not to)):
            _ask(one, "SETSLOT", slot, "NODE", _id_of(to))

    def move(self, key: str, to: RedisServer) -> None:
        """Move the slot of `key` and all that is in it."""
        self.opened(key, to)
        self.closed(key, to)

    def leading(self) -> list[RedisServer]:
        """The nodes that are primaries now."""
        return [one for one in self.nodes if _own_slots(one)]

    def fail_over(self, primary: RedisServer) -> None:
        """The replica of this primary takes its place, in good order."""
        theirs = _id_of(primary)
        replica = next(one for one in self.nodes if _primary_of(one) == theirs)
        _ask(replica, "FAILOVER")
        _until(lambda: bool(_own_slots(replica)) and not _own_slots(primary), "the replica does not take over")
        self.await_whole()

    def flush(self) -> None:
        """Empty it."""
        for one in self.nodes:
            if _own_slots(one):
                with one.client() as client:
                    client.flushall()


def _ask(node: RedisServer, what: str, *words: object) -> object:
    with node.client() as client:
        return client.execute_command(f"CLUSTER {what}", *words)


def _id_of(node: RedisServer) -> str:
    with node.client() as client:
        said: bytes = client.execute_command("CLUSTER MYID")
    return said.decode()


def _known(node: RedisServer) -> list[str]:
    """The lines that a node has on the others and itself, once they have shaken hands."""
    with node.client() as client:
        client.response_callbacks.pop("CLUSTER NODES", None)
        said: bytes = client.execute_command("CLUSTER NODES")
    return [line for line in said.decode().splitlines() if "handshake" not in line]


def _own_slots(node: RedisServer) -> list[tuple[int, int]]:
    for line in _known(node):
        _, _, flags, _, _, _, _, _, *slots = line.split()
        if "myself" in flags:
            spans = [span.partition("-") for span in slots if not span.startswith("[")]
            return [(int(first), int(last or first)) for first, _, last in spans]
    return []


def _primary_of(node: RedisServer) -> str:
    """The id of the primary of a replica; "-" for a primary."""
    for line in _known(node):
        _, _, flags, primary, *_ = line.split()
        if "myself" in flags:
            return primary
    return "-"


def _agree(nodes: list[RedisServer]) -> bool:
    """Whether these serve all there is, and none what another one serves."""
    if not all(map(_is_well, nodes)):
        return False
    return sum(last - first + 1 for one in nodes for first, last in _own_slots(one)) == SLOTS


def _is_well(node: RedisServer) -> bool:
    with node.client() as client:
        try:
            client.response_callbacks.pop("CLUSTER INFO", None)
            state = b"cluster_state:ok" in client.execute_command("CLUSTER INFO")
            replication = client.info("replication")
        except redis_client.ConnectionError:
            return False
    follows = replication["role"] == "master" or replication["master_link_status"] == "up"
    return state and follows


def _until(there: Callable[[], bool], otherwise: str) -> None:
    deadline = time.monotonic() + _WITHIN
    while not there():
        assert time.monotonic() < deadline, otherwise
        time.sleep(0.02)  # they say nothing when they are ready


def _free_ports(count: int) -> list[int]:
    """Ports that nobody listens on, all of them different."""
    with ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
