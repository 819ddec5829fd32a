"""Somebody at a browser, whichever it is: what the same test does in Chromium and in Firefox."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, Literal, Protocol

from playwright.async_api import expect

from chromium import PATIENCE, Troubles

if TYPE_CHECKING:
    from playwright.async_api import Browser, Page

_PRESSABLE: Final[tuple[Literal["button"], Literal["link"]]] = ("button", "link")
_NOTE_VIOLATIONS: Final = """addEventListener("securitypolicyviolation", (event) => console.error(
    `violation of ${event.effectiveDirective}: ${event.blockedURI} at ${event.sourceFile}`))"""


class Hands(Protocol):
    """One page, and what a person does there. `firefox.FirefoxPage` has them too."""

    @property
    def troubles(self) -> list[str]:
        """Errors and warnings of scripts, of policy, of loading."""

    async def goes_to(self, url: str) -> None:
        """An address, until it is loaded."""

    async def arrives_at(self, pattern: str) -> None:
        """Until a page is loaded whose address ends so."""

    async def reads(self, text: str) -> None:
        """Until it is there to be seen."""

    async def presses(self, name: str) -> None:
        """A button or a link, by how its name begins."""

    async def picks(self, name: str) -> None:
        """One of several, by how its label begins."""

    async def says(self, box: str, text: str) -> None:
        """Type it in the box of this name, and send it off."""

    async def evaluate(self, expression: str) -> Any:
        """What a script in the page gives: a string, a number, true, false or null."""


class ChromiumHands:
    """A page of Chromium, with a cookie jar of its own."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self._troubles = Troubles(page)

    @classmethod
    async def new(cls, browser: Browser, *, javascript: str = "on", locale: str = "nl-NL") -> ChromiumHands:
        """A page of somebody who was never here before."""
        context = await browser.new_context(
            locale=locale, java_script_enabled=javascript == "on", reduced_motion="reduce"
        )
        context.set_default_timeout(PATIENCE)
        if javascript == "on":
            await context.add_init_script(_NOTE_VIOLATIONS)
        return cls(await context.new_page())

    @property
    def troubles(self) -> list[str]:
        """Errors and warnings of scripts, of policy, of loading."""
        return self._troubles.unexpected()

    async def goes_to(self, url: str) -> None:
        """An address, until it is loaded."""
        await self.page.goto(url)

    async def arrives_at(self, pattern: str) -> None:
        """Until a page is loaded whose address ends so."""
        await self.page.wait_for_url(re.compile(f"{pattern}$"))

    async def reads(self, text: str) -> None:
        """Until it is there to be seen."""
        await expect(self.page.get_by_text(text).first).to_be_visible()

    async def presses(self, name: str) -> None:
        """A button or a link, by how its name begins."""
        button, link = (self.page.get_by_role(role, name=name) for role in _PRESSABLE)
        await button.or_(link).first.click()

    async def picks(self, name: str) -> None:
        """One of several, by how its label begins."""
        await self.page.get_by_role("radio", name=name).check()

    async def says(self, box: str, text: str) -> None:
        """Type it in the box of this name, and send it off."""
        await self.page.get_by_role("textbox", name=box).fill(text)
        await self.page.keyboard.press("Enter")

    async def evaluate(self, expression: str) -> Any:
        """What a script in the page gives: a string, a number, true, false or null."""
        return await self.page.evaluate(expression)
