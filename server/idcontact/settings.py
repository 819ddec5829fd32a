"""Settings: a TOML file and the environment, read once into typed structs; every mistake named by its dotted path.

The mechanism only; it knows no part of the server. A part describes its settings as a `msgspec.Struct`, with the
default beside each field, and `load` (a whole file) or `read` (a table) makes one, or raises one `SettingsError` that
holds all mistakes, each `dotted.path: expected …, got …`. What was written is never repeated there: it may be a secret.

Over the file goes the environment: `IDCONTACT__LIVE__IDLE="10 min"` is `idle` in `[live]`. Names are in capitals,
levels are parted by two underscores, an item of a list is its number. A list or table is written as in TOML.

A struct with rules that span several fields has a class method
`cross_check(table: Mapping[str, object]) -> Iterable[tuple[Where, str]]`. It gets what was written, not yet checked,
so that its findings are reported together with all others.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from idcontact.settings_reader import reading
from idcontact.settings_values import Address, Duration, Localized, MisfitError, Origin, PemSource, Secret, Url
from idcontact.settings_written import Where, Written, read_toml

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = [
    "Address",
    "Duration",
    "Localized",
    "MisfitError",
    "Origin",
    "PemSource",
    "Secret",
    "Url",
    "Where",
    "load",
    "read",
]

T = TypeVar("T")


def load(path: Path, shape: type[T], environ: Mapping[str, str]) -> T:
    """The settings in the TOML file at `path`, with `environ` over it, as a `shape` (a `msgspec.Struct`).

    Relative files named in it are looked for beside `path`. Raises SettingsError with every mistake.
    """
    written = Written(read_toml(path))
    written.lay_over(environ)
    return reading(written, shape, path.parent).result()


def read(table: Mapping[str, object], shape: type[T], *, base: Path, where: Where = ()) -> T:
    """One table as a `shape`, for parts whose settings `load` passed on as they were, such as plugins.

    `base` is the folder that relative files start from; `where` leads each mistake's path, e.g. `("plugins", "x")`.
    """
    return reading(Written(dict(table)), shape, base, where).result()
