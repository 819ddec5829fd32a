"""One client's journal, taken in frame by frame as docs/live-protocol.md says, and held to that page on the way."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from soak.checker import Checker
    from soak.journal import Frame, Journal

_MAY_YET_BE_DONE: Final = frozenset({"unavailable", "rate_limited"})
"""Errors after which a command is to be sent again; it may have been done all the same."""
_STOPS: Final = frozenset({4400, 4401, 4403, 4404, 4409})
"""Close codes by which a page is told to stop, as the page says."""


class LogKey(NamedTuple):
    """One log of one conversation."""

    conversation: str
    log: str


class CommandKey(NamedTuple):
    """One message, as its sender named it. Ids are of the sender's choice, so the side is part of the name."""

    conversation: str
    by: str
    id: str


Copy: TypeAlias = "defaultdict[tuple[LogKey, str], dict[int, Frame]]"
"""Of each log, and under each of its ids: the events that one client received, by number."""


@dataclass
class View:
    """What a client has of one log, at this point of its journal."""

    log_id: str
    seq: int = 0


@dataclass(frozen=True)
class Past:
    """What a client had of a log and has no more; `replaced`: it got another in its place."""

    key: LogKey
    log_id: str
    events: dict[int, Frame]
    replaced: bool


@dataclass
class Sent:
    """A message that was sent: its words, how often, and the seqs with which it was acknowledged."""

    text: str
    times: int = 0
    answers: int = 0
    acks: list[int] = field(default_factory=list)
    key: CommandKey | None = None


