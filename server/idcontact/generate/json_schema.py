"""JSON Schema of the frames."""

from __future__ import annotations

import msgspec

from idcontact.generate.frames import UNIONS
from idcontact.live import messages


def schema() -> str:
    """JSON Schema 2020-12: under `$defs` every struct by its name, and a union for each direction."""
    unions, components = msgspec.json.schema_components(UNIONS.values(), ref_template="#/$defs/{name}")
    definitions = {**components, **dict(zip(UNIONS, unions, strict=True))}
    document = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": messages.PROTOCOL,
        "description": "Frames of the live socket. Written from server/idcontact/live/messages/ by `make generate`.",
        "$defs": {name: definitions[name] for name in sorted(definitions)},
    }
    return pretty(msgspec.json.encode(document))


def pretty(encoded: bytes) -> str:
    """JSON as people read it, with a newline at the end."""
    return msgspec.json.format(encoded, indent=2).decode() + "\n"
