"""The whole configuration file: the settings of all parts, read and checked together; ours, or the published core's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from idcontact.core.settings import CoreSettings
from idcontact.durability import Durability, Replicas, ReplicaWait
from idcontact.errors import SettingsError
from idcontact.live.settings import LiveSettings
from idcontact.pages import PageSettings
from idcontact.pem import PrivatePem
from idcontact.results import ResultMethod
from idcontact.rocket import from_rocket, is_rocket, selected_profile
from idcontact.settings import Address, Duration, Secret, Url, Where
from idcontact.settings_reader import Reading, reading
from idcontact.settings_values import Site
from idcontact.settings_written import Written, read_toml
from idcontact.staff.settings import StaffSettings

IN_PROCESS = "http://idcontact.internal"
"""Base of internal URLs where nothing listens for them: only plugins of this process reach each other by it."""


_NAMED_BY: Final = ("IDCONTACT_CONFIG", "ROCKET_CONFIG")
_LOOKED_FOR: Final = ("idcontact.toml", "Rocket.toml")


class ResultsSettings(msgspec.Struct, frozen=True, kw_only=True):
    """`[results]`: what a core without live conversations is told, to offer a choice after identifying."""

    decrypt_key: PrivatePem
    """Private key that auth results are encrypted to."""
    auth_methods: list[ResultMethod]


class Config(CoreSettings, frozen=True, kw_only=True):
    """All settings of one server."""

    public_url: Site
    """Where browsers reach this server, at the root of a host. Links are made from it, never from a Host header."""
    redis_url: Secret | None = None
    """Redis or Valkey, version 7 or newer: `redis://…`, `rediss://…` or `unix://…`. Without one, one of our own."""
    durability: Durability | None = None
    """What Redis may lose of what was acknowledged. Not set: whatever it does, with a warning when that is much."""
    durability_replicas: Annotated[int, Meta(ge=1, le=10)] = 1
    """With `replicated`: how many replicas must have it."""
    durability_wait: ReplicaWait = ReplicaWait(1)
    """With `replicated`: how long an acknowledgement waits for them."""
    live: LiveSettings | None = None
    """Live conversations and their staff. Without it this server is a core, and runs plugins."""
    results: ResultsSettings | None = None
    """Auth results that the core itself reads, where there are no live conversations."""
    listen: Address = Address("127.0.0.1", 8000)
    """Where the public application listens."""
    internal_listen: Address | None = None
    """Where the internal application listens: for cores and plugins elsewhere. Never route it publicly."""
    internal_url: Url | None = None
    """Where they reach it. Needed with `internal_listen`."""
    redis_prefix: str = "idc"
    """What every key in Redis begins with."""
    keys_dir: Path = Path("keys")
    """Where epoch keys are kept: readable by this server alone, shared by its nodes, never in a backup."""
    trusted_proxies: list[str] = msgspec.field(default_factory=list)
    """Addresses of reverse proxies whose X-Forwarded-For is believed."""
    drain: Duration = Duration(3)
    """For how long, at most, a server that ends sends people on to the others, some at a time."""
    staff: StaffSettings = StaffSettings()
    pages: PageSettings = PageSettings()
    plugins: dict[str, dict[str, object]] = msgspec.field(default_factory=dict)
    """A table for each plugin that runs in this process; what is in it is the plugin's, but `plugin`: its own name,
    where the table has another."""

    @property
    def valkey_dir(self) -> Path:
        """Where a Valkey of our own keeps its data."""
        return self.keys_dir.parent / "valkey"

    @property
    def replicas(self) -> Replicas | None:
        """Whom an acknowledgement waits for; None: nobody."""
        if self.durability != "replicated":
            return None
        return Replicas(self.durability_replicas, int(self.durability_wait * 1000))

    @property
    def internal_base(self) -> str:
        """What internal URLs start with."""
        return self.internal_url or IN_PROCESS

    @classmethod
    def cross_check(cls, table: Mapping[str, object]) -> Iterator[tuple[Where, str]]:
        """What spans several settings."""
        yield from super().cross_check(table)
        if "internal_listen" in table and "internal_url" not in table:
            yield ("internal_url",), "expected with internal_listen: the URL by which plugins elsewhere reach it"
        if table.get("durability") == "replicated" and "redis_url" not in table:
            yield ("durability",), "replicated needs a Redis with replicas: name it with redis_url"
        yield from _unknown_purposes(table)
        for part in ("live", "results"):
            yield from _same_methods(table, part)
        plugins = table.get("plugins")
        if isinstance(plugins, Mapping) and "live" in plugins:
            yield ("plugins", "live"), 'is how the live conversations are called; give it another, and plugin = "live"'
        if "live" in table and "results" in table:
            yield ("results",), "is for a server without [live], which is told the same there; remove one of them"


def find_config(given: Path | None, environ: Mapping[str, str], folder: Path) -> Path:
    """The settings file: the one given, or named by the environment, or found in `folder`. Raises SettingsError."""
    if given is not None:
        return given.absolute()
    for variable in _NAMED_BY:
        if environ.get(variable):
            return (folder / environ[variable]).absolute()
    for name in _LOOKED_FOR:
        if (folder / name).exists():
            return (folder / name).absolute()
    variables, names = (" or ".join(words) for words in (_NAMED_BY, _LOOKED_FOR))
    raise SettingsError([f"there are no settings: give --config FILE, set {variables}, or have {names} in this folder"])


def read_config(path: Path, environ: Mapping[str, str]) -> Reading[Config]:
    """What `path` says, with the environment over it, and every mistake. Raises SettingsError for what is not TOML."""
    table = read_toml(path)
    if is_rocket(table, environ):
        written = from_rocket(table, environ)
    else:
        written = Written(table)
        written.lay_over(environ)
    if "staff" in written.table and "live" not in written.table:
        written.warnings.append("staff: is not used without [live]")
    return reading(written, Config, path.parent)


def kind_of_file(read: Reading[Config], environ: Mapping[str, str]) -> str:
    """Whose settings file it is, in words."""
    if read.written.strict:
        return "settings of ID Contact"
    return f"settings of the published core, profiles default, {selected_profile(environ)} and global"


def load_config(path: Path, environ: Mapping[str, str]) -> Config:
    """The configuration in `path`. Raises SettingsError with every mistake."""
    return read_config(path, environ).result()


def _unknown_purposes(table: Mapping[str, object]) -> Iterator[tuple[Where, str]]:
    known = {str(purpose.get("tag")) for purpose in _tables(table.get("purposes"))}
    live = table.get("live")
    named = live.get("purposes") if isinstance(live, Mapping) else None
    for tag in named if isinstance(named, Mapping) else ():
        if tag not in known:
            yield ("live", "purposes", tag), "names none of the configured purposes"
    staff = table.get("staff")
    accounts = staff.get("accounts") if isinstance(staff, Mapping) else None
    for index, account in enumerate(_tables(accounts)):
        served = account.get("purposes")
        for place, tag in enumerate(served if isinstance(served, list) else ()):
            if isinstance(tag, str) and tag != "*" and tag not in known:
                yield ("staff", "accounts", index, "purposes", place), "names none of the configured purposes"


def _same_methods(table: Mapping[str, object], part: str) -> Iterator[tuple[Where, str]]:
    """Two methods with one tag would make a result's method a matter of chance."""
    settings = table.get(part)
    seen: set[object] = set()
    for index, method in enumerate(_tables(settings.get("auth_methods") if isinstance(settings, Mapping) else None)):
        if method.get("tag") in seen:
            yield (part, "auth_methods", index, "tag"), "is the tag of an earlier one too; each needs its own"
        seen.add(method.get("tag"))


def _tables(items: object) -> list[Mapping[str, object]]:
    return [item for item in items if isinstance(item, Mapping)] if isinstance(items, list) else []
