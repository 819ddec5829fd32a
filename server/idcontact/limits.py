"""How often something may be done: sliding windows in Redis, shared by all nodes.

Every door that costs us something or can be guessed at counts here: `/start`, landings, log-in, commands of sockets.
While Redis is away nothing passes (`Unavailable`): a limit that fails open is no limit.
"""

from __future__ import annotations

import hashlib
import ipaddress
import math
import re
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Final, Self

from limits import RateLimitItemPerSecond
from limits.aio.storage import RedisStorage
from limits.aio.strategies import SlidingWindowCounterRateLimiter

from idcontact.errors import TooManyRequests
from idcontact.redis import reaching
from idcontact.settings_values import Duration, MisfitError, kind_of

if TYPE_CHECKING:
    from pathlib import Path

    from redis.asyncio import Redis
    from starlette.requests import HTTPConnection

_IPV6_SITE: Final = 64


@dataclass(frozen=True)
class Limit:
    """At most `count` times in any `seconds` (whole, at least 1). In settings: `"20 per 10 min"`."""

    count: int
    seconds: int

    EXPECTED: ClassVar[str] = 'a limit such as "20 per 10 min" or "5 per s"'

    @classmethod
    def from_setting(cls, raw: object, base: Path) -> Self:
        """A limit from `"<count> per <duration>"`."""
        written = re.fullmatch(r"([1-9][0-9]{0,8}) per (.+)", raw) if isinstance(raw, str) else None
        if written is None:
            raise MisfitError(cls.EXPECTED, "another string" if isinstance(raw, str) and raw else kind_of(raw))
        period = written[2] if written[2][0].isdecimal() else f"1 {written[2]}"
        try:
            seconds = Duration.from_setting(period, base)
        except MisfitError:
            raise MisfitError(cls.EXPECTED, "another string") from None
        if seconds < 1 or not seconds.is_integer():
            raise MisfitError("a limit over whole seconds, 1 or more", "another string")
        return cls(int(written[1]), int(seconds))


class Limiter:
    """Counts hits by name and key. Keys are kept hashed: they are addresses, account names, cookies."""

    def __init__(self, redis: Redis, prefix: str) -> None:
        storage = RedisStorage(
            "async+redis://",
            implementation="redispy",
            key_prefix=f"{prefix}:limit",
            connection_pool=redis.connection_pool,  # type: ignore[arg-type]  # its **options are annotated too narrowly
        )
        self._windows = SlidingWindowCounterRateLimiter(storage)

    async def hit(self, name: str, key: str, limit: Limit) -> None:
        """Count one, or refuse it. What is refused is not counted, so nobody lengthens their own wait by trying.

        Raises:
            TooManyRequests: over the limit; `retry_after` is when the next one fits.
            Unavailable: Redis cannot be reached.

        """
        item, hashed = _item(limit), _hashed(key)
        with reaching():
            if await self._windows.hit(item, name, hashed):
                return
        raise await self._refusal(item, name, hashed)

    async def check(self, name: str, key: str, limit: Limit) -> None:
        """Refuse where `hit` would, and count nothing: for what only counts when it turns out badly.

        Raises:
            TooManyRequests: over the limit; `retry_after` is when the next one fits.
            Unavailable: Redis cannot be reached.

        """
        item, hashed = _item(limit), _hashed(key)
        with reaching():
            if await self._windows.test(item, name, hashed):
                return
        raise await self._refusal(item, name, hashed)

    async def forget(self, name: str, key: str, limit: Limit) -> None:
        """Start counting from nothing, after a success that shows the earlier hits were honest.

        Raises:
            Unavailable: Redis cannot be reached.

        """
        item, hashed = _item(limit), _hashed(key)
        with reaching():
            await self._windows.clear(item, name, hashed)

    async def _refusal(self, item: RateLimitItemPerSecond, name: str, hashed: str) -> TooManyRequests:
        with reaching():
            window = await self._windows.get_window_stats(item, name, hashed)
        wait = max(1, math.ceil(window.reset_time - time.time()))
        return TooManyRequests("this was done too often; wait before trying again", retry_after=wait, reason=name)


def _item(limit: Limit) -> RateLimitItemPerSecond:
    return RateLimitItemPerSecond(limit.count, limit.seconds)


def _hashed(key: str) -> str:
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def client_address(connection: HTTPConnection) -> str:
    """Whom to count, as a key for `Limiter.hit`: an IPv4 address, or the /64 of an IPv6 address.

    One subscriber has a whole /64 and may use a new address for every request (RFC 6177). The address is what the
    server put in the ASGI scope; whether a forwarding header decided it is a setting of the server. Without one (a
    unix socket whose proxy names nobody) all callers are one.
    """
    host = connection.client.host if connection.client else ""
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return host or "unknown"
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return str(address.ipv4_mapped)
        return str(ipaddress.IPv6Network((address, _IPV6_SITE), strict=False))
    return str(address)