class Replay:
    """One journal, gone through frame by frame."""

    def __init__(self, journal: Journal, checker: Checker) -> None:
        self.journal = journal
        self.checker = checker
        self.views: dict[LogKey, View] = {}
        self.declared: dict[LogKey, View] = {}
        self.copy: Copy = defaultdict(dict)
        self.past: list[Past] = []
        """What it forgot with the conversation, as the page says, and what it got another log in place of."""
        self.now = 0
        """When that happened which it is at."""
        self.sent: dict[str, Sent] = {}
        self.accepts: dict[str, tuple[str, int]] = {}
        """The conversation of each acceptance, and when it was first sent."""
        self.ended: set[str] = set()
        """Conversations that this client ended itself."""
        self.ends: dict[str, str] = {}
        self.conversation: str | None = None
        self.phase: str | None = None
        self.version = -1
        self.mine: set[str] = set()
        """Conversations in which it has a part now."""
        self.waited = False
        self.taken_up: set[str] = set()
        """Conversations that this client asked to accept, and was not refused."""
        self.queue: dict[str, Frame] | None = None
        self.queue_version = -1

    def run(self) -> None:
        """Through all of it."""
        counts = self.checker.counts
        counts.clients += 1
        opened = 0
        for record in self.journal.records:
            self.now = record.at
            match record.what:
                case "opened":
                    opened += 1
                    counts.connections_by_stream += record.frame.get("type") == "stream"
                case "sent":
                    self._sent(record.frame)
                case "heard":
                    self._heard(record.frame)
                case "lost":
                    self._lost(record.frame.get("code", 0))
        counts.connections += opened
        counts.reconnections += max(0, opened - 1)

    @property
    def has_left(self) -> bool:
        """Whether this client was not there any more in the end."""
        return bool(self.journal.records) and self.journal.records[-1].what == "lost"

    def holds(self, conversation: str) -> bool:
        """Whether this client still has a part in it, as far as it knows: an agent is told when that ends."""
        return self.journal.account is None or conversation in self.mine

    def fault(self, what: str) -> None:
        self.checker.faults.append(f"{self.journal.who}: {what}")

    def _lost(self, code: int) -> None:
        """Everybody here has one page, is logged in and has a conversation that is kept: nobody may be told to stop."""
        if code in _STOPS:
            self.fault(f"its only page was told to stop: {code}")

    # --- what it sent ---------------------------------------------------------------------------------------------

    def _sent(self, frame: Frame) -> None:
        match frame["type"]:
            case "hello":
                self.declared = {
                    LogKey(one["conversation"], one["log"]): View(one["log_id"], one["seq"]) for one in frame["have"]
                }
                for key, view in self.declared.items():
                    if (known := self.views.get(key)) is None or known.seq < view.seq:
                        self.fault(f"says that it has {view.seq} events of the {key.log} log: there is a hole")
            case "send":
                sent = self.sent.setdefault(frame["id"], Sent(frame["text"]))
                sent.times += 1
                sent.key = CommandKey(frame["conversation"], self.journal.side, frame["id"])
            case "accept":
                self.accepts.setdefault(frame["id"], (frame["conversation"], self.now))
                self.taken_up.add(frame["conversation"])
            case "end":
                self.ends[frame["id"]] = frame["conversation"]

    # --- what it heard --------------------------------------------------------------------------------------------

    def _heard(self, frame: Frame) -> None:
        self._hold_values(frame)
        if "log" in frame:
            self._event(frame)
            return
        match frame["type"]:
            case "welcome":
                self._welcome(frame)
            case "conversation":
                self._state(frame["conversation"])
            case "conversation_gone":
                self.mine.discard(frame["conversation"])
                for log in ("public", "staff"):
                    key = LogKey(frame["conversation"], log)
                    if (view := self.views.pop(key, None)) is not None:
                        self._forget(key, view.log_id)
            case "ack" | "error" if frame.get("id") is not None:
                self._answer(frame)
            case "attributes":
                self._attributes(frame)
            case "offer":
                self._offer(frame["offer"])
            case "queue" | "queue_delta":
                self._queue(frame)

    def _welcome(self, frame: Frame) -> None:
        self.queue, self.version = None, -1
        self.mine.clear()
        for state in frame["conversations"] if "conversations" in frame else [frame["conversation"]]:
            self._state(state)
        self.views = {
            key: View(view.log_id, view.seq) for key, view in self.declared.items() if key.conversation in self.mine
        }
        for key, log_id in tuple(self.copy):
            if key.conversation not in self.mine and key in self.declared:
                self._forget(key, log_id)
        for offer in frame.get("offers", []):
            self._offer(offer)

    def _forget(self, key: LogKey, log_id: str, *, replaced: bool = False) -> None:
        self.past.append(Past(key, log_id, self.copy.pop((key, log_id), {}), replaced))

    def _state(self, state: Frame) -> None:
        self.mine.add(state["id"])
        if self.journal.account is not None:
            return
        if self.conversation is not None and state["version"] <= self.version:
            return  # as the page says: not higher than what it has
        self.conversation, self.version, self.phase = state["id"], state["version"], state["phase"]
        self.waited = self.waited or self.phase != "preparing"

    def _event(self, frame: Frame) -> None:
        self.checker.counts.events_received += 1
        key, name = LogKey(frame["conversation"], frame["log"]), f"event {frame['seq']} of the {frame['log']} log"
        view = self.views.get(key)
        if view is None or view.log_id != frame["log_id"]:
            if view is not None:
                self.checker.replaced(self, key, view.log_id)
                self._forget(key, view.log_id, replaced=True)
            view = self.views[key] = View(frame["log_id"])
        if frame["seq"] <= view.seq:
            self.fault(f"{name} was received twice")
            return
        if frame["seq"] > view.seq + 1:
            self.fault(f"{name} came after {view.seq}: there is a hole")
        view.seq = frame["seq"]
        known = self.copy[key, view.log_id].setdefault(view.seq, frame)
        if known != frame:
            self.checker.differs(self, key, frame, known)
        self.checker.reached(self, key, view)

    def _answer(self, frame: Frame) -> None:
        refused = frame["type"] == "error"
        sent = self.sent.get(frame["id"])
        if sent is not None:
            sent.answers += 1
            if sent.answers > sent.times:
                self.fault(f"a message was sent {sent.times} times and answered {sent.answers} times")
            if not refused:
                sent.acks.append(frame["seq"])
        elif refused and frame["id"] in self.accepts and frame["code"] not in _MAY_YET_BE_DONE:
            conversation, first_sent = self.accepts[frame["id"]]
            if not self.checker.falls.lies_between(first_sent, self.now):  # else it may have been done, and lost
                self.taken_up.discard(conversation)
        elif not refused and frame["id"] in self.ends:
            self.ended.add(self.ends[frame["id"]])

    def _attributes(self, frame: Frame) -> None:
        self.checker.counts.attributes_shown += 1
        if self.journal.account is None:
            self.fault("an end user was shown attributes")
        elif frame["conversation"] not in self.checker.accepted_by[self.journal.account] | self.taken_up:
            self.fault(f"{self.journal.account} was shown attributes of a conversation that they had not accepted")

    def _hold_values(self, frame: Frame) -> None:
        """Values of attributes stand in a frame `attributes` of their own conversation, and nowhere else."""
        found = self.checker.values_in(frame)
        if found and not (frame["type"] == "attributes" and found == {frame["conversation"]}):
            self.fault(f"values of attributes stood in a frame `{frame['type']}`")

    def _offer(self, offer: Frame) -> None:
        self.checker.offered(self, offer)
        self.checker.place(self, offer["conversation"], "entered_at", offer["entered_at"])

    def _queue(self, frame: Frame) -> None:
        if frame["type"] == "queue":
            self.queue = {}
        elif self.queue is None or frame["after"] != self.queue_version:
            self.queue = None  # as the page says: not to be trusted until the next snapshot
            return
        self.queue_version = frame["version"]
        for entry in frame.get("entries", []):
            self.queue[entry["conversation"]] = entry
            for name in ("entered_at", "arrival", "priority"):
                self.checker.place(self, entry["conversation"], name, entry[name])
        for gone in frame.get("entries_gone", []):
            self.queue.pop(gone, None)
