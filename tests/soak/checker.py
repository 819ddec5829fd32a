"""Whether the live protocol kept its word, decided from the clients' own journals and nothing else.

Knows docs/live-protocol.md only: no store, no server, no clock. Each journal is replayed as a client would take it in,
and held to what the page promises; then the journals are held to each other. Everything that is wrong is said, not
only the first thing.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from soak.replay import CommandKey, LogKey, Replay, Sent

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from soak.journal import Frame, Journal
    from soak.replay import Copy, View


@dataclass
class Counts:
    """What there was to decide about."""

    clients: int = 0
    connections: int = 0
    connections_by_stream: int = 0
    reconnections: int = 0
    messages_sent: int = 0
    messages_sent_again: int = 0
    messages_acknowledged: int = 0
    messages_in_logs: int = 0
    events_received: int = 0
    whole_logs_again: int = 0
    people_served: int = 0
    people_in_the_queue: int = 0
    people_who_left_the_queue: int = 0
    conversations_taken_up_again: int = 0
    attributes_shown: int = 0

    def __str__(self) -> str:
        return "\n".join(f"{getattr(self, one.name):>9,}  {one.name.replace('_', ' ')}" for one in fields(self))


@dataclass
class Verdict:
    """`faults`: every promise that was not kept, in words. None: all were."""

    counts: Counts
    faults: list[str]


class Checker:
    """All journals together."""

    def __init__(self, journals: Sequence[Journal], values: Mapping[str, str], *, may_fall_back: bool = False) -> None:
        """`values`: every value of an attribute that was given, and the conversation for which it was.

        `may_fall_back`: a replica may have taken over that did not have all that people saw. Nothing that was
        acknowledged may be missing then, but what is not is given out again: numbers of offers, and when those came to
        the queue who came in that moment.
        """
        self.counts = Counts()
        self.faults: list[str] = []
        self.accepted_by: defaultdict[str, set[str]] = defaultdict(set)
        """What other journals of the same account took up before."""
        self.may_fall_back = may_fall_back
        self._values = values
        self._pattern = re.compile("|".join(map(re.escape, values))) if values else None
        self._history: Copy = defaultdict(dict)
        self._last_log: dict[LogKey, str] = {}
        """The log that each end user has in the end."""
        self._replaced: dict[LogKey, set[str]] = defaultdict(set)
        """Logs in place of which somebody got another one: the store had lost the end of them, so that end is void."""
        self._differing: defaultdict[tuple[LogKey, str], list[str]] = defaultdict(list)
        self._reach: dict[tuple[LogKey, str, str], int] = defaultdict(int)
        self._offers: dict[str, tuple[str, str]] = {}
        self._places: dict[tuple[str, str], int] = {}
        self._replays = [Replay(journal, self) for journal in journals]

    def verdict(self) -> Verdict:
        """Decide."""
        for replay in self._replays:
            replay.run()
            if replay.journal.account is not None:
                self.accepted_by[replay.journal.account] |= replay.taken_up
            else:
                self._last_log.update({key: view.log_id for key, view in replay.views.items()})
        for key, log_id in self._last_log.items():
            self._replaced[key].discard(log_id)  # what took its place was lost in its turn, and it is back
        self._compare()
        for replay in self._replays:
            self._messages_of(replay)
        for (key, log_id), events in tuple(self._history.items()):
            if log_id not in self._replaced[key]:
                self.faults += self._differing[key, log_id]
                self._log(key, events)
        self._views()
        self._people()
        return Verdict(self.counts, self.faults)

    # --- what replays report --------------------------------------------------------------------------------------

    def reached(self, replay: Replay, key: LogKey, view: View) -> None:
        """One client received everything up to there."""
        place = (key, view.log_id, replay.journal.side)
        self._reach[place] = max(self._reach[place], view.seq)

    def differs(self, replay: Replay, key: LogKey, event: Frame) -> None:
        """An event is not the same for everybody; of no account should another log take the place of this one."""
        what = f"event {event['seq']} of the {key.log} log is another one than somebody else received"
        self._differing[key, event["log_id"]].append(f"{replay.journal.who}: {what}")

    def replaced(self, key: LogKey, log_id: str) -> None:
        """A log came again, whole, under another id."""
        self.counts.whole_logs_again += 1
        self._replaced[key].add(log_id)

    def offered(self, replay: Replay, offer: str, conversation: str) -> None:
        """An offer stands at one agent."""
        if self.may_fall_back:
            return
        account = replay.journal.account or replay.journal.who
        if self._offers.setdefault(offer, (account, conversation)) != (account, conversation):
            replay.fault("an offer was made to two agents")

    def place(self, conversation: str, name: str, value: int) -> None:
        """What decides the place in the queue never changes."""
        if name in {"arrival", "entered_at"} and self.may_fall_back:
            return
        changed = f"the {name} of conversation {conversation} in the queue has changed"
        if self._places.setdefault((conversation, name), value) != value and changed not in self.faults:
            self.faults.append(changed)

    def values_in(self, frame: object) -> set[str]:
        """The conversations of which values of attributes stand anywhere in the frame."""
        match frame:
            case str():
                if self._pattern is None:
                    return set()
                return {self._values[value] for value in self._pattern.findall(frame)}
            case dict():
                return set().union(*(self.values_in(member) for member in frame.values()))
            case list():
                return set().union(*(self.values_in(item) for item in frame))
            case _:
                return set()

    # --- the journals against each other --------------------------------------------------------------------------

    def _compare(self) -> None:
        """Everybody received the same. What somebody forgot only fills what nobody else has."""
        for replay in self._replays:
            for (key, log_id), copy in replay.copy.items():
                events = self._history[key, log_id]
                for seq, event in copy.items():
                    if events.setdefault(seq, event) != event:
                        self.differs(replay, key, event)
        for replay in self._replays:
            for place, copy in replay.forgotten.items():
                self._history[place] = copy | self._history[place]

    def _messages_of(self, replay: Replay) -> None:
        for sent in replay.sent.values():
            self.counts.messages_sent += 1
            self.counts.messages_sent_again += sent.times - 1
            if not sent.acks:
                continue
            self.counts.messages_acknowledged += 1
            if len(set(sent.acks)) > 1:
                replay.fault(f"one message was acknowledged as {sorted(set(sent.acks))}")
            self._acknowledged(replay, sent, sent.acks[0])

    def _acknowledged(self, replay: Replay, sent: Sent, seq: int) -> None:
        """Received by both sides, in the log that holds in the end, at the place that the ack named."""
        assert sent.key is not None
        key = LogKey(sent.key.conversation, "public")
        log_id = self._last_log.get(key, "")
        event = self._history[key, log_id].get(seq)
        said = ("message", sent.key.by, sent.key.id, sent.text)
        if event is not None and (event["type"], event["by"], event.get("command"), event.get("text")) != said:
            replay.fault(f"what was acknowledged as message {seq} is something else in the log")
        for side in ("end_user", "agent") if self._has_an_agent(key, log_id) else ("end_user",):
            if self._reach[key, log_id, side] < seq:
                replay.fault(f"message {seq} of {key.conversation} was acknowledged, and no {side} received it")

    def _has_an_agent(self, key: LogKey, log_id: str) -> bool:
        """Whether somebody has it in the end: it may wait again for one, who will get all of it, or have ended so."""
        events = self._history[key, log_id]
        comings = [seq for seq, event in events.items() if event["type"] in {"joined", "left"}]
        return not comings or events[max(comings)]["type"] == "joined"

    def _is_told(self, key: LogKey) -> bool:
        """Whether somebody was told in any log of the conversation that something may be lost."""
        logs = [events for (other, _), events in self._history.items() if other == key]
        return any(one["type"] == "maybe_lost" for events in logs for one in events.values())

    def _log(self, key: LogKey, events: Mapping[int, Frame]) -> None:
        """What one log tells makes sense: nothing twice, one agent at a time, nothing after the end, losses said."""
        if self._replaced[key] and key.log == "public" and not self._is_told(key):
            self.faults.append(f"the log of {key.conversation} took the place of another, and nobody was told why")
        said: dict[CommandKey, int] = {}
        joined = ended = False
        for seq in sorted(events):
            event = events[seq]
            name = f"event {seq} ({event['type']}) of the {key.log} log of {key.conversation}"
            if ended and event["type"] != "maybe_lost":
                self.faults.append(f"{name} came after the end")
            match event["type"]:
                case "message":
                    self.counts.messages_in_logs += 1
                    command = CommandKey(key.conversation, event["by"], event["command"])
                    if said.setdefault(command, seq) != seq:
                        self.faults.append(f"{name} was said before, as {said[command]}")
                    if not joined:
                        self.faults.append(f"{name} was said while no agent was there")
                case "joined":
                    if joined:
                        self.faults.append(f"{name}: an agent is there already")
                    joined = True
                case "left":
                    self.counts.conversations_taken_up_again += 1
                    joined = False
                case "ended":
                    ended = True

    def _views(self) -> None:
        """Whoever still has a log in the end has all of it."""
        for replay in self._replays:
            for key, view in replay.views.items():
                last = max(self._history[key, view.log_id], default=0)
                if replay.holds(key.conversation) and view.log_id in self._replaced[key]:
                    replay.fault(f"still has the {key.log} log of {key.conversation} that another took the place of")
                if replay.holds(key.conversation) and view.seq < last:
                    replay.fault(
                        f"the {key.log} log of {key.conversation} ends at {view.seq}, and it has {last} events"
                    )

    def _people(self) -> None:
        """Every end user was served, left by themselves, or is in the queue; and nobody else is in it."""
        queues = [replay for replay in self._replays if replay.queue is not None]
        queue: Mapping[str, Frame] = {}
        if queues:
            queue = max(queues, key=lambda replay: replay.queue_version).queue or {}
        waiting = {name for name, entry in queue.items() if entry["state"] != "assigned"}
        for replay in self._replays:
            if replay.journal.account is None and replay.conversation is not None and replay.waited:
                self._person(replay, replay.conversation, waiting)

    def _person(self, replay: Replay, conversation: str, waiting: set[str]) -> None:
        log = LogKey(conversation, "public")
        events = self._history[log, self._last_log.get(log, "")].values()
        served = any(event["type"] == "joined" for event in events)
        if (replay.phase == "waiting") != (conversation in waiting):
            replay.fault(f"is {replay.phase}, and is {'' if conversation in waiting else 'not '}in the queue")
        elif replay.phase == "waiting":
            self.counts.people_in_the_queue += 1
        elif served:
            self.counts.people_served += 1
        elif conversation in replay.ended:
            self.counts.people_who_left_the_queue += 1
        else:
            replay.fault(f"was never served, and is {replay.phase}")
