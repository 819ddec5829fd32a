"""`GET /contact/{purpose}`: the choice of the widget as a page of our own, whole without JavaScript.

Its form is the widget's: it posts to `/start`. `?lang=` and `?return_url=` (of an origin that is allowed) are kept on
the way; `?auth_method=` and `?comm_method=` are what was chosen before, for who comes back from an error.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol
from urllib.parse import quote, urlencode, urljoin

from idcontact.core import operations
from idcontact.core.plain_words import availability_in_words
from idcontact.errors import BadRequest, NotFound
from idcontact.openapi import ApiRoute
from idcontact.protocol import MAX_ADDRESS
from idcontact.security import PagePolicy, plugin_targets
from idcontact.urls import origin_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence

    from starlette.requests import Request
    from starlette.responses import Response

    from idcontact.core.options import Purpose, Purposes
    from idcontact.languages import Language
    from idcontact.pages import Pages
    from idcontact.protocol import MethodOption, SessionOptions


def contact_path(purpose: str, **kept: str) -> str:
    """Where the page of a purpose is, with what is kept in its query; what is empty is left out."""
    query = urlencode({name: text for name, text in kept.items() if text})
    return f"/contact/{quote(purpose, safe='')}" + (f"?{query}" if query else "")


class Offers(Protocol):
    """What can be chosen for a purpose now; `availability.Offers` asks the plugins who is there."""

    async def of(self, purpose: Purpose, language: str) -> SessionOptions:
        """The options, with the names in `language`."""


@dataclass(frozen=True)
class Choice:
    """One answer to a question: the value of its field, and what a person is shown of it."""

    value: str
    name: str
    description: str = ""
    image: str = ""
    note: str = ""
    is_open: bool = True


@dataclass(frozen=True)
class Question:
    """A field of the form, with what can be chosen. `chosen` is a value, or None."""

    field: str
    choices: Sequence[Choice]
    chosen: str | None

    @property
    def only(self) -> Choice | None:
        """The choice, where there is but one: it is not asked about."""
        return self.choices[0] if len(self.choices) == 1 else None


@dataclass(frozen=True, kw_only=True)
class PlainPages:
    """The routes of these pages. `return_origins` are the websites that a person may be led back to."""

    purposes: Purposes
    offers: Offers
    pages: Pages
    public_url: str
    return_origins: Collection[str]
    clock: Callable[[], float]

    def routes(self) -> list[ApiRoute]:
        """The routes. A tag may hold a slash."""
        return [ApiRoute("/contact/{purpose:path}", self.contact, methods=["GET"], operation=operations.CONTACT)]

    async def contact(self, request: Request) -> Response:
        """`GET /contact/{purpose}`."""
        language = self.pages.language(request)
        try:
            purpose = self.purposes.find(request.path_params["purpose"])
        except BadRequest:
            raise NotFound("there is no such purpose") from None
        return self._page(request, language, purpose, await self.offers.of(purpose, language))

    def _page(self, request: Request, language: Language, purpose: Purpose, options: SessionOptions) -> Response:
        auth = Question(
            "auth_method", self._ways_to_identify(options, language), request.query_params.get("auth_method")
        )
        comm = Question("comm_method", self._ways_to_talk(options, language), request.query_params.get("comm_method"))
        return_url = self._return_url(request)
        return self.pages.render(
            request,
            "contact.html",
            language=language,
            policy=self._policy([*auth.choices, *comm.choices]),
            purpose=purpose.tag,
            name=options.name,
            attributes=[attribute.name for attribute in options.attributes or ()],
            auth=auth,
            comm=comm,
            closed=all(not choice.is_open for choice in comm.choices),
            needs_script=any(method.channel is not None for method in purpose.comm_methods.values()),
            return_url=return_url,
            here=contact_path(purpose.tag, return_url=return_url),
        )

    def _ways_to_identify(self, options: SessionOptions, language: Language) -> list[Choice]:
        ways = [self._choice(method, language) for method in options.auth_methods]
        if options.unauthenticated:
            name = self.pages.text(language, "contact.unauthenticated")
            ways.append(Choice("", name, self.pages.text(language, "contact.unauthenticated_means")))
        return ways

    def _ways_to_talk(self, options: SessionOptions, language: Language) -> list[Choice]:
        return [self._choice(method, language) for method in options.comm_methods]

    def _choice(self, method: MethodOption, language: Language) -> Choice:
        return choice_of(method, self.pages, language, self.public_url, self.clock())

    def _policy(self, choices: Sequence[Choice]) -> PagePolicy:
        return PagePolicy(form_targets=plugin_targets(self.public_url), images=image_sources(choices))

    def _return_url(self, request: Request) -> str:
        """Where the person came from; nothing when they may not be led back there: it would be an open redirect."""
        url = request.query_params.get("return_url", "")
        return url if len(url) <= MAX_ADDRESS and origin_of(url) in self.return_origins else ""


def choice_of(method: MethodOption, pages: Pages, language: Language, public_url: str, now: float) -> Choice:
    """A method as an answer to a question. `now` is in seconds since 1970."""
    availability = method.availability
    return Choice(
        value=method.tag,
        name=method.name,
        description=method.description or "",
        image=urljoin(f"{public_url}/", method.image_path) if method.image_path else "",
        note=availability_in_words(pages, language, availability, now) if availability else "",
        is_open=availability is None or availability.open,
    )


def image_sources(choices: Iterable[Choice]) -> list[str]:
    """Where the pictures of these come from, for a page's policy."""
    return [origin for choice in choices if (origin := origin_of(choice.image)) is not None]
