"""`[plugins.comm_platform]`. Names that the published plugin has are kept."""

from __future__ import annotations

import msgspec

from idcontact.limits import Limit
from idcontact.oidc import ProviderSettings
from idcontact.pem import PrivatePem
from idcontact.results import ResultMethod
from idcontact.settings import Duration, Localized, Origin, Url
from idcontact.settings_values import ContinuationBase, SigningSecret
from idcontact.tokens import Dialect


class PurposeSettings(msgspec.Struct, frozen=True, kw_only=True):
    """`purposes.<tag>`: what staff see it called, and the attributes that they get to see for it."""

    name: Localized | None = None
    attributes: list[str]


class LoginSettings(ProviderSettings, frozen=True, kw_only=True):
    """`login`: at which OpenID provider hosts log in, and whom of its accounts that makes a host.

    `claim` of the ID token has to be one of `values`, or a list that holds one: not every account of an organisation
    may see what people share. `session`: how long somebody stays logged in. `limit`: how often one address may begin.
    """

    claim: str
    values: list[str]
    limit: Limit = Limit(30, 60)
    session: Duration = Duration(8 * 60 * 60)


class PlatformSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What the plugin has to be told.

    `core_url`: where the core is; `start_auth_key_id` and `start_auth_signing_privkey`: as whom the plugin asks it for
    an identification (`authonly_request_keys` there). `widget_url`, `display_name`, `widget_signing_privkey`: the page
    on which a guest chooses how to identify, and what it is told. `guest_signature_secret`, `host_signature_secret`:
    shared with the platform, which signs its links with them. `decrypt_key`, `auth_methods`: as for every
    communication plugin. `frame_ancestors`: websites that may show the host's page in a frame. `idle` is how long a
    guest's attributes are kept after somebody last did something, `lifetime` how long they are kept at the most.
    `start_limit`: how often one guest may begin to identify. `login`: without it, who has the platform's link sees the
    room.
    """

    core_url: Url
    start_auth_key_id: str
    start_auth_signing_privkey: PrivatePem
    widget_url: ContinuationBase
    widget_signing_privkey: PrivatePem
    display_name: str
    guest_signature_secret: SigningSecret
    host_signature_secret: SigningSecret
    decrypt_key: PrivatePem
    auth_methods: list[ResultMethod]
    purposes: dict[str, PurposeSettings]
    dialect: Dialect = Dialect.VERDER_HELPEN
    frame_ancestors: list[Origin] = []
    idle: Duration = Duration(15 * 60)
    lifetime: Duration = Duration(2 * 60 * 60)
    start_limit: Limit = Limit(10, 60)
    login: LoginSettings | None = None
