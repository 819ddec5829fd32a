"""What the routes of the kits do, take and answer, for the OpenAPI document."""

from __future__ import annotations

from typing import Final

from idcontact.errors import BadRequest, Gone, NotAllowed, NotFound, TokenRejected, TooLarge, TooManyRequests
from idcontact.openapi import (
    FORM_TYPE,
    JSON_TYPE,
    JWT_TYPE,
    LANGUAGE,
    Operation,
    Parameter,
    empty,
    json,
    page,
    see_other,
)
from idcontact.protocol import ClientUrl, CommunicationStarted, StartAuthentication, StartCommunication, Token

_SESSION: Final = {"session": "Id of the session, for the browser that opened it first."}
_LOOK_AHEAD: Final = empty("Nobody is there yet: a browser looked ahead.", 503)

# --- authentication plugins -----------------------------------------------------------------------------------------

START_AUTHENTICATION: Final = Operation(
    summary="Start an authentication",
    bodies={JSON_TYPE: StartAuthentication},
    answers=[json(ClientUrl, "Where the browser goes next.")],
    errors=[BadRequest, TooLarge],
)
IDENTIFY: Final = Operation(
    summary="The page of an authentication",
    path=_SESSION,
    query=[LANGUAGE],
    answers=[page("What the plugin shows."), see_other("To an identity provider, or the continuation."), _LOOK_AHEAD],
    errors=[Gone],
)
ACT_IDENTIFYING: Final = Operation(
    summary="A form of the page of an authentication",
    path=_SESSION,
    query=[LANGUAGE],
    bodies={FORM_TYPE: dict[str, str]},
    answers=[page("The page again."), see_other("To the continuation.")],
    errors=[BadRequest, NotAllowed, NotFound, Gone, TooLarge],
)

# --- communication plugins ------------------------------------------------------------------------------------------

START_COMMUNICATION: Final = Operation(
    summary="Start a communication",
    bodies={JSON_TYPE: StartCommunication},
    answers=[json(CommunicationStarted, "Where the browser goes, and where the auth result is to be delivered.")],
    errors=[BadRequest, TokenRejected, TooLarge],
)
ATTR: Final = Operation(
    summary="Deliver an auth result",
    path={"place": "From the attr_url."},
    bodies={JWT_TYPE: Token},
    answers=[empty("Taken; the same one again too.")],
    errors=[TokenRejected, NotFound, TooLarge],
)
CANCEL: Final = Operation(
    summary="Call a communication off to which nobody will come",
    path={"place": "From the cancel_url."},
    answers=[empty("Called off; again too.")],
)
TALK: Final = Operation(
    summary="The page of a communication",
    path=_SESSION,
    query=[LANGUAGE, Parameter("result", "An auth result, appended by the authentication plugin.", Token)],
    answers=[page("What the plugin shows."), see_other("To the same address, without the result."), _LOOK_AHEAD],
    errors=[TokenRejected, Gone, TooManyRequests],
)
ACT_TALKING: Final = Operation(
    summary="A form of the page of a communication",
    path=_SESSION,
    query=[LANGUAGE],
    bodies={FORM_TYPE: dict[str, str]},
    answers=[page("A page of the plugin."), see_other("Where the plugin leads.")],
    errors=[BadRequest, NotAllowed, NotFound, Gone, TooLarge],
)
