"""The plugin that docs/write-a-plugin.md shows is a plugin that works."""

from __future__ import annotations

import importlib.util
import json
import re
import sys
import tomllib
from typing import TYPE_CHECKING

import pytest

from idcontact.plugin import AuthSettings, PluginFactory
from idcontact.tokens import ResultStatus
from plugin_house import CONTINUATION, FROM_OWN_PAGE, House, error_of, open_house
from test_documentation import DOCS, settings_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

TEXT = (DOCS / "write-a-plugin.md").read_text("utf-8")
SETTINGS: dict[str, object] = {"codes": {"q7xk": {"fullname": "Willeke", "city": "Voorbeeldstad"}}}


def shown(language: str) -> str:
    """The first block of code in that language."""
    found = re.search(rf"^```{language}\n(.*?)^```$", TEXT, re.DOTALL | re.MULTILINE)
    assert found is not None
    return found[1]


@pytest.fixture(scope="session")
def create(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PluginFactory]:
    """The package as the page shows it, written down and imported."""
    package: Path = tmp_path_factory.mktemp("shown") / "idcontact_auth_letter"
    for name, content in {
        "__init__.py": shown("python"),
        "templates/code.html": shown("html"),
        "texts/nl.json": shown("json"),
        "texts/en.json": shown("json"),
    }.items():
        (package / name).parent.mkdir(parents=True, exist_ok=True)
        (package / name).write_text(content, "utf-8")
    spec = importlib.util.spec_from_file_location("idcontact_auth_letter", package / "__init__.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    yield module.create
    del sys.modules[spec.name]


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


def test_the_texts_and_settings_that_the_page_shows_can_be_read() -> None:
    assert set(json.loads(shown("json"))) == set(re.findall(r't\("(auth_letter[^"]+)"\)', shown("html")))
    for block in re.findall(r"^```toml\n(.*?)^```$", TEXT, re.DOTALL | re.MULTILINE):
        tomllib.loads(block)


def test_every_setting_of_the_kit_is_documented_with_its_default() -> None:
    rows = dict(re.findall(r"^\| `([a-z_]+)` \| ([^|]+) \| [^|]+ \|$", TEXT, re.MULTILINE))
    assert rows == dict(settings_of(AuthSettings))
