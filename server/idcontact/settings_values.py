"""Kinds of values that settings are made of, each with what it expects in words.

A class of one's own joins them by `EXPECTED` (what a value should be, for a missing one) and
`from_setting(raw, base)`, which makes one of what TOML or the environment gave, or raises `MisfitError`.
"""

from __future__ import annotations

import hmac
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, time
from ipaddress import ip_address
from typing import TYPE_CHECKING, ClassVar, Final, Self

from idcontact.languages import LANGUAGES
from idcontact.urls import origin_of, split_web_url

if TYPE_CHECKING:
    from pathlib import Path


class MisfitError(Exception):
    """What was written is not what a setting expects. Never repeats what was written; `where` leads further inwards."""

    def __init__(self, expected: str, got: str | None = None, *, where: tuple[str, ...] = ()) -> None:
        super().__init__(f"expected {expected}" + (f", got {got}" if got else ""))
        self.where = where


_KINDS: Final[tuple[tuple[type, str], ...]] = (
    (bool, "true or false"),
    (str, "a string"),
    (int, "a whole number"),
    (float, "a number"),
    (list, "a list"),
    (Mapping, "a table"),
    (date, "a date or time"),
    (time, "a date or time"),
)


def kind_of(raw: object) -> str:
    """The kind of a written value in an administrator's words: all that an error may say of it."""
    if raw == "":
        return "an empty string"
    return next((words for kind, words in _KINDS if isinstance(raw, kind)), "something else")


class Secret:
    """A text that hides itself. `value()` is the only way to it."""

    EXPECTED: ClassVar[str] = 'a secret: a string, or {file = "…"}'
    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def value(self) -> str:
        """The secret itself. Do not keep, log or format it."""
        return self._value

    @classmethod
    def from_setting(cls, raw: object, base: Path) -> Self:
        """A string, or the content of a file without its last line end."""
        if isinstance(raw, Mapping):
            return cls(_only_file(raw, base, cls.EXPECTED).removesuffix("\n").removesuffix("\r"))
        if not isinstance(raw, str) or not raw:
            raise MisfitError(cls.EXPECTED, kind_of(raw))
        return cls(raw)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self._value.encode(), other._value.encode())

    def __hash__(self) -> int:
        return hash(self._value)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(…)"

    __str__ = __repr__

    def __reduce__(self) -> str:
        raise TypeError("a secret is not pickled")


class SigningSecret(Secret):
    """A secret that signs: long enough for HS256 (RFC 7518 §3.2)."""

    EXPECTED: ClassVar[str] = 'a secret of at least 32 bytes: a string, or {file = "…"}'

    @classmethod
    def from_setting(cls, raw: object, base: Path) -> Self:
        """A string, or the content of a file without its last line end."""
        secret = super().from_setting(raw, base)
        if len(secret.value().encode()) < 32:
            raise MisfitError(cls.EXPECTED, "a shorter one")
        return secret


class PemSource(Secret):
    """A key or certificate as PEM text, from a file or written in the settings. `value()` is the text.

    `type`, when written, has to be `RSA` or `EC`, as in the configuration of the published core (WIRE.md). Which kind
    of key it is, is read from the PEM.
    """

    EXPECTED: ClassVar[str] = 'a key: {file = "…"}, or {type = "RSA" or "EC", key = "PEM"}'

    @classmethod
    def from_setting(cls, raw: object, base: Path) -> Self:
        """The PEM text behind `{file = …}` or `{type = …, key = …}`."""
        if not isinstance(raw, Mapping):
            raise MisfitError(cls.EXPECTED, kind_of(raw))
        if "file" in raw:
            text = _only_file(raw, base, cls.EXPECTED)
            inwards: tuple[str, ...] = ("file",)
        else:
            text, inwards = cls._inline(raw), ("key",)
        if "-----BEGIN " not in text:
            raise MisfitError("PEM text, which begins with -----BEGIN", "something else", where=inwards)
        return cls(text)

    @classmethod
    def _inline(cls, raw: Mapping[str, object]) -> str:
        if set(raw) - {"type", "key"} or "key" not in raw:
            raise MisfitError(cls.EXPECTED, "a table with other keys")
        if raw.get("type", "RSA") not in ("RSA", "EC"):
            raise MisfitError('"RSA" or "EC"', "another", where=("type",))
        text = raw["key"]
        if not isinstance(text, str):
            raise MisfitError("PEM text", kind_of(text), where=("key",))
        return text


