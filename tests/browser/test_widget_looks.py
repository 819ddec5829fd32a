"""The widget under themes, on pages whose styles are hostile, in forced colours, and beside others of its kind."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest
from playwright.async_api import expect

from chromium import NARROWEST, inspect, running_animations, sideways
from idcontact.demo_site import THEMES
from idcontact.pages import STATIC_FOLDER
from web_widget import CLOSED, core_is_away, offered, only_chat, visits, widget

if TYPE_CHECKING:
    from playwright.async_api import Locator, Page

    from web_town import Town
    from web_words import Language

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

# What pages do to whatever stands in them, meaning something else.
_HOSTILE: Final = """
* { color: red !important; font: italic 40px/3 "Courier New", monospace !important; text-align: right !important;
    letter-spacing: 9px !important; text-transform: uppercase !important;
    margin: 13px; padding: 17px; background-color: yellow; border: 5px dotted lime;
    box-sizing: content-box; word-spacing: 20px !important;
    text-indent: 50px; list-style: square; visibility: visible; text-shadow: 2px 2px blue !important; }
html { font-size: 62.5% !important; }
input, button, label, fieldset, legend, h2, p { display: inline !important; width: 13px !important; float: right; }
"""
# Not its padding: that follows the width which the page leaves for it.
_STYLE_OF: Final = """(element) => {
    const names = ["color", "fontSize", "fontStyle", "lineHeight", "textAlign", "letterSpacing", "textTransform",
        "wordSpacing", "textIndent", "textShadow", "backgroundColor", "display", "float", "marginTop"];
    const parts = [".block", "h2", "legend", ".option", "input[type=radio]", ".name", "button", ".shared"];
    return parts.map((part) => {
        const style = getComputedStyle(element.shadowRoot.querySelector(part));
        return [part, ...names.map((name) => style[name])].join(" | ");
    });
}"""

_CUT_OFF: Final = """(element) => [...element.shadowRoot.querySelectorAll("*")]
    .filter((one) => one.scrollWidth > one.clientWidth + 1 && getComputedStyle(one).display !== "inline")
    .map((one) => one.outerHTML.slice(0, 80))"""


async def styled(part: Locator) -> list[str]:
    """How its parts are drawn."""
    found: list[str] = await part.evaluate(_STYLE_OF)
    return found


async def add_style(page: Page, css: str) -> None:
    """As a stylesheet of the page; the policy of the demo's page allows no style element."""
    await page.evaluate(
        """(css) => {
            const sheet = new CSSStyleSheet();
            sheet.replaceSync(css);
            document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];
        }""",
        css,
    )


@pytest.mark.parametrize(("theme", "language"), [*((theme, "nl") for theme in THEMES), ("none", "en")])
async def test_each_theme(town: Town, theme: str, language: Language) -> None:
    end_user = await town.end_user(language)
    page = end_user.page
    await visits(end_user, offered(language), theme=theme)
    await page.get_by_role("radio", name="Yivi").check()
    await inspect(page, f"theme-{theme}-auth")
    await end_user.presses(end_user.words.next)
    await page.get_by_role("radio", name="Chat").check()
    await end_user.reads(end_user.words.what_will_happen)
    await inspect(page, f"theme-{theme}-ready")
    await visits(end_user, only_chat(language, CLOSED), theme=theme)
    await inspect(page, f"theme-{theme}-closed")
    end_user.troubles.expect("net::ERR_FAILED")
    await core_is_away(page)
    await page.reload()
    await expect(page.get_by_role("alert")).not_to_be_empty()
    await inspect(page, f"theme-{theme}-unreachable")


async def test_a_theme_of_basis_tokens_alone(town: Town) -> None:
    end_user = await town.end_user()
    part = await visits(end_user, offered("nl"), theme="none")
    theme = (STATIC_FOLDER / "themes" / "voorbeeld.css").read_text("utf-8")
    await add_style(
        end_user.page, "\n".join(line for line in theme.splitlines() if not line.startswith("  --utrecht-"))
    )
    await part.evaluate("(element) => element.parentElement.classList.add('voorbeeld-theme')")
    await end_user.page.get_by_role("radio", name="Yivi").check()
    await inspect(end_user.page, "theme-basis")
    await expect(part.get_by_role("button")).not_to_have_css("background-color", "rgb(23, 82, 92)")


async def test_tokens_of_a_class_around_it_reach_it(town: Town) -> None:
    end_user = await town.end_user()
    part = await visits(end_user, offered("nl"), theme="none")
    button = part.get_by_role("button")
    neutral = await button.evaluate("(element) => getComputedStyle(element).backgroundColor")
    await add_style(end_user.page, ".some-theme { --utrecht-button-primary-action-background-color: rgb(120, 0, 60); }")
    await part.evaluate("(element) => element.parentElement.classList.add('some-theme')")
    await expect(button).to_have_css("background-color", "rgb(120, 0, 60)")
    assert neutral != "rgb(120, 0, 60)"


