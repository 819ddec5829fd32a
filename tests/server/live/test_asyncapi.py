"""The AsyncAPI document: by the rules of AsyncAPI, and of what the sockets and docs/live-protocol.md say."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import httpx2
import jsonschema_rs
import pytest
from starlette.applications import Starlette

from idcontact.live import messages as m
from idcontact.live.asyncapi import asyncapi_route, document

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[3]
RULES = ROOT / "node_modules/@asyncapi/specs/schemas/3.0.0-without-$id.json"
"""The specification's own JSON Schema."""
GUIDE = (ROOT / "docs/live-protocol.md").read_text()
ENDS = {"endUser": (m.EndUserFrame, m.ToEndUser), "console": (m.StaffFrame, m.ToStaff)}
GOLDEN = {"from_end_user": "endUser", "to_end_user": "endUser", "from_staff": "console", "to_staff": "console"}
SIGNALS: set[type[m.Frame]] = {m.Seen, m.Typing}
"""What a page says that is not answered."""

Document = dict[str, Any]


@pytest.fixture(scope="module")
def told() -> Document:
    made: Document = json.loads(document("https://id.example:8443"))
    return made


@pytest.fixture(scope="module")
def rules() -> jsonschema_rs.Draft7Validator:
    return jsonschema_rs.Draft7Validator(json.loads(RULES.read_text()))


def references(part: object) -> Iterator[str]:
    """Every `$ref` in a part of a document."""
    if isinstance(part, dict):
        for name, value in part.items():
            if name == "$ref":
                yield value
            else:
                yield from references(value)
    elif isinstance(part, list):
        for value in part:
            yield from references(value)


def at(told: Document, reference: str) -> Any:
    """What a `$ref` points at."""
    found: Any = told
    for step in reference.removeprefix("#/").split("/"):
        found = found[step]
    return found


def names(part: list[dict[str, str]]) -> set[str]:
    """The messages that are referred to."""
    return {reference["$ref"].rpartition("/")[2] for reference in part}


def frames(union: object) -> set[str]:
    return {frame.__name__ for frame in get_args(union)}


def tags(told: Document) -> set[str]:
    return {message["name"] for message in told["components"]["messages"].values()}


def payload_rules(told: Document, name: str) -> jsonschema_rs.Validator:
    """What a frame of this name must be like, by the document."""
    components = {"components": {"schemas": told["components"]["schemas"]}}
    return jsonschema_rs.validator_for({**components, "$ref": f"#/components/schemas/{name}"})


# --- the document ---------------------------------------------------------------------------------------------------


def test_it_is_asyncapi_3_0(told: Document, rules: jsonschema_rs.Draft7Validator) -> None:
    assert [str(mistake) for mistake in rules.iter_errors(told)] == []


def test_the_rules_would_find_a_mistake(told: Document, rules: jsonschema_rs.Draft7Validator) -> None:
    for mistaken in (
        {**told, "servers": {"public": {"host": "id.example"}}},
        {**told, "operations": {"speak": {"action": "say", "channel": {"$ref": "#/channels/endUser"}}}},
        {**told, "topics": {}},
    ):
        assert not rules.is_valid(mistaken)


def test_whatever_is_referred_to_is_there(told: Document) -> None:
    for reference in references(told):
        assert at(told, reference)


def test_operations_speak_of_messages_of_their_own_channel(told: Document) -> None:
    for operation in told["operations"].values():
        channel = operation["channel"]["$ref"]
        for spoken in (operation, operation.get("reply", operation)):
            assert spoken["channel"]["$ref"] == channel
            assert spoken["messages"]
            assert all(one["$ref"].startswith(f"{channel}/messages/") for one in spoken["messages"])


@pytest.mark.parametrize("end", ENDS)
def test_every_frame_of_an_end_is_there_in_its_direction_once_and_nothing_else(told: Document, end: str) -> None:
    to_server, to_client = ENDS[end]
    mine = [operation for operation in told["operations"].values() if operation["channel"]["$ref"].endswith(f"/{end}")]
    received = [name for one in mine if one["action"] == "receive" for name in names(one["messages"])]
    sent = [name for one in mine if one["action"] == "send" for name in names(one["messages"])]
    assert sorted(received) == sorted(frames(to_server))
    assert sorted(sent) == sorted(frames(to_client))
    assert set(told["channels"][end]["messages"]) == {*received, *sent}


