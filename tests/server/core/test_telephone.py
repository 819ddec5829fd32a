"""The page of a telephone number: what it says to dial, and what it keeps to itself."""

from __future__ import annotations

import re
from contextlib import asynccontextmanager
from dataclasses import dataclass
from html import unescape
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote

import httpx2
import pytest
import segno
from hypothesis import given
from hypothesis import strategies as st
from starlette.applications import Starlette

from idcontact.asset_files import AssetFiles
from idcontact.core.telephone import LIFETIME, Call, Telephone, call_of
from idcontact.errors import IdContactError
from idcontact.pages import ASSETS_FOLDER, Pages
from idcontact.plugin.testkit import MemoryRecords
from idcontact.urls import is_browser_url

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

TEL: Final = "tel:0201234567,1234567890"
AS_PERSON: Final = {"Accept": "text/html", "Accept-Language": "en"}


# --- numbers and codes ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("continuation", "number", "code"),
    [
        ("tel:0201234567,1234567890", "020 123 45 67", ("123", "456", "7890")),
        ("tel:0201234567;12345", "020 123 45 67", ("123", "45")),
        ("tel:0201234567|12345", "020 123 45 67", ("123", "45")),
        ("tel:0201234567%7C12345", "020 123 45 67", ("123", "45")),
        ("tel:0201234567p12345w6", "020 123 45 67", ("123", "456")),
        ("tel:0201234567,,,123456%23", "020 123 45 67", ("123", "456#")),
        ("tel:+31-20-123-4567,1", "+31-20-123-4567", ("1",)),
        ("tel:+31201234567", "+31 20 123 45 67", ()),
        ("tel:0201234567", "020 123 45 67", ()),
        ("tel:0612345678,1234567", "06 12 34 56 78", ("123", "4567")),
        ("tel:+31612345678", "+31 6 12 34 56 78", ()),
        ("tel:0113123456,1", "0113 12 34 56", ("1",)),
        ("tel:08001234,12", "0800 1234", ("12",)),
        ("tel:14020", "14 020", ()),
        ("tel:112", "112", ()),
        ("tel:+49301234567,9", "+49 301 234 567", ("9",)),
        ("tel:7042;phone-context=example.com", "7042", ()),
        ("tel:+31201234567;ext=1234", "+31 20 123 45 67", ("1234",)),
        ("tel:0201234567;postd=pp22", "020 123 45 67", ("22",)),
    ],
)
def test_a_number_is_written_as_people_do_and_its_code_in_groups(
    continuation: str, number: str, code: tuple[str, ...]
) -> None:
    call = call_of(continuation)
    assert (call.number, call.code) == (number, code)


def test_a_code_is_spelled_out_digit_by_digit() -> None:
    assert call_of(TEL).spelled == "1 2 3, 4 5 6, 7 8 9 0"


@pytest.mark.parametrize(
    ("continuation", "uri"),
    [
        (TEL, TEL),
        ("tel:0201234567|12", "tel:0201234567,12"),
        ("tel:0201234567%7C12", "tel:0201234567,12"),
        ("tel:0201234567,12#", "tel:0201234567,12%23"),
        ("tel:+31-20-1234567;12", "tel:+31-20-1234567;12"),
    ],
)
def test_what_is_dialled_is_what_the_plugin_said_as_a_uri(continuation: str, uri: str) -> None:
    assert call_of(continuation).uri == uri


@given(
    number=st.from_regex(r"\+?[0-9]{3,15}", fullmatch=True),
    pause=st.sampled_from([",", ";", "|", ",,", "p", "w", "%7C"]),
    code=st.from_regex(r"[0-9]{1,20}#?", fullmatch=True),
)
def test_no_digit_is_lost_or_made_up(number: str, pause: str, code: str) -> None:
    call = call_of(f"tel:{number}{pause}{code}")
    assert call.number.replace(" ", "") == number
    assert "".join(call.code) == code
    assert all(2 <= len(group) <= 4 for group in call.code) or len(code) == 1
    assert is_browser_url(call.uri)


@given(st.text(max_size=60))
def test_whatever_stands_behind_tel_makes_a_call(text: str) -> None:
    call = call_of(f"tel:{text}")
    assert isinstance(call, Call)
    assert call.uri.isascii()
    assert not re.search(r"[<>\"\s]", call.uri)


# --- the page -------------------------------------------------------------------------------------------------------


@dataclass
class House:
    """The page, somebody's browser, and the time."""

    telephone: Telephone
    browser: httpx2.AsyncClient
    now: list[float]

    async def path_for(self, continuation: str) -> str:
        return (await self.telephone.page_for(continuation)).removeprefix("https://core.example.org")