def _only_file(raw: Mapping[str, object], base: Path, expected: str) -> str:
    name = raw.get("file")
    if set(raw) != {"file"}:
        raise MisfitError(expected, "a table with other keys")
    if not isinstance(name, str) or not name or "\0" in name or "\n" in name:
        raise MisfitError("the path of a file", kind_of(name), where=("file",))
    try:
        return (base / name).read_text(encoding="utf-8")
    except OSError as error:
        why = error.strerror or type(error).__name__
        raise MisfitError(f"a file that can be read, but {base / name}: {why}", where=("file",)) from None
    except UnicodeDecodeError:
        raise MisfitError(f"a text file, but {base / name} is not text in UTF-8", where=("file",)) from None


class Url(str):
    """An absolute http or https URL, without a slash at its end: paths are added by plain concatenation (WIRE.md)."""

    EXPECTED: ClassVar[str] = "an absolute URL (http:// or https://) without user name, query and fragment"
    __slots__ = ()

    @property
    def origin(self) -> str:
        """`scheme://host[:port]` as browsers write it."""
        return origin_of(self) or ""

    @classmethod
    def from_setting(cls, raw: object, base: Path) -> Self:
        """An http or https URL from a string."""
        if not isinstance(raw, str):
            raise MisfitError(cls.EXPECTED, kind_of(raw))
        if split_web_url(raw) is None or "?" in raw or "#" in raw:
            raise MisfitError(cls.EXPECTED, "another string" if raw else kind_of(raw))
        return cls(raw.rstrip("/"))


class Site(Url):
    """A URL that has its host to itself: our pages lead to addresses from the root of theirs."""

    EXPECTED: ClassVar[str] = (
        "an absolute URL (http:// or https://) of a host name of its own, without a path, such as "
        "https://contact.example.org"
    )
    __slots__ = ()

    @classmethod
    def from_setting(cls, raw: object, base: Path) -> Self:
        """An http or https URL without a path; a slash at its end is none."""
        url = super().from_setting(raw, base)
        if url.count("/") != 2:
            raise MisfitError(cls.EXPECTED, "one with a path")
        return url


class Origin(str):
    """The origin of a website, as browsers write it."""

    EXPECTED: ClassVar[str] = "the origin of a website, such as https://www.example.org"
    __slots__ = ()

    @classmethod
    def from_setting(cls, raw: object, base: Path) -> Self:
        """An origin from a URL without a path."""
        try:
            url = Url.from_setting(raw, base)
        except MisfitError:
            raise MisfitError(cls.EXPECTED, kind_of(raw)) from None
        if url.count("/") != 2:
            raise MisfitError(cls.EXPECTED, "one with a path")
        return cls(url.origin)


@dataclass(frozen=True)
class Address:
    """Where to listen: `"127.0.0.1:8000"`, `"[::1]:8000"`; port 0 takes a free one."""

    host: str
    port: int

    EXPECTED: ClassVar[str] = 'an address and port to listen on, such as "127.0.0.1:8000" or "[::1]:8000"'

    @classmethod
    def from_setting(cls, raw: object, base: Path) -> Self:
        """A numeric address and a port."""
        written = re.fullmatch(r"(\[[0-9a-fA-F:.]+\]|[0-9.]+):([0-9]{1,5})", raw) if isinstance(raw, str) else None
        if written is None or int(written[2]) > 65535:
            raise MisfitError(cls.EXPECTED, "another string" if isinstance(raw, str) and raw else kind_of(raw))
        try:
            host = ip_address(written[1].strip("[]"))
        except ValueError:
            raise MisfitError(cls.EXPECTED, "another string") from None
        return cls(str(host), int(written[2]))

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class Duration(float):
    """A length of time in seconds. Written as `"15 min"`, `"90 s"`, `"500 ms"`, `"2 h"`, `"1 d"`, or as seconds."""

    EXPECTED: ClassVar[str] = 'a length of time such as "15 min", "90 s" or "2 h", or a number of seconds'
    UNITS: ClassVar[Mapping[str, float]] = {"ms": 0.001, "s": 1, "sec": 1, "min": 60, "h": 3600, "d": 86400}
    __slots__ = ()

    @classmethod
    def from_setting(cls, raw: object, base: Path) -> Self:
        """Seconds from a number, or from a string with a number and a unit."""
        if isinstance(raw, int | float) and not isinstance(raw, bool) and math.isfinite(raw) and raw >= 0:
            return cls(raw)
        written = re.fullmatch(r"([0-9]{1,9}(?:\.[0-9]{1,6})?) ?([a-z]*)", raw) if isinstance(raw, str) else None
        if written is None or (written[2] or "s") not in cls.UNITS:
            raise MisfitError(cls.EXPECTED, "another string" if isinstance(raw, str) and raw else kind_of(raw))
        return cls(float(written[1]) * cls.UNITS[written[2] or "s"])


