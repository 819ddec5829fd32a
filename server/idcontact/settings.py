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

import difflib
import re
import tomllib
import types
from collections.abc import Iterable, Mapping, Sequence
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, Final, Literal, TypeAlias, TypeVar, Union, cast, get_args, get_origin

import msgspec

from idcontact.errors import SettingsError
from idcontact.settings_values import Address, Duration, Localized, MisfitError, Origin, PemSource, Secret, Url, kind_of

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

PREFIX: Final = "IDCONTACT__"

Where: TypeAlias = tuple[str | int, ...]
T = TypeVar("T")

_SCALARS: Final = (str, int, float, bool)
_PLAIN: Final = {"`int`": "a whole number", "`float`": "a number", "`str`": "a string", "`bool`": "true or false"}
_FILE_OR_FOLDER: Final = "the path of a file or folder"
_UNREAD: Final = object()


class _FromEnvironment(str):
    """A value from the environment: text, whatever its setting's type is."""

    __slots__ = ("variable",)
    variable: str


def load(path: Path, shape: type[T], environ: Mapping[str, str]) -> T:
    """The settings in the TOML file at `path`, with `environ` over it, as a `shape` (a `msgspec.Struct`).

    Relative files named in it are looked for beside `path`. Raises SettingsError with every mistake.
    """
    try:
        table = tomllib.loads(path.read_bytes().decode())
    except OSError as error:
        raise SettingsError([f"{path}: cannot be read: {error.strerror or type(error).__name__}"]) from None
    except UnicodeDecodeError:
        raise SettingsError([f"{path}: is not text in UTF-8"]) from None
    except (ValueError, RecursionError) as error:
        # Only the place: the parser's own text may repeat what is written there.
        place = re.search(r"\(at ([a-z0-9 ,]+)\)$", str(error))
        raise SettingsError([f"{path}: is not TOML{f', at {place[1]}' if place else ''}"]) from None
    reader = _Reader(path.parent)
    reader.lay_over(table, environ)
    return reader.result(shape, table, ())


def read(table: Mapping[str, object], shape: type[T], *, base: Path, where: Where = ()) -> T:
    """One table as a `shape`, for parts whose settings `load` passed on as they were, such as plugins.

    `base` is the folder that relative files start from; `where` leads each mistake's path, e.g. `("plugins", "x")`.
    """
    return _Reader(base).result(shape, table, where)


