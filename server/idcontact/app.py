"""The composition root: configuration in, two Starlette applications out. Nothing else builds things."""

from __future__ import annotations

import logging
import re
import time
from contextlib import AsyncExitStack, asynccontextmanager, nullcontext, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, Protocol

from starlette.exceptions import HTTPException
from starlette.routing import BaseRoute, Mount

from idcontact.applications import application
from idcontact.asset_files import AssetFiles
from idcontact.core.part import CoreNeeds, CorePart
from idcontact.core.settings import ANY
from idcontact.door import AccessLog, BodyLimit, Door
from idcontact.durability import ReplicaWatch, check_store
from idcontact.embedded import embedded_valkey, find_server
from idcontact.errors import IdContactError, SettingsError, Unavailable
from idcontact.health import Health, HouseMeasures
from idcontact.keystore import DirectoryKeyStore
from idcontact.limits import Limiter
from idcontact.live.entrances import BATCHES, MAX_BATCH_BYTES
from idcontact.live.part import LiveNeeds, LivePart
from idcontact.live.results import PurposeNeeds
from idcontact.metrics import Metrics
from idcontact.mistakes import Mistakes
from idcontact.openapi import Answer, ApiRoute, Operation, document_route
from idcontact.opening_hours import OpeningHours
from idcontact.outgoing import Outgoing
from idcontact.pages import ASSETS_FOLDER, STATIC_FOLDER, Pages
from idcontact.plugin.host import OpenToSites, Plugin, PluginHost, plugin_for
from idcontact.receipts import receipts_in
from idcontact.records import SealedRecords
from idcontact.redis import await_up, connect
from idcontact.results import result_check
from idcontact.sealing import KeyKeeper
from idcontact.security import CrossOrigin, OriginCheck, SecurityHeaders
from idcontact.siblings import Siblings
from idcontact.signals import RedisSignals
from idcontact.staff.part import Staff
from idcontact.staff_door import SessionDoor
from idcontact.straight import Straight
from idcontact.tasks import Tasks
from idcontact.urls import origin_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from redis.asyncio import Redis
    from starlette.applications import Starlette
    from starlette.types import ASGIApp, Receive, Scope, Send

    from idcontact.config import Config
    from idcontact.core.settings import PurposeSettings
    from idcontact.keystore import KeyStore
    from idcontact.live.settings import LiveSettings
    from idcontact.results import ResultCheck
    from idcontact.settings_values import Localized

LIVE = "live"
"""The name by which methods refer to the live part: `start = "plugin:live"`."""
CORE = "core"
"""Where the core's own internal routes are, beside those of the plugins."""
_LOOKS: Final = 5
_WIDGET: Final = Operation(
    summary="The widget, for a website's script tag",
    answers=[Answer(200, "An ES module.", {"text/javascript": str})],
    stored=False,
)
_access = logging.getLogger("idcontact.access")
_log = logging.getLogger(__name__)


class Site(Protocol):
    """More pages of the public application, such as the demo's."""

    def routes(self) -> list[BaseRoute]:
        """Their routes."""


@dataclass(frozen=True)
class House:
    """What is built. Both applications have no lifespan of their own: `open_house` is it."""

    public: ASGIApp
    internal: ASGIApp
    core: CorePart
    live: LivePart | None
    plugins: Mapping[str, Plugin]
    limiter: Limiter
    redis: Redis
    keeper: KeyKeeper
    metrics: Metrics


