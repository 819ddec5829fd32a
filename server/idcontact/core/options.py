"""What an end user can choose for each purpose."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from idcontact.core.settings import ANY
from idcontact.errors import BadRequest, Closed, SettingsError
from idcontact.opening_hours import ALWAYS, OpeningHours
from idcontact.protocol import AttributeOption, MethodOption, SessionOptions

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from idcontact.core.settings import AuthMethodSettings, CommMethodSettings, CoreSettings, MethodAddress
    from idcontact.opening_hours import Opening
    from idcontact.protocol import Channel
    from idcontact.settings import Localized


@dataclass(frozen=True, kw_only=True)
class Method:
    """A configured method. `base` is the URL that its paths are added to."""

    tag: str
    name: Localized
    description: Localized | None
    image_path: str
    base: str

    def option(self, language: str) -> MethodOption:
        """The method as an end user is shown it."""
        return MethodOption(
            tag=self.tag,
            name=self.name.get(language),
            image_path=self.image_path,
            description=self.description.get(language) if self.description is not None else None,
        )


@dataclass(frozen=True, kw_only=True)
class AuthMethod(Method):
    """An auth method. `plugin`: its name when this process runs it. The rest: what the core does in its place."""

    plugin: str | None
    disable_attr_url: bool
    shim_tel_url: bool | None


@dataclass(frozen=True, kw_only=True)
class CommMethod(Method):
    """A comm method. `channel` is None when it does not understand the member `context`."""

    channel: Channel | None
    disable_attributes_at_start: bool


MethodKind = TypeVar("MethodKind", bound=Method)


@dataclass(frozen=True, kw_only=True)
class Purpose:
    """A purpose with the methods it allows, by tag, in the order they are offered.

    `labels`: what people see its attributes called; one that has no label goes by its tag.
    """

    tag: str
    name: Localized | None
    attributes: Sequence[str]
    labels: Mapping[str, Localized]
    auth_methods: Mapping[str, AuthMethod]
    comm_methods: Mapping[str, CommMethod]
    allow_unauthenticated: bool
    opening_hours: OpeningHours | None

    def opening(self, now: float) -> Opening:
        """Whether it can be started at `now` (seconds since 1970), and until when that stays so."""
        return ALWAYS if self.opening_hours is None else self.opening_hours.at(now)

    def check_open(self, now: float) -> None:
        """Raises Closed outside the opening hours."""
        opening = self.opening(now)
        if not opening.open:
            raise Closed("this purpose is closed", until=opening.until, field="purpose")

    def auth_method(self, tag: str) -> AuthMethod:
        """Raises BadRequest when there is no such auth method, or not for this purpose."""
        return _allowed(self.auth_methods, tag, "auth_method")

    def comm_method(self, tag: str) -> CommMethod:
        """Raises BadRequest when there is no such comm method, or not for this purpose."""
        return _allowed(self.comm_methods, tag, "comm_method")

    def options(self, language: str) -> SessionOptions:
        """`GET /session_options/{purpose}`, with the names in `language`."""
        return SessionOptions(
            auth_methods=[method.option(language) for method in self.auth_methods.values()],
            comm_methods=[method.option(language) for method in self.comm_methods.values()],
            name=self.name.get(language) if self.name is not None else None,
            attributes=[AttributeOption(tag=tag, name=self._label(tag, language)) for tag in self.attributes],
            unauthenticated=self.allow_unauthenticated,
        )

    def _label(self, tag: str, language: str) -> str:
        label = self.labels.get(tag)
        return label.get(language) if label is not None else tag


class Purposes:
    """All purposes, in the order of the settings.

    `plugin_bases` maps the name of each plugin of this server to its internal base URL. Raises SettingsError when a
    method names another one.
    """

    def __init__(self, settings: CoreSettings, plugin_bases: Mapping[str, str]) -> None:
        _check_plugins(settings, plugin_bases)
        auth = {method.tag: _auth_method(method, plugin_bases) for method in settings.auth_methods}
        comm = {method.tag: _comm_method(method, plugin_bases) for method in settings.comm_methods}
        labels = {tag: attribute.name for tag, attribute in settings.attributes.items()}
        hours = {name: OpeningHours(written) for name, written in settings.opening_hours.items()}
        self._purposes = {
            purpose.tag: Purpose(
                tag=purpose.tag,
                name=purpose.name,
                attributes=tuple(purpose.attributes),
                labels=labels,
                auth_methods={tag: auth[tag] for tag in _listed(purpose.allowed_auth, auth)},
                comm_methods={tag: comm[tag] for tag in _listed(purpose.allowed_comm, comm)},
                allow_unauthenticated=purpose.allow_unauthenticated,
                opening_hours=None if purpose.opening_hours is None else hours[purpose.opening_hours],
            )
            for purpose in settings.purposes
        }

    def __iter__(self) -> Iterator[Purpose]:
        """In the order of the settings."""
        return iter(self._purposes.values())

    def find(self, tag: str) -> Purpose:
        """Raises BadRequest when there is no such purpose."""
        purpose = self._purposes.get(tag)
        if purpose is None:
            raise BadRequest("there is no such purpose", field="purpose")
        return purpose

    def options(self, language: str) -> dict[str, SessionOptions]:
        """`GET /session_options`, with the names in `language`."""
        return {tag: purpose.options(language) for tag, purpose in self._purposes.items()}


def _listed(allow_list: Sequence[str], configured: Iterable[str]) -> Iterable[str]:
    """The tags that a purpose allows: in its own order, or in that of the configured methods for `*`."""
    return configured if ANY in allow_list else allow_list


def _allowed(methods: Mapping[str, MethodKind], tag: str, field: str) -> MethodKind:
    method = methods.get(tag)
    if method is None:
        raise BadRequest("there is no such method for this purpose", field=field)
    return method


def _auth_method(settings: AuthMethodSettings, bases: Mapping[str, str]) -> AuthMethod:
    return AuthMethod(
        tag=settings.tag,
        name=settings.name,
        description=settings.description,
        image_path=settings.image_path,
        base=_base(settings.start, bases),
        plugin=settings.start.plugin,
        disable_attr_url=settings.disable_attr_url,
        shim_tel_url=settings.shim_tel_url,
    )


def _comm_method(settings: CommMethodSettings, bases: Mapping[str, str]) -> CommMethod:
    return CommMethod(
        tag=settings.tag,
        name=settings.name,
        description=settings.description,
        image_path=settings.image_path,
        base=_base(settings.start, bases),
        channel=settings.channel if settings.context else None,
        disable_attributes_at_start=settings.disable_attributes_at_start,
    )


def _base(start: MethodAddress, bases: Mapping[str, str]) -> str:
    return bases[start.plugin] if start.plugin is not None else str(start)


def _check_plugins(settings: CoreSettings, bases: Mapping[str, str]) -> None:
    methods: list[tuple[str, MethodAddress]] = [
        *((f"auth_methods[{index}]", method.start) for index, method in enumerate(settings.auth_methods)),
        *((f"comm_methods[{index}]", method.start) for index, method in enumerate(settings.comm_methods)),
    ]
    mistakes = [
        f"{place}.start: expected one of the plugins of this server ({', '.join(sorted(bases))}), got another"
        for place, start in methods
        if start.plugin is not None and start.plugin not in bases
    ]
    if mistakes:
        raise SettingsError(mistakes)
