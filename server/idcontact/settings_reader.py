"""From what was written to typed structs: a shape and a table, walked side by side, and every mistake collected."""

from __future__ import annotations

import difflib
import re
import tomllib
import types
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, Final, Generic, Literal, TypeVar, Union, cast, get_args, get_origin

import msgspec

from idcontact.errors import SettingsError
from idcontact.settings_values import MisfitError, kind_of
from idcontact.settings_written import FromEnvironment, Origin, Where, Written, dotted, prefixes

T = TypeVar("T")

_SCALARS: Final = (str, int, float, bool)
_PLAIN: Final = {"`int`": "a whole number", "`float`": "a number", "`str`": "a string", "`bool`": "true or false"}
_FILE_OR_FOLDER: Final = "the path of a file or folder"
_UNREAD: Final = object()


@dataclass(frozen=True)
class Understood:
    """One setting as it was read; `origin` is None for a default."""

    where: Where
    value: object
    origin: Origin | None


@dataclass(frozen=True)
class Reading(Generic[T]):
    """What came of reading. `value` is None as long as there are mistakes; `understood` holds what could be read."""

    written: Written
    value: T | None
    mistakes: list[str]
    warnings: list[str]
    understood: list[Understood]

    def result(self) -> T:
        """The settings. Raises SettingsError with every mistake."""
        if self.value is None or self.mistakes:
            raise SettingsError(self.mistakes)
        return self.value


def reading(written: Written, shape: type[T], base: Path, where: Where = ()) -> Reading[T]:
    """`written` as a `shape` (a `msgspec.Struct`). `where` leads each path; `base` is where relative files start."""
    reader = _Reader(base, written)
    value = reader.struct(shape, written.table, where)
    found = None if reader.mistakes else cast(T, value)
    return Reading(written, found, reader.mistakes, reader.warnings, reader.understood)


class _Reader:
    """One walk."""

    def __init__(self, base: Path, written: Written) -> None:
        self.mistakes = list(written.mistakes)
        self.warnings = list(written.warnings)
        self.understood: list[Understood] = []
        self._base = base
        self._written = written
        self._tags: dict[Where, str] = {}

    def struct(self, shape: Any, raw: object, where: Where) -> object:
        """A table as a struct."""
        raw = _parsed(raw)
        if not isinstance(raw, Mapping):
            raise MisfitError("a table", kind_of(raw))
        values: dict[str, object] = {}
        fields = msgspec.structs.fields(shape)
        for field in fields:
            here = (*where, field.encode_name)
            if field.encode_name in raw:
                values[field.name] = self._noted(field.type, raw[field.encode_name], here)
            elif field.required:
                self._mistake(here, f"expected {_expected(field.type)}, but it is missing")
            else:
                values[field.name] = self._default(field, here)
        self._unknown(raw, [field.encode_name for field in fields], where)
        if hasattr(shape, "cross_check"):
            for place, text in cast(Iterable[tuple[Where, str]], shape.cross_check(_untangled(raw))):
                self._mistake((*where, *place), text)
        # While there are mistakes nobody gets to see the struct, and some of its fields may not be there to make it.
        return _UNREAD if self.mistakes else shape(**values)

    # --- shapes ---

    def _noted(self, shape: Any, raw: object, where: Where) -> object:
        value = self._value(shape, raw, where)
        if value is not _UNREAD and _is_leaf(shape):
            self.understood.append(Understood(where, value, self._written.origin(where)))
        return value

    def _value(self, shape: Any, raw: object, where: Where) -> object:
        try:
            return self._fitting(shape, raw, where)
        except MisfitError as misfit:
            self._mistake(where + misfit.where, str(misfit))
            return _UNREAD

    def _default(self, field: msgspec.structs.FieldInfo, where: Where) -> object:
        value = field.default if field.default is not msgspec.NODEFAULT else field.default_factory()
        value = _at(self._base, value)
        self.understood += _defaults(value, where)
        return value

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
            return self.struct(shape, raw, where)
        if shape in (object, Any):
            return _plain_text(raw)
        raise TypeError(f"settings cannot hold a {shape!r}")

    def _scalar(self, shape: Any, raw: object, where: Where) -> object:
        bare = get_args(shape)[0] if get_origin(shape) is Annotated else shape
        if bare not in _SCALARS:  # Annotated around anything else only describes it
            return self._fitting(bare, raw, where)
        try:
            return msgspec.convert(_plain_text(raw), shape, strict=not isinstance(raw, FromEnvironment))
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
        return {key: self._noted(inner, item, (*where, key)) for key, item in raw.items()}

    # --- what is said ---

    def _unknown(self, raw: Mapping[str, object], known: Sequence[str], where: Where) -> None:
        for key in raw:
            if key not in known:
                near = difflib.get_close_matches(key, known, n=1)
                hint = f"; did you mean {near[0]}?" if near else ""
                if self._written.strict:
                    self._mistake((*where, key), f"is not a setting here{hint}")
                else:
                    self.warnings.append(self._said((*where, key), f"is not a setting here, and not used{hint}"))

    def _mistake(self, where: Where, text: str) -> None:
        self.mistakes.append(self._said(where, text))

    def _said(self, where: Where, text: str) -> str:
        origin = self._written.origin(where)
        source = f" (from {origin.variable})" if origin.variable else ""
        tag = next((f" (of {self._tags[part]})" for part in prefixes(where) if part in self._tags), "")
        return f"{dotted(origin.path)}: {text}{tag}{source}"


