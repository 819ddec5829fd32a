"""The messages of the HTTP protocol between core, authentication plugins and communication plugins.

Unknown members are ignored. An optional member that is absent is left out when writing; when reading, `null` means
absent. Both dialects share these messages; they differ in the tokens alone (`tokens.py`).
"""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

import msgspec
from msgspec import Meta

Tag: TypeAlias = Annotated[str, Meta(min_length=1, max_length=200, description="of a purpose, method or attribute")]
Address: TypeAlias = Annotated[str, Meta(min_length=1, max_length=4096, description="an absolute URL")]
Token: TypeAlias = Annotated[str, Meta(min_length=1, description="an auth result: a JWS inside a JWE")]
Channel: TypeAlias = Literal["chat", "video"]
AuthExpectation: TypeAlias = Literal["none", "pending", "given"]


class _Message(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Base of every message."""


# --- what an end user can choose ------------------------------------------------------------------------------------


class MethodOption(_Message, frozen=True):
    """A method that an end user can choose. `image_path` is where the widget finds its picture."""

    tag: str
    name: str
    image_path: str


class SessionOptions(_Message, frozen=True):
    """`GET /session_options/{purpose}`."""

    auth_methods: list[MethodOption]
    comm_methods: list[MethodOption]


# --- start ----------------------------------------------------------------------------------------------------------


class StartRequest(_Message, frozen=True):
    """`POST /start` as JSON or as a form. Which kind of start it is, follows from the members that are there."""

    purpose: Tag
    comm_method: Tag | None = None
    auth_method: Tag | None = None
    auth_result: Token | None = None


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
    browser that started the session, for a communication plugin on the core's own host to recognise it by.
    """

    auth: AuthExpectation
    channel: Channel
    language: str
    method: str | None = None
    return_url: Address | None = None
    browser: str | None = None


class StartCommunication(_Message, frozen=True):
    """`POST {start}/start_communication`."""

    purpose: Tag
    auth_result: Token | None = None
    context: Context | None = None


class CommunicationStarted(_Message, frozen=True):
    """Its answer. `attr_url` is absent when the request carried a result, or when it is wanted in `result=`."""

    client_url: Address
    attr_url: Address | None = None
