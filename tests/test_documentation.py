"""The documentation says what the program does."""

from __future__ import annotations

import re
import types
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Union, get_args, get_origin

import msgspec
import pytest

from idcontact import protocol
from idcontact.config import Config
from idcontact.limits import Limit
from idcontact.settings import Duration

if TYPE_CHECKING:
    from collections.abc import Iterator

DOCS = Path(__file__).parent.parent / "docs"
UNITS = (("d", 86400), ("h", 3600), ("min", 60), ("s", 1))


def settings_of(struct: Any, where: str = "") -> Iterator[tuple[str, str]]:
    """Each setting's path, and its default as configure.md writes it."""
    for field in msgspec.structs.fields(struct):
        path = f"{where}{field.encode_name}"
        shape = bare(field.type)
        inner, step = inside(shape)
        if shape is not inner or not is_struct(shape):
            yield path, written_default(field)
        if is_struct(inner):
            yield from settings_of(inner, f"{path}{step}.")


def bare(shape: Any) -> Any:
    """Without Annotated and Optional."""
    if get_origin(shape) is Annotated:
        return bare(get_args(shape)[0])
    if get_origin(shape) in (Union, types.UnionType):
        return bare(next(member for member in get_args(shape) if member is not type(None)))
    return shape


def inside(shape: Any) -> tuple[Any, str]:
    """What a list or table holds, and how a path goes into it."""
    match get_origin(shape), get_args(shape):
        case (origin, (item, *_)) if origin in (list, tuple, frozenset):
            return bare(item), "[]"
        case (origin, (_, item)) if origin is dict:
            return bare(item), ".<tag>"
    return shape, ""


def is_struct(shape: Any) -> bool:
    return isinstance(shape, type) and get_origin(shape) is None and issubclass(shape, msgspec.Struct)


def written_default(field: msgspec.structs.FieldInfo) -> str:
    if field.required:
        return "required"
    match field.default:
        case None | "":
            return "none"
        case msgspec.NODEFAULT | () | [] | {}:
            return "empty"
    return f"`{written(field.default)}`"


def written(default: object) -> str:
    match default:
        case Duration():
            return written_time(default)
        case Limit():
            return f"{default.count} per {written_time(default.seconds).removeprefix('1 ')}"
        case bool() | tuple():
            return msgspec.json.encode(default).decode()
    return str(default)


def written_time(seconds: float) -> str:
    unit, length = next((unit, length) for unit, length in UNITS if seconds % length == 0)
    return f"{seconds / length:g} {unit}"


def test_every_setting_is_documented_with_its_default_and_a_meaning() -> None:
    rows = re.findall(r"^\| `([^`]+)` \| ([^|]+) \| ([^|]+) \|$", (DOCS / "configure.md").read_text(), re.MULTILINE)
    documented = {path: default for path, default, _ in rows}
    assert documented == dict(settings_of(Config))
    assert len(rows) == len(documented), "a setting stands there twice"
    assert all(meaning.strip().endswith(".") for _, _, meaning in rows)


# --- what is promised -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("page", "at_least"), [("protocol.md", 60), ("guarantees.md", 35)])
def test_every_test_that_a_table_names_is_there(page: str, at_least: int) -> None:
    named = re.findall(r"`([a-z_/]+\.py)::(test_[a-z0-9_]+)`", (DOCS / page).read_text())
    assert len(named) > at_least
    missing = [f"{file}::{name}" for file, name in named if not defines(file, name)]
    assert missing == []


PUBLISHED_ENDPOINTS = {
    "GET /session_options", "GET /session_options/{purpose}", "GET /auth_attr_shim/{state}?result=",
    "POST /start_authentication", "POST /start_communication", "POST attr_url",
    "POST /session_result/{code}", "POST /link_phone", "GET /session_info/{sessionid}", "GET /clean_db",
    "GET /guest/init/{guest_token}", "POST /guest/start/{guest_token}", "POST /internal/auth_result/{attr_id}",
    "GET /host/{host_token}", "GET /host/live/{host_token}", "GET /host/auth/login", "/host/auth/redirect",
    "POST /host/auth/logout",
}  # fmt: skip
PUBLISHED_SETTINGS = {
    "address", "port", "server_url", "internal_url", "internal_secret", "ui_tel_url", "ui_signing_privkey",
    "sentry_dsn", "authonly_request_keys", "type", "key", "auth_methods", "comm_methods", "tag", "name", "image_path",
    "start", "disable_attr_url", "shim_tel_url", "disable_attributes_at_start", "purposes", "attributes",
    "allowed_auth", "allowed_comm", "ROCKET_CONFIG", "ROCKET_PROFILE", "default", "release", "global",
}  # fmt: skip
"""Of either published core."""


def test_the_table_of_the_protocol_names_every_endpoint_member_and_setting() -> None:
    told = re.findall(r"`([^`]+)`", (DOCS / "protocol.md").read_text())
    assert {one for one in PUBLISHED_ENDPOINTS if not any(text.startswith(one) for text in told)} == set()
    words = {word for text in told for word in re.findall(r"[A-Za-z_]+", text) if "::" not in text}
    assert words >= PUBLISHED_SETTINGS
    messages = [
        shape for shape in vars(protocol).values() if is_struct(shape) and shape.__module__ == protocol.__name__
    ]
    assert len(messages) > 10
    members = {field.encode_name for shape in messages for field in msgspec.structs.fields(shape)}
    assert members <= words


def defines(file: str, name: str) -> bool:
    path = Path(__file__).parent / file
    return path.is_file() and re.search(rf"^(async )?def {name}\(", path.read_text(), re.MULTILINE) is not None


@pytest.mark.parametrize("page", ["protocol.md", "guarantees.md"])
def test_every_row_of_a_table_names_a_test(page: str) -> None:
    promised = (DOCS / page).read_text().partition("\n## The figures of the last soak\n")[0]
    rows = [line for line in promised.splitlines() if line.startswith("| ")]
    bodies = [row for row in rows if not row.startswith(("| what", "| ---"))]
    assert [row for row in bodies if "::test_" not in row] == []