class _Reader:
    """Walks a shape and what was written beside each other, and collects the mistakes."""

    def __init__(self, base: Path) -> None:
        self._base = base
        self._mistakes: list[str] = []
        self._tags: dict[Where, str] = {}

    def result(self, shape: type[T], table: Mapping[str, object], where: Where) -> T:
        value = self._struct(shape, table, where)
        if self._mistakes:
            raise SettingsError(self._mistakes)
        return cast(T, value)

    # --- the environment ---

    def lay_over(self, table: dict[str, Any], environ: Mapping[str, str]) -> None:
        """Put the variables of `environ` that are ours into `table`."""
        for variable in sorted(name for name in environ if name.startswith(PREFIX)):
            text = _FromEnvironment(environ[variable])
            text.variable = variable
            if not self._place(table, variable.removeprefix(PREFIX).lower().split("__"), text):
                self._mistakes.append(f"{_name(variable)}: does not lead to a setting; what it lies in is not a table")

    def _place(self, into: Any, names: Sequence[str], text: _FromEnvironment) -> bool:
        for name in names[:-1]:
            into = into.setdefault(name, {}) if isinstance(into, dict) else _item(into, name)
        if isinstance(into, list) and _item(into, names[-1]) is not None:
            into[int(names[-1])] = text
            return True
        if not isinstance(into, dict) or not all(names):
            return False
        into[names[-1]] = text
        return True

    # --- shapes ---

    def _value(self, shape: Any, raw: object, where: Where) -> object:
        try:
            return self._fitting(shape, raw, where)
        except MisfitError as misfit:
            self._mistake(where + misfit.where, str(misfit), raw)
            return _UNREAD

    def _fitting(self, shape: Any, raw: object, where: Where) -> object:
        origin = get_origin(shape)
        if origin is Annotated or shape in _SCALARS:
            return self._scalar(shape, raw, where)
        if origin in (Union, types.UnionType):
            return self._optional(shape, raw, where)
        if origin is Literal or _is(shape, Enum):
            return _choice(shape, raw)
        if hasattr(shape, "from_setting"):
            return shape.from_setting(_plain_text(raw), self._base)
        if shape is Path:
            return self._path(raw)
        return self._nested(shape, raw, where)

    def _nested(self, shape: Any, raw: object, where: Where) -> object:
        origin = get_origin(shape) or shape
        if origin in (list, tuple, frozenset):
            return self._list(shape, raw, where)
        if origin in (dict, Mapping):
            return self._dict(get_args(shape)[1], raw, where)
        if _is(shape, msgspec.Struct):
            return self._struct(shape, raw, where)
        if shape in (object, Any):
            return _plain_text(raw)
        raise TypeError(f"settings cannot hold a {shape!r}")

    def _scalar(self, shape: Any, raw: object, where: Where) -> object:
        bare = get_args(shape)[0] if get_origin(shape) is Annotated else shape
        if bare not in _SCALARS:  # Annotated around anything else only describes it
            return self._fitting(bare, raw, where)
        try:
            return msgspec.convert(_plain_text(raw), shape, strict=not isinstance(raw, _FromEnvironment))
        except msgspec.ValidationError as error:
            expected, _, got = str(error).removeprefix("Expected ").partition(", got ")
            for name, plain in _PLAIN.items():
                expected = expected.replace(name, plain)
            raise MisfitError(expected, None if not got and type(raw) is bare else kind_of(raw)) from None

    def _optional(self, shape: Any, raw: object, where: Where) -> object:
        inner = [member for member in get_args(shape) if member is not type(None)]
        if len(inner) != 1:
            raise TypeError(f"settings cannot hold a {shape!r}")
        return self._fitting(inner[0], raw, where)

    def _path(self, raw: object) -> Path:
        if not isinstance(raw, str) or not raw or "\0" in raw:
            raise MisfitError(_FILE_OR_FOLDER, kind_of(raw))
        return self._base / str(raw)

    def _list(self, shape: Any, raw: object, where: Where) -> object:
        raw = _parsed(raw)
        if not isinstance(raw, list):
            raise MisfitError("a list", kind_of(raw))
        inner = (get_args(shape) or (object,))[0]
        self._tags |= {(*where, index): tag for index, item in enumerate(raw) if (tag := _tag(item))}
        read = [self._value(inner, item, (*where, index)) for index, item in enumerate(raw)]
        return (get_origin(shape) or shape)(read)

    def _dict(self, inner: Any, raw: object, where: Where) -> object:
        raw = _parsed(raw)
        if not isinstance(raw, Mapping):
            raise MisfitError("a table", kind_of(raw))
        return {key: self._value(inner, item, (*where, key)) for key, item in raw.items()}

    def _struct(self, shape: Any, raw: object, where: Where) -> object:
        raw = _parsed(raw)
        if not isinstance(raw, Mapping):
            raise MisfitError("a table", kind_of(raw))
        values: dict[str, object] = {}
        fields = msgspec.structs.fields(shape)
        for field in fields:
            here = (*where, field.encode_name)
            if field.encode_name in raw:
                values[field.name] = self._value(field.type, raw[field.encode_name], here)
            elif field.required:
                self._mistake(here, f"expected {_expected(field.type)}, but it is missing", raw)
            elif isinstance(field.default, Path):
                values[field.name] = self._base / field.default
        self._unknown(raw, [field.encode_name for field in fields], where)
        if hasattr(shape, "cross_check"):
            for place, text in cast(Iterable[tuple[Where, str]], shape.cross_check(_untangled(raw))):
                self._mistake((*where, *place), text, raw)
        # While there are mistakes nobody gets to see the struct, and some of its fields may not be there to make it.
        return _UNREAD if self._mistakes else shape(**values)

    def _unknown(self, raw: Mapping[str, object], known: Sequence[str], where: Where) -> None:
        for key in raw:
            if key not in known:
                near = difflib.get_close_matches(key, known, n=1)
                hint = f"; did you mean {near[0]}?" if near else ""
                self._mistake((*where, key), f"is not a setting here{hint}", raw[key])

    def _mistake(self, where: Where, text: str, raw: object) -> None:
        source = f" (from {raw.variable})" if isinstance(raw, _FromEnvironment) else ""
        tag = next((f" (of {self._tags[part]})" for part in _prefixes(where) if part in self._tags), "")
        self._mistakes.append(f"{_dotted(where)}: {text}{tag}{source}")


