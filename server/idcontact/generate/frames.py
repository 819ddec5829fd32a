"""Reading the structs of `live/messages/`: which there are, and what may be left out on the wire."""

from __future__ import annotations

from types import UnionType
from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias, Union, get_args, get_origin

import msgspec

from idcontact.live import messages
from idcontact.live.messages import values

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from msgspec.structs import FieldInfo

StructType: TypeAlias = type[msgspec.Struct]
# An annotation as `typing` gives it back at run time; there is no narrower type for all its forms.
Annotation: TypeAlias = object

UNIONS: Mapping[str, Annotation] = {
    "EndUserFrame": messages.EndUserFrame,
    "StaffFrame": messages.StaffFrame,
    "AnyEvent": messages.AnyEvent,
    "ToEndUser": messages.ToEndUser,
    "ToStaff": messages.ToStaff,
}


def as_struct(annotation: Annotation) -> StructType | None:
    """The annotation itself where it is a struct."""
    return annotation if isinstance(annotation, type) and issubclass(annotation, msgspec.Struct) else None


def members(union: Annotation) -> Iterator[StructType]:
    """The structs of a union, in its order."""
    for part in get_args(union):
        struct = as_struct(part)
        if struct is not None:
            yield struct


def structs_of(annotation: Annotation) -> Iterator[StructType]:
    """Every struct that an annotation names, with what those are made of; parts before what holds them."""
    struct = as_struct(annotation)
    if struct is None:
        for part in get_args(annotation):
            yield from structs_of(part)
    else:
        for field in msgspec.structs.fields(struct):
            yield from structs_of(field.type)
        yield struct


def aliases() -> dict[str, Annotation]:
    """The named types of the protocol that are not structs: literals, and scalars with limits."""
    named = {name: value for name, value in vars(values).items() if not name.startswith("_")}
    return {name: value for name, value in named.items() if get_origin(value) in {Literal, Annotated}}


def tag_of(struct: StructType) -> str | None:
    """The `type` of a frame; None for what is only a part of frames."""
    tag = struct.__struct_config__.tag
    return tag if isinstance(tag, str) else None


def may_be_absent(struct: StructType, field: FieldInfo) -> bool:
    """Whether a writer of ours may leave the member out: it has a default, and the struct leaves defaults out."""
    return not field.required and struct.__struct_config__.omit_defaults


def without_none(annotation: Annotation) -> Annotation:
    """The annotation as it is on the wire when present; an absent member stands for None.

    Raises TypeError for a union of more than one thing and None, which no frame has.
    """
    if get_origin(annotation) not in {Union, UnionType}:
        return annotation
    parts = [part for part in get_args(annotation) if part is not type(None)]
    if len(parts) != 1:
        raise TypeError(f"frames have no member of several types: {annotation!r}")
    return parts[0]
