"""Ten digits can be guessed, where nobody counts. Here somebody does."""

from __future__ import annotations

import asyncio
import logging
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from idcontact.errors import NotFound, TooManyRequests

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from idcontact.limits import Limit
    from idcontact.plugin import Limiter

_logger = logging.getLogger(__name__)


class Guesses:
    """Limits of one plugin (`name`): codes that one call tries, and wrong codes that come from one address."""

    def __init__(self, limiter: Limiter, name: str, tries_of_call: Limit, wrong_codes: Limit) -> None:
        self._limiter = limiter
        self._name = name
        self._tries, self._wrong = f"{name}-tries", f"{name}-wrong"
        self._tries_of_call = tries_of_call
        self._wrong_codes = wrong_codes
        self._one_at_a_time = asyncio.Lock()

    @asynccontextmanager
    async def attempt(self, call: str, address: str) -> AsyncIterator[None]:
        """Around the look-up of a code: NotFound from within counts as a wrong one. Raises TooManyRequests.

        Right ones do not count for the address: all calls come from the same few. So what is wrong is only known
        afterwards, and has to be counted before the next is looked up.
        """
        async with self._one_at_a_time:
            await self._check(address)
            await self._limiter.hit(self._tries, call, self._tries_of_call)
            try:
                yield
            except NotFound:
                await self._limiter.hit(self._wrong, address, self._wrong_codes)
                raise

    async def _check(self, address: str) -> None:
        try:
            await self._limiter.check(self._wrong, address, self._wrong_codes)
        except TooManyRequests:
            _logger.warning("plugins.%s: wrong_codes is reached, and a call was not tied", self._name)
            raise
