from __future__ import annotations

import pytest

from idcontact.errors import TooManyRequests
from idcontact.limits import Limit
from idcontact.plugin.testkit import MemoryLimiter


async def test_what_fits_a_limit_passes_and_room_comes_back_as_the_first_one_ages() -> None:
    now = [0.0]
    limiter = MemoryLimiter(lambda: now[0])
    await limiter.hit("codes", "a", Limit(2, 60))
    now[0] = 30.0
    await limiter.hit("codes", "a", Limit(2, 60))
    for refused in (limiter.hit, limiter.check):
        with pytest.raises(TooManyRequests) as refusal:
            await refused("codes", "a", Limit(2, 60))
        assert refusal.value.retry_after == 30
    now[0] = 60.0
    await limiter.hit("codes", "a", Limit(2, 60))
    with pytest.raises(TooManyRequests):
        await limiter.check("codes", "a", Limit(2, 60))


async def test_names_and_keys_count_apart_and_a_look_counts_nothing() -> None:
    limiter = MemoryLimiter(lambda: 0.0)
    for _ in range(3):
        await limiter.check("codes", "a", Limit(1, 60))
    await limiter.hit("codes", "a", Limit(1, 60))
    await limiter.hit("codes", "b", Limit(1, 60))
    await limiter.hit("calls", "a", Limit(1, 60))
