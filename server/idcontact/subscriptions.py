"""The subscriptions at a Cluster: each channel at the primary of its slot, wherever that is; and the choice of which.

A primary that gives a slot away says so to those who are subscribed in it (`sunsubscribe`); one that is gone is noticed
by its beat. Besides, somebody looks now and then whether anything has moved.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from redis.exceptions import MovedError, RedisError

from idcontact.cluster import never_there, slot_of
from idcontact.cluster_client import PAUSE, ClusterRedis
from idcontact.subscriber import Standing, Subscriber, Subscription
from idcontact.tasks import Tasks, end

if TYPE_CHECKING:
    from collections.abc import Callable

    from redis.asyncio import Redis

    from idcontact.cluster import Address, Masters

_LOOK_EVERY: Final = 5.0


def subscription_to(
    redis: Redis,
    channels: list[str],
    beat_channel: str,
    *,
    on_message: Callable[[str, bytes], None],
    on_gap: Callable[[], None],
    on_lost: Callable[[], None] | None = None,
) -> Subscription:
    """What hears these channels of this store: see `Subscriber`."""
    if isinstance(redis, ClusterRedis):
        return Subscriptions(
            redis.masters, channels, beat_channel, on_message=on_message, on_gap=on_gap, on_lost=on_lost
        )
    return Subscriber(redis, channels, beat_channel, on_message=on_message, on_gap=on_gap, on_lost=on_lost)


class _AtPrimary(Subscriber):
    """The channels of one primary. Those of several slots may not be named in one command."""

    def __init__(self, masters: Masters, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self._masters = masters

    async def _subscribe(self, pubsub: Any, channels: list[str]) -> None:
        for channel in channels:
            await pubsub.ssubscribe(channel)

    def _failed(self, outage: Exception) -> None:
        if isinstance(outage, MovedError):
            self._masters.moved(outage)
        else:
            self._masters.doubt()


class Subscriptions:
    """See the module, and `Subscription`. Every one that stands (again) is a gap: what was missed is read."""

    def __init__(
        self,
        masters: Masters,
        channels: list[str],
        beat_channel: str,
        *,
        on_message: Callable[[str, bytes], None],
        on_gap: Callable[[], None],
        on_lost: Callable[[], None] | None = None,
    ) -> None:
        """See `Subscriber`. Each primary has a beat of its own, in a slot that is there."""
        self._masters = masters
        self._channels = channels
        self._beat_channel = beat_channel
        self._on_message = on_message
        self._on_gap = on_gap
        self._on_lost = on_lost
        self._lanes: dict[Address, tuple[list[str], Subscriber, asyncio.Task[object]]] = {}
        self.up = Standing()
        self.interruptions = 0
        """See `Subscription.interruptions`; of each primary by itself."""

    async def run(self) -> None:
        """See `Subscription.run`."""
        async with Tasks() as tasks:
            with self._masters.watched() as moved:
                while True:
                    moved.clear()
                    await self._follow(tasks)
                    with suppress(TimeoutError):
                        await asyncio.wait_for(moved.wait(), _LOOK_EVERY)
                        continue
                    self._masters.doubt()

    async def _follow(self, tasks: Tasks) -> None:
        """Every channel at its primary."""
        while self._masters.unserved:
            with suppress(RedisError, OSError):
                await self._masters.look()
            await asyncio.sleep(PAUSE)
        wanted: dict[Address, list[str]] = {}
        for channel in self._channels:
            owner = self._masters.owner(slot_of(channel))
            if owner is not None:
                wanted.setdefault(owner, []).append(channel)
        for address, (channels, _, task) in tuple(self._lanes.items()):
            if wanted.get(address) != channels:
                self.up.clear()
                del self._lanes[address]
                await end(task)
        for address, channels in wanted.items():
            if address not in self._lanes:
                lane = self._lane(address, channels)
                self._lanes[address] = channels, lane, tasks.keep(lane.run, "subscription at a primary")
        self._look_whether_all_stand()

    def _lane(self, address: Address, channels: list[str]) -> Subscriber:
        return _AtPrimary(
            self._masters,
            self._masters.client(address),
            channels,
            f"{never_there(channels[0])}{self._beat_channel}",
            on_message=self._on_message,
            on_gap=self._stands,
            on_lost=self._lost,
        )

    def _look_whether_all_stand(self) -> None:
        if all(lane.up.is_set() for _, lane, _ in self._lanes.values()):
            self.up.set()

    def _stands(self) -> None:
        self._look_whether_all_stand()
        self._on_gap()

    def _lost(self) -> None:
        self.up.clear()
        self.interruptions += 1
        if self._on_lost is not None:
            self._on_lost()
