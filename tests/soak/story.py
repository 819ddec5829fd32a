"""What an end user and an agent wrote down of a conversation in which all went well, to be tampered with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from idcontact.live.keys import new_id
from soak.checker import Checker
from soak.falls import Fall, Falls
from soak.journal import Journal, Record

if TYPE_CHECKING:
    from soak.checker import Verdict
    from soak.journal import Frame

C = new_id()
VALUES = {"Suzanne Moulin": C}


def event(seq: int, kind: str, by: str = "system", **members: Any) -> Frame:
    log = {"conversation": C, "log": "public", "log_id": "one", "seq": seq, "at": 1000 + seq, "by": by}
    return {"type": kind, **log, **members}


def said(seq: int, by: str, command: str) -> Frame:
    return event(seq, "message", by, text=f"text of {command}", command=command)


def sends(command: str) -> Record:
    return Record("sent", {"type": "send", "id": command, "conversation": C, "text": f"text of {command}"})


def acked(command: str, seq: int) -> Record:
    return Record("heard", {"type": "ack", "id": command, "seq": seq, "at": 1000 + seq})


def heard(kind: str, **members: Any) -> Record:
    return Record("heard", {"type": kind, **members})


def offer(number: str, entered_at: int, until: int = 3000) -> Frame:
    return {"id": number, "conversation": C, "entered_at": entered_at, "until": until}


def hello(*have: Frame) -> list[Record]:
    return [Record("opened"), Record("sent", {"type": "hello", "have": list(have)})]


def phase(name: str, version: int) -> Frame:
    return {"id": C, "version": version, "phase": name}


def queue(version: int, *conversations: str, state: str = "waiting") -> Record:
    entries = [
        {"conversation": one, "arrival": 1, "entered_at": 5, "priority": 5, "state": state} for one in conversations
    ]
    return heard("queue", version=version, entries=entries, agents=[])


EVENTS = [
    event(1, "queued"),
    event(2, "joined", "agent", name="Ann"),
    said(3, "end_user", "u1"),
    said(4, "agent", "a1"),
    said(5, "end_user", "u2"),
]


class Story:
    """An end user and an agent who talk, as each would write it down; to be tampered with."""

    def __init__(self) -> None:
        self.end_user = Journal("end user 1")
        self.end_user.records += [
            *hello(),
            heard("welcome", conversation=phase("waiting", 1)),
            *(Record("heard", one) for one in EVENTS[:2]),
            heard("conversation", conversation=phase("active", 2)),
            sends("u1"),
            acked("u1", 3),
            *(Record("heard", one) for one in EVENTS[2:4]),
            Record("lost"),
            *hello({"conversation": C, "log": "public", "log_id": "one", "seq": 4}),
            heard("welcome", conversation=phase("active", 2)),
            sends("u2"),
            Record("heard", EVENTS[4]),
            acked("u2", 5),
        ]
        self.agent = Journal("ann", "ann")
        self.agent.records += [
            *hello(),
            heard("welcome", conversations=[], offers=[]),
            queue(1, C),
            heard("offer", offer=offer("7", 5)),
            Record("sent", {"type": "accept", "id": "t1", "conversation": C, "offer": "7"}),
            heard("ack", id="t1"),
            heard("conversation", conversation=phase("active", 2)),
            *(Record("heard", one) for one in EVENTS[:3]),
            heard("attributes", conversation=C, attributes=[{"tag": "fullname", "value": "Suzanne Moulin"}]),
            sends("a1"),
            Record("heard", EVENTS[3]),
            acked("a1", 4),
            Record("heard", EVENTS[4]),
            queue(2, C, state="assigned"),
        ]
        self.others: list[Journal] = []
        self.falls: list[Fall] = []

    def verdict(self) -> Verdict:
        journals = [self.end_user, self.agent, *self.others]
        return Checker(journals, VALUES, Falls(self.falls)).verdict()

    def finds(self, *words: str) -> None:
        faults = self.verdict().faults
        assert faults
        for word in words:
            assert any(word in fault for fault in faults), (word, faults)

    def at(self, journal: Journal, seq: int) -> int:
        """Where a journal holds that event."""
        return next(
            place for place, one in enumerate(journal.records) if one.frame.get("log_id") and one.frame["seq"] == seq
        )
