"""A Redis or Valkey whose primary Sentinel names: `redis+sentinel://host:port,host:port/service`.

Every new connection asks the sentinels for the primary of that moment. After a failover the old connections break, and
the next ones lead to the new primary.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl, unquote, urlsplit

from redis.asyncio.connection import BlockingConnectionPool
from redis.asyncio.sentinel import Sentinel, SentinelConnectionPool

if TYPE_CHECKING:
    from collections.abc import Mapping

SCHEMES: Final = ("redis+sentinel", "rediss+sentinel")
EXPECTED: Final = "redis+sentinel://host:port,host:port/service"
_OTHER: Final = "got something else"
_PORT: Final = 26379
_ANSWERS_WITHIN: Final = 1.0
"""Seconds for each sentinel: one that is gone must not keep us from asking the next."""
_OF_SENTINELS: Final = {"sentinel_username": "username", "sentinel_password": "password"}


class SentinelPool(SentinelConnectionPool, BlockingConnectionPool):
    """Connections to whatever is the primary. Who wants one more than there may be waits for it."""

    async def disconnect(self, inuse_connections: bool = True) -> None:
        """Close the connections; when all of them, then those to the sentinels too."""
        await super().disconnect(inuse_connections)
        if inuse_connections:
            for sentinel in self.sentinel_manager.sentinels:
                await sentinel.aclose()


def is_sentinel(url: str) -> bool:
    """Whether a `redis_url` names sentinels."""
    return url.partition("://")[0] in SCHEMES


def sentinel_pool(url: str, options: Mapping[str, Any]) -> SentinelPool:
    """The pool for such a `redis_url`. Raises ValueError, with nothing of what was written.

    User name and password stand where they do in `redis://`, and are those of Redis; those of the sentinels are
    `?sentinel_username=…&sentinel_password=…`. With `rediss+sentinel` both are reached by TLS.
    """
    parts = urlsplit(url)
    login, _, hosts = parts.netloc.rpartition("@")
    service, _, database = parts.path.strip("/").partition("/")
    query = dict(parse_qsl(parts.query))
    if not service or not hosts or not (database or "0").isdecimal() or query.keys() - _OF_SENTINELS.keys():
        raise ValueError(_OTHER)
    tls = {"ssl": True} if parts.scheme == "rediss+sentinel" else {}
    username, _, password = login.partition(":")
    given = {"username": unquote(username) or None, "password": unquote(password) or None, "db": int(database or 0)}
    asked = {_OF_SENTINELS[name]: value for name, value in query.items()}
    limits = {"socket_timeout": _ANSWERS_WITHIN, "socket_connect_timeout": _ANSWERS_WITHIN, "protocol": 2}
    addresses = [address_in(host, _PORT) for host in hosts.split(",")]
    manager = Sentinel(addresses, sentinel_kwargs={**limits, **tls, **asked})  # type: ignore[no-untyped-call]
    return SentinelPool(service, manager, **options, **given, **tls)  # type: ignore[no-untyped-call]


def address_in(written: str, default_port: int) -> tuple[str, int]:
    """`host`, `host:port` or `[address]:port`. Raises ValueError, with nothing of what was written."""
    host, _, port = written.rpartition(":") if not written.endswith("]") else (written, "", "")
    if not host:
        host, port = port, ""
    if not host or (port and not (port.isdecimal() and 0 < int(port) < 65536)):
        raise ValueError(_OTHER)
    return host.strip("[]"), int(port or default_port)
