"""What the routes do, take and answer, for the OpenAPI document."""

from __future__ import annotations

from typing import Final

from idcontact.errors import BadRequest, NotAuthenticated, NotFound, TokenRejected, TooLarge, TooManyRequests
from idcontact.openapi import JSON_TYPE, JWT_TYPE, Operation, empty, json
from idcontact.protocol import Token
from idcontact_comm_phone.messages import LinkPhone, SessionInfo

RESULT: Final = Operation(
    summary="Deliver an auth result",
    path={"code": "From the attr_url."},
    bodies={JWT_TYPE: Token},
    answers=[empty("Taken; the same one again too.")],
    errors=[TokenRejected, NotFound, TooLarge],
)
LINK: Final = Operation(
    summary="Tie a call to the session whose code the caller typed",
    bodies={JSON_TYPE: LinkPhone},
    answers=[empty("Tied.")],
    errors=[BadRequest, NotAuthenticated, NotFound, TooLarge, TooManyRequests],
)
INFO: Final = Operation(
    summary="What a call is about, and who calls",
    path={"sessionid": "As it was tied by link_phone."},
    answers=[json(SessionInfo, "The purpose, and the auth result once there is one.")],
    errors=[NotAuthenticated, NotFound, TooManyRequests],
)
CLEAN: Final = Operation(
    summary="Nothing: what is idle is removed by itself",
    answers=[empty("Always.")],
    stored=False,
)
