"""The links of the platform: which guest or host comes, signed by a secret that both sides know (WIRE.md)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Final, Generic, Literal, TypeAlias, TypeVar

import msgspec
from msgspec import Meta

from idcontact.bodies import fit
from idcontact.errors import BadRequest, TokenRejected
from idcontact.jws import compact, header_of, json_object, payload_signed_by
from idcontact.urls import split_web_url

if TYPE_CHECKING:
    from idcontact.settings_values import SigningSecret

_ALGORITHM: Final = "HS256"
_LEEWAY: Final = 30
"""Seconds that `nbf` may be ahead of our clock. `exp` gets none."""
_LONE_SURROGATE: Final = re.compile("[\ud800-\udfff]")

_Word: TypeAlias = Annotated[str, Meta(min_length=1, max_length=200)]


class Guest(msgspec.Struct, frozen=True, kw_only=True, rename={"redirect_url": "redirectUrl", "room_id": "roomId"}):
    """Who identifies. `redirect_url` is where the browser goes afterwards; `name` is what the platform knows them by.

    `domain` and `instance` are there in the dialect of 2021.
    """

    id: _Word
    redirect_url: Annotated[str, Meta(max_length=4096)]
    name: Annotated[str, Meta(max_length=200)]
    room_id: _Word
    purpose: _Word
    domain: Literal["guest"] | None = None
    instance: str | None = None


class Host(msgspec.Struct, frozen=True, kw_only=True, rename={"room_id": "roomId"}):
    """Who may see the attributes of everybody in the room."""

    room_id: _Word
    domain: Literal["user"] | None = None
    instance: str | None = None


T = TypeVar("T", bound=msgspec.Struct)


class _Times(msgspec.Struct, frozen=True):
    exp: float | None = None
    nbf: float | None = None


class Links(Generic[T]):
    """Reads the tokens of one kind of people."""

    def __init__(self, secret: SigningSecret, shape: type[T]) -> None:
        self._secret = secret.value().encode()
        self._shape = shape

    def read(self, token: str, now: float) -> T:
        """Whom it names, when it may be believed at `now` (seconds since 1970). `iat` is not compared.

        Raises BadRequest, which says what is wrong: the platform's engineer has to find out.
        """
        try:
            claims = self._claims(compact(token, 3, "the link holds no signed token"))
        except TokenRejected as error:
            raise BadRequest(error.reason or error.message, field="token") from None
        times = fit(claims, _Times)
        if times.exp is not None and times.exp <= now:
            raise BadRequest("has been reached", field="exp")
        if times.nbf is not None and times.nbf > now + _LEEWAY:
            raise BadRequest("is in the future", field="nbf")
        if "payload" not in claims:
            raise BadRequest("is missing", field="payload")
        return _sound(fit(claims["payload"], self._shape, within="payload"))

    def _claims(self, token: str) -> dict[str, object]:
        if header_of(token).get("alg") != _ALGORITHM:
            raise TokenRejected(f"its alg is not {_ALGORITHM}")
        payload = payload_signed_by(token, self._secret, _ALGORITHM)
        if payload is None:
            raise TokenRejected("the signature is not by the configured secret")
        return json_object(payload, "the payload of the token")


def _sound(person: T) -> T:
    """The person, of words that can be kept and sent on: JSON can hold half a character (a lone surrogate).

    In a name it becomes U+FFFD: nobody is kept out by how their name was cut off. Raises BadRequest for the others.
    """
    for member in msgspec.structs.fields(person):
        value = getattr(person, member.name)
        if not isinstance(value, str) or not _LONE_SURROGATE.search(value):
            continue
        if member.name != "name":
            raise BadRequest("holds half a character", field=f"payload.{member.encode_name}")
        person = msgspec.structs.replace(person, name=_LONE_SURROGATE.sub("\ufffd", value))
    return person


def checked_guest(guest: Guest) -> Guest:
    """The guest, whom a browser may be sent on for. Raises BadRequest."""
    if split_web_url(guest.redirect_url) is None:
        raise BadRequest("expected an http or https URL", field="payload.redirectUrl")
    return guest
