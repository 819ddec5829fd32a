"""TypeScript types of what the front ends say, and whether every language says all of it."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Final, TypeAlias

from idcontact.languages import FIRST

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

Written: TypeAlias = "str | list[Written] | dict[str, Written]"

PARTS: Final[Mapping[str, str]] = {
    "shared": "SharedTexts",
    "wait": "WaitTexts",
    "widget": "StartTexts",
    "page": "PageTexts",
    "console": "ConsoleTexts",
}
"""The objects of a file of texts that front ends read, with the name of the type of each."""
HEADER: Final = "// Written by `make generate` from server/idcontact/texts/nl.json. Change that file, not this one.\n"
_PLURAL_FORMS: Final = frozenset({"zero", "one", "two", "few", "many", "other"})
_PLACE: Final = re.compile(r"{(\w+)}")


def module(texts: Path) -> str:
    """The TypeScript file: an interface for each part of the file of the first language in folder `texts`."""
    first = _read(texts / f"{FIRST}.json")
    interfaces = [f"export interface {name} {_type_of(first[part], '')}\n" for part, name in PARTS.items()]
    return "\n".join([HEADER, *interfaces])


def differences(texts: Path) -> list[str]:
    """One line for each text that another language lacks, has besides, or shapes otherwise than the first one does."""
    first = _read(texts / f"{FIRST}.json")
    others = sorted(path for path in texts.glob("*.json") if path.stem != FIRST)
    return [f"{path}: {line}" for path in others for line in _differences(first, _read(path), "")]


def _read(path: Path) -> dict[str, Written]:
    written: dict[str, Written] = json.loads(path.read_text(encoding="utf-8"))
    return written


def _places(text: str) -> list[str]:
    return sorted(set(_PLACE.findall(text)))


def _is_counted(written: Mapping[str, Written]) -> bool:
    """Whether these are the forms of one text for several numbers (CLDR plural categories)."""
    return set(written) <= _PLURAL_FORMS


def _type_of(written: Written, indent: str) -> str:
    if isinstance(written, str):
        places = _places(written)
        if not places:
            return "string"
        return f"({_parameter(places)}) => string"
    if isinstance(written, list):
        return "readonly string[]"
    if _is_counted(written):
        return "(count: number) => string"
    inner = indent + "  "
    members = "".join(f"{inner}readonly {key}: {_type_of(one, inner)};\n" for key, one in written.items())
    return f"{{\n{members}{indent}}}"


def _parameter(places: list[str]) -> str:
    if len(places) == 1:
        return f"{places[0]}: string | number"
    return "values: { " + "; ".join(f"{place}: string | number" for place in places) + " }"


def _differences(first: Written, other: Written, where: str) -> Iterator[str]:
    if isinstance(first, dict) and isinstance(other, dict):
        yield from _of_members(first, other, where)
    elif isinstance(first, str) and isinstance(other, str):
        if not other.strip():
            yield f"{where} is empty"
        if _places(first) != _places(other):
            yield f"{where} has other {{places}}: {', '.join(_places(first)) or 'none'} expected"
    elif type(first) is not type(other):
        yield f"{where} is shaped otherwise"


def _of_members(first: Mapping[str, Written], other: Mapping[str, Written], where: str) -> Iterator[str]:
    if where and _is_counted(first) and _is_counted(other):
        # Which forms there are is a matter of the language; only the last one is always there.
        if "other" not in other:
            yield f"{where}.other is missing"
        return
    for key, one in first.items():
        place = f"{where}.{key}" if where else key
        if key in other:
            yield from _differences(one, other[key], place)
        else:
            yield f"{place} is missing"
    yield from (f"{where}.{key} is left over" if where else f"{key} is left over" for key in other if key not in first)
