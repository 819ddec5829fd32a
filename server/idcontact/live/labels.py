"""What things are called, in the reader's language."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from idcontact.settings_values import Localized


@dataclass(frozen=True)
class Labels:
    """Names from the configuration. What has none is called by its tag."""

    purposes: Mapping[str, Localized]
    methods: Mapping[str, Localized]
    attributes: Mapping[str, Localized]

    def purpose(self, tag: str, language: str) -> str:
        """What a purpose is called."""
        return _name(self.purposes, tag, language)

    def method(self, tag: str, language: str) -> str:
        """What an authentication method is called."""
        return _name(self.methods, tag, language)

    def attribute(self, tag: str, language: str) -> str:
        """What an attribute is called."""
        return _name(self.attributes, tag, language)


def _name(names: Mapping[str, Localized], tag: str, language: str) -> str:
    return names[tag].get(language) if tag in names else tag
