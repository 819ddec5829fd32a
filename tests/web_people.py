"""The people of the browser's tests, each at a page of their own: what they do there, and what they must see."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from playwright.async_api import expect

from chromium import Troubles
from running import PASSWORD

if TYPE_CHECKING:
    from playwright.async_api import Locator, Page, WebSocket

    from running import Site
    from web_words import Words


class Person:
    """Somebody at a page."""

    def __init__(self, site: Site, page: Page, words: Words) -> None:
        self.site = site
        self.page = page
        self.words = words
        self.troubles = Troubles(page)
        self.frames: list[str] = []
        page.on("websocket", self._listen)

    def _listen(self, socket: WebSocket) -> None:
        socket.on("framereceived", lambda frame: self.frames.append(str(frame)))

    async def goes_to(self, path: str) -> None:
        """To an address of this server."""
        await self.page.goto(f"{self.site.url}{path}")

    async def presses(self, name: str) -> None:
        """A button, by what it says."""
        await self.page.get_by_role("button", name=name).click()

    async def reads(self, text: str) -> None:
        """Until it is there to be seen."""
        await expect(self.page.get_by_text(text).first).to_be_visible()

    async def sees_heading(self, text: str) -> None:
        """Until the page is about that."""
        await expect(self.heading(text)).to_be_visible()

    def heading(self, text: str) -> Locator:
        """A heading, by how it begins."""
        return self.page.get_by_role("heading", name=text)

    @property
    def log(self) -> Locator:
        """What was said and what happened."""
        return self.page.get_by_role("log")

    @property
    def said(self) -> Locator:
        """What was said, in order."""
        return self.log.locator("li.message .bubble")

    async def sees_messages(self, *texts: str) -> None:
        """Until exactly this was said, in this order, and all of it has arrived."""
        await expect(self.said).to_have_text(list(texts))
        await expect(self.log.locator("li.pending")).to_have_count(0)

    async def _says(self, box: str, text: str) -> None:
        await self.page.get_by_role("textbox", name=box).fill(text)
        await self.page.keyboard.press("Enter")

    async def keeps_this_page(self) -> None:
        """Leave a mark that a reload would remove; see `page_was_kept`."""
        await self.page.evaluate("window.kept = true")

    async def page_was_kept(self) -> bool:
        """Whether the page has not been loaded anew since."""
        kept: bool = await self.page.evaluate("window.kept === true")
        return kept


class EndUser(Person):
    """Somebody who wants help."""

    async def visits(self, topic: str = "report_move") -> None:
        """The municipality's page about it, where the widget stands."""
        await self.goes_to(f"/?topic={topic}&lang={self.words.language}")

    async def chooses(self, *, auth: str = "") -> None:
        """Both steps of the widget, up to what will happen."""
        await self.page.get_by_role("radio", name=auth or self.words.test_person).check()
        await self.presses(self.words.next)
        await self.page.get_by_role("radio", name=self.words.chat).check()
        await self.reads(self.words.what_will_happen)

    async def starts(self, topic: str = "report_move") -> None:
        """From the municipality's page to where they are asked what to share."""
        await self.visits(topic)
        await self.chooses()
        await self.presses(self.words.start)
        await self.page.wait_for_url("**/plugins/auth_test/**")

    async def shares(self) -> None:
        """What was asked for; the way leads through the landing to a clean address."""
        await self.presses(self.words.share)
        await self.page.wait_for_url(re.compile(r"/c/[a-z2-7]{26}$"))

    async def refuses(self) -> None:
        """To share it."""
        await self.presses(self.words.refuse)
        await self.page.wait_for_url(re.compile(r"/c/[a-z2-7]{26}$"))

    async def waits(self, topic: str = "report_move") -> None:
        """From the municipality's page into the queue."""
        await self.starts(topic)
        await self.shares()
        await self.sees_heading(self.words.waiting)

    async def says(self, text: str) -> None:
        """In the conversation."""
        await self._says(self.words.your_message, text)

    async def is_helped(self) -> None:
        """Until Ann is there."""
        await self.sees_heading(self.words.talking_to_ann)

    async def ends(self) -> None:
        """The conversation, and says so once more."""
        await self.presses(self.words.end)
        await self.page.get_by_role("dialog").get_by_role("button", name=self.words.end_yes).click()

    async def leaves_the_queue(self) -> None:
        """And says so once more."""
        await self.presses(self.words.leave_queue)
        await self.page.get_by_role("dialog").get_by_role("button", name=self.words.leave_yes).click()


