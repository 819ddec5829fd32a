"""Pages: language, texts, errors as page or JSON, and assets that are cached by content."""

from __future__ import annotations

import gzip
import json
import re
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import UndefinedError
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Mount, Route
from starlette.testclient import TestClient

from idcontact import errors
from idcontact.asset_files import AssetFiles
from idcontact.languages import LANGUAGES
from idcontact.pages import (
    ASSETS_FOLDER,
    Back,
    Pages,
    PageSettings,
    load_texts,
    preferred_language,
    prefers_html,
)
from idcontact.security import PagePolicy
from idcontact.settings_values import Localized, Url

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from starlette.requests import Request

PACKAGE = ASSETS_FOLDER.parent
TEXTS = load_texts(PACKAGE / "texts")
HTML = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}


def make_pages(settings: PageSettings | None = None, clock: Callable[[], float] = time.time) -> Pages:
    assets = AssetFiles({"/assets": ASSETS_FOLDER})
    return Pages(public_url="https://contact.example", assets=assets, settings=settings, clock=clock)


def client_of(pages: Pages, template: str = "landing.html", **values: object) -> TestClient:
    async def page(request: Request) -> Response:
        return pages.render(request, template, **values)  # type: ignore[arg-type]  # tests pass values only

    async def fails(request: Request) -> Response:
        failure = FAILURES[request.query_params["kind"]]
        if "retry" in request.query_params:
            return pages.error_response(request, failure, back=Back(request.query_params["retry"], "retry"))
        if "website" in request.query_params:
            return pages.error_response(request, failure, back=Back(request.query_params["website"]))
        raise failure

    return TestClient(
        Starlette(
            routes=[Route("/page", page), Route("/fails", fails), Route("/get-only", page, methods=["GET"])],
            exception_handlers={
                errors.IdContactError: pages.handle,
                HTTPException: pages.handle,
                Exception: pages.handle,
            },
        ),
        raise_server_exceptions=False,
    )


OPENS = datetime(2026, 11, 23, 9, tzinfo=ZoneInfo("Europe/Amsterdam"))
FAILURES: dict[str, Exception] = {
    "bad_request": errors.BadRequest("is not a configured purpose", field="purpose"),
    "gone": errors.Gone("this ticket is used"),
    "too_many_requests": errors.TooManyRequests("too often", retry_after=90),
    "closed": errors.Closed("this purpose is closed", until=OPENS),
    "closed_for_long": errors.Closed("this purpose is closed", until=None),
    "token_rejected": errors.TokenRejected("signed by a key nobody knows"),
    "plugin_failed": errors.PluginFailed("auth_test", "the auth plugin refused"),
    "identify_again": errors.IdentifyAgain("the identification is too long ago"),
    "plugin_timeout": errors.PluginTimeout("auth_test", "the auth plugin did not answer", reason="host internal-7"),
    "unavailable": errors.Unavailable("the store cannot be reached", reason="10.0.0.7:6379"),
    "internal": RuntimeError("the value of bsn is 123456782"),
    "settings": errors.SettingsError(["keys_dir: secret path /srv/keys"]),
    "teapot": HTTPException(418, "short and stout"),
}


# --- language -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "header", "language"),
    [
        ("", "", "nl"),
        ("", "en-GB,en;q=0.9,nl;q=0.8", "en"),
        ("", "nl-NL,nl;q=0.9,en;q=0.8", "nl"),
        ("", "de,fr;q=0.9", "nl"),
        ("", "de,en;q=0.5", "en"),
        ("", "en;q=0", "nl"),
        ("", "en;q=high", "nl"),
        ("?lang=en", "nl", "en"),
        ("?lang=nl", "en", "nl"),
        ("?lang=xx", "en", "en"),
    ],
)
def test_a_page_speaks_the_asked_then_the_preferred_language_then_dutch(query: str, header: str, language: str) -> None:
    answer = client_of(make_pages()).get(f"/page{query}", headers={"Accept-Language": header})
    assert f'<html lang="{language}"' in answer.text
    assert answer.headers["content-language"] == language


@given(st.text())
def test_any_header_leads_to_a_language_and_a_kind_of_answer(header: str) -> None:
    assert preferred_language(header) in LANGUAGES
    assert prefers_html(header) in {True, False}


# --- texts ----------------------------------------------------------------------------------------------------------


