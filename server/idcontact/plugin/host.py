"""What a plugin and the process that runs it are to each other."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Final, Protocol, TypeAlias, TypeVar, cast, runtime_checkable

from idcontact.errors import SettingsError
from idcontact.settings import read
from idcontact.signals import NodeSignals
from idcontact.urls import origin_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from starlette.types import ASGIApp

    from idcontact.limits import Limit
    from idcontact.outgoing import Outgoing
    from idcontact.pages import Pages
    from idcontact.receipts import Receipts
    from idcontact.records import Records
    from idcontact.settings import Localized
    from idcontact.signals import Signals

GROUP: Final = "idcontact.plugins"
T = TypeVar("T")


class Limiter(Protocol):
    """Counts what somebody does, for all nodes together; `limits.Limiter` is one."""

    async def hit(self, name: str, key: str, limit: Limit) -> None:
        """Count one, or raise TooManyRequests."""

    async def check(self, name: str, key: str, limit: Limit) -> None:
        """Raise TooManyRequests where `hit` would, and count nothing."""


@dataclass(frozen=True, kw_only=True)
class PluginHost:
    """What a plugin gets of the process that runs it.

    `public_url` and `internal_url` are the bases of this plugin's public and internal routes. `allowed_origins` are the
    origins of this installation: what is asked to lead or to deliver elsewhere is refused, unless the plugin's own
    settings allow it. `receipts` are of results that the core of this installation verified when they came; none in a
    process of its own. `signals` reach all nodes that run this plugin. `limiter` counts for all of them, and for the
    whole installation: names of limits begin with the plugin's. `attribute_labels` is what people see attributes
    called, by tag. `clock`: seconds since 1970.
    """

    name: str
    public_url: str
    internal_url: str
    allowed_origins: frozenset[str]
    attribute_labels: Mapping[str, Localized]
    outgoing: Outgoing
    records: Records
    limiter: Limiter
    pages: Pages
    settings_folder: Path
    receipts: Receipts | None = None
    signals: Signals = field(default_factory=NodeSignals)
    clock: Callable[[], float] = time.time
    wait: Callable[[float], Awaitable[None]] = asyncio.sleep

    @property
    def own_origins(self) -> frozenset[str]:
        """The origin that this plugin's pages have."""
        return frozenset({origin_of(self.public_url) or ""})

    def read_settings(self, settings: Mapping[str, object], shape: type[T]) -> T:
        """The plugin's table `[plugins.<name>]` as a `shape` (a `msgspec.Struct`). Raises SettingsError."""
        return read(settings, shape, base=self.settings_folder, where=("plugins", self.name))


class Plugin(Protocol):
    """A plugin, made. `lifespan` is entered before the first request and left after the last one."""

    @property
    def public(self) -> ASGIApp:
        """What people's browsers reach, at `host.public_url`."""

    @property
    def internal(self) -> ASGIApp:
        """What the core and other plugins reach, at `host.internal_url`; never routed publicly."""

    def lifespan(self) -> AbstractAsyncContextManager[None]:
        """What the plugin needs to have open while it works."""


@runtime_checkable
class OpenToSites(Protocol):
    """A plugin that pages of other websites post to. It says where, and guards that itself."""

    @property
    def open_paths(self) -> Sequence[str]:
        """Regular expressions, each for a whole path below `host.public_url`, its slash included."""


PluginFactory: TypeAlias = Callable[[PluginHost, Mapping[str, object]], Plugin]


def find_plugin(name: str, where: str | None = None) -> PluginFactory:
    """The plugin installed under `name`. Raises SettingsError, which names the setting `where`, when there is none."""
    installed = {entry.name: entry for entry in entry_points(group=GROUP)}
    if name not in installed:
        known = ", ".join(sorted(installed)) or "none"
        raise SettingsError([f"{where or f'plugins.{name}'}: no such plugin is installed; there are: {known}"])
    return cast(PluginFactory, installed[name].load())


def plugin_for(name: str, table: Mapping[str, object]) -> PluginFactory:
    """The plugin of the table `[plugins.<name>]`: the one of that name, or that its member `plugin` names.

    So there can be two of one kind, each with settings and addresses of its own. Raises SettingsError.
    """
    kind = table.get("plugin")
    if kind is None:
        return find_plugin(name)
    where = f"plugins.{name}.plugin"
    if not isinstance(kind, str):
        raise SettingsError([f"{where}: expected the name of an installed plugin"])
    found = find_plugin(kind, where)

    def create(host: PluginHost, settings: Mapping[str, object]) -> Plugin:
        return found(host, {key: value for key, value in settings.items() if key != "plugin"})

    return create
