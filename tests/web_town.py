"""A made-up municipality, and who comes there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, TypeVar

from chromium import PATIENCE, WIDE
from live_people import EndUser as Visitor
from web_people import NOWHERE, Agent, EndUser, Person, Supervisor
from web_words import WORDS

if TYPE_CHECKING:
    from playwright.async_api import Browser, BrowserContext

    from running import Site
    from web_words import Language

P = TypeVar("P", bound=Person)

SETTINGS: Final = f"""
[pages]
organisation = "Gemeente Voorbeeldstad"
website = "https://www.voorbeeld.example"
telephone = "14 010"
telephone_hours = {{ nl = "maandag t/m vrijdag van 9.00 tot 17.00 uur", en = "Monday to Friday, 9:00 to 17:00" }}
[[auth_methods]]
tag = "elsewhere"
name = {{ nl = "Andere dienst", en = "Another service" }}
description = {{ nl = "Met uw pas en een pincode.", en = "With your card and a PIN." }}
image_path = "/assets/icon.svg"
start = "{NOWHERE}"
[[comm_methods]]
tag = "telephone"
name = {{ nl = "Bellen", en = "Telephone" }}
start = "{NOWHERE}"
[[purposes]]
tag = "parking_permit"
name = {{ nl = "Parkeervergunning", en = "Parking permit" }}
attributes = ["city"]
allowed_auth = ["test"]
allowed_comm = ["chat"]
[[purposes]]
tag = "complaint"
name = {{ nl = "Klacht", en = "Complaint" }}
attributes = ["fullname"]
allowed_auth = ["*"]
allowed_comm = ["*"]
allow_unauthenticated = true
[[purposes]]
tag = "market_stall"
name = {{ nl = "Marktkraam", en = "Market stall" }}
attributes = ["fullname"]
allowed_auth = ["*"]
allowed_comm = ["*"]
opening_hours = "never"
[opening_hours.never]
time_zone = "Europe/Amsterdam"
"""
"""Beside what every test site has: methods to choose from whose plugins cannot be reached, a purpose that leaves no
choice, one for which nobody has to identify, and one that is closed."""

_LOCALES: Final[dict[Language, str]] = {"nl": "nl-NL", "en": "en-GB"}


class Town:
    """Whoever takes part in one test, each with a browser profile of their own."""

    def __init__(self, site: Site, browser: Browser) -> None:
        self.site = site
        self._browser = browser
        self.init_script = ""
        """What runs before each page of whoever comes from now on."""
        self._contexts: list[BrowserContext] = []
        self._people: list[Person] = []

    async def end_user(
        self, language: Language = "nl", *, width: int = WIDE, motion: Literal["no-preference", "reduce"] = "reduce"
    ) -> EndUser:
        """Somebody who is nowhere yet."""
        return await self._new(EndUser, language, width, motion)

    async def agent(self, account: str = "ann", language: Language = "nl") -> Agent:
        """Somebody who helps, at the console."""
        agent = await self._new(Agent, language)
        await agent.logs_in(account)
        return agent

    async def supervisor(self, language: Language = "nl") -> Supervisor:
        """Somebody who watches, at the console."""
        supervisor = await self._new(Supervisor, language)
        await supervisor.logs_in("sue")
        return supervisor

    async def stranger(self, language: Language = "nl") -> Agent:
        """Somebody of the staff who has not logged in."""
        return await self._new(Agent, language)

    async def another_tab(self, person: P) -> P:
        """The same person with one page more, in the same browser, at the same address."""
        tab = type(person)(person.site, await person.page.context.new_page(), person.words)
        self._people.append(tab)
        await tab.page.goto(person.page.url)
        return tab

    async def arrives_before_the_result(self, end_user: EndUser) -> None:
        """Somebody lands while the auth plugin has not delivered anything yet."""
        started = await Visitor.start(self.site)
        await started.browser.close()
        await end_user.page.goto(started.client_url)
        await end_user.page.wait_for_url("**/c/*")

    async def _new(
        self,
        kind: type[P],
        language: Language,
        width: int = WIDE,
        motion: Literal["no-preference", "reduce"] = "no-preference",
    ) -> P:
        context = await self._browser.new_context(
            locale=_LOCALES[language], viewport={"width": width, "height": 800}, reduced_motion=motion
        )
        context.set_default_timeout(PATIENCE)
        if self.init_script:
            await context.add_init_script(self.init_script)
        self._contexts.append(context)
        person = kind(self.site, await context.new_page(), WORDS[language])
        self._people.append(person)
        return person

    async def go_home(self) -> None:
        """Everybody."""
        for context in self._contexts:
            await context.close()

    def troubles(self) -> list[str]:
        """What went wrong on anybody's page."""
        return [one for person in self._people for one in person.troubles.unexpected()]
