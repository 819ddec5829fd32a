"""The core, put together: built once by the composition root."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from starlette.exceptions import HTTPException

from idcontact.applications import application
from idcontact.core.availability import Offers
from idcontact.core.choosing import Choosing
from idcontact.core.http import CoreRoutes
from idcontact.core.options import Purposes
from idcontact.core.plain import PlainPages
from idcontact.core.shims import AttrUrlShim, Shims
from idcontact.core.signed_requests import SignedRequests
from idcontact.core.split import Split
from idcontact.core.start import Starter
from idcontact.core.telephone import Telephone
from idcontact.errors import IdContactError
from idcontact.receipts import UsedResults, receipts_in
from idcontact.records import SealedRecords
from idcontact.tasks import Tasks
from idcontact.urls import origin_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping

    from redis.asyncio import Redis

    from idcontact.core.settings import CoreSettings
    from idcontact.keystore import KeyStore
    from idcontact.limits import Limiter
    from idcontact.openapi import ApiRoute
    from idcontact.outgoing import Outgoing
    from idcontact.pages import Pages
    from idcontact.results import ResultCheck


@dataclass(frozen=True, kw_only=True)
class CoreNeeds:
    """What the core is made of.

    `plugin_bases`: the internal address of each plugin of this server, by name. `results` reads auth results; without
    it nobody identifies first and chooses afterwards. `internal_url`: base of the core's own internal routes;
    `reachable`, whether plugins elsewhere reach it. `return_origins` are the websites that a person may be led back to.
    `clock` is in seconds since 1970.
    """

    redis: Redis
    keystore: KeyStore
    prefix: str
    settings: CoreSettings
    plugin_bases: Mapping[str, str]
    results: ResultCheck | None
    outgoing: Outgoing
    pages: Pages
    limiter: Limiter
    public_url: str
    internal_url: str
    reachable: bool
    return_origins: Collection[str]
    clock: Callable[[], float]
    wait: Callable[[float], Awaitable[None]] = asyncio.sleep


class CorePart:
    """`public_routes` for browsers and programs, `internal` for auth plugins, `lifespan` for what runs in between.

    Raises SettingsError.
    """

    def __init__(self, needs: CoreNeeds) -> None:
        settings = needs.settings
        self._purposes = Purposes(settings, needs.plugin_bases)
        self._tasks = Tasks()
        offers = Offers(self._purposes, needs.outgoing, self._tasks, needs.clock)
        self._telephone = Telephone(self._records(needs, "core-tel"), needs.pages, needs.public_url)
        within = None if needs.reachable else origin_of(needs.internal_url)
        shims = Shims(settings, needs.public_url, self._telephone, needs.clock, within)
        self._attr_url_shim = AttrUrlShim(shims, needs.outgoing, needs.limiter, settings.start_limit)
        split = self._split(needs)
        self._routes = CoreRoutes(
            purposes=self._purposes,
            offers=offers,
            starter=Starter(self._purposes, needs.outgoing, shims, split, needs.clock),
            signed_requests=SignedRequests(settings.authonly_request_keys),
            speaker=needs.pages,
            limiter=needs.limiter,
            start_limit=settings.start_limit,
            return_origins=needs.return_origins,
            clock=needs.clock,
        )
        self._plain = PlainPages(
            purposes=self._purposes,
            offers=offers,
            pages=needs.pages,
            public_url=needs.public_url,
            return_origins=needs.return_origins,
            clock=needs.clock,
        )
        self._choosing = Choosing(
            split=split,
            purposes=self._purposes,
            offers=offers,
            pages=needs.pages,
            public_url=needs.public_url,
            limiter=needs.limiter,
            limit=settings.start_limit,
            clock=needs.clock,
            wait=needs.wait,
        )
        handlers = {IdContactError: needs.pages.handle, HTTPException: needs.pages.handle}
        self.internal = application(self._choosing.internal_routes(), handlers)

    def public_routes(self) -> list[ApiRoute]:
        """What the public application serves of the core."""
        return [
            *self._routes.routes(),
            *self._attr_url_shim.routes(),
            *self._telephone.routes(),
            *self._choosing.routes(),
            *self._plain.routes(),
        ]

    @asynccontextmanager
    async def lifespan(self) -> AsyncIterator[None]:
        """What is asked of plugins beside the requests."""
        async with self._tasks:
            yield

    def _split(self, needs: CoreNeeds) -> Split:
        return Split(
            records=self._records(needs, "core"),
            used=UsedResults(needs.redis, needs.prefix),
            receipts=receipts_in(needs.redis, needs.keystore, needs.prefix),
            results=needs.results,
            purposes=self._purposes,
            public_url=needs.public_url,
            internal_url=needs.internal_url,
            reachable=needs.reachable,
            clock=needs.clock,
            wait=needs.wait,
        )

    def _records(self, needs: CoreNeeds, namespace: str) -> SealedRecords:
        return SealedRecords(needs.redis, needs.keystore, needs.prefix, namespace)
