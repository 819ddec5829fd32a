"""The whole configuration file: what spans the parts."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from idcontact.config import IN_PROCESS, Config, find_config, load_config, read_config
from idcontact.errors import SettingsError
from idcontact.settings_values import Period, Site
from running import make_site

if TYPE_CHECKING:
    from collections.abc import Mapping

SECRET = "sentinel-of-a-secret"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A good configuration file, with its keys."""
    return make_site(tmp_path, f"redis://:{SECRET}@127.0.0.1:6379/0").config


def changed(file: Path, *changes: tuple[str, str]) -> Path:
    text = file.read_text()
    for old, new in changes:
        assert old in text
        text = text.replace(old, new, 1)
    file.write_text(text)
    return file


def mistakes(file: Path, environ: Mapping[str, str] | None = None) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        load_config(file, environ or {})
    return caught.value.mistakes


def without(config: Path, *lines: str) -> Path:
    kept = [line for line in config.read_text().splitlines() if not line.startswith(lines)]
    config.write_text("\n".join(kept))
    return config


def test_a_good_file_is_read_whole(file: Path) -> None:
    config = load_config(file, {})
    assert isinstance(config, Config)
    assert config.internal_base == config.internal_url
    assert config.keys_dir == file.parent / "keys"
    assert SECRET not in repr(config)


def test_the_environment_goes_over_the_file(file: Path) -> None:
    config = load_config(
        file, {"IDCONTACT__LIVE__OTHER_BROWSER": "refuse", "IDCONTACT__LIVE__PURPOSES__PASSPORT__UNVERIFIED": "false"}
    )
    assert config.live is not None
    assert config.live.other_browser == "refuse"
    assert not config.live.rules("passport").unverified


def test_without_an_internal_listener_plugins_of_this_process_still_have_addresses(file: Path) -> None:
    config = load_config(without(file, "internal_listen", "internal_url"), {})
    assert (config.internal_listen, config.internal_base) == (None, IN_PROCESS)


def test_an_internal_listener_needs_the_address_by_which_it_is_reached(file: Path) -> None:
    [mistake] = mistakes(without(file, "internal_url"))
    assert mistake.startswith("internal_url: expected with internal_listen")


def test_every_mistake_of_every_part_is_named_at_once_by_its_path(file: Path) -> None:
    changed(
        file,
        ("public_url = ", "public_ulr = "),
        ('start_limit = "1000 per min"', 'start_limit = "often"'),
        ('allowed_auth = ["*"]', 'allowed_auth = ["digid"]'),
        ("[live.purposes.passport]", "[live.purposes.pasport]"),
        ('tag = "other"', 'tag = "test"'),
        ('purposes = ["report_move"]', 'purposes = ["report_mvoe"]'),
        ('roles = ["supervisor"]', 'roles = ["boss"]'),
        ('landing_limit = "1000 per min"', "landing_limit = -1"),
        ('file = "verify.pem"', 'file = "missing.pem"'),
    )
    said = dict(line.split(": ", 1) for line in mistakes(file))
    assert set(said) == {
        "public_url",
        "public_ulr",
        "start_limit",
        "purposes[0].allowed_auth[0]",
        "live.landing_limit",
        "live.purposes.pasport",
        "live.auth_methods[0].verify_keys[0].file",
        "live.auth_methods[1].tag",
        "staff.accounts[1].purposes[0]",
        "staff.accounts[2].roles[0]",
    }
    assert said["public_ulr"].endswith("did you mean public_url?")
    assert said["live.auth_methods[1].tag"].startswith("is the tag of an earlier one too")


def test_what_was_written_is_never_repeated(file: Path) -> None:
    changed(
        file,
        ("redis_url = ", "redis_ulr = "),
        ("[plugins.auth_test]", f'[plugins]\nauth = "{SECRET}"\n[spare]'),
        ("[plugins.auth_test.attributes]", "[spare.attributes]"),
        ('password_hash = "', f'password_hash = "{SECRET}'),
    )
    environ = {"IDCONTACT__LISTEN": SECRET, "IDCONTACT__LIVE__HARD_LIMIT": SECRET, "IDCONTACT__PUBLIC_URL": SECRET}
    said = mistakes(file, environ)
    assert {line.split(": ")[0].partition(" ")[0] for line in said} >= {
        "redis_ulr",
        "plugins.auth",
        "spare",
        "staff.accounts[0].password_hash",
        "listen",
        "live.hard_limit",
        "public_url",
    }
    assert SECRET not in "\n".join(said)


@pytest.mark.parametrize(
    "name",
    [
        "preparing",
        "auth_wait",
        "waiting_grace",
        "user_grace",
        "agent_grace",
        "idle",
        "asked",
        "hard_limit",
        "offer_timeout",
    ],
)
def test_a_time_in_which_nothing_could_ever_happen_is_refused(file: Path, name: str) -> None:
    for nothing in ("0", "0 min"):
        assert mistakes(file, {f"IDCONTACT__LIVE__{name.upper()}": nothing}) == [
            f"live.{name}: expected {Period.EXPECTED}, got a shorter one (from IDCONTACT__LIVE__{name.upper()})"
        ]


def test_an_ended_conversation_may_be_gone_at_once(file: Path) -> None:
    assert load_config(file, {"IDCONTACT__LIVE__RETENTION": "0"}).live is not None


