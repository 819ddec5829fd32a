"""Request bodies at the edge: bounded, of a known media type, decoded into a typed message or refused by name."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Final, TypeVar
from urllib.parse import parse_qsl

import msgspec
from starlette.requests import ClientDisconnect

from idcontact.errors import BadRequest, TooLarge

if TYPE_CHECKING:
    from starlette.requests import HTTPConnection, Request
    from starlette.types import Scope

MACHINE_BODY: Final = 8 * 1024
"""Bytes that a machine's request may hold, as in the published parts (WIRE.md)."""
FORM_BODY: Final = 32 * 1024
"""Bytes that a form may hold."""
_JSON_TYPE: Final = "application/json"  # as nearly all say it: there is nothing to take off
FORM_TYPE: Final = "application/x-www-form-urlencoded"
ASKED: Final = "idcontact.asked"
"""Member of a scope: the headers as a dictionary, made once at the door. Of those with one name, the first."""
_MAX_FIELDS: Final = 100

T = TypeVar("T")


def header(request: HTTPConnection, name: bytes, otherwise: str = "") -> str:
    """The first header of that name, given in lower case: `request.headers`, for what every request is asked."""
    value = headers_of(request).get(name)
    return otherwise if value is None else value.decode("latin-1")


def headers_of(request: HTTPConnection) -> dict[bytes, bytes]:
    """The headers of a request as the door has read them; by `by_name` where there is no door."""
    asked: dict[bytes, bytes] | None = request.scope.get(ASKED)
    return by_name(request.scope) if asked is None else asked


def by_name(scope: Scope) -> dict[bytes, bytes]:
    """The headers of a request as a dictionary; of those with one name, the first."""
    return dict(reversed(scope["headers"]))


async def read_body(request: Request, limit: int) -> bytes:
    """The body, of at most `limit` bytes. Raises TooLarge, before reading where the length is announced.

    Read from where the server puts it, not through `Request.stream`: most bodies are one message.
    """
    announced = headers_of(request).get(b"content-length", b"")
    if announced.isdigit() and int(announced) > limit:
        raise _too_large(limit)
    chunks, length, more = [], 0, True
    while more:
        message = await request.receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        chunk = message.get("body", b"")
        length += len(chunk)
        if length > limit:
            raise _too_large(limit)
        chunks.append(chunk)
        more = message.get("more_body", False)
    return b"".join(chunks)


def media_type(request: Request) -> str:
    """`type/subtype` of the body in lower case, without parameters; empty when it is not said."""
    said = header(request, b"content-type")
    return said if said == _JSON_TYPE else said.partition(";")[0].strip().lower()


def decode_json(body: bytes, shape: type[T]) -> T:
    """A message from JSON. Raises BadRequest that names the member at fault, never its value."""
    try:
        return msgspec.json.decode(body, type=shape)
    except msgspec.ValidationError as error:
        raise _unfit(str(error)) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise BadRequest("the body is not JSON") from None


def decode_form(body: bytes) -> dict[str, str]:
    """The fields of a urlencoded form. Raises BadRequest when it is not one, or names a field twice."""
    try:
        pairs = parse_qsl(
            body.decode("ascii"),
            keep_blank_values=True,
            strict_parsing=bool(body),
            errors="strict",
            max_num_fields=_MAX_FIELDS,
        )
    except ValueError:
        raise BadRequest("the body is not a form") from None
    twice = [name for name, count in Counter(name for name, _ in pairs).items() if count > 1]
    if twice:
        raise BadRequest("a field of the form is given twice")
    return dict(pairs)


def fit(value: object, shape: type[T], *, within: str = "") -> T:
    """A message from the fields of a form, or from a claim. Raises BadRequest that names the member at fault.

    `within` leads the name: where the value itself was found.
    """
    try:
        return msgspec.convert(value, shape)
    except msgspec.ValidationError as error:
        raise _unfit(str(error), within) from None


def _unfit(text: str, within: str = "") -> BadRequest:
    """What msgspec found, with the member's name apart. It tells kinds and names, and quotes no values."""
    missing = re.match(r"Object missing required field `([a-z_]+)`", text)
    what, _, place = text.partition(" - at `$")
    field = f"{within}.{place.rstrip('`').lstrip('.')}".strip(".")
    if missing:
        return BadRequest("is missing", field=f"{field}.{missing[1]}".lstrip("."))
    if what.startswith("Invalid "):  # msgspec quotes the value here, and it may be anything
        what = "is none of the values that are known here"
    return BadRequest(what[:1].lower() + what[1:], field=field or None)


def _too_large(limit: int) -> TooLarge:
    return TooLarge(f"the body is larger than the {limit} bytes that are accepted here")
