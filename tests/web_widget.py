"""The widget on a page, with whatever the core may say of a purpose."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from playwright.async_api import Route, expect

if TYPE_CHECKING:
    from playwright.async_api import Locator, Page

    from web_people import EndUser
    from web_words import Language

Options = dict[str, Any]

_SESSION_OPTIONS: Final = "**/session_options/*"
_IN_ENGLISH: Final = {
    "Met de DigiD-app of met sms.": "With the DigiD app or by text message.",
    "Met de Yivi-app op uw telefoon.": "With the Yivi app on your phone.",
    "Typ met een medewerker.": "Type with an agent.",
    "U ziet en hoort een medewerker.": "You see and hear an agent.",
    "Bellen": "Telephone",
    "Videobellen": "Video call",
    "Naam": "Name",
    "Adres": "Address",
    "Verhuizing doorgeven": "Report a move",
}

CLOSED: Final = {"open": False, "until": "2126-11-25T09:00:00+01:00"}
"""Far away, so that the day is written the same whenever the tests run."""


def offered(language: Language) -> Options:
    """Everything there can be to say, in that language."""
    options: Options = {
        "name": "Verhuizing doorgeven",
        "attributes": [{"tag": "fullname", "name": "Naam"}, {"tag": "address", "name": "Adres"}],
        "unauthenticated": True,
        "auth_methods": [
            _method("digid", "DigiD", "Met de DigiD-app of met sms."),
            _method("yivi", "Yivi", "Met de Yivi-app op uw telefoon."),
        ],
        "comm_methods": [
            {
                **_method("chat", "Chat", "Typ met een medewerker."),
                "availability": {"open": True, "agents": 2, "waiting": 3, "expected_wait": 420},
            },
            {**_method("video", "Videobellen", "U ziet en hoort een medewerker."), "availability": CLOSED},
            _method("telephone", "Bellen", None),
        ],
    }
    return options if language == "nl" else _in_english(options)


def only_chat(language: Language, availability: dict[str, object] | None = None) -> Options:
    """One way to identify and one to talk: nothing is asked."""
    options = offered(language)
    chat = options["comm_methods"][0]
    if availability is not None:
        chat = {**chat, "availability": availability}
    return {
        **options,
        "unauthenticated": False,
        "auth_methods": options["auth_methods"][:1],
        "comm_methods": [chat],
    }


def _method(tag: str, name: str, description: str | None) -> Options:
    method = {"tag": tag, "name": name, "image_path": "/assets/icon.svg"}
    return method if description is None else {**method, "description": description}


def _in_english(value: Any) -> Any:
    match value:
        case dict():
            return {key: _in_english(one) for key, one in value.items()}
        case list():
            return [_in_english(one) for one in value]
        case str():
            return _IN_ENGLISH.get(value, value)
        case _:
            return value


def widget(page: Page) -> Locator:
    """The element."""
    return page.locator("id-contact")


async def core_says(page: Page, options: Options, status: int = 200) -> None:
    """Whatever is asked of the core from now on, this is the answer."""

    async def answer(route: Route) -> None:
        await route.fulfill(status=status, body=json.dumps(options), content_type="application/json")

    await page.unroute(_SESSION_OPTIONS)
    await page.route(_SESSION_OPTIONS, answer)


async def core_is_away(page: Page) -> None:
    """Nothing answers."""
    await page.unroute(_SESSION_OPTIONS)
    await page.route(_SESSION_OPTIONS, lambda route: route.abort())


async def visits(end_user: EndUser, options: Options, *, theme: str = "town", status: int = 200) -> Locator:
    """The municipality's page, where the core says this; gives the widget as soon as it shows something."""
    await core_says(end_user.page, options, status)
    return await arrives(end_user, theme=theme)


async def arrives(end_user: EndUser, *, theme: str = "town") -> Locator:
    """The municipality's page; gives the widget as soon as it shows what came of asking."""
    await end_user.goes_to(f"/?topic=report_move&lang={end_user.words.language}&theme={theme}")
    part = widget(end_user.page)
    await expect(part.locator("form, .notice").first).to_be_visible()
    return part
