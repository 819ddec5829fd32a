from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comm_house import open_comm_house
from idcontact.errors import SettingsError
from idcontact.settings import MisfitError
from idcontact.settings_values import SigningSecret
from idcontact.urls import is_browser_url
from idcontact_comm_phone import create
from idcontact_comm_phone.settings import TelephoneNumber

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
