"""Settings of the core: purposes, the attributes they ask, and the methods they allow."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, ClassVar, Final, Literal, Self, TypeAlias

import msgspec
from msgspec import Meta

from idcontact.limits import Limit
from idcontact.opening_hours import OpeningHoursSettings
from idcontact.pem import PrivatePem, PublicPem
from idcontact.protocol import Channel, Tag
from idcontact.settings import Localized, MisfitError, Origin, Url, Where
from idcontact.settings_values import ContinuationBase, SigningSecret, kind_of

if TYPE_CHECKING:
    from pathlib import Path

ANY: Final = "*"
Tags: TypeAlias = list[Tag]


class MethodAddress(str):
    """Where a plugin's `start_…` is: its base URL, or `plugin:<name>` for a plugin that this server runs itself."""

    EXPECTED: ClassVar[str] = (
        'the base URL of a plugin (http:// or https://), or "plugin:<name>" for one of this server'
    )
    __slots__ = ()

    @property
    def plugin(self) -> str | None:
        """Name of the plugin of this server, or None for one that is called by URL."""
        return self.removeprefix("plugin:") if self.startswith("plugin:") else None

    @classmethod
    def from_setting(cls, raw: object, base: Path) -> Self:
        """A base URL without its trailing slash, or `plugin:<name>`."""
        if not isinstance(raw, str):
            raise MisfitError(cls.EXPECTED, kind_of(raw))
        if re.fullmatch(r"plugin:[a-z][a-z0-9_]*", raw):
            return cls(raw)
        try:
            return cls(Url.from_setting(raw, base))
        except MisfitError:
            raise MisfitError(cls.EXPECTED, "another string" if raw else kind_of(raw)) from None


class AttributeSettings(msgspec.Struct, frozen=True, kw_only=True):
    """One attribute that purposes can ask for: what people see it called."""

    name: Localized


class _Method(msgspec.Struct, frozen=True, kw_only=True):
    tag: Tag
    name: Localized
    start: MethodAddress
    image_path: str = ""
    description: Localized | None = None
    """A line of explanation below the name."""


class AuthMethodSettings(_Method, frozen=True):
    """A way to identify."""

    disable_attr_url: bool = False
    """It cannot deliver to an attr_url: the core takes the result from the query and delivers it."""
    shim_tel_url: bool | None = None
    """Whether it is led to a page instead of a telephone number. Not said: as `tel_shim` has it."""


class CommMethodSettings(_Method, frozen=True):
    """A way to talk. `context`: it understands the member `context` of start_communication, on this `channel`."""

    context: bool = False
    channel: Channel = "chat"
    disable_attributes_at_start: bool = False
    """It takes no auth result in start_communication: the core delivers it afterwards."""


class PurposeSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What an end user comes for. `"*"` in an allow-list stands for every configured method."""

    tag: Tag
    attributes: Tags
    allowed_auth: Tags
    allowed_comm: Tags
    name: Localized | None = None
    allow_unauthenticated: bool = False
    """Whether an end user may talk without identifying."""
    opening_hours: str | None = None
    """Name of the table `[opening_hours.<name>]` that says when it can be started. Not said: always."""


class CoreSettings(msgspec.Struct, frozen=True, kw_only=True):
    """The core's part of the settings.

    `allowed_origins` are the websites that may start sessions and that people may be led back to,
    besides the server's own. `start_limit` counts starts of one address.
    """

    auth_methods: list[AuthMethodSettings]
    comm_methods: list[CommMethodSettings]
    purposes: Annotated[list[PurposeSettings], Meta(description="in the order of session_options")]
    attributes: dict[str, AttributeSettings] = {}
    opening_hours: dict[str, OpeningHoursSettings] = {}
    """Hours, by the name that purposes refer to them by."""
    allowed_origins: list[Origin] = []
    start_limit: Limit = Limit(30, 60)
    authonly_request_keys: dict[str, PublicPem] = {}
    """Public keys of those who may ask for authentication during communication, by the `kid` of their requests."""
    internal_secret: SigningSecret | None = None
    """Signs the state of `disable_attr_url`: at least 32 bytes, the same on all nodes."""
    tel_shim: Literal["page", "ui", "bare"] = "page"
    """What auth methods are given for a `tel:` continuation: our own page; `ui_tel_url` and a token, for those that say
    `shim_tel_url`; or, as the published successor does, the bare token."""
    ui_tel_url: ContinuationBase | None = None
    """The page of yours that a telephone continuation is shown by, for `tel_shim = "ui"`."""
    ui_signing_privkey: PrivatePem | None = None
    """Private key that signs those tokens."""

    @classmethod
    def cross_check(cls, table: Mapping[str, object]) -> Iterator[tuple[Where, str]]:
        """Tags that are given twice, and purposes that name a method or hours that are not there (WIRE.md)."""
        for name in ("auth_methods", "comm_methods", "purposes"):
            yield from _duplicates(name, _tables(table, name))
        yield from _unknown_hours(table)
        for methods, allow_list in (("auth_methods", "allowed_auth"), ("comm_methods", "allowed_comm")):
            known = {str(method.get("tag")) for _, method in _tables(table, methods)}
            for index, purpose in _tables(table, "purposes"):
                for place, tag in _items(purpose, allow_list):
                    if isinstance(tag, str) and tag != ANY and tag not in known:
                        hint = _did_you_mean(tag, known)
                        yield ("purposes", index, allow_list, place), f"names none of the configured {methods}{hint}"


def _items(table: Mapping[str, object], name: str) -> Iterable[tuple[int, object]]:
    items = table.get(name)
    return enumerate(items) if isinstance(items, list) else ()


def _tables(table: Mapping[str, object], name: str) -> Iterator[tuple[int, Mapping[str, object]]]:
    return ((index, item) for index, item in _items(table, name) if isinstance(item, Mapping))


def _unknown_hours(table: Mapping[str, object]) -> Iterator[tuple[Where, str]]:
    hours = table.get("opening_hours")
    known = list(hours) if isinstance(hours, Mapping) else []
    for index, purpose in _tables(table, "purposes"):
        name = purpose.get("opening_hours")
        if isinstance(name, str) and name not in known:
            yield ("purposes", index, "opening_hours"), f"names none of [opening_hours]{_did_you_mean(name, known)}"


def _did_you_mean(tag: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(tag, known, n=1)
    return f'; did you mean "{near[0]}"?' if near else ""


def _duplicates(name: str, tables: Iterable[tuple[int, Mapping[str, object]]]) -> Iterator[tuple[Where, str]]:
    seen: set[str] = set()
    for index, item in tables:
        tag = item.get("tag")
        if isinstance(tag, str) and tag in seen:
            yield (name, index, "tag"), "is the tag of an earlier one too; each needs its own"
        seen.add(str(tag))
