"""Values of `ROCKET_*` variables, as the published core reads them: like TOML, but text needs no quotes.

`true` and `false`, numbers, `"…"` with escapes, `[a, b]`, `{key = a}`. What is none of these is text as it stands,
without the spaces around it; so nothing is ever malformed.
"""

from __future__ import annotations

import re
from typing import Final, TypeAlias

Value: TypeAlias = "str | bool | int | float | list[Value] | dict[str, Value]"

_SPACE: Final = re.compile(r"[ \t\n\f\r]*")
_KEY: Final = re.compile(r"[A-Za-z0-9_-]+")
_QUOTED: Final = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_BARE: Final = re.compile(r"[^,{}\[\]]*")
_ESCAPE: Final = re.compile(r"\\(u[0-9A-Fa-f]{4}|U[0-9A-Fa-f]{8}|[btnfr\"\\])")
_SHORT: Final = {"b": "\b", "t": "\t", "n": "\n", "f": "\f", "r": "\r", '"': '"', "\\": "\\"}
_DEEPEST: Final = 50


class _NotThat(Exception):
    """The text is not of the form that it begins as."""


def value_of(text: str) -> Value:
    """What a variable's text says."""
    try:
        return _Parser(text).whole()
    except _NotThat:
        return text.strip()


class _Parser:
    """One text, read from the left."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._depth = 0

    def whole(self) -> Value:
        value = self._value()
        if self._at != len(self._text):
            raise _NotThat
        return value

    def _value(self) -> Value:
        self._take(_SPACE)
        value: Value
        match self._text[self._at : self._at + 1]:
            case "[":
                value = self._array()
            case "{":
                value = self._table()
            case '"':
                value = _unescaped(self._take(_QUOTED)[1:-1])
            case _:
                value = _plain(self._take(_BARE).strip())
        self._take(_SPACE)
        return value

    def _array(self) -> list[Value]:
        items: list[Value] = []
        self._open("[")
        while not self._closes("]"):
            items.append(self._value())
            self._separator("]")
        return items

    def _table(self) -> dict[str, Value]:
        items: dict[str, Value] = {}
        self._open("{")
        while not self._closes("}"):
            self._take(_SPACE)
            key = self._take(_KEY)
            self._take(_SPACE)
            self._eat("=")
            items[key] = self._value()
            self._separator("}")
        return items

    def _open(self, character: str) -> None:
        self._eat(character)
        self._depth += 1
        if self._depth > _DEEPEST:
            raise _NotThat

    def _closes(self, character: str) -> bool:
        self._take(_SPACE)
        if self._text[self._at : self._at + 1] != character:
            return False
        self._at += 1
        self._depth -= 1
        return True

    def _separator(self, closing: str) -> None:
        """After an item: a comma, or the end."""
        self._take(_SPACE)
        if self._text[self._at : self._at + 1] != closing:
            self._eat(",")

    def _eat(self, character: str) -> None:
        if self._text[self._at : self._at + 1] != character:
            raise _NotThat
        self._at += 1

    def _take(self, pattern: re.Pattern[str]) -> str:
        found = pattern.match(self._text, self._at)
        if found is None:
            raise _NotThat
        self._at = found.end()
        return found[0]


def _plain(text: str) -> Value:
    if text in ("true", "false"):
        return text == "true"
    if re.fullmatch(r"[+-]?[0-9]{1,18}", text, re.ASCII):
        return int(text)
    if re.fullmatch(r"[+-]?[0-9]{0,18}\.[0-9]{0,18}", text, re.ASCII) and text.strip("+-.") != "":
        return float(text)
    return text


def _unescaped(text: str) -> str:
    if "\\" in _ESCAPE.sub("", text):
        raise _NotThat  # an escape that there is not: the text as it stands, quotes and all

    def character(found: re.Match[str]) -> str:
        escape = found[1]
        if escape[0] not in "uU":
            return _SHORT[escape]
        code = int(escape[1:], 16)
        if code > 0x10FFFF or 0xD800 <= code <= 0xDFFF:
            raise _NotThat
        return chr(code)

    return _ESCAPE.sub(character, text)