async def test_styles_of_the_page_do_not_leak_in_nor_its_own_out(town: Town) -> None:
    end_user = await town.end_user()
    part = await visits(end_user, offered("nl"), theme="none")
    heading = end_user.page.get_by_role("heading", level=1)
    before, page_before = await styled(part), await heading.evaluate("(one) => getComputedStyle(one).cssText")
    await part.evaluate("(element) => element.remove()")
    assert await heading.evaluate("(one) => getComputedStyle(one).cssText") == page_before
    part = await visits(end_user, offered("nl"), theme="none")
    await add_style(end_user.page, _HOSTILE)
    assert await styled(part) == before


async def test_who_set_letters_of_twice_the_size_gets_them_and_nothing_is_cut_off(town: Town) -> None:
    """WCAG 2.2, 1.4.4 Resize Text; the page's own letters stay as they are."""
    end_user = await town.end_user("nl", width=NARROWEST)
    page = end_user.page
    await end_user.goes_to("/")
    devtools = await page.context.new_cdp_session(page)
    sizes = []
    for size in (16, 32):
        await devtools.send("Page.setFontSizes", {"fontSizes": {"standard": size}})
        part = await visits(end_user, offered("nl"), theme="none")
        sizes.append(await part.locator("legend").evaluate("(legend) => parseFloat(getComputedStyle(legend).fontSize)"))
        assert await part.evaluate(_CUT_OFF) == []
        await expect(part.get_by_role("button")).to_be_visible()
    assert sizes[1] == 2 * sizes[0]


async def test_it_bears_more_space_between_letters_and_fits_the_narrowest_window(town: Town) -> None:
    end_user = await town.end_user("en", width=NARROWEST)
    part = await visits(end_user, offered("en"))
    # WCAG 2.2, 1.4.12 Text Spacing, as far as a page can bring it about; the rest is up to the reader's own styles.
    await part.evaluate(
        """(element) => {
            const sheet = new CSSStyleSheet();
            sheet.replaceSync("* { line-height: 1.5 !important; letter-spacing: 0.12em !important; "
                + "word-spacing: 0.16em !important; } p { margin-block-end: 2em !important; }");
            element.shadowRoot.adoptedStyleSheets.push(sheet);
        }"""
    )
    assert await sideways(end_user.page) == []
    assert await part.evaluate(_CUT_OFF) == []


async def test_in_forced_colours_what_is_chosen_and_what_cannot_be_still_shows(town: Town) -> None:
    end_user = await town.end_user()
    page = end_user.page
    await page.emulate_media(forced_colors="active")
    part = await visits(end_user, offered("nl"))
    await page.get_by_role("radio", name="Yivi").check()
    await end_user.presses(end_user.words.next)
    await page.get_by_role("radio", name="Chat").check()
    widths = await part.locator(".option").evaluate_all("(all) => all.map((one) => getComputedStyle(one).borderWidth)")
    styles = await part.locator(".option").evaluate_all("(all) => all.map((one) => getComputedStyle(one).borderStyle)")
    assert widths == ["3px", "1px", "1px"]
    assert styles == ["solid", "dashed", "solid"]
    await inspect(page, "widget-forced-colours")


async def test_nothing_moves_for_who_wants_no_movement(town: Town) -> None:
    end_user = await town.end_user(motion="reduce")
    part = await visits(end_user, offered("nl"))
    assert await running_animations(end_user.page) == []
    await expect(part.get_by_role("button")).to_have_css("transition-duration", "0s")


async def test_it_leaves_nothing_on_the_window(town: Town) -> None:
    end_user = await town.end_user()
    page = end_user.page
    await page.add_init_script("window.before = new Set(Reflect.ownKeys(window)).add('before')")
    await visits(end_user, offered("nl"))
    left = await page.evaluate("Reflect.ownKeys(window).filter((key) => !window.before.has(key)).map(String)")
    assert left == []


async def test_several_on_one_page_do_not_mix(town: Town) -> None:
    end_user = await town.end_user()
    page = end_user.page
    first = await visits(end_user, offered("nl"))
    await first.evaluate(
        """(element) => {
            const other = element.cloneNode(true);
            other.setAttribute("purpose", "passport");
            other.lang = "en";
            element.after(other);
        }"""
    )
    one, other = widget(page).nth(0), widget(page).nth(1)
    await one.get_by_role("radio", name="DigiD").check()
    await other.get_by_role("radio", name="Yivi").check()
    await expect(one.get_by_role("radio", name="DigiD")).to_be_checked()
    await expect(other.get_by_role("heading", level=2)).to_have_text("Contact us")


async def test_who_comes_back_finds_it_as_it_was_and_can_start_again(town: Town) -> None:
    end_user = await town.end_user()
    page = end_user.page
    await end_user.visits("parking_permit")
    start = page.get_by_role("button", name=end_user.words.start)
    await start.click()
    await page.wait_for_url("**/plugins/auth_test/**")
    await page.go_back()
    await expect(start).to_be_enabled()
    await start.click()
    await page.wait_for_url("**/plugins/auth_test/**")
