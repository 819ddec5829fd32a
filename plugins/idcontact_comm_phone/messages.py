"""What the contact centre's platform and this plugin tell each other. Members as the published plugin has them."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from idcontact.protocol import Tag


class LinkPhone(msgspec.Struct, frozen=True, kw_only=True):
    """`POST /link_phone`: the digits that a caller typed, and what the platform calls the call."""

    dtmf: Annotated[str, Meta(max_length=100, description="the digits that were typed")]
    sessionid: Annotated[str, Meta(min_length=1, max_length=500, description="the platform's own id of the call")]


class TelephoneResult(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How somebody identified. `status` is `succes` or `success`, as the dialect spells it, or `failed`.

    `attributes` by tag, on success; `session_url` where the authentication plugin wants to hear of activity.
    """

    status: str
    attributes: dict[str, str] | None = None
    session_url: str | None = None


class SessionInfo(msgspec.Struct, frozen=True, kw_only=True):
    """`GET /session_info/{sessionid}`: what the call is about. `auth_result` is null until there is one."""

    purpose: Tag
    auth_result: TelephoneResult | None