def test_both_languages_have_the_same_texts_with_the_same_places_to_fill() -> None:
    assert list(TEXTS["nl"]) == list(TEXTS["en"])
    for key, text in TEXTS["nl"].items():
        places = re.findall(r"{(\w+)}", text)
        assert sorted(places) == sorted(re.findall(r"{(\w+)}", TEXTS["en"][key])), key
        assert text.strip()
        assert TEXTS["en"][key].strip()


def test_every_text_is_used_and_every_used_text_exists() -> None:
    sources = [
        *(PACKAGE / "templates").glob("*.html"),
        *(PACKAGE / "staff").glob("*.py"),
        *(PACKAGE / "core").glob("*.py"),
        PACKAGE / "moments.py",
    ]
    text = "\n".join(source.read_text(encoding="utf-8") for source in sources)
    families = tuple(re.findall(r'\bt\("([^"]+)" ~', text))
    used = set(re.findall(r'\bt\("([^"]+)"(?! ~)', text))
    assert used <= set(TEXTS["nl"])
    by_code = re.compile(r"error\.[a-z_]+\.(title|text|text_until)|language")
    known = {key for key in TEXTS["nl"] if by_code.fullmatch(key) or key.startswith(families)}
    assert [key for key in TEXTS["nl"] if key not in known and f'"{key}"' not in text] == []


def every_error() -> list[type[errors.IdContactError]]:
    found: list[type[errors.IdContactError]] = [errors.IdContactError]
    for kind in found:
        found.extend(kind.__subclasses__())
    return [kind for kind in found if kind is not errors.SettingsError]


def test_every_kind_of_error_has_its_own_words_in_both_languages() -> None:
    for kind in every_error():
        if kind.__module__ != errors.__name__:
            continue
        for language in LANGUAGES:
            assert f"error.{kind.code}.title" in TEXTS[language], kind
            assert f"error.{kind.code}.text" in TEXTS[language], kind


def test_a_value_that_a_template_does_not_get_is_an_error_and_not_an_empty_place() -> None:
    with pytest.raises(UndefinedError, match="conversation"):
        make_pages().render(_a_request(), "conversation.html")


def test_what_a_page_shows_is_text_and_never_markup() -> None:
    answer = client_of(make_pages(), "console.html", csrf='"><script>').get("/page")
    assert 'csrf="&#34;&gt;&lt;script&gt;"' in answer.text


def _a_request() -> Request:
    from starlette.requests import Request

    return Request({"type": "http", "method": "GET", "path": "/", "query_string": b"", "headers": []})


# --- the pages ------------------------------------------------------------------------------------------------------


def test_the_landing_posts_to_its_own_address_by_script_or_by_button() -> None:
    page = client_of(make_pages()).get("/page").text
    assert '<form method="post" data-land>' in page
    assert re.search(r'<script type="module" src="/assets/land\.js\?v=[0-9a-f]{16}">', page)
    assert '<button type="submit"' in page


def test_the_shells_load_their_module_and_say_what_is_wrong_without_javascript() -> None:
    conversation = client_of(make_pages(), "conversation.html", conversation="abc").get("/page?lang=en").text
    assert '<id-contact-conversation conversation="abc" lang="en">' in conversation
    assert '<script type="module" src="/static/conversation.js' in conversation
    assert "<noscript>" in conversation
    console = client_of(make_pages(), "console.html", csrf="token").get("/page").text
    assert '<id-contact-console lang="nl" csrf="token">' in console
    assert '<script type="module" src="/static/console.js' in console
    assert "<noscript>" in console


def test_no_page_has_script_or_style_in_itself() -> None:
    for template in (PACKAGE / "templates").glob("*.html"):
        text = template.read_text(encoding="utf-8")
        assert not re.search(r"<script(?![^>]* src=)|<style|\sstyle=|\son[a-z]+=", text), template.name


def test_a_page_carries_the_name_and_theme_of_the_municipality() -> None:
    settings = PageSettings(
        organisation="Gemeente Voorbeeld",
        theme_stylesheet="https://theme.example/voorbeeld.css",
        theme_class="voorbeeld-theme",
    )
    answer = client_of(make_pages(settings)).get("/page")
    assert "Gemeente Voorbeeld" in answer.text
    assert 'class="voorbeeld-theme"' in answer.text
    assert 'href="https://theme.example/voorbeeld.css"' in answer.text
    assert "style-src 'self' https://theme.example;" in answer.headers["content-security-policy"]