def _defaults(value: object, where: Where) -> Iterable[Understood]:
    """A default, or those that it is made of."""
    if isinstance(value, msgspec.Struct):
        for field in msgspec.structs.fields(value):
            yield from _defaults(getattr(value, field.name), (*where, field.encode_name))
    else:
        yield Understood(where, value, None)


def _at(base: Path, value: object) -> object:
    """A default whose relative paths start at `base`, as written ones do."""
    if isinstance(value, Path):
        return base / value
    if isinstance(value, msgspec.Struct):
        fields = {field.name: getattr(value, field.name) for field in msgspec.structs.fields(value)}
        changes = {name: _at(base, inner) for name, inner in fields.items() if isinstance(inner, Path | msgspec.Struct)}
        return msgspec.structs.replace(value, **changes)
    return value


def _is_leaf(shape: Any) -> bool:
    """Whether a value of this shape is shown as one: neither a struct, nor a table, nor a list of those."""
    if get_origin(shape) in (Annotated, Union, types.UnionType):
        return _is_leaf(get_args(shape)[0])
    if (get_origin(shape) or shape) in (list, tuple, frozenset):
        return all(_is_leaf(inner) for inner in get_args(shape) if inner is not Ellipsis)
    return (get_origin(shape) or shape) not in (dict, Mapping) and not _is(shape, msgspec.Struct)


def _plain_text(raw: object) -> object:
    return str(raw) if isinstance(raw, FromEnvironment) else raw


def _parsed(raw: object) -> object:
    """A list or table that the environment gives as text, read as TOML."""
    if not isinstance(raw, FromEnvironment):
        return raw
    try:
        return tomllib.loads(f"value = {raw}")["value"]
    except (ValueError, RecursionError):
        raise MisfitError("a list or table written as in TOML", kind_of(raw)) from None


def _untangled(table: Mapping[str, object]) -> Mapping[str, object]:
    """The same table with lists and tables where the environment gave them as text; other text as it is."""

    def value(raw: object) -> object:
        try:
            return _parsed(raw) if isinstance(raw, FromEnvironment) and raw.startswith(("[", "{")) else raw
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


def _tag(item: object) -> str | None:
    """The tag of an item of a list, to help find it. Only one of plain words: anything else may be a secret."""
    tag = item.get("tag") if isinstance(item, Mapping) else None
    return tag if isinstance(tag, str) and re.fullmatch(r"[a-z]+([_-][a-z]+)*[0-9]?", tag) else None
