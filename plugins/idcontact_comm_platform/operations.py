"""What the routes do, take and answer, for the OpenAPI document."""

from __future__ import annotations

from typing import Final

from idcontact.errors import (
    BadRequest,
    NotAllowed,
    NotFound,
    PluginFailed,
    PluginTimeout,
    TokenRejected,
    TooLarge,
    TooManyRequests,
)
from idcontact.openapi import (
    FORM_TYPE,
    HTML_TYPE,
    JSON_TYPE,
    JWT_TYPE,
    LANGUAGE,
    Answer,
    Operation,
    Parameter,
    empty,
    json,
    page,
    see_other,
)
from idcontact.protocol import ClientUrl, Token
from idcontact_comm_platform.messages import Chosen, Credentials

_GUEST: Final = {"guest_token": "A guest's link, signed by the platform."}
_HOST: Final = {"host_token": "A host's link, signed by the platform."}

INIT: Final = Operation(
    summary="Send a guest to the widget",
    path=_GUEST,
    answers=[see_other("To the widget, with a token that tells it what to ask.")],
    errors=[BadRequest, TokenRejected],
    stored=False,
)
START: Final = Operation(
    summary="Begin to identify a guest",
    path=_GUEST,
    bodies={JSON_TYPE: Chosen},
    answers=[json(ClientUrl, "Where the guest's browser goes next.")],
    errors=[BadRequest, TokenRejected, NotAllowed, TooLarge, TooManyRequests, PluginFailed, PluginTimeout],
)
ROOM: Final = Operation(
    summary="The attributes of everyone in a room",
    path=_HOST,
    query=[LANGUAGE],
    answers=[
        Answer(200, "As a page; as JSON where that is accepted.", {HTML_TYPE: str, JSON_TYPE: list[Credentials]}),
    ],
    errors=[BadRequest, TokenRejected],
)
LIVE: Final = Operation(
    summary="Server-sent events: `start`, and `update` whenever the room has changed",
    path=_HOST,
    query=[Parameter("since", "Revision of the page that the browser has.")],
    answers=[Answer(200, "`badrequest` and `forbidden` end it.", {"text/event-stream": dict[str, str]})],
    stored=False,
)
LOGIN: Final = Operation(
    summary="Send a host to the OpenID provider",
    answers=[see_other("To the provider.")],
    errors=[TooManyRequests, PluginFailed, PluginTimeout],
)
REDIRECT: Final = Operation(
    summary="Take a host back from the OpenID provider",
    query=[
        Parameter("state", "Which log-in this is."),
        Parameter("code", "What the provider gives tokens for."),
        Parameter("iss", "The provider."),
        Parameter("error", "Why there is no code."),
    ],
    answers=[page("They are logged in, and may close the tab.")],
    errors=[NotAllowed, PluginFailed, PluginTimeout],
)
LOGOUT: Final = Operation(
    summary="Log a host out",
    bodies={FORM_TYPE: dict[str, str]},
    body_required=False,
    answers=[page("They are logged out. `room`, the token of a host's link: the way back to that room.")],
    errors=[BadRequest, NotAllowed, TooLarge],
)
SCRIPT: Final = Operation(
    summary="The script of the room's page",
    answers=[Answer(200, "An ES module.", {"text/javascript": str})],
    stored=False,
)
RESULT: Final = Operation(
    summary="Deliver a guest's auth result",
    path={"attr_id": "From the attr_url."},
    bodies={JWT_TYPE: Token},
    answers=[empty("Taken; the same one again too.")],
    errors=[TokenRejected, NotFound, TooLarge],
)