class Staff(Person):
    """Somebody at the console."""

    async def logs_in(self, account: str) -> None:
        """By the form that the console asks for."""
        await self.goes_to(f"/console?lang={self.words.language}")
        await self.fills_in(account, PASSWORD)
        await self.page.wait_for_url("**/console*")

    async def fills_in(self, account: str, password: str) -> None:
        """The log-in form."""
        await self.page.get_by_label(self.words.account).fill(account)
        await self.page.get_by_label(self.words.password).fill(password)
        await self.presses(self.words.log_in)


class Agent(Staff):
    """Somebody who helps."""

    async def is_available(self) -> None:
        """For conversations."""
        await self._sets(self.words.available)

    async def is_away(self) -> None:
        """For a while."""
        await self._sets(self.words.away)

    async def _sets(self, status: str) -> None:
        button = self.page.get_by_role("button", name=status, exact=True)
        await button.click()
        await expect(button).to_have_attribute("aria-pressed", "true")

    @property
    def offer(self) -> Locator:
        """What is offered."""
        return self.page.get_by_role("region", name=self.words.offer).locator("section")

    async def sees_no_offer(self) -> None:
        """Until nothing is offered."""
        await expect(self.offer).to_have_count(0)

    async def is_offered(self, topic: str) -> None:
        """Until a conversation about it is."""
        await expect(self.offer.get_by_role("heading", name=topic)).to_be_visible()

    async def accepts(self) -> None:
        """What is offered; the conversation is there."""
        await self.offer.get_by_role("button", name=self.words.accept).click()
        await expect(self.message_box).to_be_visible()

    async def declines(self) -> None:
        """What is offered."""
        await self.offer.get_by_role("button", name=self.words.decline).click()

    async def helps(self) -> None:
        """Whoever comes next."""
        await self.is_available()
        await self.accepts()

    @property
    def message_box(self) -> Locator:
        """Where messages are typed."""
        return self.page.get_by_role("textbox", name=self.words.message_to_end_user)

    @property
    def panel(self) -> Locator:
        """What the system knows, beside what is said."""
        return self.page.get_by_role("complementary", name=self.words.details)

    @property
    def verified(self) -> Locator:
        """The verified attributes: labels and values."""
        return self.panel.locator(".verified .attributes > div")

    async def sees_verified(self, *values: str) -> None:
        """Until exactly these values are shown as verified."""
        pairs = [f"{label} {value}" for label, value in zip(self.words.attributes, values, strict=False)]
        await expect(self.verified).to_have_text([re.compile(pair.replace(" ", r"\s+", 1)) for pair in pairs])

    async def says(self, text: str) -> None:
        """In the conversation in view."""
        await self._says(self.words.message_to_end_user, text)

    async def ends(self) -> None:
        """The conversation in view, and says so once more."""
        await self.presses(self.words.end)
        await self.page.get_by_role("dialog").get_by_role("button", name=self.words.end_yes).click()


class Supervisor(Staff):
    """Somebody who watches queues and agents."""

    def row(self, name: str) -> Locator:
        """A row of one of the tables, by what it begins with."""
        return self.page.get_by_role("row").filter(has=self.page.get_by_role("rowheader", name=name))


NOWHERE: Final = "http://127.0.0.1:9/plugin"
"""Nobody listens on the discard port."""
