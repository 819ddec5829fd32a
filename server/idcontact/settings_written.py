"""What was written: a file and the environment as one table, before anything of it is checked, and where each part of
it stands, so that a mistake is named by what its author typed.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from idcontact.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

PREFIX: Final = "IDCONTACT__"

Where: TypeAlias = tuple[str | int, ...]


class FromEnvironment(str):
    """A value from the environment: text, whatever its setting's type is."""

    __slots__ = ()


@dataclass(frozen=True)
class Origin:
    """Where a value stands: at `path` in the file, or in the environment `variable`."""

    path: Where
    variable: str | None = None


@dataclass
class Written:
    """What was written. `origins` tells of a value, or of what it lies in, where it stands; of others it is their path.

    `strict`: a key that is no setting is a mistake; otherwise it is warned about.
    """

    table: dict[str, Any]
    strict: bool = True
    origins: dict[Where, Origin] = field(default_factory=dict)
    mistakes: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def origin(self, where: Where) -> Origin:
        """Where the value at `where` stands, or would stand."""
        for part in prefixes(where):
            if part in self.origins:
                known = self.origins[part]
                return Origin((*known.path, *where[len(part) :]), known.variable)
        return Origin(where)

    def lay_over(self, environ: Mapping[str, str]) -> None:
        """Put the variables of `environ` that are ours into the table."""
        for variable in sorted(name for name in environ if name.startswith(PREFIX)):
            names = variable.removeprefix(PREFIX).lower().split("__")
            where = _place(self.table, names, FromEnvironment(environ[variable]))
            if where is None:
                self.mistakes.append(f"{name(variable)}: does not lead to a setting; what it lies in is not a table")
            else:
                self._forget_origins(where)
                self.origins[where] = Origin(where, variable)

    def _forget_origins(self, where: Where) -> None:
        """Of what stood at `where`, and in it: something else stands there now."""
        for known in [known for known in self.origins if known[: len(where)] == where]:
            del self.origins[known]


def read_toml(path: Path) -> dict[str, Any]:
    """The file. Raises SettingsError, which repeats nothing of it."""
    try:
        return tomllib.loads(path.read_bytes().decode())
    except OSError as error:
        raise SettingsError([f"{path}: cannot be read: {error.strerror or type(error).__name__}"]) from None
    except UnicodeDecodeError:
        raise SettingsError([f"{path}: is not text in UTF-8"]) from None
    except (ValueError, RecursionError) as error:
        # Only the place: the parser's own text may repeat what is written there.
        place = re.search(r"\(at ([a-z0-9 ,]+)\)$", str(error))
        raise SettingsError([f"{path}: is not TOML{f', at {place[1]}' if place else ''}"]) from None


def _place(into: Any, names: Sequence[str], text: FromEnvironment) -> Where | None:
    """Put `text` where `names` lead; gives its path, or None when they lead nowhere."""
    where: Where = ()
    for part in names[:-1]:
        inside = isinstance(into, dict)
        into = into.setdefault(part, {}) if inside else _item(into, part)
        where = (*where, part if inside else _index(part))
    last = names[-1]
    if isinstance(into, list) and _item(into, last) is not None:
        into[int(last)] = text
        return (*where, int(last))
    if not isinstance(into, dict) or not all(names):
        return None
    into[last] = text
    return (*where, last)


def _item(items: object, index: str) -> Any:
    if isinstance(items, list) and index.isdecimal() and int(index) < len(items):
        return items[int(index)]
    return None


def _index(part: str) -> str | int:
    return int(part) if part.isdecimal() else part


def prefixes(where: Where) -> Iterable[Where]:
    """The path and what it lies in, from the longest."""
    return (where[:length] for length in range(len(where), 0, -1))


def name(key: str) -> str:
    """A key as it may be shown: one that does not look like a name is only counted, it may be a secret out of place."""
    if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_-]{0,63}|[0-9]{4}-[0-9]{2}-[0-9]{2}", key):
        return key
    return f"(a key of {len(key)} characters)"


def dotted(where: Where) -> str:
    """A path in words: `purposes[0].tag`."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{name(part)}" for part in where)
    return text.removeprefix(".") or "the settings"
