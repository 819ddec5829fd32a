"""A real Chromium for tests, pages whose troubles are noted, and what axe has to say about them.

`IDCONTACT_SCREENSHOTS` names a folder: then a picture of every inspected page is put there, at every width.
"""

from __future__ import annotations

import os
import re
import shutil
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from playwright.async_api import async_playwright, expect

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from playwright.async_api import Browser, ConsoleMessage, Locator, Page, Route

_ROOT: Final = Path(__file__).parents[1]
_AXE: Final = _ROOT / "node_modules/axe-core/axe.min.js"
_BUILT: Final = _ROOT / "server/idcontact/static/manifest.json"
WIDE: Final = 1280
PHONE: Final = 360
NARROWEST: Final = 320
"""A window of 1280 pixels at 400 %: WCAG 2.2, 1.4.10 Reflow."""
PATIENCE: Final = 30_000
"""Milliseconds that an expectation may take. Long, since it is reached only by what fails."""

expect.set_options(timeout=PATIENCE)

# What is fixed by a touch of the page, and what the page says itself.
_HARMLESS: Final = re.compile(r"The AudioContext was not allowed to start")

_FINDINGS: Final = """async (colours) => {
    const standards = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22a", "wcag22aa", "best-practice"];
    const results = await axe.run(document, {
        runOnly: standards,
        rules: { "target-size": { enabled: true }, "color-contrast": { enabled: colours } },
        resultTypes: ["violations"],
    });
    return results.violations.flatMap(({ id, help, nodes }) =>
        nodes.map(({ target, html }) => `${id}: ${help}: ${target.join(" ")}: ${html.slice(0, 200)}`));
}"""


class Missing(Exception):
    """Something that tests in a browser need is not on this machine; the text says what to do."""


def executable() -> Path:
    """Chromium's own program, without the windows around its pages where there is that: it takes a third of the time.

    Raises Missing.
    """
    found = shutil.which("chromium-headless-shell") or shutil.which("chromium")
    if found is None:
        raise Missing("no Chromium: `apt-get install chromium-headless-shell`; `make test` does that where it may")
    return Path(found)


def check_front_ends() -> None:
    """Raises Missing where the pages' scripts have not been built, or axe is not there to look at them."""
    if not _BUILT.exists():
        raise Missing("the front ends are not built: `npm ci && npm run build`, or `make test`, which does so")
    if not _AXE.exists():
        raise Missing("node_modules/axe-core is not there: `npm ci`, or `make test`, which does so")


@asynccontextmanager
async def chromium_running() -> AsyncIterator[Browser]:
    """A browser without any windows. Raises Missing."""
    check_front_ends()
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=executable(), args=["--no-sandbox"])
        try:
            yield browser
        finally:
            await browser.close()


