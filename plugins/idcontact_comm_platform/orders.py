"""What the plugin signs: what the widget is told, and the start request to the core (WIRE.md)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from idcontact.jws import sign_jws
from idcontact.tokens import LIFETIME, Dialect, SigningKey

if TYPE_CHECKING:
    from collections.abc import Mapping

    from idcontact.protocol import SignedStartRequest
    from idcontact_comm_platform.links import Guest
    from idcontact_comm_platform.settings import PlatformSettings

_SUBJECTS: Final = {
    Dialect.ID_CONTACT: "id-contact-widget-params",
    Dialect.VERDER_HELPEN: "verder-helpen-widget-params",
}


class Orders:
    """Signs them. Raises SettingsError for keys that cannot be used; `where` leads their names."""

    def __init__(self, settings: PlatformSettings, where: str) -> None:
        self._settings = settings
        self._for_widget = SigningKey.from_pem(
            settings.widget_signing_privkey.value(), f"{where}.widget_signing_privkey"
        )
        self._for_core = SigningKey.from_pem(
            settings.start_auth_signing_privkey.value(), f"{where}.start_auth_signing_privkey"
        )

    def widget(self, guest: Guest, start_url: str, now: float) -> str:
        """The address of the widget for this guest, for five minutes from `now`."""
        claims = {
            "sub": _SUBJECTS[self._settings.dialect],
            "purpose": guest.purpose,
            "start_url": start_url,
            "display_name": self._settings.display_name,
        }
        if self._settings.dialect is Dialect.VERDER_HELPEN:
            claims["cancel_url"] = guest.redirect_url
        return self._settings.widget_url + _signed(self._for_widget, claims, now)

    def start(self, request: SignedStartRequest, now: float) -> str:
        """The body of a start at the core."""
        return _signed(self._for_core, {"request": request}, now, kid=self._settings.start_auth_key_id)


def _signed(key: SigningKey, claims: Mapping[str, object], now: float, kid: str | None = None) -> str:
    issued = int(now)  # rounded down: published readers refuse an `iat` that is ahead of them
    payload = msgspec.json.encode({**claims, "iat": issued, "exp": issued + LIFETIME})
    return sign_jws(payload, key.native, key.algorithm, {"kid": kid} if kid is not None else None)
