"""The messages of the HTTP protocol between core, authentication plugins and communication plugins.

Unknown members are ignored. An optional member that is absent is left out when writing; when reading, `null` means
absent. Both dialects share these messages; they differ in the tokens alone (`tokens.py`).
"""

from __future__ import annotations

from typing import Annotated, Final, Literal, TypeAlias

import msgspec
from msgspec import Meta

Tag: TypeAlias = Annotated[str, Meta(min_length=1, max_length=200, description="of a purpose, method or attribute")]
MAX_ADDRESS: Final = 4096
Address: TypeAlias = Annotated[str, Meta(min_length=1, max_length=MAX_ADDRESS, description="an absolute URL")]
Token: TypeAlias = Annotated[str, Meta(min_length=1, description="an auth result: a JWS inside a JWE")]
Handle: TypeAlias = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{43}$", description="of a result that the core keeps")]
Channel: TypeAlias = Literal["chat", "video"]
AuthExpectation: TypeAlias = Literal["none", "pending", "given"]


class _Message(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Base of every message."""


# --- what an end user can choose ------------------------------------------------------------------------------------


class Availability(_Message, frozen=True):
    """Whether somebody is there for a purpose: `GET {start}/availability/{purpose}`, and a member of `MethodOption`.

    `until` (RFC 3339, with offset): until when it stays as it is; absent when that is not known. `agents` serve the
    purpose and are present; `waiting` end users stand in the queue; `expected_wait` is in seconds, absent where there
    is too little to go on.
    """

    open: bool
    until: str | None = None
    agents: int | None = None
    waiting: int | None = None
    expected_wait: int | None = None


class MethodOption(_Message, frozen=True):
    """A method that an end user can choose. `image_path` is where the widget finds its picture.

    Ours: `description`, a line of explanation; `availability`, of a comm method.
    """

    tag: str
    name: str
    image_path: str
    description: str | None = None
    availability: Availability | None = None


class AttributeOption(_Message, frozen=True):
    """An attribute that a purpose asks for, by the name that the end user reads."""

    tag: str
    name: str


class SessionOptions(_Message, frozen=True):
    """`GET /session_options/{purpose}`.

    Ours: `name` of the purpose; `attributes`, what the end user will share; `unauthenticated`, that it may be started
    without identifying.
    """

    auth_methods: list[MethodOption]
    comm_methods: list[MethodOption]
    name: str | None = None
    attributes: list[AttributeOption] | None = None
    unauthenticated: bool = False


# --- start ----------------------------------------------------------------------------------------------------------


class StartRequest(_Message, frozen=True):
    """`POST /start` as JSON or as a form. Which kind of start it is, follows from the members that are there.

    `auth_handle` stands for a result that the core keeps (`core/split.py`). `comm_url` and `attr_url` belong in a
    signed request; they are known here, so that they are refused and not ignored.
    """

    purpose: Tag
    comm_method: Tag | None = None
    auth_method: Tag | None = None
    auth_result: Token | None = None
    auth_handle: Handle | None = None
    comm_url: str | None = None
    attr_url: str | None = None


class SignedStartRequest(_Message, frozen=True):
    """The claim `request` of `POST /start` as `application/jwt`: identify during communication.

    `comm_method`, `auth_result` and `auth_handle` belong in other starts; they are known here, to be refused.
    """

    purpose: Tag
    auth_method: Tag
    comm_url: Address
    attr_url: Address | None = None
    comm_method: str | None = None
    auth_result: str | None = None
    auth_handle: str | None = None


class ClientUrl(_Message, frozen=True):
    """Where the end user's browser goes next: the answer to `POST /start` and to `POST …/start_authentication`."""

    client_url: Address


# --- between core and plugins ---------------------------------------------------------------------------------------


class StartAuthentication(_Message, frozen=True):
    """`POST {start}/start_authentication`."""

    attributes: list[Tag]
    continuation: Address
    attr_url: Address | None = None


class Context(_Message, frozen=True):
    """What the core knows of a session and the protocol has no word for; sent to comm methods that understand it.

    `auth`: whether a result is to come (`pending`), came along (`given`), or neither. `method`: tag of the auth method.
    `return_url`: where the end user came from; only of an origin that is allowed. `browser`: `browser_digest` of the
    browser that started the session, for a communication plugin on the core's own host to recognise it by. `receipt`
    stands for a result that the core verified when it came in, and keeps where a plugin of its own finds it.
    """

    auth: AuthExpectation
    channel: Channel
    language: str
    method: str | None = None
    return_url: Address | None = None
    browser: str | None = None
    receipt: Handle | None = None


class StartCommunication(_Message, frozen=True):
    """`POST {start}/start_communication`."""

    purpose: Tag
    auth_result: Token | None = None
    context: Context | None = None


class CommunicationStarted(_Message, frozen=True):
    """Its answer. `attr_url` is absent when the request carried a result, or when it is wanted in `result=`.

    Ours: `cancel_url`, where the core says, by a POST without body, that nobody will come.
    """

    client_url: Address
    attr_url: Address | None = None
    cancel_url: Address | None = None


# --- errors ---------------------------------------------------------------------------------------------------------


class ErrorDetail(_Message, frozen=True):
    """What went wrong. `code` is stable and for programs; `field` names the member at fault.

    `until` (RFC 3339): when it will be otherwise, where that is known.
    """

    code: str
    message: str
    field: str | None = None
    until: str | None = None


class ErrorAnswer(_Message, frozen=True):
    """Every error, as a program gets it; a person gets a page."""

    error: ErrorDetail
