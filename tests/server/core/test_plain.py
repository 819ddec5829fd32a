"""The choice as a page of our own: whole without JavaScript, in the person's language, leading nowhere but on."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html import unescape
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import msgspec
import pytest
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.testclient import TestClient

from idcontact.asset_files import AssetFiles
from idcontact.core.options import Purposes
from idcontact.core.plain import PlainPages, contact_path
from idcontact.core.settings import CoreSettings
from idcontact.errors import IdContactError
from idcontact.pages import ASSETS_FOLDER, Pages, PageSettings
from idcontact.protocol import Availability
from idcontact.settings import read
from idcontact.settings_values import Url

if TYPE_CHECKING:
    from pathlib import Path

    import httpx2

    from idcontact.core.options import Purpose
    from idcontact.protocol import SessionOptions

OWN = "https://contact.example"
ODD = 'a/b "quoted" <b>🙂</b>'
"""A tag of a purpose may be anything."""
NOON = 1_767_610_800.0
"""Monday 5 January 2026, 12:00 in Amsterdam."""
HTML = {"Accept": "text/html"}
SETTINGS: dict[str, object] = {
    "auth_methods": [
        {
            "tag": "digid",
            "name": "DigiD",
            "image_path": "/static/digid.svg",
            "start": "plugin:auth",
            "description": {"nl": "Met de app of sms.", "en": "By app or text message."},
        },
        {"tag": "paper", "name": {"nl": "Papier", "en": "Paper"}, "start": "plugin:auth"},
    ],
    "comm_methods": [
        {"tag": "chat", "name": "Chat", "start": "plugin:live", "context": True},
        {"tag": "phone", "name": {"nl": "Bellen", "en": "Telephone"}, "start": "plugin:live"},
    ],
    "attributes": {"fullname": {"name": {"nl": "Naam", "en": "Name"}}},
    "purposes": [
        {
            "tag": "move",
            "name": {"nl": "Verhuizing", "en": "A move"},
            "attributes": ["fullname", "unlabelled"],
            "allowed_auth": ["*"],
            "allowed_comm": ["*"],
        },
        {"tag": "permit", "attributes": [], "allowed_auth": ["digid"], "allowed_comm": ["phone"]},
        {
            "tag": "question",
            "attributes": ["fullname"],
            "allowed_auth": ["digid"],
            "allowed_comm": ["chat"],
            "allow_unauthenticated": True,
        },
        {
            "tag": "anonymous",
            "attributes": ["fullname"],
            "allowed_auth": [],
            "allowed_comm": ["chat"],
            "allow_unauthenticated": True,
        },
        {"tag": "elsewhere", "attributes": ["fullname"], "allowed_auth": ["*"], "allowed_comm": []},
        {"tag": "nobody", "attributes": ["fullname"], "allowed_auth": [], "allowed_comm": ["*"]},
        {"tag": ODD, "attributes": [], "allowed_auth": ["*"], "allowed_comm": ["chat"]},
    ],
}


@dataclass
class StandInOffers:
    """What the plugins would say of who is there now, by method."""

    present: dict[str, Availability] = field(default_factory=dict)

    async def of(self, purpose: Purpose, language: str) -> SessionOptions:
        options = purpose.options(language)
        comm = [
            msgspec.structs.replace(method, availability=self.present.get(method.tag))
            for method in options.comm_methods
        ]
        return msgspec.structs.replace(options, comm_methods=comm)


@dataclass
class House:
    """The pages behind a client, and who is there."""

    client: TestClient
    offers: StandInOffers

    def contact(self, purpose: str = "move", **query: str) -> httpx2.Response:
        return self.client.get(f"/contact/{quote(purpose, safe='')}", params=query, headers=HTML)

    def form(self, purpose: str = "move", **query: str) -> list[tuple[str, str, str]]:
        """Kind, name and value of each input of the form; the kind of a chosen one ends in `!`."""
        page = self.contact(purpose, **query).text
        inputs = [dict(re.findall(r'(\w+)(?:="([^"]*)")?', tag)) for tag in re.findall(r"<input ([^>]*)>", page)]
        return [(f"{i['type']}{'!' * ('checked' in i)}", i["name"], unescape(i["value"])) for i in inputs]


@pytest.fixture
def house(tmp_path: Path) -> House:
    pages = Pages(
        public_url=OWN,
        assets=AssetFiles({"/assets": ASSETS_FOLDER}),
        settings=PageSettings(website=Url("https://www.voorbeeld.example"), telephone="14 010"),
    )
    offers = StandInOffers()
    plain = PlainPages(
        purposes=Purposes(read(SETTINGS, CoreSettings, base=tmp_path), {"live": "http://live", "auth": "http://auth"}),
        offers=offers,
        pages=pages,
        public_url=OWN,
        return_origins=[OWN, "https://www.voorbeeld.example"],
        clock=lambda: NOON,
    )
    handlers: Any = {IdContactError: pages.handle, HTTPException: pages.handle}
    return House(TestClient(Starlette(routes=plain.routes(), exception_handlers=handlers)), offers)


# --- the choice -----------------------------------------------------------------------------------------------------


def test_the_form_asks_what_there_is_to_choose_and_posts_it_to_the_start(house: House) -> None:
    page = house.contact().text
    assert '<form class="idc-form" method="post" action="/start">' in page
    assert house.form() == [
        ("hidden", "purpose", "move"),
        ("hidden", "lang", "nl"),
        ("radio", "auth_method", "digid"),
        ("radio", "auth_method", "paper"),
        ("radio", "comm_method", "chat"),
        ("radio", "comm_method", "phone"),
    ]
    assert page.count(" required") == 4
    assert "<script" not in page


def test_a_method_is_shown_with_its_name_description_and_picture(house: House) -> None:
    dutch, english = house.contact().text, house.contact(lang="en").text
    assert "Met de app of sms." in dutch
    assert "By app or text message." in english
    assert ("Papier" in dutch, "Paper<" in english) == (True, True)
    assert '<img src="https://contact.example/static/digid.svg" alt=""' in dutch


def test_what_leaves_no_choice_is_said_and_not_asked(house: House) -> None:
    page = house.contact("permit", lang="en").text
    assert house.form("permit") == [
        ("hidden", "purpose", "permit"),
        ("hidden", "lang", "nl"),
        ("hidden", "auth_method", "digid"),
        ("hidden", "comm_method", "phone"),
    ]
    assert "<fieldset" not in page
    assert "You show who you are with: <strong>DigiD</strong>" in page
    assert "You are in contact with us by: <strong>Telephone</strong>" in page


def test_what_will_be_shared_and_for_what_is_said_before_anybody_identifies(house: House) -> None:
    page = house.contact(lang="en").text
    assert re.findall(r"<li>(.*?)</li>", page) == ["Name", "unlabelled"]
    assert "We need this for: A move." in page
    assert "<li>" not in house.contact("permit").text, "nothing is asked"
    assert "<li>" not in house.contact("anonymous").text, "nobody identifies"


def test_where_that_is_allowed_one_may_choose_not_to_identify(house: House) -> None:
    assert ("radio", "auth_method", "") in house.form("question")
    page = house.contact("question").text
    assert "Zonder identificatie" in page
    assert "Dan deelt u niets." in page
    assert "Dan deelt u niets." not in house.contact("move").text
    assert ("hidden", "auth_method", "") in house.form("anonymous")
    assert ("radio", "auth_method", "") not in house.form("move")


def test_who_comes_back_from_an_error_finds_the_choice_as_it_was(house: House) -> None:
    again = house.form(auth_method="paper", comm_method="phone")
    assert [name for kind, _, name in again if kind == "radio!"] == ["paper", "phone"]
    assert "radio!" not in str(house.form(auth_method="forged", comm_method="<b>"))
    assert ("radio!", "auth_method", "") in house.form("question", auth_method="")


def test_a_talk_that_needs_javascript_says_so_before_it_begins(house: House) -> None:
    warned = r"<noscript>.*?Chatten en videobellen werken alleen met JavaScript.*?tel:14010.*?</noscript>"
    assert re.search(warned, house.contact().text, re.DOTALL)
    assert "<noscript>" not in house.contact("permit").text


# --- who is there ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("language", "availability", "said"),
    [
        ("nl", Availability(open=True, agents=2, waiting=0), ""),
        ("nl", Availability(open=True, agents=0), "Er is nu geen medewerker aanwezig."),
        ("en", Availability(open=True, agents=1, expected_wait=0), "You will probably be helped within a minute."),
        ("en", Availability(open=True, agents=1, expected_wait=60), "You will probably be helped within a minute."),
        ("en", Availability(open=True, agents=1, expected_wait=61), "You will probably wait about 2 minutes."),
        ("en", Availability(open=True, agents=1, expected_wait=3600), "You will probably wait about 60 minutes."),
        ("nl", Availability(open=True, agents=1, expected_wait=3601), "U wacht waarschijnlijk langer dan een uur."),
        ("nl", Availability(open=False), "Wij zijn nu gesloten."),
        ("nl", Availability(open=False, until="2026-01-05T13:00:00+01:00"), "weer terecht vandaag vanaf 13.00 uur."),
        ("en", Availability(open=False, until="2026-01-06T09:05:00+01:00"), "again tomorrow from 09:05."),
        ("nl", Availability(open=False, until="2026-01-11T09:00:00+01:00"), "terecht zondag vanaf 09.00 uur."),
        ("en", Availability(open=False, until="2026-01-12T09:00:00+01:00"), "on Monday 12 January from 09:00."),
        ("nl", Availability(open=False, until="2026-01-05T23:59:00-12:00"), "terecht morgen vanaf 23.59 uur."),
    ],
)
def test_who_is_there_is_said_at_the_method(house: House, language: str, availability: Availability, said: str) -> None:
    house.offers.present["chat"] = availability
    page = house.contact(lang=language).text
    label = re.search(r'<label class="idc-option">(?:(?!</label>).)*value="chat".*?</label>', page, re.DOTALL)
    assert label is not None
    assert said in label[0]
    assert ("<small>" in label[0]) is bool(said)
    assert (" disabled" in label[0]) is not availability.open


def test_a_method_that_is_closed_cannot_be_chosen_not_even_by_who_chose_it_before(house: House) -> None:
    house.offers.present["chat"] = Availability(open=False)
    assert "radio!" not in str(house.form(comm_method="chat"))


def test_when_all_is_closed_there_is_no_form_but_the_telephone_and_a_way_back(house: House) -> None:
    house.offers.present["chat"] = Availability(open=False, until="2026-01-06T09:00:00+01:00")
    page = house.contact("question").text
    assert "<form" not in page
    assert "U kunt weer terecht morgen vanaf 09.00 uur." in page
    assert 'href="tel:14010"' in page
    assert '<a href="https://www.voorbeeld.example">Terug naar de website</a>' in page


@pytest.mark.parametrize("purpose", ["elsewhere", "nobody"])
def test_where_there_is_no_way_to_identify_or_to_talk_it_is_said_and_nothing_is_asked(
    house: House, purpose: str
) -> None:
    """Such a purpose may be for platforms alone, which ask by a signed request."""
    answer = house.contact(purpose, lang="en")
    assert answer.status_code == 200
    assert "You cannot reach us here about this subject right now." in answer.text
    assert "closed" not in answer.text
    assert "<form" not in answer.text
    assert 'href="tel:14010"' in answer.text


# --- where it leads -------------------------------------------------------------------------------------------------


def test_the_website_that_somebody_came_from_is_kept_on_the_way(house: House) -> None:
    came_from = "https://www.voorbeeld.example/verhuizen?stap=1&x=%22#deel"
    assert ("hidden", "return_url", came_from) in house.form(return_url=came_from)
    page = house.contact(return_url=came_from).text
    back, *languages = reversed(re.findall(r'<a href="([^"t][^"]*|http[^"]*)"', page))
    assert unescape(back) == came_from
    assert all(unescape(one).startswith(contact_path("move", return_url=came_from)) for one in languages)
    assert house.client.get(unescape(languages[0]), headers=HTML).status_code == 200


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/",
        "https://www.voorbeeld.example.evil.example/",
        "http://www.voorbeeld.example/",
        "https://www.voorbeeld.example:444/",
        "javascript:alert(1)",
        "//evil.example",
        "/verhuizen",
    ],
)
def test_a_website_that_is_not_allowed_is_not_led_back_to(house: House, url: str) -> None:
    page = house.contact(return_url=url).text
    assert "return_url" not in page
    assert "evil" not in page
    assert "javascript:" not in page


def test_an_unknown_purpose_is_a_page_that_is_not_there(house: House) -> None:
    answer = house.contact("unknown", lang="en")
    assert (answer.status_code, "This page does not exist" in answer.text) == (404, True)
    assert house.client.get("/contact/unknown").json() == {
        "error": {"code": "not_found", "message": "there is no such purpose"}
    }
    assert house.client.post("/contact/move").status_code == 405
    assert house.client.head("/contact/move").status_code == 200


def test_a_tag_with_slashes_quotes_and_markup_is_found_and_shown_as_text(house: House) -> None:
    answer = house.contact(ODD)
    assert answer.status_code == 200
    assert ("hidden", "purpose", ODD) in house.form(ODD)
    assert "<b>" not in answer.text


def test_the_page_may_lead_to_wherever_a_plugin_is_and_shows_only_pictures_that_it_names(house: House) -> None:
    policy = house.contact().headers["content-security-policy"]
    assert "form-action 'self' https: tel:;" in policy
    assert "img-src 'self' data: https://contact.example;" in policy
    assert "frame-ancestors 'none';" in policy
    assert "script-src 'self';" in policy
