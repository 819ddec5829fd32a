"""Server-made pages: in the end user's or agent's language, in one look, under a strict content security policy.

`Pages` is built once, by the composition root, and passed in. A plugin gets one `extended` with its own templates and
texts, so that its pages look like ours and its templates can say `{% extends "base.html" %}`.
"""

from __future__ import annotations

import dataclasses
import re
import time
from functools import lru_cache
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

import jinja2
import msgspec
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, Response

from idcontact.bodies import header
from idcontact.errors import Closed, IdContactError, TooManyRequests
from idcontact.languages import FIRST, LANGUAGES, TEXTS_FOLDER, Language, known
from idcontact.moments import moment_in_words
from idcontact.protocol import ErrorAnswer, ErrorDetail
from idcontact.security import PagePolicy, page_headers
from idcontact.settings_values import Localized, Url
from idcontact.urls import origin_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from starlette.requests import HTTPConnection, Request

    from idcontact.asset_files import AssetFiles

Texts: TypeAlias = "Mapping[Language, Mapping[str, str]]"

_HERE = Path(__file__).parent
ASSETS_FOLDER = _HERE / "assets"
STATIC_FOLDER = _HERE / "static"


class PageSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the pages look.

    `organisation` is the name in the page header. `theme_stylesheet` is the URL of a stylesheet with NL Design System
    tokens, and `theme_class` the class its tokens hang on (`utrecht-theme`); without them the neutral look is used.
    `website` is the organisation's own, the way back from a page that leads nowhere; `telephone` and `telephone_hours`
    are said where something does not work, for who cannot go on here.
    """

    organisation: str = "ID Contact"
    theme_stylesheet: str | None = None
    theme_class: str = ""
    website: Url | None = None
    telephone: str | None = None
    telephone_hours: Localized | None = None


@dataclasses.dataclass(frozen=True)
class Back:
    """A way on from an error: an address of ours or of a website that is allowed, and what is found there."""

    url: str
    kind: Literal["retry", "website"] = "website"


class Pages:
    """Renders templates and errors. `public_url` is where browsers reach this server. `clock`: seconds since 1970."""

    def __init__(
        self,
        *,
        public_url: str,
        assets: AssetFiles,
        settings: PageSettings | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._public_url = public_url
        self._assets = assets
        self._settings = settings or PageSettings()
        self._clock = clock
        self._texts: Texts = load_texts(TEXTS_FOLDER)
        self._loader: jinja2.BaseLoader = jinja2.FileSystemLoader(_HERE / "templates")
        self._environment = self._new_environment()

    def extended(self, name: str, folder: Path) -> Pages:
        """The same pages and those of a plugin: `folder/templates/x.html` is template `<name>/x.html`.

        The texts of `folder/texts/<language>.json` are added; the plugin starts their keys with its name.
        """
        own = jinja2.PrefixLoader({name: jinja2.FileSystemLoader(folder / "templates")})
        added = load_texts(folder / "texts")
        pages = Pages(public_url=self._public_url, assets=self._assets, settings=self._settings, clock=self._clock)
        pages._texts = {language: {**added[language], **self._texts[language]} for language in LANGUAGES}
        pages._loader = jinja2.ChoiceLoader([self._loader, own])
        pages._environment = pages._new_environment()
        return pages

    def language(self, request: HTTPConnection) -> Language:
        """What is asked for by `?lang=`; otherwise what the browser prefers (RFC 9110 §12.5.4); otherwise Dutch."""
        asked = known(request.query_params.get("lang")) if request.scope["query_string"] else None
        return asked or preferred_language(header(request, b"accept-language"))

    def text(self, language: Language, key: str, **values: object) -> str:
        """The text with this key. `values` fill its `{names}`."""
        text = self._texts[language][key]
        return text.format_map(values) if values else text

    def render(
        self,
        request: HTTPConnection,
        template: str,
        *,
        status: int = 200,
        language: Language | None = None,
        policy: PagePolicy | None = None,
        **values: object,
    ) -> Response:
        """A page. `language` overrides the request's; `policy` loosens or tightens what this page may do.

        Templates get `language`, `t(key, **values)`, `asset(path)`, `path` (of the request), `organisation`, `settings`
        (of the pages) and `values`. A value a template names and does not get is an error, never an empty place.
        """
        spoken = language or self.language(request)
        html = self._environment.get_template(template).render(
            language=spoken,
            t=self._texts_in(spoken),
            asset=self._assets.url,
            path=request.url.path,
            organisation=self._settings.organisation,
            settings=self._settings,
            **values,
        )
        headers = {**page_headers(self._with_own_sources(policy or PagePolicy())), "Content-Language": spoken}
        return HTMLResponse(html, status_code=status, headers=headers)

    def error_response(
        self, request: HTTPConnection, error: Exception, *, language: Language | None = None, back: Back | None = None
    ) -> Response:
        """An error: a page for a browser that navigates, `{"error": {"code", "message", "field"?}}` for a program.

        Programs are those whose Accept header does not name HTML: `fetch`, curl and plugins. The page leads `back`,
        and to the organisation's website.
        """
        known = _as_known(error)
        if not prefers_html(request.headers.get("accept", "")):
            return _error_as_json(known)
        spoken = language or self.language(request)
        response = self.render(
            request,
            "error.html",
            status=known.status,
            language=spoken,
            policy=PagePolicy(referrer="no-referrer"),
            title=self._error_text(spoken, known.code, "title"),
            explanation=self._explanation(spoken, known),
            detail=known.detail,
            ways=self._ways_on(back),
        )
        response.headers.update(known.headers)
        return response

    async def handle(self, request: Request, error: Exception) -> Response:
        """`error_response` as an exception handler of Starlette."""
        return self.error_response(request, error)

    def _ways_on(self, back: Back | None) -> list[Back]:
        ways = [] if back is None else [back]
        website = self._settings.website
        if website is not None and (back is None or back.kind != "website"):
            ways.append(Back(website))
        return ways

    def _explanation(self, language: Language, known: _KnownError) -> str:
        if known.until is None:
            return self._error_text(language, known.code, "text")
        opens = moment_in_words(self, language, known.until, self._clock())
        return self.text(language, f"error.{known.code}.text_until", when=opens)

    def _error_text(self, language: Language, code: str, part: str) -> str:
        texts = self._texts[language]
        return texts.get(f"error.{code}.{part}", texts[f"error.internal.{part}"])

    def _texts_in(self, language: Language) -> Callable[..., str]:
        def translate(key: str, **values: object) -> str:
            return self.text(language, key, **values)

        return translate

    def _with_own_sources(self, policy: PagePolicy) -> PagePolicy:
        """Older WebKit does not count the WebSocket of its own host as `'self'`: it is named."""
        theme = origin_of(self._settings.theme_stylesheet or "")
        return dataclasses.replace(
            policy,
            sockets=(socket_origin(self._public_url), *policy.sockets),
            styles=(*([theme] if theme else []), *policy.styles),
        )

    def _new_environment(self) -> jinja2.Environment:
        environment = jinja2.Environment(
            loader=self._loader,
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        environment.filters["dialled"] = _dialled
        environment.globals["languages"] = [(language, texts["language"]) for language, texts in self._texts.items()]
        return environment


def load_texts(folder: Path) -> Texts:
    """The texts of a folder, by language: `<language>.json`, flat objects of key and text.

    What a file holds in objects of its own is for the front ends, and left out. A plugin that does not speak one of our
    languages says it in English there, or in the first language it has.
    """
    files = {language: folder / f"{language}.json" for language in LANGUAGES}
    texts = {language: _flat_texts(path) for language, path in files.items() if path.is_file()}
    instead = texts.get("en") or next(iter(texts.values()))
    return {language: texts.get(language, instead) for language in LANGUAGES}


def _flat_texts(path: Path) -> dict[str, str]:
    written = msgspec.json.decode(path.read_bytes(), type=dict[str, str | dict[str, object]])
    return {key: text for key, text in written.items() if isinstance(text, str)}


def _dialled(telephone: str) -> str:
    """A number as it is written for people, as a `tel:` URI has it (RFC 3966)."""
    return re.sub(r"[^0-9+*#]", "", telephone)


def socket_origin(public_url: str) -> str:
    """The WebSocket origin of a site: `wss://` for `https://`."""
    return "ws" + (origin_of(public_url) or "").removeprefix("http")


# --- what the client accepts ----------------------------------------------------------------------------------------


def _weights(header: str) -> dict[str, float]:
    """A header of weighted choices (RFC 9110 §12.4.2), lower case. A weight that is no number counts as 0."""
    weights: dict[str, float] = {}
    for item in header.split(","):
        choice, *parameters = (part.strip().lower() for part in item.split(";"))
        weight = next((part[2:] for part in parameters if part.startswith("q=")), "1")
        try:
            weights[choice] = float(weight)
        except ValueError:
            weights[choice] = 0.0
    weights.pop("", None)
    return weights


@lru_cache(maxsize=1024)
def preferred_language(accept_language: str) -> Language:
    """The language of ours that the header weighs most, also by a regional form (`en-GB`); Dutch on a tie or none."""
    best = FIRST
    best_weight = 0.0
    for language in LANGUAGES:
        ranges = _weights(accept_language)
        weight = max((w for tag, w in ranges.items() if tag.split("-")[0] == language), default=0.0)
        if weight > best_weight:
            best, best_weight = language, weight
    return best


def prefers_html(accept: str) -> bool:
    """Whether HTML is named, and JSON is not wanted more. `*/*` names nothing."""
    weights = _weights(accept)
    html = weights.get("text/html", 0.0)
    return html > 0 and html >= weights.get("application/json", 0.0)


# --- errors ---------------------------------------------------------------------------------------------------------

_OF_BUILDERS: Final = frozenset({"bad_request", "not_allowed", "too_large", "wrong_media_type"})
"""What only happens to a person when the page that they came from, or its settings, have a mistake."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class _KnownError:
    """What is told of an error, whatever its class."""

    status: int
    code: str
    message: str
    field: str | None = None
    headers: Mapping[str, str] = dataclasses.field(default_factory=dict)
    until: datetime | None = None

    @property
    def detail(self) -> str | None:
        """For whoever built the page that led here, in English: what exactly was wrong with what it sent.

        Nothing where the words for the person say it all, and where the standard phrase does.
        """
        if self.code not in _OF_BUILDERS or self.message == HTTPStatus(self.status).phrase:
            return None
        return self.message if self.field is None else f"{self.field}: {self.message}"


def _as_known(error: Exception) -> _KnownError:
    match error:
        case TooManyRequests():
            headers = {"Retry-After": str(error.retry_after)}
            return _KnownError(
                status=error.status, code=error.code, message=error.message, field=error.field, headers=headers
            )
        case Closed():
            return _KnownError(
                status=error.status, code=error.code, message=error.message, field=error.field, until=error.until
            )
        case IdContactError() if error.status != IdContactError.status:
            return _KnownError(status=error.status, code=error.code, message=error.message, field=error.field)
        case HTTPException():
            code = HTTPStatus(error.status_code).name.lower()
            return _KnownError(
                status=error.status_code, code=code, message=error.detail, headers=dict(error.headers or {})
            )
        case _:
            # Whatever went wrong inside may hold what nobody outside should read.
            return _KnownError(status=500, code=IdContactError.code, message="something went wrong on our side")


def _error_as_json(known: _KnownError) -> Response:
    until = None if known.until is None else known.until.isoformat()
    detail = ErrorDetail(code=known.code, message=known.message, field=known.field, until=until)
    return Response(
        msgspec.json.encode(ErrorAnswer(error=detail)), known.status, dict(known.headers), "application/json"
    )