@asynccontextmanager
async def open_house() -> AsyncIterator[House]:
    now = [1_800_000_000.0]
    pages = Pages(public_url="https://core.example.org", assets=AssetFiles({"/assets": ASSETS_FOLDER}))
    telephone = Telephone(MemoryRecords(lambda: now[0]), pages, "https://core.example.org")
    app = Starlette(routes=telephone.routes(), exception_handlers={IdContactError: pages.handle})
    transport = httpx2.ASGITransport(app=app)
    async with httpx2.AsyncClient(transport=transport, base_url="https://core.example.org", headers=AS_PERSON) as web:
        yield House(telephone, web, now)


@pytest.fixture
async def house() -> AsyncIterator[House]:
    async with open_house() as opened:
        yield opened


async def test_the_page_shows_the_number_the_code_a_picture_and_a_link_that_dials(house: House) -> None:
    page = unescape((await house.browser.get(await house.path_for(TEL))).text)
    assert "020 123 45 67" in page
    assert "1 2 3, 4 5 6, 7 8 9 0" in page
    assert "<span>123</span> <span>456</span> <span>7890</span>" in page
    assert f'href="{TEL}"' in page
    assert 'src="data:image/svg+xml' in page


@pytest.mark.parametrize(
    ("continuation", "dialled"),
    [(TEL, TEL), ("tel:14020", "tel:14020"), ("tel:+31-20-123-4567|99%23", "tel:+31-20-123-4567,99%23")],
)
async def test_a_telephone_that_looks_at_the_picture_dials_the_number_and_the_code(
    house: House, continuation: str, dialled: str
) -> None:
    page = unescape((await house.browser.get(await house.path_for(continuation))).text)
    matrix = segno.make_qr(dialled).matrix
    symbol = {(y, x) for y, row in enumerate(matrix) for x, dark in enumerate(row) if dark}
    assert dark_modules(page) == symbol


def dark_modules(page: str, border: int = 4) -> set[tuple[int, int]]:
    """Row and column of each dark module of a page's QR code: lines of one module high, a path of `M`, `m` and `h`."""
    [picture] = re.findall(r'src="data:image/svg\+xml[^,]*,([^"]*)"', page)
    [path] = re.findall(r"class='qrline'[^>]* d='([^']*)'", unquote(picture))
    dark: set[tuple[int, int]] = set()
    x = y = -float(border)
    for step, numbers in re.findall(r"([Mmh])([-\d. ]+)", path):
        across, *down = map(float, numbers.split())
        if step == "h":
            dark |= {(int(y), int(x) + module) for module in range(int(across))}
        elif step == "M":
            x = y = -float(border)
        x, y = x + across, y + sum(down)
    return dark


async def test_a_number_without_a_code_is_shown_without_one(house: House) -> None:
    page = (await house.browser.get(await house.path_for("tel:14020"))).text
    assert "14 020" in page
    assert "code" not in re.sub(r"QR.code|<[^>]*>", "", page)


async def test_the_page_is_in_the_language_that_is_asked_for(house: House) -> None:
    path = await house.path_for(TEL)
    assert "Call us now" in (await house.browser.get(path)).text
    assert "Bel ons nu" in (await house.browser.get(f"{path}?lang=nl")).text


async def test_the_page_is_kept_and_passed_on_by_nobody(house: House) -> None:
    headers = (await house.browser.get(await house.path_for(TEL))).headers
    assert (headers["cache-control"], headers["referrer-policy"]) == ("no-store", "no-referrer")
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


async def test_what_a_plugin_says_cannot_become_markup(house: House) -> None:
    page = (await house.browser.get(await house.path_for('tel:1,2"><script>alert(1)</script>'))).text
    assert "<script>" not in page


async def test_a_page_is_there_for_an_hour_and_however_often_it_is_loaded(house: House) -> None:
    path = await house.path_for(TEL)
    house.now[0] += LIFETIME - 1
    assert [(await house.browser.get(path)).status_code for _ in range(2)] == [200, 200]
    house.now[0] += 1
    assert (await house.browser.get(path)).status_code == 410


@pytest.mark.parametrize("place", ["x", "A" * 43, "%00"])
async def test_a_page_that_never_was_says_that_it_is_gone(house: House, place: str) -> None:
    assert (await house.browser.get(f"/tel/{place}")).status_code == 410


async def test_a_result_leaves_the_address_at_once_and_goes_nowhere(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    path = await house.path_for(TEL)
    answer = await house.browser.get(f"{path}?result=eyJh.QUJD.ZGVm.Z2hp.amts")
    assert (answer.status_code, answer.headers["location"], answer.text) == (303, path, "")
    assert (answer.headers["cache-control"], answer.headers["referrer-policy"]) == ("no-store", "no-referrer")
    assert "dropped" in caplog.text
    assert path[5:] not in caplog.text
    assert "eyJh" not in caplog.text
    assert (await house.browser.get(path)).status_code == 200
