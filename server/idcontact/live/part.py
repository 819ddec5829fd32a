"""The live part, put together: built once by the composition root, as one more communication plugin."""

from __future__ import annotations

import logging
import secrets
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from starlette.exceptions import HTTPException

from idcontact.applications import application
from idcontact.errors import IdContactError
from idcontact.live import messages as m
from idcontact.live.asyncapi import asyncapi_route
from idcontact.live.availability import Reception
from idcontact.live.board import Board
from idcontact.live.conversations import Conversations
from idcontact.live.deadlines import Sweeper
from idcontact.live.entrances import Entrances
from idcontact.live.floor import Floor
from idcontact.live.http import LiveHttp
from idcontact.live.hub import Hub
from idcontact.live.inspection import ROUND, Inspection
from idcontact.live.labels import Labels
from idcontact.live.leases import RENEWED_AT_ONCE
from idcontact.live.measures import LiveMeasures
from idcontact.live.positions import Positions
from idcontact.live.results import Receiver
from idcontact.live.routing_store import RoutingStore
from idcontact.live.store import SAFETY_EXPIRY, ConversationStore
from idcontact.live.streams import Streams
from idcontact.pipes import line_to
from idcontact.receipts import receipts_in
from idcontact.results import result_check
from idcontact.subscriptions import subscription_to
from idcontact.tasks import Tasks, several

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping

    from redis.asyncio import Redis
    from starlette.routing import WebSocketRoute

    from idcontact.durability import Replicas
    from idcontact.keystore import KeyStore
    from idcontact.limits import Limiter
    from idcontact.live.attendance import Attendance
    from idcontact.live.results import PurposeNeeds
    from idcontact.live.settings import LiveSettings
    from idcontact.live.staff_port import AuditTrail, StaffDoor
    from idcontact.metrics import Metrics
    from idcontact.openapi import ApiRoute
    from idcontact.opening_hours import OpeningHours
    from idcontact.pages import Pages
    from idcontact.settings_values import Localized


_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class LiveNeeds:
    """What live is made of. `opening_hours` are by purpose; one that has none is always open. `clock`: seconds UTC."""

    redis: Redis
    keystore: KeyStore
    prefix: str
    settings: LiveSettings
    purposes: Mapping[str, PurposeNeeds]
    opening_hours: Mapping[str, OpeningHours]
    purpose_names: Mapping[str, Localized]
    attribute_names: Mapping[str, Localized]
    pages: Pages
    limiter: Limiter
    door: StaffDoor
    audit: AuditTrail
    public_url: str
    internal_url: str
    own_origins: frozenset[str]
    clock: Callable[[], float]
    metrics: Metrics
    replicas: Replicas | None = None
    """Whom acknowledgements wait for."""


