"""What goes into the store and comes out of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from idcontact.keystore import DataKey
    from idcontact.live.conversation_state import Conversation
    from idcontact.live.keys import LogName


@dataclass(frozen=True)
class Stored:
    """A conversation as read: its state, its key, and where its logs are. `now` is the store's clock, milliseconds."""

    state: Conversation
    key: DataKey
    last_activity: int
    log_ids: dict[LogName, str]
    seqs: dict[LogName, int]
    now: int
    mark: bytes
    """How the state begins as it lies there: no two writes of a state are alike."""
    set_back: int
    """How often the store was found to have fallen back to an earlier copy of this conversation."""

    def is_behind(self, known: Stored) -> bool:
        """Whether this is not what followed from `known`: the store fell back to an earlier copy of itself."""
        version, before = self.state.version, known.state.version
        if self.set_back < known.set_back:
            return True  # whatever was stored since
        return version < before or (version == before and self.mark != known.mark)


@dataclass(frozen=True)
class Sealed:
    """One event as stored: its place, its time, and its sealed body."""

    seq: int
    at: int
    event: bytes


@dataclass(frozen=True)
class Change:
    """What to commit: the next state, and all that goes with it in the same step."""

    state: Conversation
    deadlines: dict[str, int]
    events: tuple[tuple[LogName, bytes], ...] = ()
    lease: int = -1
    tell_routing: bool = False
    forget: bool = False
    command: str | None = None
    claim: tuple[str, int] | None = None
    attributes: bytes | None = None
    acknowledged: bool = False
    """Whether somebody is told that this is stored: then it has to be so as safely as was promised."""


@dataclass(frozen=True)
class Committed:
    """`outcome` ok: done, as `version`. again: this command was answered before. lost: something else came first."""

    outcome: Literal["ok", "again", "lost", "gone", "claimed"]
    version: int = 0
    seq: int = 0
    at: int = 0


class Firsts(NamedTuple):
    """By bucket: when its first deadline is, milliseconds, and whether there is something that routing must hear."""

    deadlines: list[int | None]
    untold: list[bool]


class Inspected(NamedTuple):
    """How many conversations a bucket has by phase. Ages in seconds: see `Kept` in inspection.py."""

    phases: dict[str, int]
    oldest_attributes: float
    overstayed: float


class Say(NamedTuple):
    """Something to append. `who` is `end_user` or `agent`, `part` the agent's id; `node` needs no publication.

    `allowed` is how often `who` may say something in this conversation in ten seconds; 0: any number of times.
    """

    conversation: str
    who: str
    part: str
    command: str
    event: bytes
    node: str
    allowed: int = 0


class Appended(NamedTuple):
    """Where a message went, and whether it was there already."""

    seq: int
    at: int
    again: bool
