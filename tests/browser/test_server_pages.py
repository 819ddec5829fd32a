"""The pages that the server makes, in a real Chromium: policy, cookies, forms, accessibility, a phone's width."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

import pytest
import pytest_asyncio
import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response
from starlette.routing import Mount, Route

from chromium import findings
from idcontact.asset_files import AssetFiles
from idcontact.door import Door
from idcontact.errors import Gone, IdContactError
from idcontact.limits import Limiter
from idcontact.pages import ASSETS_FOLDER, Pages, PageSettings
from idcontact.redis import connect
from idcontact.security import OriginCheck, PagePolicy, SecurityHeaders, plugin_targets
from idcontact.staff.part import Staff
from idcontact.staff.settings import StaffSettings
from staff_house import PASSWORDS, account

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from playwright.async_api import Browser, Page
    from redis.asyncio import Redis
    from starlette.requests import Request
    from starlette.types import ASGIApp

    from servers import RedisServer

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]
COOKIE: Final = "__Host-idc-c-abc"


class Site:
    """A server of these pages on two origins: `localhost` is ours, `127.0.0.1` plays another site."""

    def __init__(self, redis: Redis) -> None:
        self.redis = redis
        self.port = 0
        self.landed_with: dict[str, str] = {}
        self.seen_cookie: str | None = None

    @property
    def own(self) -> str:
        return f"http://localhost:{self.port}"

    @property
    def other(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def app(self) -> ASGIApp:
        assets = AssetFiles({"/assets": ASSETS_FOLDER})
        settings = PageSettings(organisation="Gemeente Voorbeeldstad")
        self.pages = Pages(public_url=self.own, assets=assets, settings=settings)
        staff = Staff(
            self.redis,
            "idc",
            settings=StaffSettings(accounts=(account("anna"),)),
            limiter=Limiter(self.redis, "idc"),
            pages=self.pages,
        )
        app = Starlette(
            routes=[
                *staff.routes(),
                Route("/land/{ticket}", self.land, methods=["GET", "POST"]),
                Route("/c/{conversation}", self.conversation),
                Route("/gone", self.gone),
                Route("/leave", self.leave, methods=["GET", "POST"]),
                Mount("/assets", assets),
            ],
            exception_handlers={IdContactError: self.pages.handle, HTTPException: self.pages.handle},
        )
        return Door(
            app,
            headers=SecurityHeaders(https_only=False),
            origins=OriginCheck(own_origins=[self.own]),
            refuse=self.pages.error_response,
        )

    async def land(self, request: Request) -> Response:
        if request.method == "GET":
            return self.pages.render(request, "landing.html", policy=PagePolicy(referrer="no-referrer"))
        self.landed_with = dict(request.headers)
        response = RedirectResponse("/c/abc", 303)
        response.set_cookie(COOKIE, "1", path="/", secure=True, httponly=True, samesite="lax")
        return response

    async def conversation(self, request: Request) -> Response:
        self.seen_cookie = request.cookies.get(COOKIE)
        return self.pages.render(request, "conversation.html", conversation="abc")

    async def gone(self, request: Request) -> Response:
        raise Gone("this ticket is used")

    async def leave(self, request: Request) -> Response:
        """A form whose answer leads to another site; `?named` and `?anywhere` tell the browser so beforehand."""
        if request.method == "POST":
            return RedirectResponse(f"{self.other}/gone", 303)
        asked = request.query_params
        targets = (self.other,) if "named" in asked else plugin_targets(self.own) if "anywhere" in asked else ()
        return self.pages.render(request, "landing.html", policy=PagePolicy(form_targets=targets))


@asynccontextmanager
async def served(site: Site) -> AsyncIterator[Site]:
    config = uvicorn.Config(site.app, factory=True, host="127.0.0.1", port=0, log_level="warning")
    listener = config.bind_socket()
    site.port = listener.getsockname()[1]
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        yield site
    finally:
        server.should_exit = True
        await serving
        listener.close()


@pytest_asyncio.fixture(loop_scope="session")
async def site(redis_of_the_house: RedisServer) -> AsyncIterator[Site]:
    """These pages, with nothing stored yet."""
    with redis_of_the_house.client() as client:
        client.flushall()
    redis = connect(redis_of_the_house.url)
    async with served(Site(redis)) as running:
        yield running
    await redis.aclose()


async def new_page(
    browser: Browser, *, width: int = 1280, locale: str = "nl-NL", javascript: str = "on"
) -> tuple[Page, list[str]]:
    """A page with an empty cookie jar, and the violations of policy that its console will tell of."""
    context = await browser.new_context(
        viewport={"width": width, "height": 740}, locale=locale, java_script_enabled=javascript == "on"
    )
    page = await context.new_page()
    violations: list[str] = []
    page.on("console", lambda line: violations.append(line.text) if "Content Security Policy" in line.text else None)
    return page, violations


async def test_a_landing_goes_on_by_itself_and_leaves_no_ticket_in_the_history(site: Site, chromium: Browser) -> None:
    page, violations = await new_page(chromium)
    await page.goto("about:blank")
    await page.goto(f"{site.own}/land/secret")
    await page.wait_for_url("**/c/abc")
    assert site.seen_cookie == "1"
    assert "referer" not in site.landed_with
    assert (site.landed_with["origin"], site.landed_with["sec-fetch-site"]) == ("null", "same-origin")
    await page.go_back()
    assert page.url == "about:blank"
    assert violations == []


async def test_a_landing_goes_on_by_a_button_without_javascript(site: Site, chromium: Browser) -> None:
    page, _ = await new_page(chromium, javascript="off", locale="en-GB")
    await page.goto(f"{site.own}/land/secret")
    await page.get_by_role("button", name="Go to the conversation").click()
    await page.wait_for_url("**/c/abc")
    assert site.seen_cookie == "1"
    assert await page.get_by_role("heading", name="Turn on JavaScript").is_visible()


@pytest.mark.parametrize("javascript", ["on", "off"])
async def test_an_agent_logs_in_by_keyboard_and_stays_in(site: Site, chromium: Browser, javascript: str) -> None:
    page, violations = await new_page(chromium, javascript=javascript)
    await page.goto(f"{site.own}/console")
    await page.wait_for_url("**/staff/login")
    await page.get_by_label("Gebruikersnaam").press_sequentially("anna")
    await page.keyboard.press("Tab")
    await page.keyboard.type(PASSWORDS["anna"])
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/console")
    await page.reload()
    assert page.url == f"{site.own}/console"
    cookies = {cookie["name"]: cookie for cookie in await page.context.cookies()}
    assert set(cookies) == {"__Host-idc-staff", "__Host-idc-known"}
    assert all(cookie["secure"] and cookie["httpOnly"] for cookie in cookies.values())
    assert violations == []


async def test_a_form_leads_to_another_site_only_where_its_page_named_that(site: Site, chromium: Browser) -> None:
    page, violations = await new_page(chromium)
    for told in ("named", "anywhere"):
        await page.goto(f"{site.own}/leave?{told}")
        await page.wait_for_url(f"{site.other}/gone")
    assert violations == []
    await page.route("**/land.js*", lambda route: route.abort())
    await page.goto(f"{site.own}/leave")
    async with page.expect_console_message(lambda line: "form-action" in line.text):
        await page.get_by_role("button").click()
    assert page.url == f"{site.own}/leave"


@pytest.mark.parametrize("width", [1280, 360])
@pytest.mark.parametrize("locale", ["nl-NL", "en-GB"])
async def test_every_page_is_accessible_and_fits_a_phone(
    site: Site, chromium: Browser, width: int, locale: str
) -> None:
    page, violations = await new_page(chromium, width=width, locale=locale)
    await page.goto(f"{site.own}/staff/login")
    assert await findings(page) == []
    await page.locator("#account").fill("anna")
    await page.locator("#password").fill("wrong")
    await page.keyboard.press("Enter")
    await page.get_by_role("alert").wait_for()
    assert await findings(page) == []
    await page.goto(f"{site.own}/gone")
    assert await findings(page) == []
    await page.route("**/land.js*", lambda route: route.abort())
    await page.goto(f"{site.own}/land/secret")
    assert await findings(page) == []
    assert violations == []
