"""Short-lived state of plugins, unreadable at rest: one sealed record per key, gone when its time is up.

Each record has a data key of its own, wrapped by an epoch key outside Redis. Its id is a capability, so Redis knows
only its hash. A value is sealed together with its place and its version: an older one put back does not open.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Protocol

from idcontact.errors import KeyGone
from idcontact.keystore import DataKey
from idcontact.redis import Script, reaching
from idcontact.sealing import KEY_FIELD, RECORD_TAGS, registration, sealed_key

if TYPE_CHECKING:
    from collections.abc import Sequence

    from redis.asyncio import Redis

    from idcontact.keystore import KeyStore

_FIELDS: Final = ["key", "version", "value"]


@dataclass(frozen=True)
class Record:
    """A value as it was read. `version` grows with each replacement."""

    value: bytes = field(repr=False)
    version: int

    def replaced_by(self, value: bytes) -> Record:
        """The record after a `replace` that succeeded."""
        return Record(value, self.version + 1)


class Records(Protocol):
    """Where a plugin keeps what it needs between two requests. All raise Unavailable while the store is away."""

    async def create(self, value: bytes, ttl: float) -> str:
        """Keep a value for `ttl` seconds, whatever is done with it; the id that leads to it, 256 random bits."""

    async def put(self, record_id: str, value: bytes, ttl: float) -> bool:
        """Keep a value under an id of the caller's own, when nothing is there: of all who try, one does.

        Who can guess the id finds the record: make it of a secret.
        """

    async def read(self, record_id: str) -> Record | None:
        """The record, or None when it is expired, taken, or never was."""

    async def replace(self, record_id: str, value: bytes, expected: Record, ttl: float | None = None) -> bool:
        """Put a value in the place of the one that was read as `expected`. False when that is no longer there.

        With `ttl` it is kept for so many seconds from now; without, for as long as it was to be.
        """

    async def take(self, record_id: str) -> Record | None:
        """Read and delete at once: of all who try, one gets it."""

    async def claim(self, what: str, owner: str, ttl: float) -> bool:
        """Whether `what` is the owner's for `ttl` seconds: of all owners the first one's, as often as it asks."""


class SealedRecords:
    """Records in Redis, of one namespace (one plugin)."""

    def __init__(self, redis: Redis, keystore: KeyStore, prefix: str, namespace: str) -> None:
        self._redis = redis
        self._keystore = keystore
        self._prefix = prefix
        self._namespace = namespace
        self._put = Script(redis, __package__, "put_record.lua")
        self._replace = Script(redis, __package__, "replace_record.lua")
        self._take = Script(redis, __package__, "take_record.lua")

    async def create(self, value: bytes, ttl: float) -> str:
        """See `Records.create`."""
        record_id = secrets.token_urlsafe(32)
        await self.put(record_id, value, ttl)
        return record_id

    async def put(self, record_id: str, value: bytes, ttl: float) -> bool:
        """See `Records.put`."""
        tag, key = self._place(record_id)
        data_key = DataKey.new()
        wrapped = self._keystore.wrap(data_key)
        registry, member, epoch = registration(self._prefix, tag, key, wrapped)
        sealed = data_key.seal(value, _context(key, 0))
        args: list[str | bytes | int] = [wrapped, sealed, _milliseconds(ttl), member, epoch]
        if await self._put([key, registry], [*args, b""]):
            return True
        dead = await self._dead_key(key)
        return dead is not None and bool(await self._put([key, registry], [*args, dead]))

    async def read(self, record_id: str) -> Record | None:
        """See `Records.read`."""
        key = self._place(record_id)[1]
        found = await self._found(key)
        return found[0] if found else None

    async def replace(self, record_id: str, value: bytes, expected: Record, ttl: float | None = None) -> bool:
        """See `Records.replace`."""
        key = self._place(record_id)[1]
        found = await self._found(key)
        if found is None or found[0].version != expected.version:
            return False
        data_key = found[1]
        resealed = data_key.seal(value, _context(key, expected.version + 1))
        longer = "" if ttl is None else _milliseconds(ttl)
        return bool(await self._replace([key], [expected.version, resealed, longer]))

    async def take(self, record_id: str) -> Record | None:
        """See `Records.take`."""
        tag, key = self._place(record_id)
        taken = await self._take([key, sealed_key(self._prefix, tag)], [])
        found = self._opened(key, taken) if taken else None
        return found[0] if found else None

    async def claim(self, what: str, owner: str, ttl: float) -> bool:
        """See `Records.claim`. Of both only hashes are kept: an owner may be the id of a record."""
        key = f"{self._prefix}:claim:{self._namespace}:{_written(_digest(what))}"
        with reaching():
            if await self._redis.set(key, _digest(owner), nx=True, px=_milliseconds(ttl)):
                return True
            return bool(await self._redis.get(key) == _digest(owner))

    def _place(self, record_id: str) -> tuple[str, str]:
        """Hash tag and key of a record."""
        digest = _digest(record_id)
        tag = RECORD_TAGS[digest[0] % len(RECORD_TAGS)]
        return tag, f"{self._prefix}:{tag}:record:{self._namespace}:{_written(digest)}"

    async def _dead_key(self, key: str) -> bytes | None:
        """The wrapped key of a record that nobody will read any more: `read` says it is not there, so it may go."""
        with reaching():
            wrapped = await self._redis.hget(key, KEY_FIELD)
        if not isinstance(wrapped, bytes):
            return None
        try:
            self._keystore.unwrap(wrapped)
        except KeyGone:
            return wrapped
        return None

    async def _found(self, key: str) -> tuple[Record, DataKey] | None:
        with reaching():
            return self._opened(key, await self._redis.hmget(key, _FIELDS))

    def _opened(self, key: str, fields: Sequence[bytes | str | None]) -> tuple[Record, DataKey] | None:
        wrapped, version, sealed = fields
        if not (isinstance(wrapped, bytes) and isinstance(version, bytes) and isinstance(sealed, bytes)):
            return None
        try:
            data_key = self._keystore.unwrap(wrapped)
        except KeyGone:
            return None  # its epoch is destroyed: nobody will read it any more, and so it is not there
        return Record(data_key.open(sealed, _context(key, int(version))), int(version)), data_key


def _milliseconds(ttl: float) -> int:
    """At least one: Redis refuses none."""
    return max(round(ttl * 1000), 1)


def _context(key: str, version: int) -> bytes:
    return f"{key}|{version}".encode()


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


def _written(digest: bytes) -> str:
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
