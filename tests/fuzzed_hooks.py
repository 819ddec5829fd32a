"""What schemathesis has to be told of our media types. It imports this itself, in a process of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from schemathesis.transport.requests import REQUESTS_TRANSPORT

if TYPE_CHECKING:
    from schemathesis.transport import SerializationContext


def token(_: SerializationContext, value: object) -> dict[str, bytes]:
    """A token is sent as it is; what stands in the place of one, as text."""
    return {"data": value if isinstance(value, bytes) else str(value).encode("utf-8", "surrogatepass")}


# Before the others: the first that fits is taken, and schemathesis takes application/jwt for a kind of JSON.
REQUESTS_TRANSPORT._serializers = {"application/jwt": token, **REQUESTS_TRANSPORT._serializers}