def test_a_plugin_adds_pages_of_its_own_in_the_same_look(tmp_path: Path) -> None:
    (tmp_path / "templates").mkdir()
    (tmp_path / "texts").mkdir()
    for language, text in (("nl", "Klopt dit?"), ("en", "Is this right?")):
        (tmp_path / "texts" / f"{language}.json").write_text(json.dumps({"auth_test.title": text}))
    (tmp_path / "templates" / "confirm.html").write_text(
        '{% extends "base.html" %}{% from "macros.html" import alert, button, facts %}'
        '{% block title %}{{ t("auth_test.title") }}{% endblock %}'
        '{% block main %}{{ facts([("Naam", "<Anna>")]) }}{{ button("Ja") }}{{ alert("info", "Let op") }}{% endblock %}'
    )
    pages = make_pages()
    answer = client_of(pages.extended("auth_test", tmp_path), "auth_test/confirm.html").get("/page?lang=en")
    assert "<title>Is this right? · ID Contact</title>" in answer.text
    assert "<dd>&lt;Anna&gt;</dd>" in answer.text
    assert client_of(pages.extended("auth_test", tmp_path)).get("/page").status_code == 200
    assert client_of(pages, "auth_test/confirm.html").get("/page").status_code == 500


# --- errors ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("accept", ["application/json", "*/*", "", "text/html;q=0.5, application/json", "image/png"])
def test_a_program_gets_an_error_as_json_with_code_message_and_field(accept: str) -> None:
    answer = client_of(make_pages()).get("/fails?kind=bad_request", headers={"Accept": accept})
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/json"
    assert answer.json() == {
        "error": {"code": "bad_request", "message": "is not a configured purpose", "field": "purpose"}
    }


def test_a_person_gets_an_error_in_their_language_that_names_what_is_wrong() -> None:
    client = client_of(make_pages())
    dutch = client.get("/fails?kind=bad_request", headers=HTML)
    assert dutch.status_code == 400
    assert "Dit verzoek klopt niet" in dutch.text
    assert "purpose: is not a configured purpose" in dutch.text
    english = client.get("/fails?kind=gone", headers={**HTML, "Accept-Language": "en"})
    assert (english.status_code, "This link no longer works" in english.text) == (410, True)
    assert english.headers["referrer-policy"] == "no-referrer"
    assert english.headers["cache-control"] == "no-store"


REACHABLE = PageSettings(
    website=Url("https://www.voorbeeld.example"),
    telephone="(010) 123 45-67",
    telephone_hours=Localized({"nl": "ma t/m vr 9.00-17.00 uur", "en": "Mon-Fri 9:00-17:00"}),
)
"""An organisation that says how else it can be reached."""


def ways_on(page: str) -> list[tuple[str, str]]:
    """Where the links of an error page lead, and what they say."""
    return re.findall(r'<a class="idc-button[^"]*" href="([^"]*)">([^<]*)</a>', page)


def test_an_error_page_leads_back_and_to_the_organisations_own_website() -> None:
    client = client_of(make_pages(REACHABLE))
    website = ("https://www.voorbeeld.example", "Terug naar de website")
    assert ways_on(client.get("/fails?kind=gone", headers=HTML).text) == [website]
    retried = client.get("/fails?kind=plugin_timeout&retry=/contact/a%3Flang=nl%26x=1", headers=HTML).text
    assert ways_on(retried) == [("/contact/a?lang=nl&amp;x=1", "Opnieuw proberen"), website]
    came_from = client.get("/fails?kind=gone&website=https://embed.example/verhuizen&lang=en", headers=HTML).text
    assert ways_on(came_from) == [("https://embed.example/verhuizen", "Back to the website")]
    assert ways_on(client_of(make_pages()).get("/fails?kind=gone", headers=HTML).text) == []


def test_where_something_does_not_work_it_is_said_how_else_to_reach_the_organisation() -> None:
    client = client_of(make_pages(REACHABLE), "conversation.html", conversation="abc")
    for path in ("/fails?kind=unavailable&lang=en", "/page?lang=en"):
        page = client.get(path, headers=HTML).text
        assert '<a href="tel:0101234567">(010) 123 45-67</a> (Mon-Fri 9:00-17:00).' in page
    hours = "ma t/m vr 9.00-17.00 uur"
    assert hours in client.get("/fails?kind=gone", headers=HTML).text
    silent = client_of(make_pages()).get("/fails?kind=gone", headers=HTML).text
    assert "tel:" not in silent


