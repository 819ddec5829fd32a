"""What all buckets have to say of their conversations: which deadlines have come, what routing must hear, how many.

See `store.py` for what a bucket is.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVar, cast

from idcontact.errors import Unavailable
from idcontact.live.keys import BUCKETS, bucket_root, bucket_tag
from idcontact.live.stored import Firsts, Inspected
from idcontact.pipe import Batch
from idcontact.redis import Script, reaching
from idcontact.sealing import sealed_key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from redis.asyncio import Redis

    from idcontact.pipe import Line
    from idcontact.redis import Took

_PATIENCE = 10.0
T = TypeVar("T")


class BucketStore:
    """Every method raises `Unavailable` while the store is away."""

    def __init__(self, redis: Redis, pipe: Line, prefix: str, took: Took | None) -> None:
        self._redis = redis
        self._pipe = pipe
        self._prefix = prefix
        self._inspect = Script(redis, __package__, "inspect.lua", took)
        roots = [bucket_root(bucket, prefix) for bucket in range(BUCKETS)]
        self._firsts = Batch(
            (
                *(("ZRANGE", f"{root}due", 0, 0, "WITHSCORES") for root in roots),
                *(("SRANDMEMBER", f"{root}untold") for root in roots),
            )
        )

    def ask_by(self, line: Line) -> None:
        """Ask by another line: on one where acknowledgements wait for replicas, deadlines would wait behind them."""
        self._pipe = line

    async def firsts(self) -> Firsts:
        """What comes first in each bucket. The same bytes every time: it is asked twice a second by every node."""
        try:
            answers = await self._pipe.ask(self._firsts)
        except Unavailable:  # it only reads: once more when the connection is back
            with reaching():
                await asyncio.wait_for(self._pipe.up.wait(), _PATIENCE)
            answers = await self._pipe.ask(self._firsts)
        return Firsts(
            deadlines=[
                int(float(first[1])) if first else None for first in cast("list[list[bytes]]", answers[:BUCKETS])
            ],
            untold=[member is not None for member in answers[BUCKETS:]],
        )

    async def due(self, now: int, firsts: Firsts, limit: int = 20) -> list[tuple[str, str, int]]:
        """Deadlines that have come, of all buckets in which there are: (kind, conversation, at)."""
        found: list[tuple[bytes, float]] = await self._of(
            [bucket for bucket, first in enumerate(firsts.deadlines) if first is not None and first <= now],
            lambda pipeline, root: pipeline.zrange(
                f"{root}due", "-inf", now, byscore=True, offset=0, num=limit, withscores=True
            ),
        )
        return [
            (kind, conversation, int(at))
            for member, at in found
            for kind, _, conversation in (member.decode().partition("|"),)
        ]

    async def untold(self, firsts: Firsts) -> list[str]:
        """Conversations that routing has yet to hear of."""
        found: Iterable[bytes] = await self._of(
            [bucket for bucket, some in enumerate(firsts.untold) if some],
            lambda pipeline, root: pipeline.srandmember(f"{root}untold", 20),
        )
        return [conversation.decode() for conversation in found]

    async def inspect(self, bucket: int) -> Inspected:
        """How many conversations this bucket has, and how old the attributes in it are."""
        now, phases, oldest, left = await self._inspect([sealed_key(self._prefix, bucket_tag(bucket))], [])
        return Inspected(
            phases={phase.decode(): count for phase, count in zip(phases[::2], phases[1::2], strict=True)},
            oldest_attributes=(now - oldest) / 1000 if oldest else 0.0,
            overstayed=(now - left) / 1000 if left else 0.0,
        )

    async def _of(self, buckets: list[int], ask: Callable[..., object]) -> list[T]:
        if not buckets:
            return []
        with reaching():
            async with self._redis.pipeline(transaction=False) as pipeline:
                for bucket in buckets:
                    ask(pipeline, bucket_root(bucket, self._prefix))
                answers = await pipeline.execute()
        return [item for answer in answers for item in answer]
