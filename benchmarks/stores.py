"""The store of the benches: flushed every second, as both Valkey and Redis come and as the product asks for."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from servers import RedisServer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from servers import Kind


@contextlib.contextmanager
def flushing_store(kind: Kind) -> Iterator[RedisServer]:
    """A store with an append-only file, until left. The tests' own flush before each answer."""
    with RedisServer(kind, appendonly=True) as store:
        with store.client() as client:
            client.config_set("appendfsync", "everysec")
        yield store


def pid_of(store: RedisServer) -> int:
    """Its process."""
    with store.client() as client:
        return int(client.info("server")["process_id"])
