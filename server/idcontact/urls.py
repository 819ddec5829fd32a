"""Addresses as text: which are safe to send a browser or a request to, and where they lead."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import SplitResult, urlsplit

_DEFAULT_PORTS: Final = {"http": 80, "https": 443}
# Browsers read a backslash as a slash and drop white space; no address we accept holds either.
_SAFE: Final = re.compile(r"[!#-;=?-\[\]_a-z~]*")


def split_web_url(url: str) -> SplitResult | None:
    """The parts of an absolute http or https URL, or None for anything else.

    Refused besides other schemes: characters outside printable ASCII, white space, backslashes, a user name, an empty
    host, an impossible port. What is left means the same to every browser and client (WHATWG URL, RFC 3986).
    """
    if _SAFE.fullmatch(url) is None:
        return None
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    if parts.scheme not in _DEFAULT_PORTS or not parts.hostname or "@" in parts.netloc or port == 0:
        return None
    if not url[len(parts.scheme) :].startswith("://"):
        return None
    return parts


# What is surely a web URL, and nearly all are: for others it takes a closer look. What follows a part never belongs to
# it, so none of them is ever tried shorter (`+` after a repetition): that is three times as fast.
_SURELY: Final = re.compile(
    r"((https?)://[a-z0-9]++(?:[.-][a-z0-9]++)*+)(?::([1-9][0-9]{0,3}+))?+(?:[/?][!#-;=?-\[\]_a-z~]*+)?+"
)


def is_web_url(url: str) -> bool:
    """Whether it is an absolute http or https URL, as `split_web_url` has it."""
    return _SURELY.fullmatch(url) is not None or split_web_url(url) is not None


def is_browser_url(url: str) -> bool:
    """Whether a browser may be sent there: http, https, or a telephone number (RFC 3966, and `,` or `|` for tones)."""
    return is_web_url(url) or re.fullmatch(r"tel:[A-Za-z0-9+*#(),;|=.%-]{1,200}", url) is not None


def origin_of(url: str) -> str | None:
    """`scheme://host[:port]` as browsers write it (RFC 6454): lower case, default port left out; None when not web."""
    surely = _SURELY.fullmatch(url)
    if surely is not None:
        begin, scheme, number = surely.groups()
        return begin if number is None or int(number) == _DEFAULT_PORTS[scheme] else f"{begin}:{number}"
    parts = split_web_url(url)
    if parts is None or parts.hostname is None:
        return None
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    port = parts.port
    if port is None or port == _DEFAULT_PORTS[parts.scheme]:
        return f"{parts.scheme}://{host}"
    return f"{parts.scheme}://{host}:{port}"


def host_of(url: str) -> str:
    """The host of a web URL as people read it, with a port that is not the default one; empty when not web."""
    return (origin_of(url) or "").partition("://")[2]


def with_query(url: str, query: str) -> str:
    """`url` with `query` (already encoded) appended: by `&` when it has a query, else by `?` (WIRE.md)."""
    return f"{url}{'&' if '?' in url else '?'}{query}"
