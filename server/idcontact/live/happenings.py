"""What can happen to a conversation: commands of participants, word from the core and from routing, deadlines."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

if TYPE_CHECKING:
    from idcontact.live.conversation_state import Auth


@dataclass(frozen=True)
class Landed:
    """The end user's cookie came back. `same_browser` is None when it cannot be known.

    `language` is the browser's, used when the session came without one.
    """

    same_browser: bool | None
    language: str = "nl"


@dataclass(frozen=True)
class ResultArrived:
    """A checked auth result. Its values are kept apart; here are the tags."""

    auth: Auth


@dataclass(frozen=True)
class WentOnUnverified:
    """The end user goes on although the identification failed."""


@dataclass(frozen=True)
class CalledOff:
    """The core: nobody will come, the identification could not be started."""


@dataclass(frozen=True)
class Connected:
    """The end user has a socket."""

    conn: str


@dataclass(frozen=True)
class Disconnected:
    """The end user's socket is gone; nothing when it is not the latest one."""

    conn: str


@dataclass(frozen=True)
class Assigned:
    """Word from routing: who has this conversation, and whether their console is there."""

    agent: str
    name: str
    generation: int
    present: bool


@dataclass(frozen=True)
class Ended:
    """A participant ends it."""

    by: Literal["end_user", "agent"]
    agent: str | None = None


@dataclass(frozen=True)
class WrapUpDone:
    """The agent is done with what comes after."""

    agent: str


@dataclass(frozen=True)
class DeadlineReached:
    """The time of `kind` has come. `last_activity` is that of the last message."""

    kind: str
    last_activity: int = 0


Happening: TypeAlias = (
    Landed
    | ResultArrived
    | WentOnUnverified
    | CalledOff
    | Connected
    | Disconnected
    | Assigned
    | Ended
    | WrapUpDone
    | DeadlineReached
)

ACKNOWLEDGED: Final = (Landed, ResultArrived, WentOnUnverified, CalledOff, Ended, WrapUpDone)
"""Those that somebody is told of that they are stored."""
