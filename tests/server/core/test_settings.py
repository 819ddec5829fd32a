from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from idcontact.core.options import Purposes
from idcontact.core.settings import CoreSettings, MethodAddress
from idcontact.errors import SettingsError
from idcontact.settings import Origin, load

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

GOOD = """
    allowed_origins = ["https://www.example.org/"]
    [attributes.fullname]
    name = {nl = "Naam", en = "Name"}
    [[auth_methods]]
    tag = "test"
    name = "Test"
    start = "plugin:auth_test"
    [[auth_methods]]
    tag = "digid"
    name = "DigiD"
    start = "https://digid.example.org/internal/"
    [[comm_methods]]
    tag = "chat"
    name = "Chat"
    start = "plugin:live"
    context = true
    [[purposes]]
    tag = "report_move"
    attributes = ["fullname"]
    allowed_auth = ["*"]
    allowed_comm = ["chat"]
    """


def core(tmp_path: Path, text: str, environ: Mapping[str, str] | None = None) -> CoreSettings:
    file = tmp_path / "settings.toml"
    file.write_text(text)
    return load(file, CoreSettings, environ or {})


def test_methods_of_this_server_and_elsewhere_are_told_apart(tmp_path: Path) -> None:
    settings = core(tmp_path, GOOD)
    assert [method.start.plugin for method in settings.auth_methods] == ["auth_test", None]
    assert settings.auth_methods[1].start == MethodAddress("https://digid.example.org/internal")
    assert settings.allowed_origins == [Origin("https://www.example.org")]


def test_a_purpose_that_names_an_unknown_method_and_a_tag_given_twice_stop_the_core(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as caught:
        core(
            tmp_path,
            """
            [[auth_methods]]
            tag = "digid"
            name = "DigiD"
            start = "plugin:auth test"
            [[auth_methods]]
            tag = "digid"
            name = "Again"
            start = "https://example.org"
            [[comm_methods]]
            tag = "chat"
            name = "Chat"
            start = "ftp://example.org"
            channel = "telex"
            [[purposes]]
            tag = "report_move"
            attributes = ["fullname"]
            allowed_auth = ["digid", "digd"]
            allowed_comm = ["phone"]
            [[purposes]]
            tag = "report_move"
            allowed_auth = ["*"]
            allowed_comm = ["*"]
            """,
        )
    address, hint = MethodAddress.EXPECTED, '; did you mean "digid"?'
    assert caught.value.mistakes == [
        f"auth_methods[0].start: expected {address}, got another string (of digid)",
        'comm_methods[0].channel: expected "chat" or "video", got another (of chat)',
        f"comm_methods[0].start: expected {address}, got another string (of chat)",
        "purposes[1].attributes: expected a list, but it is missing (of report_move)",
        "auth_methods[1].tag: is the tag of an earlier one too; each needs its own (of digid)",
        "purposes[1].tag: is the tag of an earlier one too; each needs its own (of report_move)",
        f"purposes[0].allowed_auth[1]: names none of the configured auth_methods{hint} (of report_move)",
        "purposes[0].allowed_comm[0]: names none of the configured comm_methods (of report_move)",
    ]


def test_hours_that_are_not_there_are_named_with_the_nearest_that_are(tmp_path: Path) -> None:
    hours = '[opening_hours.town_hall]\ntime_zone = "Europe/Amsterdam"\nmonday = ["09:00-17:00"]\n'
    purpose = '[[purposes]]\ntag = "tax"\nattributes = []\nallowed_auth = ["*"]\nallowed_comm = ["*"]\n'
    with pytest.raises(SettingsError) as caught:
        core(tmp_path, f'{GOOD}\n{purpose}opening_hours = "townhall"\n{hours}')
    (mistake,) = caught.value.mistakes
    assert 'opening_hours: names none of [opening_hours]; did you mean "town_hall"?' in mistake
    assert core(tmp_path, f'{GOOD}\n{purpose}opening_hours = "town_hall"\n{hours}').purposes[-1].opening_hours


def test_an_unknown_method_in_a_list_from_the_environment_is_found_too(tmp_path: Path) -> None:
    purposes = '[{tag = "a", attributes = [], allowed_auth = ["nowhere"], allowed_comm = ["chat"]}]'
    with pytest.raises(SettingsError, match=r"purposes\[0\]\.allowed_auth\[0\]: names none"):
        core(tmp_path, GOOD, {"IDCONTACT__PURPOSES": purposes})


def test_a_method_of_a_plugin_that_this_server_does_not_run_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as caught:
        Purposes(core(tmp_path, GOOD), {"live": "http://localhost/plugins/live"})
    assert caught.value.mistakes == [
        "auth_methods[0].start: expected one of the plugins of this server (live), got another"
    ]


@pytest.mark.parametrize("origin", ["https://example.org/path", "example.org", "https://example.org/?x"])
def test_an_origin_has_no_path(tmp_path: Path, origin: str) -> None:
    with pytest.raises(SettingsError, match=r"allowed_origins\[0\]: expected the origin of a website"):
        core(tmp_path, GOOD.replace("https://www.example.org/", origin))
