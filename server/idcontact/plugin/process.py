"""A plugin in a process of its own: its settings, its store, and its two listeners.

What `idcontact serve` does for all parts at once, for one plugin alone: elsewhere, on another machine, for another
core. The core's method then says `start = "<internal_url>"`.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from contextlib import ExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import uvicorn
from starlette.routing import Mount

from idcontact.applications import application
from idcontact.asset_files import AssetFiles
from idcontact.door import AccessLog, Door
from idcontact.errors import IdContactError, SettingsError
from idcontact.keystore import DirectoryKeyStore
from idcontact.limits import Limiter
from idcontact.listeners import Listener, bound, forwarding, serve_all
from idcontact.logs import set_up
from idcontact.outgoing import Outgoing
from idcontact.pages import ASSETS_FOLDER, Pages, PageSettings
from idcontact.plugin.host import PluginHost, plugin_for
from idcontact.records import SealedRecords
from idcontact.redis import connect
from idcontact.sealing import KeyKeeper
from idcontact.security import SecurityHeaders
from idcontact.settings import Address, Localized, Secret, Url, load
from idcontact.settings_values import Site
from idcontact.signals import RedisSignals
from idcontact.tasks import Tasks

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from starlette.types import ASGIApp

    from idcontact.plugin.host import Plugin, PluginFactory


class AttributeLabel(msgspec.Struct, frozen=True, kw_only=True):
    """What people see an attribute called: `[attributes.<tag>]`."""

    name: Localized


class ProcessSettings(msgspec.Struct, frozen=True, kw_only=True):
    """The whole file. The plugin's own table is `[plugins.<name>]`, as in the settings of a whole server.

    `internal_listen` must be out of reach of browsers: who reaches it can start authentications.
    `trusted_proxies`: addresses of reverse proxies whose forwarding headers are believed.
    """

    public_url: Site
    listen: Address
    internal_url: Url
    internal_listen: Address
    trusted_proxies: list[str] = []
    redis_url: Secret
    redis_prefix: str = "idc"
    keys_dir: Path = Path("keys")
    pages: PageSettings = PageSettings()
    attributes: dict[str, AttributeLabel] = {}
    plugins: dict[str, dict[str, object]]


def main(name: str, create: PluginFactory, arguments: Sequence[str]) -> int:
    """The command of one plugin: `--config FILE`. Its exit status, 2 for wrong use and settings that cannot be used."""
    match arguments:
        case ["--config", file]:
            config = Path(file)
        case _:
            sys.stderr.write("usage: --config FILE\n")
            return 2
    try:
        serve(name, create, config)
    except IdContactError as error:
        lines = error.mistakes if isinstance(error, SettingsError) else [str(error)]
        sys.stderr.write("".join(f"{line}\n" for line in lines))
        return 2 if isinstance(error, SettingsError) else 1
    return 0


def serve(name: str, create: PluginFactory | None, config: Path) -> None:
    """Serve until SIGINT or SIGTERM; without `create`, the plugin that the settings name. Raises SettingsError."""
    set_up("info")
    settings = load(config, ProcessSettings, os.environ)
    found = create or plugin_for(name, settings.plugins.get(name, {}))
    asyncio.run(_serve(name, found, settings, config.parent))


@asynccontextmanager
async def plugin_host(name: str, settings: ProcessSettings, folder: Path) -> AsyncIterator[PluginHost]:
    """Everything that the plugin gets, open for as long as this is entered. Raises SettingsError."""
    keystore = DirectoryKeyStore(settings.keys_dir)
    redis = connect(settings.redis_url.value())
    try:
        async with Outgoing() as outgoing, Tasks() as tasks:
            keeper = KeyKeeper(redis, keystore, settings.redis_prefix)
            await keeper.tick()  # a store that is not there is said now, and not to the first person who comes
            tasks.start(keeper.run(), "keys")
            yield PluginHost(
                name=name,
                public_url=settings.public_url,
                internal_url=settings.internal_url,
                allowed_origins=frozenset({settings.public_url.origin, settings.internal_url.origin}),
                attribute_labels={tag: label.name for tag, label in settings.attributes.items()},
                outgoing=outgoing,
                records=SealedRecords(redis, keystore, settings.redis_prefix, name),
                limiter=Limiter(redis, settings.redis_prefix),
                pages=Pages(public_url=settings.public_url, assets=_assets(), settings=settings.pages),
                settings_folder=folder,
                signals=RedisSignals(redis, settings.redis_prefix, name),
            )
    finally:
        await redis.aclose()
        keystore.close()


def public_application(plugin: Plugin, settings: ProcessSettings) -> ASGIApp:
    """The plugin's pages and their stylesheet, behind the same headers as in a whole server."""
    app = application([Mount("/assets", _assets()), Mount("/", plugin.public)], {})
    headers = SecurityHeaders(https_only=settings.public_url.startswith("https:"))
    return Door(app, log=AccessLog(logging.getLogger("idcontact.access")), headers=headers)


def _assets() -> AssetFiles:
    return AssetFiles({"/assets": ASSETS_FOLDER})


async def _serve(name: str, create: PluginFactory, settings: ProcessSettings, folder: Path) -> None:
    with ExitStack() as sockets:
        # Both ports first: one that is taken is said before anything is opened or answers.
        public = sockets.enter_context(bound("listen", settings.listen))
        internal = sockets.enter_context(bound("internal_listen", settings.internal_listen))
        async with plugin_host(name, settings, folder) as host:
            plugin = create(host, settings.plugins.get(name, {}))
            servers = [
                (listener(public_application(plugin, settings), settings), public),
                (listener(plugin.internal, settings), internal),
            ]
            async with plugin.lifespan():
                await serve_all(servers, ready=partial(_say_where, name, settings))


def listener(app: ASGIApp, settings: ProcessSettings) -> Listener:
    """A server of `app`."""
    # uvicorn's own access log would write whole targets, and a target holds a session.
    return Listener(
        uvicorn.Config(
            app,
            lifespan="off",
            access_log=False,
            server_header=False,
            log_config=None,
            ws="none",
            timeout_graceful_shutdown=5,
            **forwarding(settings.trusted_proxies),
        )
    )


def _say_where(name: str, settings: ProcessSettings) -> None:
    sys.stdout.write(f"plugin {name}: people reach it at {settings.public_url}, the core at {settings.internal_url}\n")
    sys.stdout.flush()
