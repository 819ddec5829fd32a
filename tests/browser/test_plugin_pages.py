"""The pages of the communication plugins that come along, in both languages: by eye, by keyboard, on a phone."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Any, Final

import aiohttp
import pytest
import pytest_asyncio
from playwright.async_api import expect

from chromium import inspect, tab_to
from idcontact.demo_site import DemoSite
from openid import CLIENT, SECRET, OpenIdProvider, openid_provider
from platform_house import GUEST_SECRET, HOST_SECRET, guest_token, host_token
from running import ATTRIBUTES, make_site, running_house
from web_words import LANGUAGES

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from playwright.async_api import Page

    from running import Site
    from servers import RedisServer
    from web_people import EndUser
    from web_town import Town
    from web_words import Language

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

METHOD: Final = """
[[plugins.{plugin}.auth_methods]]
tag = "test"
name = {{ nl = "Proefpersoon", en = "Test person" }}
verify_keys = [{{ file = "verify.pem" }}]
attributes = ["fullname", "city"]
"""
PLATFORM: Final = """
[plugins.{plugin}]
plugin = "comm_platform"
core_url = "{core}"
start_auth_key_id = "platform"
start_auth_signing_privkey = {{ file = "other-sign.pem" }}
widget_url = "https://www.voorbeeld.example/widget/?"
widget_signing_privkey = {{ file = "other-sign.pem" }}
display_name = "Beeldbellen"
guest_signature_secret = "{guest}"
host_signature_secret = "{host}"
decrypt_key = {{ file = "decrypt.pem" }}
[plugins.{plugin}.purposes.report_move]
name = {{ nl = "Verhuizing doorgeven", en = "Report a move" }}
attributes = ["fullname", "city"]
"""
TOP: Final = """
[authonly_request_keys]
platform = { file = "other-verify.pem" }
[[comm_methods]]
tag = "details"
name = { nl = "Zelf bekijken", en = "See for yourself" }
start = "plugin:comm_test"
context = true
[[comm_methods]]
tag = "phone"
name = { nl = "Bellen", en = "Telephone" }
start = "plugin:comm_phone"
"""
PLUGINS: Final = """
[plugins.comm_test]
decrypt_key = { file = "decrypt.pem" }
[plugins.comm_phone]
phonenumber = "14 010"
decrypt_key = { file = "decrypt.pem" }
link_secret = "what the contact centre's platform brings along"
info_secret = "what the desk of an agent brings along with it"
"""
LOGIN: Final = """
[plugins.guarded.login]
issuer = "{issuer}"
client_id = "{client}"
client_secret = "{secret}"
scopes = ["groups"]
claim = "groups"
values = ["desk"]
"""


@pytest_asyncio.fixture(loop_scope="session")
async def house(redis_of_the_house: RedisServer, tmp_path: Path) -> AsyncIterator[Site]:
    """A server with all communication plugins, one of them twice: hosts of `guarded` log in first."""
    with redis_of_the_house.client() as client:
        client.flushall()
    site = make_site(tmp_path, redis_of_the_house.url, top=TOP)
    with openid_provider(f"{site.url}/plugins/guarded/host/auth/redirect") as provider:
        site.config.write_text(site.config.read_text() + plugins_of(site, provider))
        async with running_house(site, DemoSite) as running:
            yield running


def plugins_of(site: Site, provider: OpenIdProvider) -> str:
    platforms = ("comm_platform", "guarded")
    named = {"core": site.url, "guest": GUEST_SECRET, "host": HOST_SECRET}
    tables = [PLATFORM.format(plugin=plugin, **named) for plugin in platforms]
    methods = [METHOD.format(plugin=plugin) for plugin in ("comm_test", "comm_phone", *platforms)]
    login = LOGIN.format(issuer=provider.issuer, client=CLIENT, secret=SECRET)
    return "\n".join([PLUGINS, *tables, *methods, login])


async def starts(end_user: EndUser, comm_method: str) -> None:
    """From the page of the choice to where they are asked what to share."""
    words = end_user.words
    way = f"auth_method=test&comm_method={comm_method}&lang={words.language}&return_url={end_user.site.url}/"
    await end_user.goes_to(f"/contact/report_move?{way}")
    await end_user.presses(words.start)
    await end_user.page.wait_for_url("**/plugins/auth_test/**")


# --- comm_test ------------------------------------------------------------------------------------------------------

RECEIVED: Final[dict[Language, str]] = {"nl": "Wat is ontvangen", "en": "What was received"}
LEAVE: Final[dict[Language, str]] = {"nl": "Afmelden en wissen", "en": "Log out and delete"}
LEFT: Final[dict[Language, str]] = {"nl": "U bent afgemeld", "en": "You are logged out"}
FAILED: Final[dict[Language, str]] = {
    "nl": "Het identificeren is niet gelukt of afgebroken.",
    "en": "Identifying failed or was cancelled.",
}


@pytest.mark.parametrize("language", LANGUAGES)
async def test_who_looks_at_their_own_details_sees_them_and_leaves_by_keyboard(town: Town, language: Language) -> None:
    end_user = await town.end_user(language)
    page = end_user.page
    await starts(end_user, "details")
    await end_user.presses(end_user.words.share)
    await end_user.sees_heading(RECEIVED[language])
    for value in ATTRIBUTES.values():
        await end_user.reads(value)
    await inspect(page, "comm-test-given")
    await tab_to(page, LEAVE[language])
    await page.keyboard.press("Enter")
    await end_user.sees_heading(LEFT[language])
    await inspect(page, "comm-test-left")
    await tab_to(page, end_user.words.back)
    await page.keyboard.press("Enter")
    await page.wait_for_url(f"{town.site.url}/")


@pytest.mark.parametrize("language", LANGUAGES)
async def test_who_shares_nothing_is_told_that_nothing_came(town: Town, language: Language) -> None:
    end_user = await town.end_user(language)
    await starts(end_user, "details")
    await end_user.presses(end_user.words.refuse)
    await end_user.sees_heading(RECEIVED[language])
    await end_user.reads(FAILED[language])
    await inspect(end_user.page, "comm-test-failed")


# --- comm_phone -----------------------------------------------------------------------------------------------------

CALL: Final[dict[Language, str]] = {"nl": "Bel ons nu", "en": "Call us now"}
DIAL: Final[dict[Language, str]] = {"nl": "Bel op dit toestel", "en": "Call on this device"}


@pytest.mark.parametrize("language", LANGUAGES)
async def test_who_calls_reads_the_number_and_a_code_that_says_who_they_are(town: Town, language: Language) -> None:
    end_user = await town.end_user(language)
    page = end_user.page
    await starts(end_user, "phone")
    await end_user.presses(end_user.words.share)
    await end_user.sees_heading(CALL[language])
    await inspect(page, "comm-phone")
    await tab_to(page, DIAL[language])
    code = str(await page.get_by_role("link", name=DIAL[language]).get_attribute("href")).removeprefix("tel:14010,")
    shown = re.sub(r"\s", "", await page.get_by_role("main").inner_text())
    assert code.isdigit()
    assert code in shown


# --- comm_platform --------------------------------------------------------------------------------------------------

NOBODY: Final[dict[Language, str]] = {"nl": "Nog niemand heeft gegevens gedeeld.", "en": "Nobody has shared details"}
BEGUN: Final[dict[Language, str]] = {"nl": "laat nu zien wie hij of zij is", "en": "is identifying now"}
NOTHING: Final[dict[Language, str]] = {"nl": "Er zijn geen gegevens gedeeld.", "en": "No details were shared."}
CHECKED: Final[dict[Language, str]] = {"nl": "Gecontroleerde gegevens", "en": "Checked details"}
LOG_IN_FIRST: Final[dict[Language, str]] = {"nl": "Log in om gegevens te zien", "en": "Log in to see details"}
LOGGED_IN: Final[dict[Language, str]] = {"nl": "U bent ingelogd", "en": "You are logged in"}
LOG_OUT: Final[dict[Language, str]] = {"nl": "Uitloggen", "en": "Log out"}
LOG_IN_AGAIN: Final[dict[Language, str]] = {"nl": "Opnieuw inloggen", "en": "Log in again"}
LOGGED_OUT: Final[dict[Language, str]] = {"nl": "U bent uitgelogd", "en": "You are logged out"}


def guest(site: Site, number: int, name: str) -> str:
    """A guest's link, as the product in which they talk makes it."""
    return guest_token(f"g{number}", name=name, redirectUrl=f"{site.url}/", exp=int(time.time()) + 600)


