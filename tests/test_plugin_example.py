"""The plugins that docs/write-a-plugin.md shows are plugins that work."""

from __future__ import annotations

import importlib.util
import json
import re
import sys
import tomllib
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from comm_house import CommHouse, auth_token, open_comm_house
from idcontact.plugin import AuthSettings, CommSettings, PluginFactory
from idcontact.tokens import ResultStatus
from plugin_house import CONTINUATION, FROM_OWN_PAGE, House, error_of, open_house
from test_documentation import DOCS, settings_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

TEXT = (DOCS / "write-a-plugin.md").read_text("utf-8")
SETTINGS: dict[str, object] = {"codes": {"q7xk": {"fullname": "Willeke", "city": "Voorbeeldstad"}}}


def shown(language: str, which: int = 0) -> str:
    """A block of code in that language: the first one is of the authentication plugin, the second of the other."""
    blocks: list[str] = re.findall(rf"^```{language}\n(.*?)^```$", TEXT, re.DOTALL | re.MULTILINE)
    return blocks[which]


@contextmanager
def imported(name: str, page: str, which: int, folder: Path) -> Iterator[PluginFactory]:
    """A package as the page shows it, written down and imported."""
    package = folder / name
    for path, content in {
        "__init__.py": shown("python", which),
        f"templates/{page}.html": shown("html", which),
        "texts/nl.json": shown("json", which),
        "texts/en.json": shown("json", which),
    }.items():
        (package / path).parent.mkdir(parents=True, exist_ok=True)
        (package / path).write_text(content, "utf-8")
    spec = importlib.util.spec_from_file_location(name, package / "__init__.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    yield module.create
    del sys.modules[spec.name]


@pytest.fixture(scope="session")
def create(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PluginFactory]:
    with imported("idcontact_auth_letter", "code", 0, tmp_path_factory.mktemp("shown")) as factory:
        yield factory


@pytest.fixture(scope="session")
def create_comm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PluginFactory]:
    with imported("idcontact_comm_meeting", "door", 1, tmp_path_factory.mktemp("shown")) as factory:
        yield factory


@pytest.fixture
async def house(create: PluginFactory) -> AsyncIterator[House]:
    async with open_house(create, SETTINGS) as opened:
        yield opened


async def test_who_types_the_code_of_their_letter_is_identified(house: House) -> None:
    url = await house.start("fullname")
    page = await house.browser.get(url, headers=FROM_OWN_PAGE)
    assert "Vul de code uit uw brief in" in page.text
    assert "Deze code kennen we niet" not in page.text
    done = await house.browser.post(url, data={"code": "q7xk"}, headers=FROM_OWN_PAGE)
    assert (done.status_code, done.headers["location"]) == (303, CONTINUATION)
    result = house.read(house.receiver.tokens[0]).result
    assert (result.status, result.attributes) == (ResultStatus.SUCCESS, {"fullname": "Willeke"})


async def test_three_wrong_codes_end_as_a_failure(house: House) -> None:
    url = await house.start("fullname")
    await house.browser.get(url, headers=FROM_OWN_PAGE)
    for _ in range(2):
        again = await house.browser.post(url, data={"code": "wrong"}, headers=FROM_OWN_PAGE)
        assert "Deze code kennen we niet" in again.text
    done = await house.browser.post(url, data={"code": "wrong"}, headers=FROM_OWN_PAGE)
    assert done.headers["location"] == CONTINUATION
    assert house.read(house.receiver.tokens[0]).result.status is ResultStatus.FAILED


async def test_an_attribute_that_not_everyone_has_is_refused_at_the_start(house: House) -> None:
    answer = await house.start_raw({"attributes": ["fullname", "bsn"], "continuation": CONTINUATION})
    assert error_of(answer) == (400, "attributes[1]")


@pytest.fixture
async def comm_house(create_comm: PluginFactory) -> AsyncIterator[CommHouse]:
    rooms = {"report_move": "https://video.example.org/moving"}
    async with open_comm_house(create_comm, {"rooms": rooms}) as opened:
        yield opened


async def test_who_identified_is_greeted_by_name_and_led_to_the_meeting(comm_house: CommHouse) -> None:
    started = await comm_house.start()
    assert "We wachten nog op de gegevens" in await comm_house.see(started)
    await comm_house.deliver(started, auth_token({"fullname": "Willeke"}))
    assert "Welkom, Willeke" in await comm_house.see(started)
    entered = await comm_house.browser.post(started.client_url, data={}, headers=FROM_OWN_PAGE)
    assert (entered.status_code, entered.headers["location"]) == (303, "https://video.example.org/moving")
    assert (await comm_house.browser.get(started.client_url)).status_code == 410


async def test_who_did_not_identify_is_told_so(comm_house: CommHouse) -> None:
    page = await comm_house.see(await comm_house.start(auth_result=auth_token(None)))
    assert "U hebt niet laten zien wie u bent" in page
    assert "Naar de afspraak" not in page


async def test_a_purpose_without_a_meeting_room_is_refused_at_the_start(comm_house: CommHouse) -> None:
    assert error_of(await comm_house.start_raw({"purpose": "passport"})) == (400, "purpose")


@pytest.mark.parametrize("which", [0, 1])
def test_the_texts_that_the_page_shows_are_those_that_its_templates_use(which: int) -> None:
    used = set(re.findall(r't\("((?:auth_letter|comm_meeting)[^"]+)"', shown("html", which)))
    assert set(json.loads(shown("json", which))) == used


def test_the_settings_that_the_page_shows_can_be_read() -> None:
    for block in re.findall(r"^```toml\n(.*?)^```$", TEXT, re.DOTALL | re.MULTILINE):
        tomllib.loads(block)


def test_every_setting_of_the_kits_is_documented_with_its_default() -> None:
    rows = dict(re.findall(r"^\| `([a-z_.\[\]]+)` \| ([^|]+) \| [^|]+ \|$", TEXT, re.MULTILINE))
    assert rows == {**dict(settings_of(AuthSettings)), **dict(settings_of(CommSettings))}
