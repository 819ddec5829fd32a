"""What one client sent and heard, in order: all that the checker is given."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

if TYPE_CHECKING:
    from pathlib import Path

Frame: TypeAlias = dict[str, Any]
What: TypeAlias = Literal["opened", "sent", "heard", "lost"]


@dataclass(frozen=True)
class Record:
    """A socket was opened or lost, or a frame was sent or heard on it."""

    what: What
    frame: Frame = field(default_factory=dict)
    at: int = 0
    """When, milliseconds UTC by the clock of the machine."""


@dataclass
class Journal:
    """One client's. `who` is a name for the report; `account` that of a member of the staff, None for an end user."""

    who: str
    account: str | None = None
    records: list[Record] = field(default_factory=list)

    @property
    def side(self) -> Literal["end_user", "agent"]:
        """In the words of the protocol's `by`."""
        return "end_user" if self.account is None else "agent"

    def note(self, what: What, frame: Frame | None = None) -> None:
        """Write something down."""
        self.records.append(Record(what, frame or {}, time.time_ns() // 1_000_000))

    def write(self, folder: Path) -> None:
        """Keep it as lines of JSON, for whoever looks into a fault."""
        lines = (
            json.dumps({"what": one.what, "at": one.at, **({"frame": one.frame} if one.frame else {})})
            for one in self.records
        )
        (folder / f"{self.who.replace(' ', '-')}.jsonl").write_text("\n".join(lines))
