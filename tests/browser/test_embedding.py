"""The widget on a website of another site, in Chromium and in Firefox: it works and breaks no rule."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from embedding import Website, serving
from firefox import firefox_running
from hands import ChromiumHands
from running import make_site, running_house
from web_town import SETTINGS, Town
from web_words import NL

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from playwright.async_api import Browser

    from firefox import Firefox
    from hands import Hands
    from running import Site
    from servers import RedisServer

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

CONVERSATION = r"/c/[a-z2-7]{26}"
START_BY_FETCH = """fetch("{core}/start", {{
    method: "POST",
    headers: {{ "Content-Type": "application/json", Accept: "application/json" }},
    body: JSON.stringify({{ purpose: "report_move", auth_method: "test", comm_method: "chat" }}),
}}).then((answer) => answer.json()).then((told) => Object.keys(told).join(), () => "refused")"""


@pytest_asyncio.fixture(loop_scope="session", scope="session")
async def firefox(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Firefox]:
    async with firefox_running(tmp_path_factory.mktemp("firefox")) as firefox:
        yield firefox


@pytest_asyncio.fixture(loop_scope="session")
async def website() -> AsyncIterator[Website]:
    """The website of another site."""
    website = Website()
    async with serving(website.app()) as website.port:
        yield website


@pytest_asyncio.fixture(loop_scope="session")
async def house(website: Website, redis_of_the_house: RedisServer, tmp_path: Path) -> AsyncIterator[Site]:
    """A running server that allows that website."""
    with redis_of_the_house.client() as client:
        client.flushall()
    site = make_site(tmp_path, redis_of_the_house.url, top=SETTINGS)
    settings = site.config.read_text()
    site.config.write_text(settings.replace("https://www.voorbeeld.example", website.origin))
    website.core = site.url
    async with running_house(site) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="session", params=["chromium", "firefox"])
async def end_user(request: pytest.FixtureRequest, chromium: Browser, firefox: Firefox) -> AsyncIterator[Hands]:
    """Somebody at the website, who was never here before."""
    yield await (ChromiumHands.new(chromium) if request.param == "chromium" else firefox.new_page())
    await firefox.empty()


async def chooses_and_starts(end_user: Hands) -> None:
    """In the widget."""
    await end_user.picks(NL.test_person)
    await end_user.presses(NL.next)
    await end_user.picks(NL.chat)
    await end_user.presses(NL.start)


async def test_on_a_page_with_a_strict_policy_it_works_up_to_the_first_message_and_breaks_no_rule(
    end_user: Hands, website: Website, house: Site, chromium: Browser
) -> None:
    await end_user.goes_to(f"{website.origin}/strict")
    await chooses_and_starts(end_user)
    await end_user.arrives_at(r"/plugins/auth_test/session/.*")
    await end_user.presses(NL.share)
    await end_user.arrives_at(CONVERSATION)
    await end_user.reads(NL.waiting)
    town = Town(house, chromium)
    agent = await town.agent()
    await agent.helps()
    await end_user.reads(NL.talking_to_ann)
    await end_user.says(NL.your_message, "Ik kom van een andere website.")
    await agent.sees_messages("Ik kom van een andere website.")
    await agent.says("Welkom.")
    await end_user.reads("Welkom.")
    await agent.ends()
    await end_user.presses(NL.back)
    await end_user.arrives_at("/strict")
    await town.go_home()
    assert end_user.troubles == []
    assert town.troubles() == []


async def test_the_policy_of_that_page_is_in_force_and_who_breaks_it_is_noticed(
    end_user: Hands, website: Website, house: Site
) -> None:
    del house
    await end_user.goes_to(f"{website.origin}/strict?break")
    await end_user.reads(NL.test_person)
    assert await end_user.evaluate("window.broken === undefined")
    violations = [one for one in end_user.troubles if "violation of script-src-elem: inline" in one]
    assert len(violations) == 1


async def test_a_website_that_is_not_allowed_gets_no_options_and_starts_nothing(
    end_user: Hands, website: Website, house: Site
) -> None:
    await end_user.goes_to(f"{website.stranger}/verhuizen")
    await end_user.reads(NL.no_connection)
    await end_user.goes_to(website.stranger)
    assert await end_user.evaluate(START_BY_FETCH.format(core=house.url)) == "refused"
    await end_user.evaluate(
        f"""(() => {{
            const form = document.createElement("form");
            form.method = "post";
            form.action = "{house.url}/start";
            document.body.append(form);
            form.submit();
        }})()"""
    )
    await end_user.arrives_at("/start")
    await end_user.reads("Dit mag niet")


async def test_a_script_of_an_allowed_website_starts_by_fetch(end_user: Hands, website: Website, house: Site) -> None:
    await end_user.goes_to(website.origin)
    assert await end_user.evaluate(START_BY_FETCH.format(core=house.url)) == "client_url"
    assert end_user.troubles == []


async def test_who_comes_from_a_website_that_hides_its_origin_confirms_the_choice_and_is_led_back_there(
    end_user: Hands, website: Website, house: Site
) -> None:
    await end_user.goes_to(f"{website.origin}/hidden")
    await chooses_and_starts(end_user)
    await end_user.arrives_at(r"/contact/report_move\?.*")
    assert await end_user.evaluate("document.querySelectorAll(':checked').length") == 2
    assert await end_user.evaluate("document.querySelector('[name=return_url]').value") == f"{website.origin}/hidden"
    await end_user.presses(NL.start)
    await end_user.arrives_at(r"/plugins/auth_test/session/.*")
    assert end_user.troubles == []


async def test_a_button_of_the_page_opens_the_block_and_what_it_says_of_problems_is_shown(
    end_user: Hands, website: Website, house: Site
) -> None:
    del house
    await end_user.goes_to(f"{website.origin}/button")
    await end_user.presses("Chat met ons")
    await end_user.reads(NL.test_person)
    assert await end_user.evaluate("location.pathname") == "/button"
    assert end_user.troubles == []
    await end_user.goes_to(f"{website.stranger}/button")
    await end_user.presses("Chat met ons")
    await end_user.reads("Bel anders 14 010.")


@pytest.mark.parametrize("page", ["verhuizen", "button", "link"])
async def test_without_javascript_a_link_leads_to_the_choice_and_back(
    website: Website, house: Site, chromium: Browser, page: str
) -> None:
    end_user = await ChromiumHands.new(chromium, javascript="off")
    await end_user.goes_to(f"{website.origin}/{page}")
    await end_user.presses("Chat met ons" if page == "button" else "Neem contact met ons op")
    await end_user.arrives_at(r"/contact/report_move\?.*")
    assert end_user.page.url.startswith(house.url)
    await end_user.reads(NL.chat)
    if page == "link":
        await end_user.presses(NL.back)
        await end_user.arrives_at("/verhuizen")
        assert end_user.page.url == f"{website.origin}/verhuizen"


async def test_no_page_of_ours_is_shown_in_a_frame_not_even_on_an_allowed_website(
    end_user: Hands, website: Website, house: Site
) -> None:
    del house
    paths = ("/contact/report_move", "/console", "/staff/login", "/c/unknown", "/nothing")
    await end_user.goes_to(f"{website.origin}/frame?{'&'.join(f'of={path}' for path in paths)}")
    refused = [one for one in end_user.troubles if "frame-ancestors" in one]
    assert len(refused) >= len(paths), end_user.troubles
