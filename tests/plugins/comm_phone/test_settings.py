from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from comm_house import open_comm_house
from idcontact.errors import SettingsError
from idcontact.settings import MisfitError, read
from idcontact.settings_values import SigningSecret
from idcontact.urls import is_browser_url
from idcontact_comm_phone import create
from idcontact_comm_phone.settings import PhoneSettings, TelephoneNumber
from plugin_house import key_pair
from test_documentation import DOCS, written_default

if TYPE_CHECKING:
    from collections.abc import Mapping


async def mistakes_of(settings: Mapping[str, object]) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        async with open_comm_house(create, settings):
            pass
    return caught.value.mistakes


@pytest.mark.parametrize(
    ("written", "dialled"),
    [("020 123 45 67", "0201234567"), ("+31 (0)20-123.45.67", "+31201234567"), ("14 010", "14010"), ("112", "112")],
)
def test_a_number_is_written_as_people_do_and_dialled_by_its_digits(written: str, dialled: str) -> None:
    assert TelephoneNumber.from_setting(written, Path()) == dialled


@given(st.one_of(st.text(), st.text("+0123456789 -.()#,;*", max_size=30)))
def test_a_number_that_is_accepted_can_be_dialled_with_a_code_behind_it(written: str) -> None:
    try:
        number = TelephoneNumber.from_setting(written, Path())
    except MisfitError as misfit:
        assert "telephone number" in str(misfit)  # noqa: PT017  both outcomes are right, for different texts
    else:
        assert is_browser_url(f"tel:{number},1234567890")
        assert set(number) <= set("+0123456789")


async def test_mistakes_are_named_all_at_once() -> None:
    assert await mistakes_of({"phonenumber": "call us", "idle": "0 s", "link_secret": "short", "wrong_codes": 5}) == [
        f"plugins.comm_test.phonenumber: expected {TelephoneNumber.EXPECTED}, got another string",
        'plugins.comm_test.idle: expected a length of time of a minute or more, such as "1 h", got a shorter one',
        f"plugins.comm_test.link_secret: expected {SigningSecret.EXPECTED}, got a shorter one",
        'plugins.comm_test.wrong_codes: expected a limit such as "20 per 10 min" or "5 per s", got a whole number',
    ]


async def test_a_number_is_asked_for() -> None:
    assert (await mistakes_of({}))[0].startswith("plugins.comm_test.phonenumber: expected a telephone number")


def test_every_setting_is_documented_with_its_default_and_a_meaning() -> None:
    rows = re.findall(r"^\| `([a-z_]+)` \| ([^|]+) \| ([^|]+\.) \|$", (DOCS / "telephone.md").read_text(), re.MULTILINE)
    documented = {name: default for name, default, _ in rows}
    assert documented == {field.name: written_default(field) for field in msgspec.structs.fields(PhoneSettings)}
    assert len(rows) == len(documented), "a setting stands there twice"


async def test_the_settings_in_the_documentation_can_be_used(tmp_path: Path) -> None:
    [example] = re.findall("```toml\n(.+?)```", (DOCS / "telephone.md").read_text(), re.DOTALL)
    for name, text in {"decrypt-key.private": key_pair("encrypt")[0], "digid.public": key_pair("sign")[1]}.items():
        (tmp_path / f"{name}.pem").write_text(text)
    for name in ("link_secret", "info_secret"):
        (tmp_path / name).write_text(f"{name:x<64}\n")
    table = tomllib.loads(example.replace("/run/secrets/", ""))["plugins"]["comm_phone"]
    read(table, PhoneSettings, base=tmp_path)
