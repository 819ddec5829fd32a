"""`idcontact check-config`: what a settings file says, without what is secret in it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from running import make_site

if TYPE_CHECKING:
    from server.cli.conftest import Outcome, Shell

PUBLISHED = Path(__file__).parents[2] / "published"
SECRET = "sentinel-of-a-secret"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return make_site(tmp_path, f"redis://:{SECRET}@127.0.0.1:1").config


def settings(output: str) -> dict[str, tuple[str, str]]:
    """Path → value and source."""
    found = re.findall(r"^([^#\n]\S*) = (.*?) +# (.+)$", output, re.MULTILINE)
    return {path: (value, source) for path, value, source in found}


def complaints(outcome: Outcome) -> list[str]:
    """What is said, but that the passwords of these tests are hashed in a hurry."""
    return [line for line in outcome.complaint.splitlines() if not line.startswith("warning: staff account ")]


def test_what_the_parts_warn_of_is_told_too(shell: Shell, file: Path) -> None:
    said = shell("check-config", file).complaint.splitlines()
    assert [line[:26] for line in said] == [f"warning: staff account {name}" for name in ("ann", "bob", "sue")]


def test_every_setting_is_told_with_its_value_and_its_source(
    shell: Shell, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IDCONTACT__LIVE__IDLE", "90 s")
    outcome = shell("check-config", file)
    assert (outcome.status, complaints(outcome)) == (0, [])
    assert outcome.output.startswith(f"# {file}: settings of ID Contact\n")
    said = settings(outcome.output)
    assert said["purposes[0].name"] == ('{ nl = "Verhuizing doorgeven", en = "Report a move" }', "file")
    assert said["purposes[0].allowed_auth"] == ('["*"]', "file")
    assert said["start_limit"] == ('"1000 per min"', "file")
    assert said["live.idle"] == ('"90 s"', "IDCONTACT__LIVE__IDLE")
    assert said["live.wrap_up"] == ('"1 min"', "default")
    assert said["live.purposes.passport.unverified"] == ("true", "file")
    assert said["staff.accounts[1].purposes"] == ('["report_move"]', "file")
    assert said["keys_dir"] == (f'"{file.parent}/keys"', "file")


def test_secrets_and_keys_and_what_a_plugin_is_told_are_not_shown(shell: Shell, file: Path) -> None:
    outcome = shell("check-config", file)
    said = settings(outcome.output)
    for hidden in ("redis_url", "live.decrypt_key", "staff.accounts[0].password_hash", "plugins.auth_test.sign_key"):
        assert said[hidden] == ("(not shown)", "file")
    for secret in (SECRET, "BEGIN", "$argon2", "Suzanne"):
        assert secret not in outcome.output + outcome.complaint


def test_nothing_is_started_or_left_behind(shell: Shell, file: Path) -> None:
    before = sorted(file.parent.iterdir())
    assert shell("check-config", file).status == 0
    assert sorted(file.parent.iterdir()) == before


def test_a_published_file_is_told_in_our_words_with_what_stands_there(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ROCKET_PORT", "9000")
    outcome = shell("check-config", PUBLISHED / "id_contact.toml")
    assert outcome.status == 0
    said = settings(outcome.output)
    assert said["public_url"] == ('"https://core.id-contact.example"', "file: global.server_url")
    assert said["listen"] == ('"127.0.0.1:9000"', "ROCKET_PORT")
    assert said["comm_methods[0].name"] == ('"Bellen"', "file, [global]")
    assert said["internal_secret"] == said["ui_signing_privkey"] == ("(not shown)", "file, [global]")
    warnings = outcome.complaint.splitlines()
    assert [line.split(": ")[:2] for line in warnings] == [
        ["warning", "global.sentry_dsn"],
        ["warning", "global.internal_url"],
    ]


def test_mistakes_of_the_file_and_of_plugins_tables_are_told_at_once(shell: Shell, file: Path) -> None:
    text = file.read_text().replace('start_limit = "1000 per min"', "start_limit = 5")
    text = text.replace('sign_key = { file = "sign.pem" }', "").replace("[plugins.auth_test.attributes]", "[plugins.x]")
    file.write_text(f"{text}\n[plugins.second]\nplugin = 'nobody'\n[plugins.third]\nplugin = 3\n")
    outcome = shell("check-config", file)
    assert outcome.status == 2
    named = [line.split(": ")[:2] for line in complaints(outcome)]
    assert named == [
        ["mistake", "start_limit"],
        ["mistake", "plugins.auth_test.sign_key"],
        ["mistake", "plugins.x"],
        ["mistake", "plugins.second.plugin"],
        ["mistake", "plugins.third.plugin"],
    ]
    assert settings(outcome.output)["live.idle"] == ('"15 min"', "default"), "what could be read is told all the same"


def test_mistakes_that_show_only_when_parts_are_put_together_are_told_with_those_of_plugins(
    shell: Shell, file: Path
) -> None:
    text = file.read_text().replace("plugin:auth_test", "plugin:auth_tset").replace("encrypt_key =", "encrypt_kye =")
    file.write_text(text.replace("redis://", "mysql://"))
    said = complaints(shell("check-config", file))
    assert {line.split(": ")[1] for line in said} == {
        "plugins.auth_test.encrypt_key",
        "plugins.auth_test.encrypt_kye",
        "redis_url",
        "auth_methods[0].start",
    }


def test_two_of_one_plugin_have_settings_of_their_own(shell: Shell, file: Path) -> None:
    text = file.read_text()
    table = text[text.index("[plugins.auth_test]") :].replace("plugins.auth_test", "plugins.second")
    file.write_text(text + table.replace("[plugins.second]", '[plugins.second]\nplugin = "auth_test"'))
    outcome = shell("check-config", file)
    assert (outcome.status, complaints(outcome)) == (0, [])
    assert settings(outcome.output)["plugins.second.plugin"] == ('"auth_test"', "file")


def test_a_text_that_a_terminal_would_act_on_is_escaped(shell: Shell, file: Path) -> None:
    file.write_text(file.read_text().replace('"Naam"', '"\\u001b[2JNaam\\u009b\\u202e"'))
    outcome = shell("check-config", file)
    assert outcome.status == 0
    assert settings(outcome.output)["attributes.fullname.name"][0].startswith('{ nl = "\\u001b[2JNaam\\u009b\\u202e"')


def test_without_a_file_it_is_the_one_that_the_server_would_take(
    shell: Shell, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(file.parent)
    assert shell("check-config").output.startswith(f"# {file}: ")