class LivePart:
    """`public_routes` for browsers, `internal` for machines, `lifespan` for what runs in between."""

    def __init__(self, needs: LiveNeeds) -> None:
        settings, prefix, redis = needs.settings, needs.prefix, needs.redis
        self._tasks = Tasks()
        self.node = secrets.token_hex(6)
        pipe = partial(line_to, redis, on_up=self._appending_again, replicas=needs.replicas)
        self.store = ConversationStore(
            redis,
            pipe,
            needs.keystore,
            prefix,
            expiry=settings.longest + SAFETY_EXPIRY,
            replicas=needs.replicas,
            took=needs.metrics.took,
            relayed=needs.metrics.relayed,
        )
        if needs.replicas is not None:
            self.store.buckets.ask_by(needs.limiter.line)
        self.routing = RoutingStore(redis, prefix, settings.routing, needs.metrics.took, replicas=needs.replicas)
        self.routing.go_by(self.store.pipe)
        results = result_check(settings.decrypt_key, settings.auth_methods, "live")
        names = Labels(
            purposes=needs.purpose_names,
            methods={tag: method.name for tag, method in results.methods.items()},
            attributes=needs.attribute_names,
        )
        self.conversations = Conversations(self.store, self.routing, settings.rules, names)
        self.hub = Hub(self.node, self.conversations, self._tasks)
        self.board = Board(self.routing)
        reception = self._reception(needs)
        positions = Positions(self.board, reception.pace)
        self.board.listeners.add(positions)
        self._positions = positions
        self._sweeper = Sweeper(self.conversations, self._renew_leases)
        self._streams = Streams(redis, prefix, self.node)
        self._subscriber = subscription_to(
            redis,
            [*self.hub.channels(), self.routing.channel, self._streams.channel],
            f"{prefix}:{{beat}}:{self.node}",
            on_message=self._published,
            on_gap=self._distrust,
            on_lost=self.hub.doubt,
        )
        limits = m.Limits(
            max_frame_bytes=m.MAX_FRAME_BYTES,
            max_text_characters=m.MAX_TEXT_CHARACTERS,
            frames_per_10_seconds=settings.frames_per_10_seconds,
        )
        self._floor = Floor(
            conversations=self.conversations,
            hub=self.hub,
            board=self.board,
            positions=positions,
            labels=names,
            limits=limits,
            door=needs.door,
            audit=needs.audit,
            tasks=self._tasks,
        )
        self._inspection = Inspection(self.store, self.routing, ROUND)
        self.measures = self._measures(needs)
        used = receipts_in(redis, needs.keystore, prefix)
        receiver = Receiver(self.conversations, results, needs.purposes, used, needs.clock)
        self._asyncapi = asyncapi_route(needs.public_url)
        self._http = self._doors(needs, reception, receiver)
        self.internal = application(self._http.internal_routes(), {HTTPException: needs.pages.handle})

    def public_routes(self) -> list[ApiRoute | WebSocketRoute]:
        """What the public application serves of live."""
        return [*self._http.public_routes(), self._asyncapi]

    async def hand_over(self, seconds: float) -> None:
        """Send everybody who has a socket here to the other nodes, the last of them within `seconds`."""
        await self._floor.sockets.hand_over(seconds)

    @asynccontextmanager
    async def lifespan(self) -> AsyncIterator[None]:
        """Everything that runs beside the requests."""
        async with self._tasks as tasks:
            tasks.keep(self.store.pipe.run, "append connection")
            tasks.keep(self._subscriber.run, "subscription")
            tasks.keep(self.board.run, "board")
            tasks.keep(self.hub.leases.run, "routes and leases")
            tasks.keep(self._positions.run, "positions")
            tasks.keep(self._sweeper.run, "deadlines")
            tasks.keep(self._inspection.run, "inspection")
            yield

    def _reception(self, needs: LiveNeeds) -> Reception:
        return Reception(
            purposes=needs.purposes.keys(),
            opening_hours=needs.opening_hours,
            board=self.board,
            routing=self.routing,
            clock=needs.clock,
        )

    def _measures(self, needs: LiveNeeds) -> LiveMeasures:
        return LiveMeasures(
            purposes=needs.purposes.keys(),
            inspection=self._inspection,
            board=self.board,
            sockets=self._floor.sockets,
            append=self.store.pipe,
            subscription=self._subscriber,
        )

    def _doors(self, needs: LiveNeeds, reception: Reception, receiver: Receiver) -> LiveHttp:
        entrances = Entrances(
            floor=self._floor,
            streams=self._streams,
            settings=needs.settings,
            pages=needs.pages,
            limiter=needs.limiter,
            own_origins=needs.own_origins,
        )
        return LiveHttp(
            floor=self._floor,
            entrances=entrances,
            reception=reception,
            receiver=receiver,
            settings=needs.settings,
            purposes=needs.purposes.keys(),
            pages=needs.pages,
            limiter=needs.limiter,
            public_url=needs.public_url,
            internal_url=needs.internal_url,
            own_origins=needs.own_origins,
        )

    def _published(self, channel: str, raw: bytes) -> None:
        try:
            if channel == self.routing.channel:
                self.board.published(raw)
            elif channel == self._streams.channel:
                self._streams.published(raw)
            else:
                self.hub.published(channel, raw)
        except Exception as error:  # noqa: BLE001 - a subscription that ends is a node that is deaf
            # One publication that cannot be read must not end the subscription: what it said is read from the store.
            _log.exception("a publication could not be taken in: %s", type(error).__name__)
            self._distrust()

    async def _renew_leases(self) -> None:
        """Of everybody who has a socket here; agents first, who hold conversations of others."""
        await several(RENEWED_AT_ONCE, map(self._renew_lease, tuple(self._floor.attendances)))
        await self.hub.leases.renew_all()

    @staticmethod
    async def _renew_lease(attendance: Attendance) -> None:
        try:
            await attendance.renew()
        except IdContactError as error:
            _log.debug("a lease could not be renewed: %s", error)

    def _appending_again(self) -> None:
        """What was under way when the connection broke may have been stored, and this node was not told."""
        self.hub.distrust()

    def _distrust(self) -> None:
        self.board.distrust()
        self.hub.distrust()
