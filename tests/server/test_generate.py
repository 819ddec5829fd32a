from __future__ import annotations

import inspect
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, get_args

import msgspec
import pytest

from idcontact.generate.__main__ import everything, main, stale, write
from idcontact.generate.examples import GOLDEN_UNIONS, example
from idcontact.generate.frames import UNIONS, members, tag_of
from idcontact.generate.json_schema import schema
from idcontact.generate.typescript import RENAMED, TypeScript
from idcontact.live import messages

if TYPE_CHECKING:
    from collections.abc import Container

ROOT = Path(__file__).resolve().parents[2]
FRAME_FILES = [
    path for direction in sorted(GOLDEN_UNIONS) for path in sorted((ROOT / "tests/golden" / direction).glob("*.json"))
]
FRAMES = [
    value
    for _, value in inspect.getmembers(messages, inspect.isclass)
    if issubclass(value, msgspec.Struct) and tag_of(value) is not None
]


@dataclass(frozen=True)
class Written:
    """All that is generated, made once for all frames."""

    types: str
    definitions: Container[str]
    names: Container[str]


@pytest.fixture(scope="module")
def written() -> Written:
    definitions: dict[str, object] = json.loads(schema())["$defs"]
    return Written(TypeScript().module(), definitions, {path.name for path in everything()})


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    (tmp_path / "client").mkdir()
    write(tmp_path)
    return tmp_path


def test_what_is_committed_follows_from_the_structs() -> None:
    assert stale(ROOT) == []


def test_a_generated_file_that_was_edited_by_hand_is_named(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    edited = tree / "client/src/generated/messages.ts"
    edited.write_text(edited.read_text() + "export type Extra = string;\n")
    assert main(["--check", "--root", str(tree)]) == 1
    assert "client/src/generated/messages.ts: differs from what it is written from" in capsys.readouterr().err


def test_a_missing_file_and_the_golden_file_of_a_frame_that_is_gone_are_named(tree: Path) -> None:
    (tree / "docs/live-protocol.schema.json").unlink()
    (tree / "tests/golden/to_staff/old_frame.json").write_text("{}")
    assert stale(tree) == [
        "docs/live-protocol.schema.json: missing",
        "tests/golden/to_staff/old_frame.json: no such frame any more",
    ]


def test_writing_again_removes_the_golden_file_of_a_frame_that_is_gone(tree: Path) -> None:
    (tree / "tests/golden/to_staff/old_frame.json").write_text("{}")
    assert main(["--root", str(tree)]) == 0
    assert main(["--check", "--root", str(tree)]) == 0


def test_a_directory_that_is_not_the_source_tree_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--root", str(tmp_path)])
    assert "is not a source tree" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("struct", FRAMES, ids=lambda struct: struct.__name__)
def test_every_frame_is_in_a_union_in_the_types_in_the_schema_and_among_the_golden_files(
    struct: type[msgspec.Struct], written: Written
) -> None:
    if struct.__subclasses__():
        pytest.fail(f"{struct.__name__} is a base of other frames and must not have a tag")
    assert any(struct in members(union) for union in UNIONS.values())
    assert f"export interface {RENAMED.get(struct.__name__, struct.__name__)} {{" in written.types
    assert struct.__name__ in written.definitions
    file_name = re.sub(r"(?<!^)(?=[A-Z])", "_", struct.__name__).lower() + ".json"
    assert file_name in written.names


@pytest.mark.parametrize("path", FRAME_FILES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_a_golden_file_is_a_frame_of_its_direction(path: Path) -> None:
    wire = path.read_bytes()
    frame = msgspec.json.decode(wire, type=GOLDEN_UNIONS[path.parent.name])
    assert json.loads(msgspec.json.encode(frame)) == json.loads(wire)


def test_full_examples_have_every_member_and_least_examples_only_the_required_ones() -> None:
    full = json.loads(msgspec.json.encode(example(messages.MessageEvent)))
    least = json.loads(msgspec.json.encode(example(messages.MessageEvent, least=True)))
    assert full.keys() - least.keys() == {"name", "command"}


def test_a_member_that_a_writer_may_leave_out_is_optional_in_typescript() -> None:
    text = TypeScript().interface(messages.EndUserConversation)
    assert "  agent?: AgentView;" in text
    assert "  auth: AuthView;" in text


def test_names_that_the_browser_has_already_get_another_name() -> None:
    text = TypeScript().module()
    assert "export interface ErrorFrame {" in text
    assert "| ErrorFrame" in text
    assert not re.search(r"\bError\b", re.sub(r"/\*.*?\*/", "", text))


@pytest.mark.parametrize(
    ("annotation", "text"),
    [
        (messages.Phase, "Phase"),
        (messages.Millis, "Millis"),
        (Literal["a", "b"], '"a" | "b"'),
        (list[str | None], "Array<string | null>"),
        (dict[str, list[messages.Role]], "Record<string, Array<Role>>"),
        (Annotated[int, msgspec.Meta(le=9)], "number"),
    ],
)
def test_types_are_written_by_name_where_they_have_one(annotation: object, text: str) -> None:
    assert TypeScript().type_of(annotation) == text


def test_a_form_of_type_that_frames_do_not_use_is_refused_not_guessed() -> None:
    with pytest.raises(TypeError, match="no TypeScript is known"):
        TypeScript().type_of(set[str])


def test_unions_of_the_types_have_the_frames_of_the_python_unions() -> None:
    text = TypeScript().module()
    for name, union in UNIONS.items():
        block = re.search(rf"export type {name} =\n(.*?);", text, re.DOTALL)
        assert block is not None
        assert block[1].count("|") == len(get_args(union))
