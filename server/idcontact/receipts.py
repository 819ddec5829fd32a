"""Auth results between those who receive them: which are used already, and those that are verified and passed on.

A token holds for five minutes; who has identified may think longer than that about how to talk. So the core verifies a
result when it comes in, and passes on a receipt: where it was put, and when it was received. Whoever redeems it reads
the token as of that moment. Both stand on the same Redis and the same keys.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import msgspec

from idcontact.errors import BadRequest
from idcontact.records import SealedRecords
from idcontact.redis import reaching

if TYPE_CHECKING:
    from redis.asyncio import Redis

    from idcontact.keystore import KeyStore
    from idcontact.protocol import StartCommunication
    from idcontact.records import Records

RECEIPT_LIFETIME: Final = 120.0
"""Seconds that a receipt holds: it is redeemed within the request that brings it."""

_NAMESPACE: Final = "core-receipt"
CLOCKS: Final = 60
"""Seconds that a used result is remembered longer than its token holds, for nodes whose clocks differ."""


class UsedResults:
    """Which auth results have been used, remembered by a digest until their tokens expire."""

    def __init__(self, redis: Redis, prefix: str) -> None:
        self._redis = redis
        self._prefix = prefix

    async def claim(self, digest: str, user: str, seconds: float) -> bool:
        """Use a result, once: False when another user has. `seconds` until its token expires. Raises Unavailable."""
        name = f"{self._prefix}:result:{digest}"
        with reaching():
            if await self._redis.set(name, user, nx=True, ex=max(int(seconds), 0) + CLOCKS):
                return True
            return bool(await self._redis.get(name) == user.encode())


@dataclass(frozen=True)
class Receipt:
    """A token that was received at `received_at` (seconds since 1970). `used`: it was verified and used then."""

    token: str = field(repr=False)
    received_at: float
    used: bool = True


class _Kept(msgspec.Struct, frozen=True, array_like=True):
    token: str
    received_at: float


_decoder = msgspec.msgpack.Decoder(_Kept)


class Receipts:
    """Results on their way from the core to a communication plugin of the same installation."""

    def __init__(self, records: Records) -> None:
        """`records`: of a namespace of their own."""
        self._records = records

    async def keep(self, token: str, received_at: float) -> str:
        """A receipt's id. Raises Unavailable."""
        return await self._records.create(msgspec.msgpack.encode(_Kept(token, received_at)), RECEIPT_LIFETIME)

    async def redeem(self, receipt_id: str) -> Receipt | None:
        """The result, for the first who asks; None for everybody else, and when it has expired. Raises Unavailable."""
        record = await self._records.take(receipt_id)
        if record is None:
            return None
        kept = _decoder.decode(record.value)
        return Receipt(kept.token, kept.received_at)


async def came_along(message: StartCommunication, receipts: Receipts | None, now: float) -> Receipt | None:
    """The result that a start of a communication brings, as a token or as a receipt, and when it was received.

    `receipts`: None where none can be redeemed. Raises BadRequest for a receipt that is not known, Unavailable.
    """
    receipt = message.context.receipt if message.context is not None else None
    if receipt is None:
        return None if message.auth_result is None else Receipt(message.auth_result, now, used=False)
    if message.auth_result is not None:
        raise BadRequest("does not go together with auth_result", field="context.receipt")
    redeemed = await receipts.redeem(receipt) if receipts is not None else None
    if redeemed is None:
        raise BadRequest("is not known here: used, expired, or of another installation", field="context.receipt")
    return redeemed


def receipts_in(redis: Redis, keystore: KeyStore, prefix: str) -> Receipts:
    """The one place of an installation where receipts are kept and redeemed."""
    return Receipts(SealedRecords(redis, keystore, prefix, _NAMESPACE))
