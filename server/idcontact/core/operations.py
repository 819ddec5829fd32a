"""What the core's routes do, take and answer, for the OpenAPI document."""

from __future__ import annotations

from typing import Annotated, Final, TypeAlias

from msgspec import Meta

from idcontact.errors import (
    BadRequest,
    Closed,
    Conflict,
    Gone,
    IdentifyAgain,
    NotAllowed,
    NotFound,
    OtherBrowser,
    PluginFailed,
    PluginTimeout,
    TokenRejected,
    TooLarge,
    TooManyRequests,
    WrongMediaType,
)
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
from idcontact.protocol import ClientUrl, SessionOptions, StartRequest, Token


class StartForm(StartRequest, frozen=True):
    """`POST /start` as a form. An empty field counts as absent.

    `lang` is the person's language. `return_url` is where they came from; passed over unless its website is allowed.
    """

    lang: str | None = None
    return_url: str | None = None


SignedRequest: TypeAlias = Annotated[
    str,
    Meta(
        description="A JWS (`typ: JWT`) by the key that its `kid` names. Its claim `request` has `purpose`, "
        "`auth_method`, `comm_url` (where the browser goes on) and, to have the result delivered, `attr_url`."
    ),
]
RESULT: Final = Parameter("result", "An auth result, appended by the authentication plugin.", Token)
_PURPOSE: Final = {"purpose": "Tag of a purpose; one that holds a slash may be written as it is."}

ALL_OPTIONS: Final = Operation(
    summary="What an end user can choose, for every purpose",
    query=[LANGUAGE],
    answers=[json(dict[str, SessionOptions], "By tag of the purpose")],
    stored=False,
)
OPTIONS: Final = Operation(
    summary="What an end user can choose for a purpose",
    path=_PURPOSE,
    query=[LANGUAGE],
    answers=[json(SessionOptions, "The methods, in the order to show them in")],
    errors=[BadRequest],
    stored=False,
)
START: Final = Operation(
    summary="Start a session",
    query=[LANGUAGE],
    bodies={JSON_TYPE: StartRequest, FORM_TYPE: StartForm, JWT_TYPE: SignedRequest},
    answers=[
        json(ClientUrl, "Where the browser goes next, when JSON is accepted."),
        see_other("Otherwise: to where the browser goes next."),
    ],
    errors=[
        BadRequest,
        TokenRejected,
        OtherBrowser,
        NotAllowed,
        NotFound,
        Conflict,
        Closed,
        Gone,
        IdentifyAgain,
        TooLarge,
        WrongMediaType,
        TooManyRequests,
        PluginFailed,
        PluginTimeout,
    ],
)
ATTR_URL_SHIM: Final = Operation(
    summary="Deliver a result for an authentication plugin that cannot",
    path={"state": "A token of this server: where to deliver, and where the browser goes then."},
    query=[RESULT],
    answers=[see_other("To the continuation.")],
    errors=[BadRequest, TokenRejected, TooManyRequests],
)
TELEPHONE: Final = Operation(
    summary="Show a number and a code to dial",
    path={"place": "Where the number is kept, for an hour."},
    query=[LANGUAGE, Parameter("result", "Whatever it is, it is dropped: nobody on the telephone can receive it.")],
    answers=[page("The number, and how to dial it."), see_other("To the same address, without a result.")],
    errors=[Gone],
)
CHOOSE: Final = Operation(
    summary="Choose how to talk, after identifying",
    path={"handle": "Of a result that is kept here, for the browser that began."},
    query=[LANGUAGE, RESULT],
    answers=[page("The choice, or why there is none."), see_other("To the same address, without the result.")],
    errors=[BadRequest, TokenRejected, OtherBrowser, NotFound, Gone, TooManyRequests],
)
CONTACT: Final = Operation(
    summary="Choose how to identify and how to talk, without JavaScript",
    path=_PURPOSE,
    query=[
        LANGUAGE,
        Parameter("return_url", "Where the person came from."),
        Parameter("auth_method", "The one that is chosen already."),
        Parameter("comm_method", "The one that is chosen already."),
    ],
    answers=[page("A form, which starts the session.")],
    errors=[NotFound],
    stored=False,
)
KEEP_RESULT: Final = Operation(
    summary="Deliver an auth result to the core, which keeps it until the end user has chosen",
    path={"place": "From the attr_url that the core gave."},
    bodies={JWT_TYPE: Token},
    answers=[empty("Taken; the same one again too.")],
    errors=[TokenRejected, NotFound, TooLarge],
)
