"""Ten digits can be guessed, and names of calls tried out, where nobody counts. Here somebody does."""

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
    """Limits of one plugin (`name`): codes that one call tries, and what comes from one address and is not known.

    `wrong_codes` holds for codes and for calls, each counted apart: who tries out calls keeps nobody from being tied.
    """

    def __init__(self, limiter: Limiter, name: str, tries_of_call: Limit, wrong_codes: Limit) -> None:
        self._limiter = limiter
        self._name = name
        self._tries, self._wrong, self._unknown = f"{name}-tries", f"{name}-wrong", f"{name}-unknown"
        self._tries_of_call = tries_of_call
        self._wrong_codes = wrong_codes
        self._one_at_a_time = asyncio.Lock()

    @asynccontextmanager
    async def attempt(self, call: str, address: str) -> AsyncIterator[None]:
        """Around the look-up of a code: NotFound from within counts as a wrong one. Raises TooManyRequests."""
        async with self._counted(self._wrong, address, "a call was not tied"):
            await self._limiter.hit(self._tries, call, self._tries_of_call)
            yield

    @asynccontextmanager
    async def question(self, address: str) -> AsyncIterator[None]:
        """Around the look-up of a call that anybody may ask for: NotFound counts. Raises TooManyRequests."""
        async with self._counted(self._unknown, address, "who calls was not told"):
            yield

    @asynccontextmanager
    async def _counted(self, what: str, address: str, refused: str) -> AsyncIterator[None]:
        """Right ones do not count for the address: all calls come from the same few.

        So what is wrong is only known afterwards, and has to be counted before the next is looked up.
        """
        async with self._one_at_a_time:
            try:
                await self._limiter.check(what, address, self._wrong_codes)
            except TooManyRequests:
                _logger.warning("plugins.%s: wrong_codes is reached, and %s", self._name, refused)
                raise
            try:
                yield
            except NotFound:
                await self._limiter.hit(what, address, self._wrong_codes)
                raise
