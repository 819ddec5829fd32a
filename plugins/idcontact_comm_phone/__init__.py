"""Talking by telephone: the person dials a number and a code, and the contact centre is told who calls.

The interface is that of the published plugin for Amazon Connect (WIRE, "Telephone plugin"), and nothing in it is of one
make: a platform that can ask a caller for digits and send a request can use it. It serves machines alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from idcontact_comm_phone.plugin import CommPhone
from idcontact_comm_phone.settings import PhoneSettings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from idcontact.plugin import PluginHost

__all__ = ["CommPhone", "PhoneSettings", "create"]


def create(host: PluginHost, settings: Mapping[str, object]) -> CommPhone:
    """The plugin, for a host. Raises SettingsError."""
    return CommPhone(host, host.read_settings(settings, PhoneSettings))
