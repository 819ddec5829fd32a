"""What the routes of live conversations do, take and answer, for the OpenAPI document."""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from idcontact.errors import (
    BadRequest,
    Gone,
    NotAllowed,
    NotFound,
    OtherBrowser,
    TokenRejected,
    TooLarge,
    TooManyRequests,
)
from idcontact.openapi import JSON_TYPE, JWT_TYPE, LANGUAGE, Answer, Operation, Parameter, empty, json, page, see_other
from idcontact.protocol import Availability, CommunicationStarted, StartCommunication, Token

_TICKET: Final = {"ticket": "From the client_url: good for one browser."}

START: Final = Operation(
    summary="Prepare a live conversation",
    bodies={JSON_TYPE: StartCommunication},
    answers=[json(CommunicationStarted, "Where the end user lands, and where the auth result is to be delivered.")],
    errors=[BadRequest, TokenRejected, NotFound, TooLarge],
)
AVAILABILITY: Final = Operation(
    summary="Whether somebody is there for a purpose",
    path={"purpose": "Tag of a purpose."},
    answers=[json(Availability, "As it is now.")],
    errors=[NotFound],
)
ATTR: Final = Operation(
    summary="Deliver an auth result to a conversation",
    path={"place": "From the attr_url."},
    bodies={JWT_TYPE: Token},
    answers=[empty("Taken; the same one again too.")],
    errors=[TokenRejected, NotFound, TooLarge],
)
CANCEL: Final = Operation(
    summary="Call a conversation off to which nobody will come",
    path={"place": "From the cancel_url."},
    answers=[empty("Called off; again too.")],
    errors=[NotFound],
)
LANDING: Final = Operation(
    summary="Land at a conversation",
    path=_TICKET,
    query=[LANGUAGE, Parameter("result", "An auth result, appended by the authentication plugin.", Token)],
    answers=[
        page("A page that goes on by script or button."),
        see_other("To the conversation, or to the same address without the result."),
    ],
    errors=[TokenRejected, NotFound, Gone, TooManyRequests],
)
LAND: Final = Operation(
    summary="Exchange the ticket for a cookie",
    path=_TICKET,
    query=[LANGUAGE],
    answers=[see_other("To the conversation.")],
    errors=[NotAllowed, NotFound, Gone, TooLarge, TooManyRequests],
)
CONVERSATION: Final = Operation(
    summary="The end user's page of a conversation",
    path={"conversation": "Id of the conversation."},
    query=[LANGUAGE],
    answers=[page("The page, for who holds the conversation's cookie.")],
    errors=[OtherBrowser, Gone],
)
_CONVERSATION: Final = {"conversation": "Id of the conversation."}


class StreamEvent(msgspec.Struct, frozen=True, omit_defaults=True):
    """One event of a stream. Without `event`, `data` is a frame; with `ready` and `close`, what stream.py says."""

    data: str
    event: Literal["ready", "close"] | None = None


_EVENTS: Final = Answer(
    200, "Frames of the live protocol; see docs/live-protocol.md.", {"text/event-stream": StreamEvent}
)
_TAKEN: Final = empty("Taken. What it leads to is said over the stream.", 204)
_LINES: Final = "text/plain"
END_USER_EVENTS: Final = Operation(
    summary="What the server says to an end user's page, where WebSockets are blocked",
    path=_CONVERSATION,
    answers=[_EVENTS],
)
END_USER_FRAMES: Final = Operation(
    summary="What an end user's page says over its stream, one frame a line",
    path=_CONVERSATION,
    bodies={_LINES: str},
    answers=[_TAKEN],
    errors=[BadRequest, NotAllowed, Gone, TooLarge],
)
STAFF_EVENTS: Final = Operation(
    summary="What the server says to a console, where WebSockets are blocked",
    query=[LANGUAGE],
    answers=[_EVENTS],
)
STAFF_FRAMES: Final = Operation(
    summary="What a console says over its stream, one frame a line",
    bodies={_LINES: str},
    answers=[_TAKEN],
    errors=[BadRequest, NotAllowed, Gone, TooLarge],
)