async def begins(site: Site, token: str) -> str:
    """What the published widget asks for a guest; where they identify."""
    address = f"{site.url}/plugins/comm_platform/guest/start/{token}"
    message = {"purpose": "report_move", "auth_method": "test"}
    headers = {"Origin": "https://www.voorbeeld.example"}
    async with aiohttp.ClientSession() as session, session.post(address, json=message, headers=headers) as answer:
        told: dict[str, Any] = await answer.json()
        assert answer.status == 200, told
        return str(told["client_url"])


@pytest.mark.parametrize("language", LANGUAGES)
async def test_a_host_sees_in_the_room_what_guests_do_and_share(town: Town, language: Language) -> None:
    site, host = town.site, await town.stranger(language)
    await host.goes_to(f"/plugins/comm_platform/host/{host_token()}")
    await host.reads(NOBODY[language])
    await inspect(host.page, "room-empty")
    for number, name, does in ((1, "Henk", "share"), (2, "Ina van den Berg-Wetering", "refuse"), (3, "", "nothing")):
        visitor = await town.end_user(language)
        await visitor.page.goto(await begins(site, guest(site, number, name)))
        if does != "nothing":
            await visitor.presses(getattr(visitor.words, does))
            await visitor.page.wait_for_url(f"{site.url}/**")
    room = host.page.get_by_role("log")
    for text in (CHECKED, NOTHING, BEGUN):
        await expect(room).to_contain_text(text[language])
    await expect(room).to_contain_text(ATTRIBUTES["fullname"])
    await inspect(host.page, "room")


