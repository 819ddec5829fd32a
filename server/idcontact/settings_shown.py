"""Settings in writing, as an administrator reads them: nothing that is secret, and nothing that a terminal acts on."""

from __future__ import annotations

import json
from collections.abc import Mapping
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Final

from idcontact.limits import Limit
from idcontact.settings_values import Duration, Localized, Secret
from idcontact.settings_written import dotted

if TYPE_CHECKING:
    from idcontact.settings_reader import Understood

_UNITS: Final = (("d", 86400), ("h", 3600), ("min", 60), ("s", 1))
_HIDDEN: Final = "(not shown)"


def shown(known: Understood) -> str:
    """`dotted.path = value`, much as in TOML."""
    # What a plugin's settings mean, and which of them are secret, only the plugin knows.
    value = _HIDDEN if known.where[:1] == ("plugins",) and known.where[2:] != ("plugin",) and known.value else None
    return f"{dotted(known.where)} = {value or _value(known.value)}"


def _value(value: object) -> str:
    match value:
        case None | "":
            return "(none)"
        case Secret():
            return _HIDDEN
        case Enum():
            return _text(str(value.value))
        case Duration():
            return _text(_time(value))
        case Limit():
            return _text(f"{value.count} per {_time(value.seconds).removeprefix('1 ')}")
        case Localized():
            return _texts(value)
        case bool() | int() | float():
            return json.dumps(value)
        case str() | Path():
            return _text(str(value))
        case list() | tuple():
            return f"[{', '.join(map(_value, value))}]"
        case frozenset():
            return f"[{', '.join(sorted(map(_value, value)))}]"
        case Mapping():
            return "{" + ", ".join(f"{_text(str(key))} = {_value(inner)}" for key, inner in value.items()) + "}"
    return _text(str(value))


def _texts(value: Localized) -> str:
    texts = value.texts
    if set(texts) == {""}:
        return _text(texts[""])
    return "{ " + ", ".join(f"{language} = {_text(text)}" for language, text in texts.items()) + " }"


def _time(seconds: float) -> str:
    unit, length = next(((unit, length) for unit, length in _UNITS if seconds and seconds % length == 0), ("s", 1))
    return f"{seconds / length:g} {unit}"


def _text(text: str) -> str:
    """Quoted; what cannot be printed is escaped."""
    quoted = json.dumps(text, ensure_ascii=False)
    return "".join(char if char.isprintable() else json.dumps(char)[1:-1] for char in quoted)
