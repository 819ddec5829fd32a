"""The published core's settings file, in both dialects, read as ours."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idcontact.config import Config, read_config
from idcontact.rocket import from_rocket, is_rocket
from idcontact.settings import Address
from running import make_site

if TYPE_CHECKING:
    from idcontact.settings_reader import Reading

PUBLISHED = Path(__file__).parent.parent / "published"
BOTH = ("id_contact", "verder_helpen")
SECRET = "sentinel-of-a-secret"
CORE = """
[global]
server_url = "https://core.example.org"
auth_methods = [{tag = "digid", name = "DigiD", image_path = "/d.svg", start = "http://digid:8000"}]
comm_methods = [{tag = "call", name = "Bellen", image_path = "/c.svg", start = "http://call:8000"}]
purposes = [{tag = "move", attributes = ["email"], allowed_auth = ["*"], allowed_comm = ["call"]}]
"""


def read(folder: Path, text: str, environ: dict[str, str] | None = None) -> Reading[Config]:
    file = folder / "Rocket.toml"
    file.write_text(text)
    return read_config(file, environ or {})


def table_of(text: str, **environ: str) -> dict[str, Any]:
    return from_rocket(tomllib.loads(text), environ).table


# --- the published files --------------------------------------------------------------------------------------------


def test_the_file_of_the_first_core_is_accepted_unchanged() -> None:
    reading = read_config(PUBLISHED / "id_contact.toml", {})
    config = reading.result()
    assert config.public_url == "https://core.id-contact.example"
    assert config.listen == Address("127.0.0.1", 8000)
    assert [method.start for method in config.auth_methods] == [
        "http://auth-irma:8000",
        "http://auth-digid:8000/internal",
    ]
    assert [method.shim_tel_url for method in config.auth_methods] == [None, True]
    assert [method.image_path for method in config.comm_methods][:1] == ["/static/phone.svg"]
    assert [purpose.tag for purpose in config.purposes][-1] == "notice_of_marriage"
    assert (config.tel_shim, config.ui_tel_url) == ("ui", "https://www.id-contact.example/tel/")
    assert (config.redis_url, config.live, config.internal_url) == (None, None, None)
    assert [warning.partition(":")[0] for warning in reading.warnings] == ["global.sentry_dsn", "global.internal_url"]


def test_the_file_of_its_successor_is_accepted_unchanged() -> None:
    reading = read_config(PUBLISHED / "verder_helpen.toml", {})
    config = reading.result()
    assert config.tel_shim == "bare"
    assert set(config.authonly_request_keys) == {"test", "platform"}
    assert config.ui_signing_privkey is not None
    assert config.ui_signing_privkey.value().strip().startswith("-----BEGIN EC PRIVATE KEY-----")
    assert config.comm_methods[1].disable_attributes_at_start
    assert reading.warnings == []


@pytest.mark.parametrize("dialect", BOTH)
def test_a_published_file_says_where_each_setting_stands(dialect: str) -> None:
    reading = read_config(PUBLISHED / f"{dialect}.toml", {"ROCKET_PORT": "9000", "IDCONTACT__REDIS_PREFIX": "x"})
    origins = {known.where: known.origin for known in reading.understood}
    found = {where[0]: origin for where, origin in origins.items() if origin is not None}
    assert found["public_url"].path == ("global", "server_url")
    assert (found["listen"].variable, found["redis_prefix"].variable) == ("ROCKET_PORT", "IDCONTACT__REDIS_PREFIX")
    assert origins["keys_dir",] is None


@pytest.mark.parametrize("dialect", BOTH)
def test_a_published_file_may_be_written_in_profiles_and_be_gone_over_by_variables(
    dialect: str, tmp_path: Path
) -> None:
    text = (PUBLISHED / f"{dialect}.toml").read_text().replace("[global", "[default")
    text += '\n[debug]\nserver_url = "https://debug.example"\nport = 8001\npurposes = []\n'
    text += '\n[release]\nserver_url = "https://release.example"\n[release.ui_signing_privkey]\ntype = "RSA"\n'
    text += '\n[global]\naddress = "127.0.0.9"\n'

    def found(**environ: str) -> tuple[str, Address, int, str]:
        config = read(tmp_path, text, environ).result()
        assert len(config.auth_methods) == 2
        assert config.ui_signing_privkey is not None, "a table of a profile adds to that below it"
        return config.public_url, config.listen, len(config.purposes), config.auth_methods[0].name.get("nl")

    assert found() == ("https://release.example", Address("127.0.0.9", 8000), 4, "IRMA")
    assert found(ROCKET_PROFILE="debug") == ("https://debug.example", Address("127.0.0.9", 8001), 0, "IRMA")
    environ = {"ROCKET_SERVER_URL": "https://variable.example", "ROCKET_ADDRESS": "127.0.0.8", "ROCKET_PORT": "8002"}
    given = ("https://variable.example", Address("127.0.0.8", 8002))
    assert found(**environ)[:2] == found(**environ, ROCKET_PROFILE="debug")[:2] == given


# --- profiles -------------------------------------------------------------------------------------------------------


def test_the_selected_profile_lies_between_default_and_global() -> None:
    text = "[default]\na = 1\nb = 1\nc = 1\n[debug]\na = 2\nb = 2\n[release]\na = 3\nb = 3\n[global]\na = 4"
    assert table_of(text) == {"a": 4, "b": 3, "c": 1}
    assert table_of(text, ROCKET_PROFILE="debug") == {"a": 4, "b": 2, "c": 1}
    assert table_of(text, ROCKET_PROFILE=" Debug ") == {"a": 4, "b": 2, "c": 1}
    assert table_of(text, ROCKET_PROFILE="other") == {"a": 4, "b": 1, "c": 1}


def test_tables_merge_however_deep_and_lists_are_replaced() -> None:
    text = "[default.t]\nx = 1\nl = [1, 2]\n[default.t.u]\na = 1\n[release.t]\nl = [3]\n[release.t.u]\nb = 2"
    assert table_of(text) == {"t": {"x": 1, "l": [3], "u": {"a": 1, "b": 2}}}


KEYS = st.sampled_from("abc")
TABLES = st.recursive(
    st.dictionaries(KEYS, st.integers(0, 9) | st.lists(st.integers(0, 9), max_size=2), max_size=3),
    lambda inner: st.dictionaries(KEYS, inner | st.integers(0, 9), max_size=3),
    max_leaves=5,
)


def leaves(table: dict[str, Any], where: tuple[str, ...] = ()) -> dict[tuple[str, ...], Any]:
    found: dict[tuple[str, ...], Any] = {}
    for key, inner in table.items():
        found |= leaves(inner, (*where, key)) if isinstance(inner, dict) else {(*where, key): inner}
    return found


@given(TABLES, TABLES, TABLES)
def test_a_higher_profile_wins_and_every_value_is_of_the_place_that_is_told(
    low: dict[str, Any], middle: dict[str, Any], high: dict[str, Any]
) -> None:
    table = {"default": low, "release": middle, "global": high}
    written = from_rocket(table, {})
    assert leaves(high).items() <= leaves(written.table).items()
    for where, value in leaves(written.table).items():
        inside: Any = table
        for part in written.origin(where).path:
            inside = inside[part]
        assert inside == value


def test_a_file_of_ours_is_none_of_theirs_whatever_profile_is_selected(tmp_path: Path) -> None:
    ours = tomllib.loads(make_site(tmp_path, "redis://127.0.0.1").config.read_text())
    for profile in ("release", "live", "staff"):
        assert not is_rocket(ours, {"ROCKET_PROFILE": profile})
    assert is_rocket({"staging": {}}, {"ROCKET_PROFILE": "staging"})
    assert not is_rocket({"staging": {}}, {})


# --- variables ------------------------------------------------------------------------------------------------------


def test_variables_go_above_the_file_and_ours_above_those(tmp_path: Path) -> None:
    environ = {
        "ROCKET_SERVER_URL": "https://other.example.org",
        "ROCKET_ADDRESS": "::1",
        "ROCKET_PORT": "9000",
        "ROCKET_INTERNAL_SECRET": "12345678901234567890123456789012",
        "ROCKET_PURPOSES": "[{tag = pass, attributes = [], allowed_auth = [digid], allowed_comm = []}]",
        "ROCKET_REDIS_PREFIX": "theirs",
        "IDCONTACT__REDIS_PREFIX": "ours",
        "ROCKET_CONFIG": "Rocket.toml",
    }
    reading = read(tmp_path, CORE, environ)
    config = reading.result()
    assert (config.public_url, config.redis_prefix) == ("https://other.example.org", "ours")
    assert config.listen == Address("::1", 9000)
    assert config.internal_secret is not None
    assert config.internal_secret.value() == "12345678901234567890123456789012"
    assert [purpose.tag for purpose in config.purposes] == ["pass"]
    assert reading.warnings == []


@pytest.mark.parametrize("prefix", ["ROCKET_", "IDCONTACT__"])
def test_an_internal_listener_may_be_given_beside_a_published_file_by_variables_of_either_kind(
    tmp_path: Path, prefix: str
) -> None:
    text = f"{CORE}internal_url = 'http://core:8001'"
    reading = read(tmp_path, text, {f"{prefix}INTERNAL_LISTEN": "10.0.0.7:8001"})
    config = reading.result()
    assert (config.internal_url, config.internal_listen) == ("http://core:8001", Address("10.0.0.7", 8001))
    assert reading.warnings == []
    moved = {f"{prefix}INTERNAL_LISTEN": "10.0.0.7:8001", f"{prefix}INTERNAL_URL": "http://other:8001"}
    assert read(tmp_path, text, moved).result().internal_url == "http://other:8001"


@pytest.mark.parametrize("prefix", ["ROCKET_", "IDCONTACT__"])
def test_an_internal_url_without_a_listener_is_warned_about_wherever_it_stands(tmp_path: Path, prefix: str) -> None:
    reading = read(tmp_path, CORE, {f"{prefix}INTERNAL_URL": "http://core:8001"})
    assert reading.result().internal_url is None
    [warning] = reading.warnings
    assert warning.startswith("internal_url: is not used without internal_listen")
    assert warning.endswith(f"(from {prefix}INTERNAL_URL)")


@pytest.mark.parametrize("prefix", ["ROCKET_", "IDCONTACT__"])
def test_which_telephone_shim_there_is_follows_from_variables_too(tmp_path: Path, prefix: str) -> None:
    environ = {f"{prefix}UI_TEL_URL": "https://www.example.org/tel/"}
    assert table_of(CORE, **environ)["tel_shim"] == "ui"
    assert table_of(CORE, **environ, IDCONTACT__TEL_SHIM="page")["tel_shim"] == "page"


def test_a_variable_of_ours_for_a_whole_table_is_what_its_mistakes_are_named_by(tmp_path: Path) -> None:
    text = f"{CORE}[global.pages]\norganisation = 'Voorbeeld'"
    reading = read(tmp_path, text, {"IDCONTACT__PAGES": "{organisation = 5}"})
    assert reading.mistakes == [
        "pages.organisation: expected a string, got a whole number (from IDCONTACT__PAGES)",
    ]


def test_a_variable_with_a_dot_leads_into_a_table_and_the_rest_of_it_stays() -> None:
    text = "[global.authonly_request_keys.a]\ntype = 'RSA'\nkey = 'one'"
    table = table_of(text, **{"ROCKET_AUTHONLY_REQUEST_KEYS.A.KEY": "two"})
    assert table["authonly_request_keys"] == {"a": {"type": "RSA", "key": "two"}}


# --- what it becomes ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lines", "shim"),
    [
        ("", None),
        ("ui_tel_url = 'https://a/'", "ui"),
        ("ui_tel_url = 'https://a/'\nui_signing_privkey = {}", "ui"),
        ("ui_signing_privkey = {}", "bare"),
        ("ui_signing_privkey = {}\ntel_shim = 'page'", "page"),
    ],
)
def test_which_telephone_shim_there_is_follows_from_what_it_needs(lines: str, shim: str | None) -> None:
    assert table_of(f"[global]\n{lines}").get("tel_shim") == shim


def test_settings_of_ours_may_stand_in_a_profile(tmp_path: Path) -> None:
    ours = """
    internal_url = "http://core:8001"
    internal_listen = "127.0.0.1:8001"
    redis_url = "redis://:secret@redis"
    listen = "127.0.0.2:80"
    [release.pages]
    organisation = "Gemeente Voorbeeld"
    """
    config = read(tmp_path, CORE + ours).result()
    assert (config.internal_url, config.listen) == ("http://core:8001", Address("127.0.0.2", 80))
    assert config.redis_url is not None
    assert config.pages.organisation == "Gemeente Voorbeeld"


def test_keys_that_are_not_used_are_warned_about_and_their_values_not_told(tmp_path: Path) -> None:
    unused = f"""
    workers = 3
    sentry_dsn = "{SECRET}"
    tls = {{ key = "{SECRET}" }}
    alowed_origins = ["{SECRET}"]
    """
    text = (CORE + unused).replace('tag = "digid",', f'tag = "digid", colour = "{SECRET}",')
    reading = read(tmp_path, text, {"ROCKET_LOG_LEVEL": SECRET, "ROCKET_NONSENSE": SECRET})
    reading.result()
    assert {warning.partition(": ")[0] for warning in reading.warnings} == {
        "global.workers",
        "global.sentry_dsn",
        "global.tls",
        "global.alowed_origins",
        "global.auth_methods[0].colour",
        "log_level",
        "nonsense",
    }
    said = "\n".join(reading.warnings)
    assert "did you mean allowed_origins?" in said
    assert "(from ROCKET_NONSENSE)" in said
    assert SECRET not in said


def test_a_mistake_is_named_by_what_stands_in_the_file(tmp_path: Path) -> None:
    text = CORE.replace('server_url = "https://core.example.org"', "server_url = 1\naddress = 'localhost'\nport = -1")
    text = text.replace('allowed_comm = ["call"]', 'allowed_comm = ["cal"]').replace('"http://call:8000"', "5")
    text = f"redis_url = '{SECRET}'\n{text}"
    reading = read(tmp_path, text, {"ROCKET_INTERNAL_SECRET": SECRET})
    assert {mistake.partition(": ")[0] for mistake in reading.mistakes} == {
        "redis_url",
        "global.server_url",
        "global.address",
        "global.port",
        "global.purposes[0].allowed_comm[0]",
        "global.comm_methods[0].start",
        "internal_secret",
    }
    assert SECRET not in "\n".join(reading.mistakes)


def test_what_is_missing_is_named_as_it_is_called_there(tmp_path: Path) -> None:
    reading = read(tmp_path, "[global]\nauth_methods = []\ncomm_methods = []")
    assert {mistake.partition(": ")[0] for mistake in reading.mistakes} == {"server_url", "purposes"}
