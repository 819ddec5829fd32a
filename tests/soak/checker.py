"""Whether the live protocol kept its word, decided from the clients' own journals and nothing else.

Knows docs/live-protocol.md only, and when the store fell back to an earlier copy of itself: no store, no server. Each
journal is replayed as a client would take it in, and held to what the page promises; then the journals are held to each
other. Everything that is wrong is said, not only the first thing.

What docs/guarantees.md does not promise is allowed where a copy of the store took over that lost it, and nowhere else:
what was stored in the moment before that, and is not acknowledged, may be gone, given out again or refused.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass, fields
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, Final, NamedTuple

from soak.falls import Falls
from soak.replay import CommandKey, LogKey, Replay, Sent

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from soak.journal import Frame, Journal
    from soak.replay import Copy, Past, View

_STORED_LATER: Final = 1000
"""Milliseconds that may go by between what is decided and what is stored."""
_HEARD_LATER: Final = 2000
"""And between what is stored and the first that hears of it, of all who do."""


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


class Offered(NamedTuple):
    """An offer: when it was made, to whom, and what."""

    made: int
    account: str
    conversation: str


@dataclass
class Verdict:
    """`faults`: every promise that was not kept, in words. None: all were."""

    counts: Counts
    faults: list[str]


class Checker:
    """All journals together."""

    def __init__(
        self,
        journals: Sequence[Journal],
        values: Mapping[str, str],
        falls: Falls | None = None,
        offer_timeout: int = 0,
    ) -> None:
        """`values`: every value of an attribute that was given, and the conversation for which it was.

        `falls`: when the store fell back; None: it never did. `offer_timeout`: how long an offer stands, milliseconds.
        """
        self.counts = Counts()
        self.faults: list[str] = []
        self.accepted_by: defaultdict[str, set[str]] = defaultdict(set)
        """What other journals of the same account took up before."""
        self.falls = falls or Falls()
        self._offer_timeout = offer_timeout
        self._values = values
        self._pattern = re.compile("|".join(map(re.escape, values))) if values else None
        self._history: Copy = defaultdict(dict)
        self._last_log: dict[LogKey, str] = {}
        """The log that each end user has in the end."""
        self._replaced: dict[LogKey, set[str]] = defaultdict(set)
        """Logs in place of which somebody got another one: the store had lost the end of them, so that end is void."""
        self._differing: defaultdict[tuple[LogKey, str], list[str]] = defaultdict(list)
        self._reach: dict[tuple[LogKey, str, str], int] = defaultdict(int)
        self._offers: defaultdict[str, set[Offered]] = defaultdict(set)
        self._places: defaultdict[tuple[str, str], dict[int, int]] = defaultdict(dict)
        """What decides a place in the queue: each value that it had, and when that was first heard."""
        self._replays = [Replay(journal, self) for journal in journals]

    def verdict(self) -> Verdict:
        """Decide."""
        for replay in self._replays:
            replay.run()
            if replay.journal.account is not None:
                self.accepted_by[replay.journal.account] |= replay.taken_up
            else:
                self._last_log.update({key: view.log_id for key, view in replay.views.items()})
        for replay in self._replays:
            self._take_leave(replay)
        self._compare()
        self._offers_made()
        self._places_kept()
        for replay in self._replays:
            self._messages_of(replay)
        for (key, log_id), events in tuple(self._history.items()):
            if log_id not in self._replaced[key]:
                self.faults += self._differing[key, log_id]
                self._log(key, events)
        self._views()
        self._people()
        return Verdict(self.counts, self.faults)

    def _take_leave(self, replay: Replay) -> None:
        """Who left had what they had; and what took the place of a log may be lost in its turn, so that it is back."""
        for key, view in replay.views.items():
            back = any(past.replaced and (past.key, past.log_id) == (key, view.log_id) for past in replay.past)
            if back or (replay.journal.account is None and replay.has_left):
                self._replaced[key].discard(view.log_id)

    # --- what replays report --------------------------------------------------------------------------------------

    def reached(self, replay: Replay, key: LogKey, view: View) -> None:
        """One client received everything up to there."""
        place = (key, view.log_id, replay.journal.side)
        self._reach[place] = max(self._reach[place], view.seq)

    def differs(self, replay: Replay, key: LogKey, event: Frame, other: Frame) -> None:
        """An event is not the same for everybody: one of both was lost, and another log took the place of that one."""
        what = f"event {event['seq']} of the {key.log} log is another one than somebody else received"
        if self.falls.may_have_lost(event["at"]) or self.falls.may_have_lost(other["at"]):
            self._differing[key, event["log_id"]].append(f"{replay.journal.who}: {what}")
        else:
            replay.fault(what)

    def replaced(self, replay: Replay, key: LogKey, log_id: str) -> None:
        """A log came again, whole, under another id."""
        self.counts.whole_logs_again += 1
        self._replaced[key].add(log_id)
        if not self.falls.began_before(replay.now):
            replay.fault(f"the {key.log} log of {key.conversation} came again, though the store has lost nothing")

    def offered(self, replay: Replay, offer: Frame) -> None:
        """An offer stands at one agent."""
        account = replay.journal.account or replay.journal.who
        made = offer["until"] - self._offer_timeout
        self._offers[offer["id"]].add(Offered(made, account, offer["conversation"]))

    def place(self, replay: Replay, conversation: str, name: str, value: int) -> None:
        """What decides the place in the queue."""
        heard = self._places[conversation, name]
        heard[value] = min(heard.get(value, replay.now), replay.now)

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

    def _offers_made(self) -> None:
        """One to one agent; a number that was lost with its offer may be given to another one."""
        for made in self._offers.values():
            for one, other in pairwise(sorted(made)):
                same = (one.account, one.conversation) == (other.account, other.conversation)
                if not same and not self.falls.gave_again(one.made, other.made):
                    self.faults.append(f"{other.account}: an offer was made to two agents")

    def _places_kept(self) -> None:
        """Nobody's place changes; who came to the queue in a moment that was lost comes to it again."""
        for (conversation, name), heard in self._places.items():
            # When they came is said by the time itself: they were let in then, and that was stored a moment later.
            times = sorted(heard if name == "entered_at" else heard.values())
            again = partial(self.falls.gave_again, early=_STORED_LATER) if name == "entered_at" else self._arrived_again
            if not all(name != "priority" and again(one, other) for one, other in pairwise(times)):
                self.faults.append(f"the {name} of conversation {conversation} in the queue has changed")

    def _arrived_again(self, heard: int, heard_again: int) -> bool:
        return self.falls.gave_again(heard, heard_again, late=_HEARD_LATER)

    def _compare(self) -> None:
        """Everybody received the same. What somebody had before, and forgot, may have been lost."""
        for replay in self._replays:
            for (key, log_id), copy in replay.copy.items():
                events = self._history[key, log_id]
                for seq, event in copy.items():
                    if events.setdefault(seq, event) != event:
                        self.differs(replay, key, event, events[seq])
        for replay in self._replays:
            for past in replay.past:
                self._compare_past(replay, past)

    def _compare_past(self, replay: Replay, past: Past) -> None:
        kept = [event for event in past.events.values() if not self.falls.may_have_lost(event["at"])]
        for event in kept:
            known = self._history[past.key, past.log_id].get(event["seq"], event)
            if known != event:
                self.differs(replay, past.key, event, known)
        now = replay.views.get(past.key)
        if past.replaced and now is not None:
            again = replay.copy[past.key, now.log_id]
            for event in kept:
                seq = event["seq"]
                if seq <= now.seq and again.get(seq) != {**event, "log_id": now.log_id}:
                    replay.fault(f"event {seq} of the {past.key.log} log is lost, and a copy of the store had it")

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
        logs += [past.events for replay in self._replays for past in replay.past if past.key == key]
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
