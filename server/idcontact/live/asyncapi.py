"""The socket protocol as an AsyncAPI 3.0 document, written from the structs that the sockets read and write.

https://www.asyncapi.com/docs/reference/specification/v3.0.0. It is written from the server's side: `receive` is what a
client sends.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeAlias, get_args

import msgspec
from starlette.responses import Response

from idcontact.live import messages as m
from idcontact.openapi import JSON_TYPE, ApiRoute, Operation, json
from idcontact.urls import origin_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from starlette.requests import Request

Part: TypeAlias = dict[str, Any]
FrameType: TypeAlias = "type[msgspec.Struct]"

_VERSION: Final = "3.0.0"
_SERVED: Final = Operation(
    summary="What goes over the sockets",
    answers=[json(dict[str, Any], "AsyncAPI 3.0 of the live protocol.")],
    stored=False,
)
_DESCRIPTION: Final = (
    "Text frames, each one JSON object with a member `type`. A command has an `id` and is answered by exactly one "
    "`ack` or `error` with that `id`. Where WebSockets are blocked the same frames go over server-sent events and "
    "POSTs beside the socket's path; /openapi.json describes those."
)


@dataclass(frozen=True, kw_only=True)
class _End:
    """One kind of client: where its socket is, and what goes over it."""

    name: str
    title: str
    address: str
    who: str
    to_server: Any
    to_client: Any
    welcome: FrameType
    parameters: Part
    query: Part

    def heard(self) -> list[FrameType]:
        """What the server takes."""
        return list(get_args(self.to_server))

    def said(self) -> list[FrameType]:
        """What the server sends."""
        return list(get_args(self.to_client))


_ENDS: Final = (
    _End(
        name="endUser",
        title="End user",
        address="/c/{conversation}/socket",
        who="The browser that holds the cookie of the conversation's landing.",
        to_server=m.EndUserFrame,
        to_client=m.ToEndUser,
        welcome=m.EndUserWelcome,
        parameters={"conversation": {"description": "Id of the conversation."}},
        query={},
    ),
    _End(
        name="console",
        title="Agent console",
        address="/console/socket",
        who="Staff who are logged in.",
        to_server=m.StaffFrame,
        to_client=m.ToStaff,
        welcome=m.StaffWelcome,
        parameters={},
        query={"lang": {"type": "string", "enum": ["nl", "en"], "description": "Language of labels."}},
    ),
)


def document(public_url: str) -> bytes:
    """The document (JSON) of a server whose public application is at `public_url`."""
    scheme, _, host = str(origin_of(public_url)).partition("://")
    frames = {frame.__name__: frame for end in _ENDS for frame in (*end.heard(), *end.said())}
    _, schemas = msgspec.json.schema_components(frames.values(), ref_template="#/components/schemas/{name}")
    return msgspec.json.encode(
        {
            "asyncapi": _VERSION,
            "info": {"title": m.PROTOCOL, "version": "1", "description": _DESCRIPTION},
            "defaultContentType": JSON_TYPE,
            "servers": {"public": {"host": host, "protocol": "wss" if scheme == "https" else "ws"}},
            "channels": {end.name: _channel(end) for end in _ENDS},
            "operations": {name: operation for end in _ENDS for name, operation in _operations(end)},
            "components": {
                "messages": {name: _message(frame) for name, frame in sorted(frames.items())},
                "schemas": dict(sorted(schemas.items())),
            },
        }
    )


def asyncapi_route(public_url: str) -> ApiRoute:
    """`GET /asyncapi.json`, for the public application."""
    body = document(public_url)

    async def answer(request: Request) -> Response:
        del request
        return Response(body, media_type=JSON_TYPE)

    return ApiRoute("/asyncapi.json", answer, methods=["GET"], operation=_SERVED)


def _channel(end: _End) -> Part:
    named = {"type": "string", "const": m.PROTOCOL}
    headers = {
        "type": "object",
        "properties": {"Sec-WebSocket-Protocol": named},
        "required": ["Sec-WebSocket-Protocol"],
    }
    binding: Part = {"method": "GET", "headers": headers, "bindingVersion": "0.1.0"}
    if end.query:
        binding["query"] = {"type": "object", "properties": end.query}
    channel: Part = {
        "address": end.address,
        "title": end.title,
        "description": end.who,
        "messages": {
            frame.__name__: {"$ref": f"#/components/messages/{frame.__name__}"} for frame in (*end.heard(), *end.said())
        },
        "bindings": {"ws": binding},
    }
    if end.parameters:
        channel["parameters"] = end.parameters
    return channel


def _operations(end: _End) -> Iterator[tuple[str, Part]]:
    """What a client may send, by how it is answered, and what it hears."""
    heard = end.heard()
    commands = [frame for frame in heard if issubclass(frame, m.Command)]
    signals = [frame for frame in heard if frame not in {*commands, m.Hello, m.Ping}]
    yield f"{end.name}Hello", _operation(end, "receive", "Begin, or ask again.", [m.Hello], [end.welcome, m.Error])
    yield f"{end.name}Command", _operation(end, "receive", "Have something done.", commands, [m.Ack, m.Error])
    yield f"{end.name}Signal", _operation(end, "receive", "Say what needs no answer.", signals)
    yield f"{end.name}Ping", _operation(end, "receive", "See whether the server is there.", [m.Ping], [m.Pong])
    yield f"{end.name}Hears", _operation(end, "send", "Answers, events, views and signals.", end.said())


def _operation(
    end: _End, action: str, summary: str, frames: Collection[FrameType], replies: Collection[FrameType] = ()
) -> Part:
    channel = f"#/channels/{end.name}"

    def references(some: Collection[FrameType]) -> list[Part]:
        return [{"$ref": f"{channel}/messages/{frame.__name__}"} for frame in some]

    operation: Part = {
        "action": action,
        "channel": {"$ref": channel},
        "summary": summary,
        "messages": references(frames),
    }
    if replies:
        operation["reply"] = {"channel": {"$ref": channel}, "messages": references(replies)}
    return operation


def _message(frame: FrameType) -> Part:
    said = (frame.__doc__ or "").partition("\n")[0]
    tag = frame.__struct_config__.tag
    return {"name": tag, "title": tag, "summary": said, "payload": {"$ref": f"#/components/schemas/{frame.__name__}"}}