@pytest.mark.parametrize("language", LANGUAGES)
async def test_a_room_says_that_what_is_shown_may_be_old(town: Town, language: Language) -> None:
    host = await town.stranger(language)
    host.troubles.expect("net::ERR_FAILED")
    await host.page.route("**/host/live/**", lambda route: route.abort())
    await host.goes_to(f"/plugins/comm_platform/host/{host_token()}")
    await expect(host.page.locator("[data-lost]")).to_be_visible()
    await inspect(host.page, "room-lost")


@pytest.mark.parametrize("language", LANGUAGES)
async def test_a_host_logs_in_in_a_tab_of_its_own_and_out_again(town: Town, language: Language) -> None:
    host = await town.stranger(language)
    await host.goes_to(f"/plugins/guarded/host/{host_token()}")
    await host.sees_heading(LOG_IN_FIRST[language])
    await inspect(host.page, "room-log-in")
    await tab_to(host.page, host.words.log_in)
    async with host.page.context.expect_page() as opened:
        await host.page.keyboard.press("Enter")
    tab = await opened.value
    await at_the_provider(tab, "ann.desk")
    await expect(tab.get_by_role("heading", name=LOGGED_IN[language])).to_be_visible()
    await inspect(tab, "room-logged-in")
    await host.page.reload()
    await host.reads(NOBODY[language])
    await inspect(host.page, "room-behind-log-in")
    await tab_to(host.page, LOG_OUT[language])
    await host.page.keyboard.press("Enter")
    await host.sees_heading(LOGGED_OUT[language])
    await inspect(host.page, "room-logged-out")
    await tab_to(host.page, LOG_IN_AGAIN[language])
    await host.page.keyboard.press("Enter")
    await host.sees_heading(LOG_IN_FIRST[language])


async def at_the_provider(tab: Page, account: str) -> None:
    """What somebody does there; its own pages ask other servers for their looks, which stay away."""
    await tab.route("https://**", lambda route: route.abort())
    await tab.locator("[name=login]").fill(account)
    await tab.locator("[name=password]").fill("any")
    await tab.locator("[type=submit]").click()
    await tab.locator("[name=prompt][value=consent]").wait_for(state="attached")
    await tab.locator("[type=submit]").click()
