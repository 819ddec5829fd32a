"""Which plugin a table of the settings is for."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import pytest

from idcontact.errors import SettingsError
from idcontact.plugin import host as kit

if TYPE_CHECKING:
    from collections.abc import Mapping

    from idcontact.plugin import Plugin, PluginFactory, PluginHost

HOST = cast("PluginHost", object())


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> list[Mapping[str, object]]:
    """What the one plugin that is installed, `bell`, was told when it was made."""
    told: list[Mapping[str, object]] = []

    def create(host: PluginHost, settings: Mapping[str, object]) -> Plugin:
        assert host is HOST
        told.append(settings)
        return cast("Plugin", object())

    def find(name: str, where: str | None = None) -> PluginFactory:
        if name != "bell":
            raise SettingsError([f"{where or name}: not installed"])
        return create

    monkeypatch.setattr(kit, "find_plugin", find)
    return told


def test_a_table_is_for_the_plugin_of_its_name(installed: list[Mapping[str, object]]) -> None:
    kit.plugin_for("bell", {"tune": 1})(HOST, {"tune": 1})
    assert installed == [{"tune": 1}]


def test_a_table_of_another_name_says_which_plugin_it_is_for_and_the_plugin_is_not_told(
    installed: list[Mapping[str, object]],
) -> None:
    table = {"plugin": "bell", "tune": 2}
    kit.plugin_for("second_bell", table)(HOST, table)
    assert installed == [{"tune": 2}]


@pytest.mark.parametrize(
    ("table", "mistake"),
    [
        ({}, "second_bell: not installed"),
        ({"plugin": "gong"}, "plugins.second_bell.plugin: not installed"),
        ({"plugin": ["bell"]}, "plugins.second_bell.plugin: expected the name of an installed plugin"),
    ],
)
def test_a_plugin_that_is_not_there_is_named_by_its_place(
    installed: list[Mapping[str, object]], table: dict[str, object], mistake: str
) -> None:
    with pytest.raises(SettingsError) as caught:
        kit.plugin_for("second_bell", table)
    assert caught.value.mistakes == [mistake]
    assert installed == []


def test_what_is_installed_is_told_to_who_asks_for_something_else() -> None:
    with pytest.raises(SettingsError, match=r"plugins\.gong: no such plugin is installed; there are: .*auth_test"):
        kit.find_plugin("gong")