class Period(Duration):
    """A length of time that is not nothing: with nothing, what it is granted for could never happen."""

    EXPECTED: ClassVar[str] = 'a length of time above zero, such as "15 min" or "90 s"'
    SHORTEST: ClassVar[float] = 0.001
    __slots__ = ()

    @classmethod
    def from_setting(cls, raw: object, base: Path) -> Self:
        """Seconds, as of any length of time."""
        length = super().from_setting(raw, base)
        if length < cls.SHORTEST:
            raise MisfitError(cls.EXPECTED, "a shorter one")
        return length


class Minutes(Period):
    """A time that people need for something: a minute or more."""

    EXPECTED: ClassVar[str] = 'a length of time of a minute or more, such as "1 h"'
    SHORTEST: ClassVar[float] = 60
    __slots__ = ()


class Localized:
    """A text for people, in one or more of the languages of the product."""

    EXPECTED: ClassVar[str] = 'a text, or a text for each language: {nl = "…", en = "…"}'
    __slots__ = ("_texts",)

    def __init__(self, texts: str | Mapping[str, str]) -> None:
        self._texts: Mapping[str, str] = {"": texts} if isinstance(texts, str) else dict(texts)

    @property
    def texts(self) -> Mapping[str, str]:
        """The texts by language; `""` for one that is for all."""
        return dict(self._texts)

    def get(self, language: str) -> str:
        """The text in `language`; where there is none, in the first language that has one."""
        return self._texts.get(language) or next(iter(self._texts.values()))

    @classmethod
    def from_setting(cls, raw: object, base: Path) -> Self:
        """A text, or a table of texts by language."""
        if isinstance(raw, str) and raw:
            return cls(raw)
        if not isinstance(raw, Mapping) or not raw or set(raw) - set(LANGUAGES):
            raise MisfitError(cls.EXPECTED, "a table with other keys" if isinstance(raw, Mapping) else kind_of(raw))
        for language, text in raw.items():
            if not isinstance(text, str) or not text:
                raise MisfitError("a text", kind_of(text), where=(language,))
        return cls({language: raw[language] for language in LANGUAGES if language in raw})

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Localized) and self._texts == other._texts

    def __hash__(self) -> int:
        return hash(frozenset(self._texts.items()))

    def __repr__(self) -> str:
        return f"Localized({dict(self._texts)!r})"


class ContinuationBase(str):
    """What a continuation is made of by adding a token: a web URL that ends in `/`, `?` or `=`."""

    EXPECTED: ClassVar[str] = "a URL (http:// or https://) that ends in /, ? or =, because a token is added to it"
    __slots__ = ()

    @classmethod
    def from_setting(cls, raw: object, base: Path) -> Self:
        """The URL as it is written."""
        if not isinstance(raw, str):
            raise MisfitError(cls.EXPECTED, kind_of(raw))
        if split_web_url(raw) is None or not raw.endswith(("/", "?", "=")):
            raise MisfitError(cls.EXPECTED, "another string" if raw else kind_of(raw))
        return cls(raw)