@pytest.mark.parametrize(("kind", "told"), [("bad_request", True), ("gone", False), ("too_many_requests", False)])
def test_what_exactly_was_wrong_is_told_where_it_is_the_mistake_of_a_website(kind: str, told: bool) -> None:
    page = client_of(make_pages()).get(f"/fails?kind={kind}", headers=HTML).text
    assert ("<summary>Voor wie deze website beheert</summary>" in page) is told
    assert ('<p lang="en">' in page) is told


@pytest.mark.parametrize("headers", [HTML, {"Accept": "application/json"}])
@pytest.mark.parametrize(
    ("kind", "status", "never_shown"),
    [
        ("token_rejected", 400, "signed by a key"),
        ("plugin_timeout", 504, "internal-7"),
        ("unavailable", 503, "10.0.0.7"),
        ("internal", 500, "123456782"),
        ("settings", 500, "/srv/keys"),
    ],
)
def test_what_is_for_the_operator_is_never_shown(
    kind: str, status: int, never_shown: str, headers: dict[str, str]
) -> None:
    answer = client_of(make_pages()).get(f"/fails?kind={kind}", headers=headers)
    assert answer.status_code == status
    assert never_shown not in answer.text


@pytest.mark.parametrize(
    "kind",
    ["bad_request", "plugin_failed", "plugin_timeout", "closed", "closed_for_long", "identify_again", "token_rejected",
     "gone"],
)  # fmt: skip
def test_where_a_start_fails_or_expires_it_is_said_that_nothing_was_shared_and_what_to_do(kind: str) -> None:
    client = client_of(make_pages(REACHABLE))
    said = {
        language: re.findall(r'<p class="idc-lead">(.*?)</p>', client.get(address, headers=HTML).text)
        for language in LANGUAGES
        if (address := f"/fails?kind={kind}&lang={language}")
    }
    assert re.search(r"(niets|geen gegevens).* gedeeld\.", said["nl"][0])
    assert re.search(r"(nothing .*shared|shared nothing)", said["en"][0], re.IGNORECASE)
    assert re.search(r"begin opnieuw|probeer het|Kom terug|kunt weer terecht", said["nl"][0], re.IGNORECASE)
    assert re.search(r"start again|try again|Come back|contact us again", said["en"][0])


def test_a_program_that_is_closed_out_hears_until_when() -> None:
    client = client_of(make_pages())
    closed = client.get("/fails?kind=closed")
    assert (closed.status_code, closed.json()["error"]["code"]) == (409, "closed")
    assert closed.json()["error"]["until"] == "2026-11-23T09:00:00+01:00"
    assert "until" not in client.get("/fails?kind=closed_for_long").json()["error"]


@pytest.mark.parametrize(
    ("now", "dutch", "english"),
    [
        (datetime(2026, 11, 22, 23, 30, tzinfo=UTC), "vandaag vanaf 09.00 uur", "today from 09:00"),
        (datetime(2026, 11, 22, 22, 30, tzinfo=UTC), "morgen vanaf 09.00 uur", "tomorrow from 09:00"),
        (datetime(2026, 11, 20, 12, tzinfo=UTC), "maandag vanaf 09.00 uur", "on Monday from 09:00"),
        (datetime(2026, 11, 1, 12, tzinfo=UTC), "maandag 23 november vanaf 09.00", "on Monday 23 November from 09:00"),
    ],
)
def test_a_person_who_is_closed_out_reads_when_they_can_come_back_by_the_clock_of_the_purpose(
    now: datetime, dutch: str, english: str
) -> None:
    client = client_of(make_pages(clock=now.timestamp))
    page = client.get("/fails?kind=closed", headers=HTML)
    assert (page.status_code, "Wij zijn nu gesloten" in page.text) == (409, True)
    assert f"U kunt weer terecht {dutch}" in page.text
    assert f"You can contact us again {english}" in client.get("/fails?kind=closed&lang=en", headers=HTML).text
    not_soon = client.get("/fails?kind=closed_for_long", headers=HTML).text
    assert "Kom terug als wij weer open zijn." in not_soon
    assert "U kunt weer terecht" not in not_soon


@pytest.mark.parametrize("headers", [HTML, {}])
def test_over_a_limit_the_answer_says_when_to_come_back(headers: dict[str, str]) -> None:
    answer = client_of(make_pages()).get("/fails?kind=too_many_requests", headers=headers)
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "90")