class Troubles:
    """What goes wrong on one page without anybody seeing it: errors and warnings of scripts, of policy, of loading."""

    def __init__(self, page: Page) -> None:
        self._noted: list[str] = []
        self._expected: list[str] = []
        page.on("console", self._said)
        page.on("pageerror", lambda error: self._noted.append(f"uncaught: {error}"))

    def expect(self, part: str) -> None:
        """A test that provokes a trouble names a part of its text, so that no other one passes with it."""
        self._expected.append(part)

    def unexpected(self) -> list[str]:
        """All others."""
        return [one for one in self._noted if not any(part in one for part in self._expected)]

    def _said(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"} and not _HARMLESS.search(message.text):
            self._noted.append(f"{message.type}: {message.text} ({message.location['url']})")


async def findings(page: Page, language: str = "nl") -> list[str]:
    """What axe has to say about a page as it is, and whether it must be scrolled sideways.

    Colours are the same in every language, and take axe longest: it looks at them in Dutch.
    """
    if not await page.evaluate("'axe' in window"):
        axe = _AXE.read_text(encoding="utf-8")
        await page.evaluate(axe)
        await page.context.add_init_script(axe)  # those that follow have it from the start, in a fifth of the time
    found: list[str] = await page.evaluate(_FINDINGS, language == "nl")
    return found + await sideways(page)


async def sideways(page: Page) -> list[str]:
    """Whether the page is wider than its window."""
    wide: list[int] = await page.evaluate(
        "[document.documentElement.scrollWidth, document.documentElement.clientWidth]"
    )
    return [f"scrolls sideways: {wide[0]} pixels in {wide[1]}"] if wide[0] > wide[1] else []


async def inspect(page: Page, name: str, *, height: int = 800) -> None:
    """Nothing to be found on this page, wide or on a phone; at 320 pixels and at 200 % nothing is cut off.

    What another language makes of it shows on the phone, where there is least room.
    """
    language: str = await page.evaluate("document.documentElement.lang")
    was = page.viewport_size or {"width": WIDE, "height": height}
    found: list[str] = []
    for width in (WIDE, PHONE):
        await page.set_viewport_size({"width": width, "height": height})
        await _picture(page, f"{name}-{width}")
        thorough = language == "nl" or width == PHONE
        said = await (findings(page, language) if thorough else sideways(page))
        found += [f"{name} at {width}: {one}" for one in said]
    for width, low in ((NARROWEST, 640), (WIDE // 2, height // 2)):
        await page.set_viewport_size({"width": width, "height": low})
        found += [f"{name} at {width}: {one}" for one in await sideways(page)]
    await page.set_viewport_size({"width": was["width"], "height": was["height"]})
    assert not found, "\n".join(found)


async def inspect_here(page: Page, name: str) -> None:
    """Nothing to be found on this page as it is, in the window that it has."""
    await _picture(page, name, full_page=False)
    found = await findings(page)
    assert not found, "\n".join(found)


async def inspect_without_javascript(page: Page, name: str) -> None:
    """Nothing is cut off or scrolls sideways; axe cannot run there: see `as_if_without_javascript`."""
    found: list[str] = []
    for width in (WIDE, PHONE, NARROWEST):
        await page.set_viewport_size({"width": width, "height": 800})
        await _picture(page, f"{name}-{width}")
        found += [f"{name} at {width}: {one}" for one in await sideways(page)]
    assert not found, "\n".join(found)


async def as_if_without_javascript(page: Page) -> None:
    """From now on the page shows what it has for who has no JavaScript, and runs no script of its own; axe does run."""

    async def shown(route: Route) -> None:
        answer = await route.fetch()
        body = (await answer.text()).replace("<noscript>", "<div>").replace("</noscript>", "</div>")
        await route.fulfill(response=answer, body=body)

    async def as_it_is(route: Route) -> None:
        match route.request.resource_type:
            case "document":
                await shown(route)
            case "script":
                await route.fulfill(body="", content_type="text/javascript")
            case _:
                await route.continue_()

    await page.route("**/*", as_it_is)


async def _picture(page: Page, name: str, *, full_page: bool = True) -> None:
    folder = os.environ.get("IDCONTACT_SCREENSHOTS")
    if folder:
        language = await page.evaluate("document.documentElement.lang")
        await page.screenshot(path=Path(folder) / f"{name}-{language}.png", full_page=full_page, animations="disabled")


_FOCUSED: Final = """() => {
    let element = document.activeElement;
    while (element?.shadowRoot?.activeElement) element = element.shadowRoot.activeElement;
    if (!element || element === document.body) return { name: "", ring: true, inSight: true };
    const labels = Array.from(element.labels ?? [], ({ textContent }) => textContent);
    const words = [element.getAttribute("aria-label"), ...labels, element.textContent].find((text) => text?.trim());
    const style = getComputedStyle(element);
    const box = element.getBoundingClientRect();
    let hit = document.elementFromPoint(box.x + box.width / 2, box.y + Math.min(box.height / 2, 20));
    while (hit?.shadowRoot?.elementFromPoint) {
        const deeper = hit.shadowRoot.elementFromPoint(box.x + box.width / 2, box.y + Math.min(box.height / 2, 20));
        if (!deeper || deeper === hit) break;
        hit = deeper;
    }
    return {
        name: (words ?? "").replace(/\\s+/g, " ").trim(),
        ring: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2,
        inSight: hit !== null && (element.contains(hit) || hit.contains(element)),
    };
}"""


async def tab_to(page: Page, name: str, *, key: str = "Tab", at_most: int = 40) -> None:
    """Press Tab until what is named so has the focus; whatever has it on the way shows that, and lies in sight."""
    passed: list[str] = []
    for _ in range(at_most):
        await page.keyboard.press(key)
        focused = await page.evaluate(_FOCUSED)
        assert focused["ring"], f"nothing shows that {focused['name']!r} has the focus"
        assert focused["inSight"], f"{focused['name']!r} has the focus but cannot be seen"
        if focused["name"].startswith(name):
            return
        passed.append(focused["name"])
    raise AssertionError(f"{name!r} was not reached; {passed}")


async def running_animations(page: Page) -> list[str]:
    """What moves on the page without end, in shadow trees too."""
    found: list[str] = await page.evaluate(
        """() => {
            const within = (root) => [
                ...root.getAnimations(),
                ...[...root.querySelectorAll("*")].flatMap(({ shadowRoot }) => shadowRoot ? within(shadowRoot) : []),
            ];
            return within(document)
                .filter((one) => one.effect.getComputedTiming().endTime === Infinity)
                .map((one) => `${one.animationName} of ${one.effect.target.className}`);
        }"""
    )
    return found


async def has_focus(locator: Locator) -> None:
    """Until it has the focus."""
    await expect(locator).to_be_focused()