def _plain_text(raw: object) -> object:
    return str(raw) if isinstance(raw, _FromEnvironment) else raw


def _item(items: object, index: str) -> Any:
    if isinstance(items, list) and index.isdecimal() and int(index) < len(items):
        return items[int(index)]
    return None


def _parsed(raw: object) -> object:
    """A list or table that the environment gives as text, read as TOML."""
    if not isinstance(raw, _FromEnvironment):
        return raw
    try:
        return tomllib.loads(f"value = {raw}")["value"]
    except (ValueError, RecursionError):
        raise MisfitError("a list or table written as in TOML", kind_of(raw)) from None


def _untangled(table: Mapping[str, object]) -> Mapping[str, object]:
    """The same table with lists and tables where the environment gave them as text; other text as it is."""

    def value(raw: object) -> object:
        try:
            return _parsed(raw) if isinstance(raw, _FromEnvironment) and raw.startswith(("[", "{")) else raw
        except MisfitError:
            return raw

    return {key: value(raw) for key, raw in table.items()}


def _choice(shape: Any, raw: object) -> object:
    choices = (
        {member.value: member for member in shape} if get_origin(shape) is None else {c: c for c in get_args(shape)}
    )
    if isinstance(raw, str | int) and str(raw) in choices and not isinstance(raw, bool):
        return choices[str(raw)]
    near = difflib.get_close_matches(raw, choices, n=1) if isinstance(raw, str) else []
    hint = f'; did you mean "{near[0]}"?' if near else ""
    raise MisfitError(_expected(shape), f"another{hint}" if isinstance(raw, str) and raw else kind_of(raw))


def _expected(shape: Any) -> str:
    """What a missing or unfitting value of `shape` should have been, in words."""
    origin = get_origin(shape)
    if origin is Annotated or origin in (Union, types.UnionType):
        return _expected(get_args(shape)[0])
    if origin is Literal or _is(shape, Enum):
        choices = get_args(shape) if origin is Literal else [member.value for member in shape]
        return " or ".join(f'"{choice}"' for choice in choices)
    if shape in _SCALARS:
        return _PLAIN[f"`{shape.__name__}`"]
    if (origin or shape) in (list, tuple, frozenset):
        return "a list"
    return str(getattr(shape, "EXPECTED", _FILE_OR_FOLDER if shape is Path else "a table"))


def _is(shape: Any, kind: type) -> bool:
    return isinstance(shape, type) and get_origin(shape) is None and issubclass(shape, kind)


def _prefixes(where: Where) -> Iterable[Where]:
    return (where[:length] for length in range(len(where), 0, -1))


def _tag(item: object) -> str | None:
    """The tag of an item of a list, to help find it. Only one of plain words: anything else may be a secret."""
    tag = item.get("tag") if isinstance(item, Mapping) else None
    return tag if isinstance(tag, str) and re.fullmatch(r"[a-z]+([_-][a-z]+)*[0-9]?", tag) else None


def _name(key: str) -> str:
    """A key as it may be shown: one that does not look like a name is only counted, it may be a secret out of place."""
    if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_-]{0,63}|[0-9]{4}-[0-9]{2}-[0-9]{2}", key):
        return key
    return f"(a key of {len(key)} characters)"


def _dotted(where: Where) -> str:
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{_name(part)}" for part in where)
    return text.removeprefix(".") or "the settings"
