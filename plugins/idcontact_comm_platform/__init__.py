"""A communication plugin for a chat or video product of somebody else, that only wants the attributes.

A guest of the product follows a link, identifies, and goes on in the product; its hosts see what was shared, in a
frame. The interface is that of the published common communication plugin (WIRE.md, "Platform plugin").
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from idcontact_comm_platform.plugin import Platform
from idcontact_comm_platform.settings import PlatformSettings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from idcontact.plugin import PluginHost


def create(host: PluginHost, settings: Mapping[str, object]) -> Platform:
    """The plugin, for a host. Raises SettingsError."""
    return Platform(host, host.read_settings(settings, PlatformSettings))