def test_commands_are_answered_by_one_ack_or_error_and_signals_by_nothing(told: Document) -> None:
    for operation in told["operations"].values():
        for name in names(operation["messages"]) if operation["action"] == "receive" else ():
            frame = getattr(m, name)
            replies = names(operation["reply"]["messages"]) if "reply" in operation else set()
            assert (replies == {"Ack", "Error"}) is issubclass(frame, m.Command)
            assert bool(replies) is (frame not in SIGNALS)


def test_variables_of_an_address_are_described(told: Document) -> None:
    for channel in told["channels"].values():
        assert set(re.findall(r"\{(\w+)\}", channel["address"])) == set(channel.get("parameters", {}))


@pytest.mark.parametrize(
    ("public_url", "server"),
    [
        ("https://id.example:8443", {"host": "id.example:8443", "protocol": "wss"}),
        ("https://id.example", {"host": "id.example", "protocol": "wss"}),
        ("http://127.0.0.1:8000", {"host": "127.0.0.1:8000", "protocol": "ws"}),
    ],
)
async def test_it_is_served_with_the_servers_own_address(public_url: str, server: dict[str, str]) -> None:
    transport = httpx2.ASGITransport(app=Starlette(routes=[asyncapi_route(public_url)]))
    async with httpx2.AsyncClient(transport=transport, base_url="http://elsewhere.example") as client:
        answer = await client.get("/asyncapi.json")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    assert answer.json()["servers"] == {"public": server}


# --- what frames are like -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("directory", GOLDEN)
def test_every_golden_frame_is_as_the_document_says(told: Document, directory: str) -> None:
    channel = told["channels"][GOLDEN[directory]]["messages"]
    files = sorted((ROOT / "tests/golden" / directory).glob("*.json"))
    assert files
    for file in files:
        frame = json.loads(file.read_text())
        [name] = [name for name in channel if told["components"]["messages"][name]["name"] == frame["type"]]
        assert [str(mistake) for mistake in payload_rules(told, name).iter_errors(frame)] == [], file.name


# --- the guide ------------------------------------------------------------------------------------------------------


def said_in_tables() -> Iterator[str]:
    """The names in the first column of the guide's tables of frames."""
    for table in re.findall(r"(?:^\|.*\n)+", GUIDE, re.MULTILINE):
        heading, _, *rows = table.splitlines()
        if heading.split("|")[1].strip() in {"event", "command", "frame"}:
            for row in rows:
                yield from re.findall(r"`(\w+)`", row.split("|")[1])


def examples() -> Iterator[dict[str, Any]]:
    """The guide's examples that are whole frames: blocks of JSON, and lines of it in other blocks."""
    for block in re.findall(r"^ *```\w*\n(.*?)^ *```", GUIDE, re.MULTILINE | re.DOTALL):
        for line in block.splitlines():
            written = line.strip().removeprefix("data:").strip()
            if written.startswith("{") and '"type"' in written:
                yield json.loads(written)


def test_every_frame_is_named_in_the_guide(told: Document) -> None:
    named = set(re.findall(r"`(\w+)`", GUIDE))
    assert tags(told) - named == set()


def test_every_frame_that_the_guide_names_in_a_table_is_in_the_document(told: Document) -> None:
    named = set(said_in_tables())
    assert {"message", "send", "queue_delta"} <= named
    assert named - tags(told) == set()


def test_every_event_and_every_command_is_in_a_table_of_the_guide(told: Document) -> None:
    messages = told["components"]["messages"]
    of_kind = {name for name in messages if issubclass(getattr(m, name), (m.Event, m.Command))}
    assert {messages[name]["name"] for name in of_kind} - set(said_in_tables()) == set()


def test_the_paths_of_the_guide_are_those_of_the_channels(told: Document) -> None:
    for channel in told["channels"].values():
        assert f"`{channel['address']}`" in GUIDE


def test_every_example_in_the_guide_is_a_frame_of_the_document(told: Document) -> None:
    shown = list(examples())
    assert shown
    for example in shown:
        named = [name for name, message in told["components"]["messages"].items() if message["name"] == example["type"]]
        assert any(payload_rules(told, name).is_valid(example) for name in named), example