@asynccontextmanager
async def open_house(
    config: Config, folder: Path, site: Callable[[Pages], Site] | None = None, *, one_of_many: bool = False
) -> AsyncIterator[House]:
    """Everything, running. `folder` is where relative files of plugins' settings start. Raises SettingsError.

    `one_of_many`: there are other processes of the same parent behind the same address.
    """
    async with AsyncExitStack() as stack:
        redis = connect(await stack.enter_async_context(_store(config)))
        stack.push_async_callback(redis.aclose)
        keystore = DirectoryKeyStore(config.keys_dir)
        stack.callback(keystore.close)
        outgoing = await stack.enter_async_context(Outgoing())
        house = build_house(config, folder, Means(redis, keystore, outgoing), site)
        await _up_to_it(redis, config)
        tasks = await stack.enter_async_context(Tasks())
        await house.keeper.tick()
        tasks.start(house.keeper.run(), "keys")
        tasks.keep(house.metrics.run, "event loop lag")
        if one_of_many:
            siblings = Siblings(redis, config.redis_prefix, house.metrics.text)
            house.metrics.share(siblings.text)
            tasks.keep(siblings.run, "measures for the other processes")
        tasks.keep(house.limiter.run, "limits")
        await stack.enter_async_context(house.core.lifespan())
        if house.live is not None:
            await stack.enter_async_context(house.live.lifespan())
        for plugin in house.plugins.values():
            await stack.enter_async_context(plugin.lifespan())
        yield house


@asynccontextmanager
async def open_store(config: Config) -> AsyncIterator[str]:
    """The store alone, up, and its address: for who does not serve, but has others that do. Raises SettingsError."""
    async with _store(config) as url:
        DirectoryKeyStore(config.keys_dir).close()
        redis = connect(url)
        try:
            await _up_to_it(redis, config)
        finally:
            await redis.aclose()
        yield url


async def _up_to_it(redis: Redis, config: Config) -> None:
    """Until the store answers. Raises SettingsError when it does not, or keeps less than it should."""
    for _ in range(_LOOKS):
        with suppress(Unavailable):  # it answered, and was lost again while it was looked at
            await await_up(redis)
            await check_store(redis, config.durability, config.replicas.count if config.replicas is not None else 0)
            return
    raise SettingsError(["redis_url: the connection breaks again and again"])


def _store(config: Config) -> AbstractAsyncContextManager[str]:
    """The address of the store of the settings, or of one that is ours while this is entered."""
    if config.redis_url is not None:
        return nullcontext(config.redis_url.value())
    fsync: Literal["everysec", "always"] = "always" if config.durability == "always" else "everysec"
    return embedded_valkey(config.valkey_dir, find_server(), appendfsync=fsync)


@dataclass(frozen=True)
class Means:
    """What the house stands on. To build it uses none of it."""

    redis: Redis
    keystore: KeyStore
    outgoing: Outgoing


def build_house(config: Config, folder: Path, means: Means, site: Callable[[Pages], Site] | None = None) -> House:
    """Everything, not yet running. Raises SettingsError with the mistakes of every part that could not be built."""
    return _Builder(config, folder, means).house(site)


def _needs(purpose: PurposeSettings) -> PurposeNeeds:
    every = ANY in purpose.allowed_auth
    return PurposeNeeds(frozenset(purpose.attributes), None if every else frozenset(purpose.allowed_auth))


