"""The settings tried out: everything built, nothing started and nothing kept. Every mistake is told at once.

What stands in a plugin's table only the plugin knows, so it is made on trial; also where the rest of the file is
wrong, with addresses that nobody is led to.
"""

from __future__ import annotations

import logging
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from idcontact.app import Means, build_house
from idcontact.asset_files import AssetFiles
from idcontact.config import read_config
from idcontact.keystore import DirectoryKeyStore
from idcontact.limits import Limiter
from idcontact.mistakes import Mistakes
from idcontact.outgoing import Outgoing
from idcontact.pages import ASSETS_FOLDER, Pages
from idcontact.plugin.host import PluginHost, plugin_for
from idcontact.records import SealedRecords
from idcontact.redis import connect

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from idcontact.config import Config
    from idcontact.settings_reader import Reading

_NOWHERE = "http://localhost"


@dataclass(frozen=True)
class Trial:
    """What the settings file says, with every mistake; and what the parts warned of, as they will again when built."""

    reading: Reading[Config]
    heard: list[str]


def try_config(path: Path, environ: Mapping[str, str]) -> Trial:
    """Read the file, and try it. Raises SettingsError for what is not TOML."""
    reading = read_config(path, environ)
    mistakes = Mistakes()
    with tempfile.TemporaryDirectory(prefix="idcontact-") as scrap, _listening() as heard, mistakes.noted():
        _try(reading, path.parent, Path(scrap))
    if mistakes.found:
        reading = replace(reading, value=None, mistakes=[*reading.mistakes, *mistakes.found])
    return Trial(reading, heard)


class _Ear(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.heard: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.heard.append(record.getMessage())


@contextmanager
def _listening() -> Iterator[list[str]]:
    """What is logged meanwhile is for us: nothing runs yet."""
    logger, ear = logging.getLogger("idcontact"), _Ear()
    before = logger.propagate
    logger.addHandler(ear)
    logger.propagate = False
    try:
        yield ear.heard
    finally:
        logger.propagate = before
        logger.removeHandler(ear)


def _try(reading: Reading[Config], folder: Path, scrap: Path) -> None:
    config, mistakes = reading.value, Mistakes()
    redis = connect("redis://")
    if config is not None and config.redis_url is not None:
        with mistakes.noted():
            redis = connect(config.redis_url.value())
    keystore = DirectoryKeyStore(scrap)
    try:
        means = Means(redis, keystore, Outgoing())  # none of it is used, so there is nothing to close
        with mistakes.noted():
            if config is not None:
                build_house(config, folder, means)
            else:
                _try_plugins(reading.written.table.get("plugins"), folder, means)
    finally:
        keystore.close()
    mistakes.refuse()


def _try_plugins(tables: object, folder: Path, means: Means) -> None:
    mistakes = Mistakes()
    pages = Pages(public_url=_NOWHERE, assets=AssetFiles({"/assets": ASSETS_FOLDER}))
    for name, table in tables.items() if isinstance(tables, dict) else ():
        if not isinstance(table, dict):
            continue  # said already
        host = PluginHost(
            name=name,
            public_url=f"{_NOWHERE}/plugins/{name}",
            internal_url=f"{_NOWHERE}/plugins/{name}",
            allowed_origins=frozenset({_NOWHERE}),
            attribute_labels={},
            outgoing=means.outgoing,
            records=SealedRecords(means.redis, means.keystore, "trial", name),
            limiter=Limiter(means.redis, "trial"),
            pages=pages,
            settings_folder=folder,
        )
        with mistakes.noted():
            plugin_for(name, table)(host, table)
    mistakes.refuse()
