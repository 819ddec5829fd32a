"""TypeScript types of the frames."""

from __future__ import annotations

from types import UnionType
from typing import TYPE_CHECKING, Annotated, Literal, Union, get_args, get_origin

import msgspec

from idcontact.generate.frames import (
    UNIONS,
    Annotation,
    StructType,
    aliases,
    as_struct,
    may_be_absent,
    structs_of,
    tag_of,
    without_none,
)
from idcontact.live import messages

if TYPE_CHECKING:
    from collections.abc import Mapping

HEADER = f"""\
// Written by `make generate` from server/idcontact/live/messages/. Change those, not this.

export const PROTOCOL = "{messages.PROTOCOL}";
export const MAX_FRAME_BYTES = {messages.MAX_FRAME_BYTES};
export const MAX_TEXT_CHARACTERS = {messages.MAX_TEXT_CHARACTERS};"""

SCALARS: Mapping[type, str] = {str: "string", int: "number", float: "number", bool: "boolean", type(None): "null"}
# The browser has these names already.
RENAMED: Mapping[str, str] = {"Error": "ErrorFrame", "Text": "MessageText"}


class TypeScript:
    """Writes annotations as TypeScript types, by the names that the protocol gives them."""

    def __init__(self) -> None:
        self._aliases = aliases()

    def module(self) -> str:
        """The whole file."""
        structs = dict.fromkeys(struct for union in UNIONS.values() for struct in structs_of(union))
        parts = [
            HEADER,
            "\n".join(self.alias(name, annotation) for name, annotation in self._aliases.items()),
            *(self.interface(struct) for struct in structs),
            *(self.union(name, annotation) for name, annotation in UNIONS.items()),
        ]
        return "\n\n".join(parts) + "\n"

    def alias(self, name: str, annotation: Annotation) -> str:
        """A type with a name of its own that is no struct."""
        return f"export type {RENAMED.get(name, name)} = {self.written_out(annotation)};"

    def union(self, name: str, annotation: Annotation) -> str:
        """The frames of one direction; `type` tells them apart."""
        parts = "\n".join(f"  | {self.type_of(part)}" for part in get_args(annotation))
        return f"export type {name} =\n{parts};"

    def interface(self, struct: StructType) -> str:
        """One struct. Members that a writer may leave out are optional, and then never null."""
        lines = [f"/** {' '.join((struct.__doc__ or '').split())} */", f"export interface {self.type_of(struct)} {{"]
        tag = tag_of(struct)
        if tag is not None:
            lines.append(f'  type: "{tag}";')
        for field in msgspec.structs.fields(struct):
            if may_be_absent(struct, field):
                lines.append(f"  {field.encode_name}?: {self.type_of(without_none(field.type))};")
            else:
                lines.append(f"  {field.encode_name}: {self.type_of(field.type)};")
        return "\n".join([*lines, "}"])

    def type_of(self, annotation: Annotation) -> str:
        """The type by its name where it has one, else written out."""
        for name, alias in self._aliases.items():
            if annotation == alias:
                return RENAMED.get(name, name)
        return self.written_out(annotation)

    def written_out(self, annotation: Annotation) -> str:
        """The type without regard to a name of its own. Raises TypeError for a form that frames do not use yet."""
        struct = as_struct(annotation)
        if struct is not None:
            return RENAMED.get(struct.__name__, struct.__name__)
        if isinstance(annotation, type) and annotation in SCALARS:
            return SCALARS[annotation]
        return self.composed(get_origin(annotation), get_args(annotation))

    def composed(self, origin: Annotation, arguments: tuple[Annotation, ...]) -> str:
        """A type that is made of others. Raises TypeError for a form that frames do not use yet."""
        if origin is Annotated:
            return self.type_of(arguments[0])
        if origin is Literal:
            return " | ".join(f'"{value}"' for value in arguments)
        if origin is list:
            return f"Array<{self.type_of(arguments[0])}>"
        if origin is dict:
            return f"Record<{self.type_of(arguments[0])}, {self.type_of(arguments[1])}>"
        if origin in {Union, UnionType}:
            return " | ".join(self.type_of(part) for part in arguments)
        raise TypeError(f"no TypeScript is known for {origin!r} of {arguments!r}")
