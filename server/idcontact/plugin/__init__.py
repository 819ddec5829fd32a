"""What a plugin author needs. A plugin is a package that exposes `create(host, settings) -> Plugin`.

It is found by its entry point in the group `idcontact.plugins`, whose name is the plugin's. An authentication plugin
derives from `AuthPlugin` and writes only what is its own: what it can give, what it shows, and when the person is done;
a communication plugin derives from `CommPlugin`, and writes what the person sees.
"""

from __future__ import annotations

from idcontact.plugin.auth import AuthPlugin, AuthSettings
from idcontact.plugin.comm import CommPlugin, CommSettings
from idcontact.plugin.contact import CommSession, Received, ResultState
from idcontact.plugin.host import Limiter, Plugin, PluginFactory, PluginHost, find_plugin
from idcontact.plugin.session import AuthSession

__all__ = [
    "AuthPlugin",
    "AuthSession",
    "AuthSettings",
    "CommPlugin",
    "CommSession",
    "CommSettings",
    "Limiter",
    "Plugin",
    "PluginFactory",
    "PluginHost",
    "Received",
    "ResultState",
    "find_plugin",
]