@dataclass(frozen=True)
class _Widget:
    """The widget under a name that never changes: what a website's script tag says. ASGI."""

    files: AssetFiles

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer with the file itself: a redirect would carry our Cross-Origin-Resource-Policy, and be blocked."""
        await self.files({**scope, "path": "/static/widget.js", "app_root_path": ""}, receive, send)


def _open_paths(plugins: Mapping[str, Plugin]) -> list[str]:
    """Where plugins take posts from pages of other sites."""
    return [
        f"/plugins/{re.escape(name)}{path}"
        for name, plugin in plugins.items()
        if isinstance(plugin, OpenToSites)
        for path in plugin.open_paths
    ]


class _Builder:
    """Makes each part once, and hands it to those that need it."""

    def __init__(self, config: Config, folder: Path, means: Means) -> None:
        self._config = config
        self._folder = folder
        self._redis = means.redis
        self._keystore = means.keystore
        self._outgoing = means.outgoing
        self._files = AssetFiles({"/assets": ASSETS_FOLDER, "/static": STATIC_FOLDER})
        self._pages = Pages(public_url=config.public_url, assets=self._files, settings=config.pages)
        self._limiter = Limiter(means.redis, config.redis_prefix)
        self._keeper = KeyKeeper(means.redis, means.keystore, config.redis_prefix)
        self._metrics = Metrics()
        self._own_origins = frozenset({config.public_url.origin})

    def _plugin(self, name: str, table: dict[str, object]) -> Plugin:
        config = self._config
        host = PluginHost(
            name=name,
            public_url=f"{config.public_url}/plugins/{name}",
            internal_url=f"{config.internal_base}/plugins/{name}",
            allowed_origins=frozenset({config.public_url.origin, origin_of(config.internal_base) or ""}),
            attribute_labels={tag: attribute.name for tag, attribute in config.attributes.items()},
            outgoing=self._outgoing,
            records=SealedRecords(self._redis, self._keystore, config.redis_prefix, name),
            limiter=self._limiter,
            pages=self._pages,
            settings_folder=self._folder,
            receipts=receipts_in(self._redis, self._keystore, config.redis_prefix),
            signals=RedisSignals(self._redis, config.redis_prefix, name),
        )
        return plugin_for(name, table)(host, table)

    def house(self, site: Callable[[Pages], Site] | None) -> House:
        """Both applications."""
        mistakes = Mistakes()
        plugins: dict[str, Plugin] = {}
        for name, table in self._config.plugins.items():
            with mistakes.noted():
                plugins[name] = self._plugin(name, table)
        live: LivePart | None = None
        public: list[BaseRoute] = []
        with mistakes.noted():
            live, public = self._live_and_staff()
        core: CorePart | None = None
        with mistakes.noted():
            core = self._core()
        mistakes.refuse()
        internal_apps = {name: plugin.internal for name, plugin in plugins.items()}
        if live is not None:
            internal_apps[LIVE] = live.internal
        for name, base in self._bases().items():
            self._outgoing.mount(base, internal_apps[name])
        self._outgoing.mount(f"{self._config.internal_base}/{CORE}", core.internal)
        health = self._health(live)
        public = [
            *core.public_routes(),  # the first: what is asked most
            *public,
            *(Mount(f"/plugins/{name}", plugin.public) for name, plugin in plugins.items()),
            *self._own_routes(),
            *health.routes(),
            *(site(self._pages).routes() if site is not None else ()),
        ]
        internal: list[BaseRoute] = [
            *(Mount(f"/plugins/{name}", app) for name, app in internal_apps.items()),
            Mount(f"/{CORE}", core.internal),
            *health.routes(),
            self._metrics.route(),
        ]
        public.append(document_route("ID Contact", self._config.public_url, public))
        internal.append(document_route("ID Contact, internal", self._config.internal_base, internal))
        public_app = self._public_app(public, _open_paths(plugins))
        return House(
            public_app,
            Door(self._app(internal), log=AccessLog(_access)),
            core,
            live,
            plugins,
            self._limiter,
            self._redis,
            self._keeper,
            self._metrics,
        )

    def _health(self, live: LivePart | None) -> Health:
        """What is asked of the whole house; the same measures are in the metrics."""
        house = HouseMeasures(self._redis, self._config.redis_prefix, self._keeper, self._limiter)
        self._metrics.add(house)
        replicas = ReplicaWatch(self._redis, self._config.redis_prefix, self._config.replicas)
        checks = [house.wrong_with_writing, house.wrong_with_keys, replicas.wrong]
        if live is not None:
            self._metrics.add(live.measures)
            measures = live.measures
            checks += [measures.wrong_with_subscription, measures.wrong_with_deadlines, measures.wrong_with_attributes]
        return Health(self._redis, checks)

    def _bases(self) -> dict[str, str]:
        """The internal address of each plugin of this server, also of one that could not be made."""
        names = [*self._config.plugins, *([LIVE] if self._config.live is not None else ())]
        return {name: f"{self._config.internal_base}/plugins/{name}" for name in names}

    def _live_and_staff(self) -> tuple[LivePart | None, list[BaseRoute]]:
        """Neither without the other: staff have nothing to do where nobody talks."""
        config = self._config
        if config.live is None:
            return None, []
        staff = Staff(
            self._redis,
            config.redis_prefix,
            settings=config.staff,
            limiter=self._limiter,
            pages=self._pages,
            replicas=config.replicas,
        )
        live = self._live(staff, config.live)
        if config.replicas is None:
            staff.go_by(live.store.pipe)
        return live, [*staff.routes(), *live.public_routes()]

    def _live(self, staff: Staff, settings: LiveSettings) -> LivePart:
        config = self._config
        names: dict[str, Localized] = {p.tag: p.name for p in config.purposes if p.name is not None}
        return LivePart(
            LiveNeeds(
                redis=self._redis,
                keystore=self._keystore,
                prefix=config.redis_prefix,
                settings=settings,
                purposes={purpose.tag: _needs(purpose) for purpose in config.purposes},
                opening_hours=self._opening_hours(),
                purpose_names=names,
                attribute_names={tag: attribute.name for tag, attribute in config.attributes.items()},
                pages=self._pages,
                limiter=self._limiter,
                door=SessionDoor(staff.sessions, [purpose.tag for purpose in config.purposes]),
                audit=staff.audit,
                public_url=config.public_url,
                internal_url=f"{config.internal_base}/plugins/{LIVE}",
                own_origins=self._own_origins,
                clock=time.time,
                metrics=self._metrics,
                replicas=config.replicas,
            )
        )

    def _opening_hours(self) -> dict[str, OpeningHours]:
        """Of the purposes that have them."""
        known = {name: OpeningHours(written) for name, written in self._config.opening_hours.items()}
        return {p.tag: known[p.opening_hours] for p in self._config.purposes if p.opening_hours is not None}

    def _core(self) -> CorePart:
        config = self._config
        return CorePart(
            CoreNeeds(
                redis=self._redis,
                keystore=self._keystore,
                prefix=config.redis_prefix,
                settings=config,
                plugin_bases=self._bases(),
                results=self._results(),
                outgoing=self._outgoing,
                pages=self._pages,
                limiter=self._limiter,
                public_url=config.public_url,
                internal_url=f"{config.internal_base}/{CORE}",
                reachable=config.internal_listen is not None,
                return_origins=[*self._own_origins, *config.allowed_origins],
                clock=time.time,
            )
        )

    def _results(self) -> ResultCheck | None:
        """What reads auth results here; None where nobody was told how."""
        if self._config.live is not None:
            return result_check(self._config.live.decrypt_key, self._config.live.auth_methods, "live")
        if self._config.results is not None:
            return result_check(self._config.results.decrypt_key, self._config.results.auth_methods, "results")
        return None

    def _own_routes(self) -> list[BaseRoute]:
        return [
            Mount("/assets", self._files),
            Mount("/static", self._files),
            ApiRoute("/widget.js", _Widget(self._files), methods=["GET"], operation=_WIDGET),
        ]

    def _public_app(self, routes: list[BaseRoute], open_paths: list[str]) -> ASGIApp:
        return Door(
            Straight(self._app(routes), routes),
            log=AccessLog(_access),
            headers=SecurityHeaders(https_only=self._config.public_url.startswith("https:")),
            cross_origin=CrossOrigin(origins=self._config.allowed_origins, paths=["/session_options(/.*)?", "/start"]),
            bodies=BodyLimit(default=32 * 1024, limits={BATCHES: MAX_BATCH_BYTES}),
            origins=OriginCheck(own_origins=self._own_origins, exempt=["/start", *open_paths]),
            refuse=self._pages.error_response,
        )

    def _app(self, routes: list[BaseRoute]) -> Starlette:
        handle = self._pages.handle
        return application(routes, {HTTPException: handle, IdContactError: handle, Exception: handle})
