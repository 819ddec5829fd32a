"""The room in a frame on the platform's page, in a real browser."""

from __future__ import annotations

import asyncio
import socket
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest
import uvicorn
from playwright.async_api import expect
from starlette.applications import Starlette
from starlette.responses import HTMLResponse
from starlette.routing import Mount, Route

from chromium import Troubles, chromium_running, findings
from comm_house import auth_token
from idcontact.asset_files import AssetFiles
from idcontact.door import Door
from idcontact.listeners import Listener
from idcontact.pages import ASSETS_FOLDER
from idcontact.security import SecurityHeaders
from platform_house import PlatformHouse, guest_token, host_token, open_platform_house

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from playwright.async_api import Page
    from playwright.async_api import Route as Asked
    from starlette.requests import Request
    from starlette.responses import Response

pytestmark = pytest.mark.browser


@asynccontextmanager
async def served() -> AsyncIterator[tuple[PlatformHouse, str]]:
    """The plugin on a real port, and the address of a page of the platform with the room in a frame."""
    with socket.create_server(("127.0.0.1", 0)) as sock:
        port = sock.getsockname()[1]
        base, site = f"http://127.0.0.1:{port}/plugins/comm_platform", f"http://video.localhost:{port}"

        async def page(_: Request) -> Response:
            head = '<title>Video</title><link rel="icon" href="data:,">'
            return HTMLResponse(f'{head}<iframe src="{base}/host/{host_token()}?lang=en"></iframe>')

        async with open_platform_house({"frame_ancestors": [site]}, public_url=base) as house:
            plugin = Door(house.plugin.public, headers=SecurityHeaders(https_only=False))
            routes = [
                Mount("/assets", AssetFiles({"/assets": ASSETS_FOLDER})),
                Mount("/plugins/comm_platform", plugin),
                Route("/room", page),
            ]
            config = uvicorn.Config(
                Starlette(routes=routes), lifespan="off", log_config=None, ws="none", timeout_graceful_shutdown=1
            )
            listener = Listener(config)
            serving = asyncio.create_task(listener.serve(sockets=[sock]))
            try:
                await listener.up.wait()
                yield house, f"{site}/room"
            finally:
                listener.should_exit = True
                await serving


@asynccontextmanager
async def a_page() -> AsyncIterator[tuple[Page, Troubles]]:
    """A page, and what the browser complained of."""
    async with chromium_running() as browser:
        page = await browser.new_page()
        yield page, Troubles(page)
        await page.close()


async def test_what_guests_share_is_in_the_frame_at_once_and_nothing_is_complained_of() -> None:
    async with served() as (house, address), a_page() as (page, troubles):
        await page.goto(address)
        room = page.frame_locator("iframe")
        await expect(room.get_by_role("log")).to_contain_text("Nobody has shared details yet.")
        attr_url = await house.begin(guest_token(name="<b>Henk</b>"))
        await expect(room.get_by_role("log")).to_contain_text("is identifying now")
        await expect(room.get_by_role("heading", level=2)).to_have_text("<b>Henk</b>")
        assert await house.deliver(attr_url, auth_token({"fullname": "Henk de Vries"}, at=house.now[0])) == 200
        await expect(room.get_by_role("log")).to_contain_text("Henk de Vries")
        for number in range(5):
            await house.begin(guest_token(f"more {number}", name=f"Guest {number}"))
        await expect(room.get_by_role("heading", level=2)).to_have_count(6)
        assert troubles.unexpected() == []


async def test_the_room_stays_up_to_date_when_the_connection_is_lost_for_a_while() -> None:
    async with served() as (house, address), a_page() as (page, _):
        await page.goto(address)
        room = page.frame_locator("iframe")
        await expect(room.get_by_role("log")).to_contain_text("Nobody has shared details yet.")
        await page.context.set_offline(offline=True)
        await house.begin(guest_token())
        await page.context.set_offline(offline=False)
        await expect(room.get_by_role("log")).to_contain_text("is identifying now")


async def test_the_room_stays_up_to_date_when_the_server_answers_that_it_is_away_for_a_while() -> None:
    async with served() as (house, address), a_page() as (page, _):
        refusing = page.expect_event("response", lambda answer: answer.status == 503)

        async def refuse(asked: Asked) -> None:
            await asked.fulfill(status=503, body="")

        await page.route("**/host/live/**", refuse)
        async with refusing:
            await page.goto(address)
        room = page.frame_locator("iframe")
        await expect(room.locator("[data-lost]")).to_be_visible()
        await house.begin(guest_token())
        await page.unroute("**/host/live/**")
        await expect(room.get_by_role("log")).to_contain_text("is identifying now", timeout=15_000)
        await expect(room.locator("[data-lost]")).to_be_hidden()
        await house.begin(guest_token("g2", name="Ina"))
        await expect(room.get_by_role("log")).to_contain_text("Ina")


async def test_the_room_has_nothing_that_keeps_anybody_out() -> None:
    async with served() as (house, _), a_page() as (page, _):
        await house.identify(guest_token(), {"fullname": "Henk de Vries"})
        await page.goto(f"{house.host.public_url}/host/{host_token()}")
        assert await findings(page) == []
