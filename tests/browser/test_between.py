"""The pages between choosing and talking, in a real Chromium: a telephone number, and the choice after identifying."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import aiohttp
import pytest
import pytest_asyncio
from playwright.async_api import expect

from chromium import NARROWEST, Troubles, inspect, tab_to
from idcontact.tokens import ResultStatus
from plugin_processes import Strangers, strangers
from running import make_site, running_house

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from pathlib import Path

    from playwright.async_api import Browser, Page

    from running import Site
    from servers import RedisServer

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

SETTINGS: Final = """
[pages]
organisation = "Gemeente Voorbeeldstad"
website = "https://www.voorbeeld.example"
telephone = "14 010"
[[auth_methods]]
tag = "other"
name = {{ nl = "Andere dienst", en = "Another service" }}
start = "{strangers}"
[[comm_methods]]
tag = "phone"
name = {{ nl = "Bellen", en = "Call" }}
description = {{ nl = "U belt ons en toetst een code in.", en = "You call us and type a code." }}
image_path = "/assets/icon.svg"
start = "{strangers}"
[[purposes]]
tag = "complaint"
name = {{ nl = "Klacht", en = "Complaint" }}
attributes = ["fullname"]
allowed_auth = ["*"]
allowed_comm = ["*"]
allow_unauthenticated = true
"""


@dataclass
class Street:
    """A server, the plugins of strangers, and one page of one person."""

    site: Site
    strangers: Strangers
    page: Page
    troubles: Troubles

    async def starts(self, **fields: str) -> None:
        """By a form, as a page of ours has one."""
        await self.page.goto(f"{self.site.url}/contact/report_move")
        await self._post(fields)

    async def _post(self, fields: Mapping[str, str]) -> None:
        async with self.page.expect_navigation():
            await self.page.evaluate(
                """(fields) => {
                    const form = document.createElement("form");
                    Object.assign(form, { method: "post", action: "/start" });
                    for (const [name, value] of Object.entries(fields)) {
                        form.append(Object.assign(document.createElement("input"), { type: "hidden", name, value }));
                    }
                    document.body.append(form);
                    form.submit();
                }""",
                dict(fields),
            )

    async def identifies_elsewhere(self, purpose: str, language: str) -> str:
        """Begin, and be sent to a plugin that says nothing; the address to come back to."""
        await self.starts(purpose=purpose, auth_method="other", lang=language)
        continuation: str = self.strangers.started[-1]["continuation"]
        return continuation

    async def hears(self, token: str) -> None:
        """The plugin delivers after all."""
        async with (
            aiohttp.ClientSession() as session,
            session.post(self.strangers.started[-1]["attr_url"], data=token) as said,
        ):
            assert said.status == 200


@pytest_asyncio.fixture(loop_scope="session")
async def places(redis_of_the_house: RedisServer, tmp_path: Path) -> AsyncIterator[tuple[Site, Strangers]]:
    """A server with a telephone plugin, and an auth plugin, of strangers."""
    with redis_of_the_house.client() as client:
        client.flushall()
    async with strangers() as others:
        site = make_site(tmp_path, redis_of_the_house.url, top=SETTINGS.format(strangers=others.url))
        async with running_house(site) as running:
            yield running, others


@asynccontextmanager
async def person(
    places: tuple[Site, Strangers], browser: Browser, language: str, *, javascript: bool = True, width: int = 1280
) -> AsyncIterator[Street]:
    """Somebody with a browser of their own, whose pages may have no trouble."""
    context = await browser.new_context(
        viewport={"width": width, "height": 800},
        locale={"nl": "nl-NL", "en": "en-GB"}[language],
        java_script_enabled=javascript,
        reduced_motion="reduce",
    )
    page = await context.new_page()
    street = Street(*places, page, Troubles(page))
    try:
        yield street
    finally:
        await context.close()
    assert street.troubles.unexpected() == []


HEADINGS: Final = {
    "given": {"nl": "Gelukt: u heeft laten zien wie u bent", "en": "Done: you have shown who you are"},
    "waiting": {"nl": "Een ogenblik", "en": "One moment"},
    "missing": {"nl": "Wij weten nog niet wie u bent", "en": "We do not know yet who you are"},
    "failed": {"nl": "Wij weten niet wie u bent", "en": "We do not know who you are"},
    "tel": {"nl": "Bel ons nu", "en": "Call us now"},
}


# --- the choice after identifying -----------------------------------------------------------------------------------


@pytest.mark.parametrize("javascript", [True, False], ids=["with script", "without script"])
async def test_who_identified_first_chooses_to_call_and_is_shown_the_number(
    places: tuple[Site, Strangers], chromium: Browser, javascript: bool
) -> None:
    async with person(places, chromium, "en", javascript=javascript) as street:
        page = street.page
        await street.starts(purpose="report_move", auth_method="test", lang="en")
        await page.locator("button[value=share]").click()
        await page.wait_for_url("**/choose/*")
        await expect(page.get_by_role("heading", level=1, name=HEADINGS["given"]["en"])).to_be_visible()
        await page.get_by_role("radio", name="Call").check()
        await page.get_by_role("button", name="Continue").click()
        await page.wait_for_url("**/tel/*")
        await expect(page.get_by_text("020 123 45 67")).to_be_visible()
        assert "auth_result" in street.strangers.started[-1]


async def test_who_identified_first_chooses_to_chat_by_keyboard_alone(
    places: tuple[Site, Strangers], chromium: Browser
) -> None:
    async with person(places, chromium, "nl", width=NARROWEST) as street:
        page = street.page
        await street.starts(purpose="report_move", auth_method="test", lang="nl")
        await page.locator("button[value=share]").click()
        await page.wait_for_url("**/choose/*")
        await tab_to(page, "Bellen")
        await page.keyboard.press("ArrowDown")
        await expect(page.get_by_role("radio", name="Chatten")).to_be_checked()
        await tab_to(page, "Verder")
        await page.keyboard.press("Enter")
        await page.wait_for_url("**/c/*")


async def test_a_page_that_waits_goes_on_by_itself_without_any_script(
    places: tuple[Site, Strangers], chromium: Browser
) -> None:
    async with person(places, chromium, "en", javascript=False) as street:
        back = await street.identifies_elsewhere("report_move", "en")
        await street.page.goto(back)
        await expect(street.page.get_by_role("heading", name=HEADINGS["waiting"]["en"])).to_be_visible()
        await street.hears(street.site.token({"fullname": "S"}, sign="other-sign.pem"))
        await expect(street.page.get_by_role("heading", name=HEADINGS["given"]["en"])).to_be_visible()


@pytest.mark.parametrize("language", ["nl", "en"])
async def test_the_choice_is_accessible_in_all_its_states(
    places: tuple[Site, Strangers], chromium: Browser, language: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with person(places, chromium, language) as street:
        page = street.page

        async def shows(state: str, name: str) -> None:
            await expect(
                page.get_by_role("heading", level=1, name=HEADINGS[state][language], exact=True)
            ).to_be_visible()
            await inspect(page, f"choose-{name}-{language}")

        monkeypatch.setattr("idcontact.core.choosing._COME_BACK", 600)  # to look at it for longer
        back = await street.identifies_elsewhere("complaint", language)
        await page.goto(back)
        await shows("waiting", "waiting")
        monkeypatch.setattr("idcontact.core.choosing.PATIENCE", -1.0)
        await page.goto(back)
        await shows("missing", "missing")
        await street.hears(street.site.token(status=ResultStatus.FAILED, sign="other-sign.pem"))
        await page.goto(back)
        await shows("failed", "failed")

        back = await street.identifies_elsewhere("report_move", language)
        await page.goto(f"{back}?result={street.site.token({'fullname': 'S'}, sign='other-sign.pem')}")
        assert page.url == back
        await shows("given", "given")
        monkeypatch.setattr("idcontact.core.choosing._HURRY", 1000.0)
        await page.goto(back)
        await shows("given", "expired")


# --- a telephone number ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", ["nl", "en"])
async def test_a_number_with_its_code_is_accessible_and_fits_the_narrowest_screen(
    places: tuple[Site, Strangers], chromium: Browser, language: str
) -> None:
    async with person(places, chromium, language, javascript=True) as street:
        await street.starts(purpose="complaint", comm_method="phone", lang=language)
        await street.page.wait_for_url("**/tel/*")
        await expect(street.page.get_by_role("heading", name=HEADINGS["tel"][language])).to_be_visible()
        await inspect(street.page, f"tel-{language}")


async def test_the_number_can_be_dialled_scanned_and_heard(places: tuple[Site, Strangers], chromium: Browser) -> None:
    async with person(places, chromium, "en", javascript=False) as street:
        page = street.page
        await street.starts(purpose="complaint", comm_method="phone", lang="en")
        await page.wait_for_url("**/tel/*")
        dial = page.get_by_role("link", name="Call on this device")
        assert await dial.get_attribute("href") == "tel:0201234567,1234567890"
        picture = page.get_by_role("img", name="QR code to call this number with your telephone")
        assert await picture.evaluate("(image) => image.complete && image.naturalWidth > 0")
        heard = await page.get_by_role("main").aria_snapshot()
        assert "1 2 3, 4 5 6, 7 8 9 0" in heard
        assert "123 456 7890" not in heard, "not twice"


async def test_nobody_scans_the_screen_of_the_telephone_in_their_hand(
    places: tuple[Site, Strangers], chromium: Browser
) -> None:
    async with person(places, chromium, "nl", width=NARROWEST) as street:
        await street.starts(purpose="complaint", comm_method="phone", lang="nl")
        await street.page.wait_for_url("**/tel/*")
        await expect(street.page.locator("img[src^=data]")).to_be_hidden()
        await expect(street.page.get_by_role("link", name="Bel op dit toestel")).to_be_visible()
