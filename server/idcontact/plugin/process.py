"""A plugin in a process of its own: its settings, its store, and its two listeners.

What `idcontact serve` does for all parts at once, for one plugin alone: elsewhere, on another machine, for another
core. The core's method then says `start = "<internal_url>"`.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import sys
from contextlib import ExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import Mount

from idcontact.asset_files import AssetFiles
from idcontact.errors import IdContactError, SettingsError
from idcontact.keystore import DirectoryKeyStore
from idcontact.outgoing import Outgoing
from idcontact.pages import ASSETS_FOLDER, Pages, PageSettings
from idcontact.plugin.host import PluginHost
from idcontact.records import SealedRecords
from idcontact.redis import connect
from idcontact.sealing import KeyKeeper
from idcontact.security import AccessLog, SecurityHeaders
from idcontact.settings import Address, Localized, Secret, Url, load
from idcontact.tasks import Tasks

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Sequence

    from starlette.types import ASGIApp

    from idcontact.plugin.host import Plugin, PluginFactory


class AttributeLabel(msgspec.Struct, frozen=True, kw_only=True):
    """What people see an attribute called: `[attributes.<tag>]`."""

    name: Localized


class ProcessSettings(msgspec.Struct, frozen=True, kw_only=True):
    """The whole file. The plugin's own table is `[plugins.<name>]`, as in the settings of a whole server.

    `internal_listen` must be out of reach of browsers: who reaches it can start authentications.
    """

    public_url: Url
    listen: Address
    internal_url: Url
    internal_listen: Address
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


def serve(name: str, create: PluginFactory, config: Path) -> None:
    """Serve the plugin until SIGINT or SIGTERM. Raises SettingsError."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    settings = load(config, ProcessSettings, os.environ)
    asyncio.run(_serve(name, create, settings, config.parent))


@asynccontextmanager
async def plugin_host(name: str, settings: ProcessSettings, folder: Path) -> AsyncIterator[PluginHost]:
    """Everything that the plugin gets, open for as long as this is entered. Raises SettingsError."""
    keystore = DirectoryKeyStore(settings.keys_dir)
    redis = connect(settings.redis_url.value())
    try:
        async with Outgoing() as outgoing, Tasks() as tasks:
            tasks.start(KeyKeeper(redis, keystore, settings.redis_prefix).run(), "keys")
            yield PluginHost(
                name=name,
                public_url=settings.public_url,
                internal_url=settings.internal_url,
                allowed_origins=frozenset({settings.public_url.origin, settings.internal_url.origin}),
                attribute_labels={tag: label.name for tag, label in settings.attributes.items()},
                outgoing=outgoing,
                records=SealedRecords(redis, keystore, settings.redis_prefix, name),
                pages=Pages(public_url=settings.public_url, assets=_assets(), settings=settings.pages),
                settings_folder=folder,
            )
    finally:
        await redis.aclose()
        keystore.close()


def public_application(plugin: Plugin, settings: ProcessSettings) -> ASGIApp:
    """The plugin's pages and their stylesheet, behind the same headers as in a whole server."""
    routes = [Mount("/assets", _assets()), Mount("/", plugin.public)]
    https = settings.public_url.startswith("https:")
    return Starlette(
        routes=routes,
        middleware=[
            Middleware(AccessLog, logger=logging.getLogger("idcontact.access")),
            Middleware(SecurityHeaders, https_only=https),
        ],
    )


def _assets() -> AssetFiles:
    return AssetFiles({"/assets": ASSETS_FOLDER})


async def _serve(name: str, create: PluginFactory, settings: ProcessSettings, folder: Path) -> None:
    async with plugin_host(name, settings, folder) as host:
        plugin = create(host, settings.plugins.get(name, {}))
        applications = [
            (settings.listen, public_application(plugin, settings), "public"),
            (settings.internal_listen, plugin.internal, "internal"),
        ]
        with ExitStack() as sockets:
            # All ports first: a port that is taken is said before anything answers.
            opened = [(sockets.enter_context(_listening(address)), app) for address, app, _ in applications]
            for (open_socket, _), (_, _, door) in zip(opened, applications, strict=True):
                host_and_port = Address(*open_socket.getsockname()[:2])
                sys.stdout.write(f"plugin {name}: {door} on {host_and_port}\n")
            sys.stdout.flush()
            async with plugin.lifespan():
                await _until_told_to_end([(_Listener(_uvicorn_config(app)), on) for on, app in opened])


def _listening(address: Address) -> socket.socket:
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    try:
        return socket.create_server((address.host, address.port), family=family, backlog=1024)
    except OSError as error:
        raise SettingsError([f"cannot listen on {address}: {error.strerror}"]) from None


def _uvicorn_config(app: ASGIApp) -> uvicorn.Config:
    # Its access log would write whole targets, and a target holds a session. Its "server" header tells for nothing.
    return uvicorn.Config(app, lifespan="off", access_log=False, server_header=False, log_config=None, ws="none")


class _Listener(uvicorn.Server):
    """Signals are for the process, not for each of its servers."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def _until_told_to_end(listeners: Sequence[tuple[_Listener, socket.socket]]) -> None:
    """Serve until SIGINT or SIGTERM; then take no more, and let what was begun end."""

    def end() -> None:
        for listener, _ in listeners:
            listener.should_exit = True

    loop = asyncio.get_running_loop()
    for told in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(told, end)
    try:
        async with asyncio.TaskGroup() as group:
            for listener, on in listeners:
                group.create_task(listener.serve(sockets=[on]))
    finally:
        for told in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(told)
