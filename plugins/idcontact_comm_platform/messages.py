"""What crosses the network, besides the messages of the protocol."""

from __future__ import annotations

from typing import Annotated, TypeAlias

import msgspec
from msgspec import Meta

_Tag: TypeAlias = Annotated[str, Meta(min_length=1, max_length=200)]


class Chosen(msgspec.Struct, frozen=True):
    """What the widget sends once the guest has chosen."""

    purpose: _Tag
    auth_method: _Tag


class Credentials(msgspec.Struct, frozen=True, kw_only=True):
    """What was given by one guest, as the published plugin writes it."""

    purpose: str
    name: str
    attributes: dict[str, str]