def test_errors_of_the_framework_look_like_ours_and_keep_their_headers() -> None:
    client = client_of(make_pages())
    missing = client.get("/nowhere", headers=HTML)
    assert (missing.status_code, "Deze pagina is er niet" in missing.text) == (404, True)
    assert "<details" not in missing.text
    wrong = client.post("/get-only")
    assert (wrong.status_code, wrong.json()["error"]["code"]) == (405, "method_not_allowed")
    assert "GET" in wrong.headers["allow"]
    assert client.get("/fails?kind=teapot", headers=HTML).status_code == 418


def test_a_page_may_be_given_a_looser_policy_for_itself() -> None:
    pages = make_pages()
    policy = PagePolicy(form_targets=("https://verify.example/next?a=1", "tel:0123456789,1"), referrer="no-referrer")
    answer = pages.render(_a_request(), "landing.html", policy=policy)
    assert "form-action 'self' https://verify.example tel:;" in answer.headers["content-security-policy"]
    assert "connect-src 'self' wss://contact.example;" in answer.headers["content-security-policy"]
    assert answer.headers["referrer-policy"] == "no-referrer"


# --- assets ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def files(tmp_path: Path) -> TestClient:
    folder = tmp_path / "static"
    (folder / "deep").mkdir(parents=True)
    (folder / ".vite").mkdir()
    (folder / "console.js").write_text("console.log(1);" * 100)
    (folder / "tiny.js").write_text("1")
    (folder / "deep" / "icon.svg").write_text("<svg/>")
    (folder / ".vite" / "manifest.json").write_text("{}")
    (folder / "notes.py").write_text("secret")
    (tmp_path / "outside.js").write_text("secret")
    assets = AssetFiles({"/static": folder, "/absent": tmp_path / "absent"})
    pages = Pages(public_url="https://contact.example", assets=assets)

    async def url(request: Request) -> Response:
        return PlainTextResponse(assets.url(request.query_params["path"]))

    return TestClient(
        Starlette(
            routes=[Route("/url", url), Mount("/static", assets), Mount("/absent", assets)],
            exception_handlers={errors.IdContactError: pages.handle, HTTPException: pages.handle},
        )
    )


def test_an_asset_is_cached_for_ever_under_the_address_of_its_content(files: TestClient) -> None:
    address = files.get("/url", params={"path": "/static/console.js"}).text
    answer = files.get(address)
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.headers["content-type"] == "text/javascript; charset=utf-8"
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("query", ["", "?v=", "?v=0123456789abcdef"])
def test_under_any_other_address_it_is_asked_for_again(files: TestClient, query: str) -> None:
    answer = files.get(f"/static/console.js{query}")
    assert answer.headers["cache-control"] == "public, no-cache"
    again = files.get(f"/static/console.js{query}", headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_an_asset_is_compressed_for_who_can_read_that_and_where_it_helps(files: TestClient) -> None:
    with files.stream("GET", "/static/console.js", headers={"Accept-Encoding": "gzip, br"}) as answer:
        raw = b"".join(answer.iter_raw())
    assert answer.headers["content-encoding"] == "gzip"
    assert gzip.decompress(raw) == b"console.log(1);" * 100
    plain = files.get("/static/console.js", headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert plain.headers["vary"] == "Accept-Encoding"
    assert "content-encoding" not in files.get("/static/tiny.js").headers


def test_a_municipalitys_page_may_load_the_widget(files: TestClient) -> None:
    answer = files.get("/static/console.js", headers={"Origin": "https://gemeente.example"})
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["cross-origin-resource-policy"] == "cross-origin"


@pytest.mark.parametrize(
    "path",
    [
        "/static/../outside.js",
        "/static/%2e%2e/outside.js",
        "/static/..%2foutside.js",
        "/static/notes.py",
        "/static/.vite/manifest.json",
        "/static/deep",
        "/static/",
        "/absent/a.js",
    ],
)
def test_nothing_but_known_files_can_be_had(files: TestClient, path: str) -> None:
    assert files.get(path).status_code == 404


def test_assets_are_only_read(files: TestClient) -> None:
    assert files.post("/static/console.js").status_code == 405
    head = files.head("/static/deep/icon.svg")
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-type"] == "image/svg+xml; charset=utf-8"


def test_a_page_whose_front_end_is_not_built_names_the_plain_address(files: TestClient) -> None:
    assert files.get("/url", params={"path": "/static/absent.js"}).text == "/static/absent.js"
