"""The whole configuration file: what spans the parts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from idcontact.config import IN_PROCESS, Config, load_config
from idcontact.errors import SettingsError
from running import make_site

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

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
        "redis_url",
        "plugins.auth",
        "spare",
        "staff.accounts[0].password_hash",
        "listen",
        "live.hard_limit",
        "public_url",
    }
    assert SECRET not in "\n".join(said)
