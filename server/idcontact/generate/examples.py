"""One example of every frame, always the same: the golden files."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal, get_args, get_origin

import msgspec

from idcontact.generate.frames import Annotation, StructType, as_struct, may_be_absent, members, tag_of, without_none
from idcontact.generate.json_schema import pretty
from idcontact.live import messages

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from msgspec.structs import FieldInfo

GOLDEN_UNIONS: Mapping[str, Annotation] = {
    "from_end_user": messages.EndUserFrame,
    "from_staff": messages.StaffFrame,
    "to_end_user": messages.ToEndUser,
    "to_staff": messages.ToStaff,
}

CONVERSATION = "abcdefghijklmnopqrstuvwx23"
OTHER_CONVERSATION = "zyxwvutsrqponmlkjihgfedc76"
NOON = 1_800_000_000_000
"""A fixed moment; examples must not differ from one run to the next."""

BY_NAME: Mapping[str, object] = {
    "after": 7,
    "agent": "anna",
    "agents_gone": ["bram"],
    "capacity": 3,
    "channel": "chat",
    "command": "c-1",
    "entries_gone": [OTHER_CONVERSATION],
    "expected_wait": 240,
    "field": "text",
    "id": "c-1",
    "label": "Naam",
    "language": "nl",
    "level": "substantial",
    "log_id": "log-1",
    "frames_per_10_seconds": 100,
    "max_frame_bytes": messages.MAX_FRAME_BYTES,
    "max_text_characters": messages.MAX_TEXT_CHARACTERS,
    "message": "expected 1 to 4000 characters",
    "method": "digid",
    "method_label": "DigiD",
    "load": 1,
    "name": "Anna de Vries",
    "nonce": "n-1",
    "offer": "o-1",
    "page": "page-1",
    "participant": "p-1",
    "phase": "active",
    "purpose": "report_move",
    "purpose_label": "Verhuizing doorgeven",
    "purposes": {"report_move": "Verhuizing doorgeven"},
    "reason": "accepted",
    "retry_after_ms": 1500,
    "return_url": "https://gemeente.example/contact",
    "seq": 1,
    "status": "given",
    "tag": "fullname",
    "tags": ["fullname"],
    "text": 'Goedemiddag, ik ga verhuizen.\nKan dat vóór 1 mei? <b>"Nee"</b> 🙂',
    "value": "Jan Jansen",
    "version": 8,
}


def golden_files() -> dict[str, str]:
    """Every golden file by its name: `<direction>/<frame>.json`, and `….least.json` without what may be absent."""
    files = {}
    for directory, union in GOLDEN_UNIONS.items():
        for struct in members(union):
            name = re.sub(r"(?<!^)(?=[A-Z])", "_", struct.__name__).lower()
            full, least = (pretty(msgspec.json.encode(example(struct, least=flag))) for flag in (False, True))
            files[f"{directory}/{name}.json"] = full
            if least != full:
                files[f"{directory}/{name}.least.json"] = least
    return files


def example(struct: StructType, *, least: bool = False) -> msgspec.Struct:
    """A valid instance, always the same: with every member, or with only those that must be there."""
    fields = [field for field in msgspec.structs.fields(struct) if not (least and may_be_absent(struct, field))]
    tag = tag_of(struct)
    # By a conversion, so that an example which breaks a limit of its type fails here.
    values = {} if tag is None else {"type": tag}
    return msgspec.convert(values | {field.encode_name: example_value(field, least=least) for field in fields}, struct)


def example_value(field: FieldInfo, *, least: bool) -> object:
    """What the member holds in an example, as plain values."""
    annotation = without_none(field.type)
    for part in (annotation, *get_args(annotation)):
        struct = as_struct(part)
        if struct is not None:
            value = msgspec.to_builtins(example(struct, least=least))
            return [value] if get_origin(annotation) is list else value
    return next(value for value in candidates(field.name, annotation) if fits(value, annotation))


def candidates(name: str, annotation: Annotation) -> Iterator[object]:
    """Values to try for a member, best first. Raises TypeError when none of them fits: then BY_NAME needs one."""
    if annotation == messages.ConversationId:
        yield CONVERSATION
    if annotation == messages.Millis:
        yield NOON
    if name in BY_NAME:
        yield BY_NAME[name]
    yield from (True, 2, ["report_move"], *literals(annotation))
    raise TypeError(f"BY_NAME needs a value for {name}: {annotation!r}")


def literals(annotation: Annotation) -> Iterator[object]:
    """The literal values in an annotation, and a list of the first of them."""
    if get_origin(annotation) is Literal:
        yield from get_args(annotation)
        yield list(get_args(annotation)[:1])
    else:
        for part in get_args(annotation):
            yield from literals(part)


def fits(value: object, annotation: Annotation) -> bool:
    """Whether the value is one that the annotation allows, exactly as it stands."""
    try:
        msgspec.convert(value, annotation)
    except msgspec.ValidationError:
        return False
    return True
