"""The website of the demo's municipality."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import httpx2
import pytest
from starlette.applications import Starlette

from idcontact.asset_files import AssetFiles
from idcontact.demo_site import THEMES, TOPICS, DemoSite
from idcontact.pages import Pages

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@pytest.fixture
async def browser() -> AsyncIterator[httpx2.AsyncClient]:
    pages = Pages(public_url="http://localhost:8000", assets=AssetFiles({}))
    app = Starlette(routes=DemoSite(pages).routes())
    transport = httpx2.ASGITransport(app=app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://localhost:8000") as client:
        yield client


@pytest.mark.parametrize("topic", TOPICS)
@pytest.mark.parametrize("language", ["nl", "en"])
async def test_each_topic_has_a_page_in_both_languages(browser: httpx2.AsyncClient, topic: str, language: str) -> None:
    page = await browser.get("/", params={"topic": topic, "lang": language})
    assert page.status_code == 200
    assert f'<html lang="{language}">' in page.text
    assert f'<id-contact purpose="{topic}" lang="{language}">' in page.text
    assert f'<a href="/contact/{topic}?lang={language}">' in page.text
    assert page.text.count('<li><a href="/?topic=') == len(TOPICS) - 1


async def test_the_front_page_is_about_moving_in_the_language_of_the_browser(browser: httpx2.AsyncClient) -> None:
    dutch = await browser.get("/")
    english = await browser.get("/", headers={"Accept-Language": "en-GB"})
    assert "<h1>Verhuizing doorgeven</h1>" in dutch.text
    assert "<h1>Report a change of address</h1>" in english.text


async def test_an_unknown_topic_shows_the_front_page_and_nothing_of_what_was_asked(browser: httpx2.AsyncClient) -> None:
    page = await browser.get("/", params={"topic": '"><script>x'})
    assert 'purpose="report_move"' in page.text
    assert "script>x" not in page.text


@pytest.mark.parametrize("theme", THEMES)
async def test_each_theme_is_kept_from_page_to_page(browser: httpx2.AsyncClient, theme: str) -> None:
    page = await browser.get("/", params={"theme": theme})
    assert f'<body class="{theme}-theme">' in page.text
    assert ("/static/themes/voorbeeld.css" in page.text) is (theme == "voorbeeld")
    topics = re.findall(r'<li><a href="/\?topic=([^"]*)"', page.text)
    assert [f"theme={theme}" in topic for topic in topics] == [theme != THEMES[0]] * (len(TOPICS) - 1)


async def test_an_unknown_theme_is_the_municipalitys_own(browser: httpx2.AsyncClient) -> None:
    page = await browser.get("/", params={"theme": '"><script>x'})
    assert '<body class="town-theme">' in page.text
    assert "script>x" not in page.text


async def test_all_that_the_page_needs_comes_from_this_server_and_no_script_or_style_stands_in_it(
    browser: httpx2.AsyncClient,
) -> None:
    page = await browser.get("/")
    sources = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert all(source.startswith(("/", "#")) for source in sources)
    assert "<style" not in page.text
    assert " style=" not in page.text
    assert re.findall(r"<script[^>]*>(.*?)</script>", page.text) == [""]
    for source in sources:
        if source.startswith("/demo/"):
            assert (await browser.get(source)).status_code == 200
