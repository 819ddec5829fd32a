"""What the staff part keeps in Redis; only here are its keys named. All of it lies in one slot, `{staff}`.

    <prefix>:{staff}:session:<sha256 of its id>   hash: account, fingerprint, generation, created, last_seen (ms)
    <prefix>:{staff}:generation:<account>         number of times the account was logged out everywhere
    <prefix>:{staff}:devices:<account>            zset: sha256 of a device's cookie, by its last log-in (ms)
    <prefix>:audit                                stream, see audit.py

What is in a cookie is never stored: whoever reads the store, or a dump of it, cannot act as anybody.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from idcontact.quick import QuickReader, fields_of
from idcontact.redis import Script, reaching

if TYPE_CHECKING:
    from redis.asyncio import Redis

    from idcontact.durability import Replicas
    from idcontact.pipe import Line

_MAX_DEVICES: Final = 20


def digest_of(cookie: str) -> str:
    """Under what a cookie's value is known to the store. Values have 256 random bits, so no salt is needed."""
    return hashlib.sha256(cookie.encode("utf-8", "surrogatepass")).hexdigest()


@dataclass(frozen=True)
class StoredSession:
    """One log-in. Times are milliseconds UTC."""

    account: str
    fingerprint: str
    created: int
    last_seen: int


class StaffStore:
    """Sessions and known devices. Every method raises `Unavailable` while Redis is away."""

    def __init__(self, redis: Redis, prefix: str, replicas: Replicas | None = None) -> None:
        """`replicas`: whom it waits for before somebody is told that they are logged in, or out."""
        self._redis = redis
        self._quick = QuickReader(redis)
        self._prefix = f"{prefix}:{{staff}}"
        self._begin = Script(redis, "idcontact.staff", "session_begin.lua", replicas=replicas)
        self._end = Script(redis, "idcontact.staff", "session_end.lua", replicas=replicas)
        self._seen = Script(redis, "idcontact.staff", "session_seen.lua")

    def go_by(self, line: Line) -> None:
        """Read sessions by a pipelined connection, while it stands."""
        self._quick = QuickReader(self._redis, line)

    # --- sessions ---

    async def add(self, digest: str, session: StoredSession, ttl: int) -> None:
        """Keep a new session for at most `ttl` milliseconds."""
        said: list[str | bytes | int] = [session.account, session.fingerprint, session.created, session.last_seen, ttl]
        await self._begin.acknowledged([self._session(digest), self._generation(session.account)], said)

    async def read(self, digest: str) -> StoredSession | None:
        """The session, unless it has ended or its account was logged out everywhere since."""
        (found,) = await self._quick.read(("HGETALL", self._session(digest)))
        if not found:
            return None
        fields = fields_of(found)
        account = fields[b"account"].decode()
        (generation,) = await self._quick.read(("GET", self._generation(account)))
        if fields[b"generation"] != (generation or b"0"):
            return None
        created, last_seen = int(fields[b"created"]), int(fields[b"last_seen"])
        return StoredSession(account, fields[b"fingerprint"].decode(), created, last_seen)

    async def seen(self, digest: str, now: int, ttl: int) -> None:
        """The session is in use at `now` and is kept `ttl` milliseconds more."""
        await self._seen([self._session(digest)], [now, ttl])

    async def remove(self, digest: str) -> None:
        """End one session."""
        await self._end.acknowledged([self._session(digest)], ["here"])

    async def remove_all(self, account: str) -> None:
        """End all sessions of an account: those of an older generation no longer count."""
        await self._end.acknowledged([self._generation(account)], ["everywhere"])

    # --- devices ---

    async def knows_device(self, account: str, device: str, since: int) -> bool:
        """Whether this account logged in on the device with this digest at or after `since`."""
        with reaching():
            last = await self._redis.zscore(self._devices(account), device)
        return last is not None and float(last) >= since

    async def remember_device(self, account: str, device: str, now: int, ttl: int) -> None:
        """The account logged in on this device. Of each account the last twenty devices are known."""
        key = self._devices(account)
        with reaching():
            async with self._redis.pipeline(transaction=True) as transaction:
                transaction.zadd(key, {device: now})
                transaction.zremrangebyrank(key, 0, -_MAX_DEVICES - 1)
                transaction.pexpire(key, ttl)
                await transaction.execute()

    def _session(self, digest: str) -> str:
        return f"{self._prefix}:session:{digest}"

    def _generation(self, account: str) -> str:
        return f"{self._prefix}:generation:{account}"

    def _devices(self, account: str) -> str:
        return f"{self._prefix}:devices:{account}"