def test_a_socket_may_send_enough_to_be_of_use(file: Path) -> None:
    (said,) = mistakes(file, {"IDCONTACT__LIVE__FRAMES_PER_10_SECONDS": "0"})
    assert said.startswith("live.frames_per_10_seconds: expected")


def test_the_server_has_its_host_name_to_itself_because_its_pages_lead_to_addresses_from_the_root(file: Path) -> None:
    for url in ("https://www.example.org/contact", "https://www.example.org/contact/", "https://www.example.org//x"):
        assert mistakes(file, {"IDCONTACT__PUBLIC_URL": url}) == [
            f"public_url: expected {Site.EXPECTED}, got one with a path (from IDCONTACT__PUBLIC_URL)"
        ]
    for url in ("https://www.example.org:8443/", "https://www.example.org:8443"):
        assert load_config(file, {"IDCONTACT__PUBLIC_URL": url}).public_url == "https://www.example.org:8443"


# --- a core by itself -----------------------------------------------------------------------------------------------

CORE = """
public_url = "https://core.example.org"
auth_methods = []
comm_methods = []
"""


def core(folder: Path, text: str) -> Path:
    file = folder / "idcontact.toml"
    file.write_text(CORE + text)
    return file


def test_live_conversations_and_a_store_of_ones_own_are_not_needed(tmp_path: Path) -> None:
    config = load_config(core(tmp_path, "purposes = []\nkeys_dir = 'secret/keys'"), {})
    assert (config.live, config.redis_url, config.results) == (None, None, None)
    assert config.valkey_dir == tmp_path / "secret" / "valkey"


def test_staff_without_anybody_to_talk_to_are_warned_about(tmp_path: Path) -> None:
    reading = read_config(core(tmp_path, "purposes = []\n[staff]\nsession_idle = 60"), {})
    assert reading.result().live is None
    assert reading.warnings == ["staff: is not used without [live]"]


def test_results_are_told_the_same_as_live_conversations_and_only_one_of_them(file: Path) -> None:
    text = file.read_text()
    methods = text[text.index("[[live.auth_methods]]") : text.index("[[staff.accounts]]")]
    file.write_text(
        f"{text}\n[results]\ndecrypt_key = {{file = 'decrypt.pem'}}\n{methods.replace('live.', 'results.')}"
    )
    [mistake] = mistakes(file)
    assert mistake == "results: is for a server without [live], which is told the same there; remove one of them"


def test_a_purpose_names_opening_hours_that_are_there(tmp_path: Path) -> None:
    named = """
    [[purposes]]
    tag = "move"
    attributes = []
    allowed_auth = []
    allowed_comm = []
    opening_hours = "desk"
    [opening_hours.{}]
    time_zone = "Europe/Amsterdam"
    monday = ["09:00-17:00"]
    """
    assert load_config(core(tmp_path, named.format("desk")), {}).opening_hours["desk"].monday != []
    [mistake] = mistakes(core(tmp_path, named.format("counter")))
    assert mistake.startswith("purposes[0].opening_hours: names none of [opening_hours]")


def test_each_of_several_keys_that_cannot_be_used_is_named(file: Path) -> None:
    changed(file, ('decrypt_key = { file = "decrypt.pem" }', 'decrypt_key = { file = "verify.pem" }'))
    changed(file, ('verify_keys = [{ file = "verify.pem" }]', 'verify_keys = [{ file = "sign.pem" }]'))
    changed(file, ("start_limit", 'ui_signing_privkey = { file = "verify.pem" }\nstart_limit'))
    changed(
        file,
        ("[live.purposes.passport]", "[authonly_request_keys]\na = { file = 'sign.pem' }\n[live.purposes.passport]"),
    )
    assert {mistake.partition(": ")[0] for mistake in mistakes(file)} == {
        "live.decrypt_key",
        "live.auth_methods[0].verify_keys[0]",
        "ui_signing_privkey",
        "authonly_request_keys.a",
    }


def test_a_plugin_cannot_take_the_name_of_the_live_conversations(file: Path) -> None:
    [mistake] = mistakes(changed(file, ("[plugins.auth_test]", "[plugins.live]\n[plugins.auth_test]")))
    assert mistake.startswith("plugins.live: ")


# --- which file -----------------------------------------------------------------------------------------------------


def test_the_settings_are_those_given_or_named_by_the_environment_or_lying_there(tmp_path: Path) -> None:
    for name in ("idcontact.toml", "Rocket.toml"):
        (tmp_path / name).touch()
    named = {"IDCONTACT_CONFIG": "ours.toml", "ROCKET_CONFIG": "/etc/theirs.toml"}
    assert find_config(tmp_path / "given.toml", named, tmp_path) == tmp_path / "given.toml"
    assert find_config(None, named, tmp_path) == tmp_path / "ours.toml"
    assert find_config(None, {**named, "IDCONTACT_CONFIG": ""}, tmp_path) == Path("/etc/theirs.toml")
    assert find_config(None, {}, tmp_path) == tmp_path / "idcontact.toml"
    (tmp_path / "idcontact.toml").unlink()
    assert find_config(None, {}, tmp_path) == tmp_path / "Rocket.toml"
    (tmp_path / "Rocket.toml").unlink()
    with pytest.raises(SettingsError, match="there are no settings: give --config FILE"):
        find_config(None, {}, tmp_path)
