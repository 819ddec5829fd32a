"""Sealed hashes in Redis, and the task that keeps their keys: re-wraps what lives, destroys epochs that are done.

A hash that holds a wrapped data key holds it in the field `key`, and is listed in its slot's zset
`<prefix>:<tag>:sealed` (member: full key of the hash; score: the epoch that wraps its data key). Whoever makes such a
hash sets the field and the listing in one transaction or script, once; from then on only the keeper changes either.
Whoever deletes the hash takes it off the list; one that expires is taken off by the keeper.
"""

from __future__ import annotations

import asyncio
import logging
import random
from importlib.resources import files
from typing import TYPE_CHECKING, Final, NamedTuple, cast

from idcontact.errors import KeyGone, SealBroken, Unavailable
from idcontact.keystore import epoch_of
from idcontact.redis import reaching

if TYPE_CHECKING:
    from redis.asyncio import Redis

    from idcontact.keystore import KeyStore

CONVERSATION_TAGS: Final = tuple(f"{{c{number:03d}}}" for number in range(256))
RECORD_TAGS: Final = tuple(f"{{p{number:03d}}}" for number in range(16))

KEY_FIELD: Final = "key"

_TAGS: Final = CONVERSATION_TAGS + RECORD_TAGS
_INTERVAL: Final = 10.0  # seconds between passes: an epoch is destroyed within two of its being done
_BATCH: Final = 100  # hashes re-wrapped at once: about 2 ms of this process
_UNOPENABLE: Final = 0  # score of a hash that no epoch opens

_log = logging.getLogger(__name__)


class Registration(NamedTuple):
    """What lists a sealed hash: `ZADD zset score member`, in the transaction or script that makes the hash."""

    zset: str
    member: str
    score: int


def sealed_key(prefix: str, tag: str) -> str:
    """The zset that lists the sealed hashes of one slot. `tag` has its braces: `{c000}`."""
    return f"{prefix}:{tag}:sealed"


def registration(prefix: str, tag: str, hash_key: str, wrapped: bytes) -> Registration:
    """How to list the hash `hash_key`, whose field `key` is `wrapped`. Raises ValueError for a key of another slot."""
    if not hash_key.startswith(f"{prefix}:{tag}:"):
        raise ValueError(f"expected a key that begins with {prefix}:{tag}:")
    return Registration(sealed_key(prefix, tag), hash_key, epoch_of(wrapped))


class KeyKeeper:
    """Makes epochs, re-wraps, destroys. Several nodes may each run one, on the same Redis and the same keys.

    `unreadable` is how many listed hashes the last pass could not open, for want of their epoch's key.
    """

    def __init__(self, redis: Redis, keystore: KeyStore, prefix: str) -> None:
        self._redis = redis
        self._keystore = keystore
        self._prefix = prefix
        self._rewrap = redis.register_script(files(__package__).joinpath("rewrap.lua").read_text(encoding="utf-8"))
        self._done: set[int] = set()  # epochs that nothing was wrapped by at the last pass
        self.unreadable = 0

    async def run(self) -> None:
        """A pass every ten seconds, for ever; one that fails is followed by the next. Ends by being cancelled."""
        while True:
            try:
                await self.tick()
            except Unavailable as outage:
                _log.warning("keys are not kept for now: %s", outage)
            except Exception as mistake:  # noqa: BLE001  a keeper that ends is keys that are never destroyed
                _log.error("a pass over the keys failed: %s", type(mistake).__name__)
            await asyncio.sleep(_INTERVAL * random.uniform(0.8, 1.2))  # noqa: S311  nodes should not keep step

    async def tick(self) -> None:
        """One pass. Raises Unavailable."""
        current = await asyncio.to_thread(self._keystore.current)
        await self._rewrap_all(current)
        # Only now: when these were asked for, no write that chose one of them was under way any more.
        retired = await asyncio.to_thread(self._keystore.retired)
        done: set[int] = set()
        for epoch in retired:
            if await self._in_use(epoch):
                # Oldest first, and no younger one before it: a node that was halted in mid-pass may yet write a
                # wrapping by a younger one, where it read one by this.
                break
            if epoch in self._done:
                await asyncio.to_thread(self._keystore.destroy, epoch)
                _log.info("the key of epoch %d is destroyed", epoch)
            else:
                # Seen done twice, a pass apart: what re-wrapped the last one is on Redis's disk by then.
                done.add(epoch)
        self._done = done

    async def _rewrap_all(self, current: int) -> None:
        """Wrap by the newest epoch what lives and is wrapped by an older one, and tidy the lists."""
        unreadable = 0
        tags = await self._tags_with("-inf", f"({current}")
        for tag in random.sample(tags, len(tags)):  # nodes that start together find half of it done by the other
            with reaching():
                found = await self._redis.zrangebyscore(sealed_key(self._prefix, tag), "-inf", f"({current}")
            members = [member.decode() for member in cast("list[bytes]", found)]
            for start in range(0, len(members), _BATCH):
                unreadable += await self._rewrap_batch(tag, members[start : start + _BATCH], current)
        if unreadable and unreadable != self.unreadable:
            _log.warning("%d stored hashes cannot be opened: the keys of their epochs are not here", unreadable)
        self.unreadable = unreadable

    async def _rewrap_batch(self, tag: str, members: list[str], current: int) -> int:
        """How many of these hashes no key here opens."""
        with reaching():
            async with self._redis.pipeline(transaction=False) as reads:
                for member in members:
                    reads.hget(member, KEY_FIELD)
                wrapped: list[bytes | None] = await reads.execute()
            rewrapped = [self._rewrapped(key, current) for key in wrapped]
            async with self._redis.pipeline(transaction=False) as writes:
                for member, old, change in zip(members, wrapped, rewrapped, strict=True):
                    if change is not None:
                        new, epoch = change
                        await self._rewrap([sealed_key(self._prefix, tag), member], [old or b"", new, epoch], writes)
                await writes.execute()
        return sum(
            key is not None and (change is None or change[1] == _UNOPENABLE)
            for key, change in zip(wrapped, rewrapped, strict=True)
        )

    def _rewrapped(self, wrapped: bytes | None, current: int) -> tuple[bytes, int] | None:
        """The new wrapping and its epoch; None when the epoch of the old one has no key here.

        That may be the wrong directory, or one that is not mounted: such a hash stays listed as it is. What is no
        wrapped key, or a forged one, opens nowhere: it must not keep an epoch alive, and is listed under no epoch.
        """
        if wrapped is None:
            return b"", _UNOPENABLE
        try:
            epoch = epoch_of(wrapped)
            if epoch >= current:
                return wrapped, epoch
            again = self._keystore.wrap(self._keystore.unwrap(wrapped))
        except KeyGone:
            return None
        except SealBroken:
            return wrapped, _UNOPENABLE
        return again, epoch_of(again)

    async def _in_use(self, epoch: int) -> bool:
        return bool(await self._tags_with(epoch, epoch))

    async def _tags_with(self, lowest: float | str, highest: float | str) -> list[str]:
        """The slots that list hashes of these epochs."""
        with reaching():
            async with self._redis.pipeline(transaction=False) as pipeline:
                for tag in _TAGS:
                    pipeline.zcount(sealed_key(self._prefix, tag), lowest, highest)
                counts: list[int] = await pipeline.execute()
        return [tag for tag, count in zip(_TAGS, counts, strict=True) if count]
