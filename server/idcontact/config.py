"""The whole configuration file: the settings of all parts, read and checked together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec

from idcontact.core.settings import CoreSettings
from idcontact.live.settings import LiveSettings
from idcontact.pages import PageSettings
from idcontact.settings import Address, Secret, Url, Where, load
from idcontact.staff.settings import StaffSettings

IN_PROCESS = "http://idcontact.internal"
"""Base of internal URLs where nothing listens for them: only plugins of this process reach each other by it."""


class Config(CoreSettings, frozen=True, kw_only=True):
    """All settings of one server."""

    public_url: Url
    """Where browsers reach this server. Links are made from it, never from a Host header."""
    redis_url: Secret
    """Redis or Valkey, version 7 or newer: `redis://…`, `rediss://…` or `unix://…`."""
    live: LiveSettings
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
    staff: StaffSettings = StaffSettings()
    pages: PageSettings = PageSettings()
    plugins: dict[str, dict[str, object]] = msgspec.field(default_factory=dict)
    """A table for each plugin that runs in this process; what is in it is the plugin's."""

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
        yield from _unknown_purposes(table)
        yield from _live_methods(table)


def load_config(path: Path, environ: Mapping[str, str]) -> Config:
    """The configuration in `path`. Raises SettingsError with every mistake."""
    return load(path, Config, environ)


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


def _live_methods(table: Mapping[str, object]) -> Iterator[tuple[Where, str]]:
    """Two methods with one tag would make a result's method a matter of chance."""
    live = table.get("live")
    seen: set[object] = set()
    for index, method in enumerate(_tables(live.get("auth_methods") if isinstance(live, Mapping) else None)):
        if method.get("tag") in seen:
            yield ("live", "auth_methods", index, "tag"), "is the tag of an earlier one too; each needs its own"
        seen.add(method.get("tag"))


def _tables(items: object) -> list[Mapping[str, object]]:
    return [item for item in items if isinstance(item, Mapping)] if isinstance(items, list) else []
