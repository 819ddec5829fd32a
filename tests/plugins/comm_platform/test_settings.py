"""The plugin's settings, and what the documentation says of them."""

from __future__ import annotations

import re
import tomllib
from typing import TYPE_CHECKING

import msgspec

from idcontact.settings import read
from idcontact_comm_platform.settings import LoginSettings, PlatformSettings
from plugin_house import key_pair
from test_documentation import DOCS, written_default

if TYPE_CHECKING:
    from pathlib import Path

TEXT = (DOCS / "platform.md").read_text("utf-8")


def test_every_setting_is_documented_with_its_default_and_a_meaning() -> None:
    rows = re.findall(r"^\| `([a-z_.]+)` \| ([^|]+) \| ([^|]+\.) \|$", TEXT, re.MULTILINE)
    documented = {name: default for name, default, _ in rows}
    fields = {field.name: written_default(field) for field in msgspec.structs.fields(PlatformSettings)}
    login = {f"login.{field.name}": written_default(field) for field in msgspec.structs.fields(LoginSettings)}
    assert documented == {**fields, **login, "login.algorithms": '`["RS256"]`'}
    assert len(rows) == len(documented), "a setting stands there twice"


def test_the_settings_in_the_documentation_can_be_used(tmp_path: Path) -> None:
    plugin, login = re.findall("```toml\n(.+?)```", TEXT, re.DOTALL)
    for name in ("platform-start.private", "widget.private", "decrypt-key.private"):
        (tmp_path / f"{name}.pem").write_text(key_pair(name)[0])
    (tmp_path / "digid.public.pem").write_text(key_pair("sign")[1])
    for name in ("guest_secret", "host_secret", "oidc_secret"):
        (tmp_path / name).write_text(f"{name:x<64}\n")
    table = tomllib.loads(f"{plugin}\n{login}".replace("/run/secrets/", ""))["plugins"]["comm_platform"]
    told = read(table, PlatformSettings, base=tmp_path)
    assert told.login is not None
    assert told.login.issuer == "https://login.example.org/"
    assert told.guest_signature_secret.value() == f"{'guest_secret':x<64}"
