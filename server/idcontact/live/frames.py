"""From what is known to what a socket sends: events into their sealed form and out of it, states into views."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypedDict, assert_never

import msgspec
from msgspec.structs import replace

from idcontact.live import messages as m
from idcontact.live.conversation_state import AuthStatus, Conversation, Phase, Rules
from idcontact.live.keys import LogName, context

if TYPE_CHECKING:
    from idcontact.keystore import DataKey
    from idcontact.live.conversation import Said
    from idcontact.live.labels import Labels
    from idcontact.live.routing_store import AgentRecord, EntryRecord
    from idcontact.live.stored import Stored

encode = msgspec.json.encode
_NO_PLACE = b'"seq":0,"at":0,'
_event: msgspec.json.Decoder[m.AnyEvent] = msgspec.json.Decoder(m.AnyEvent)


class _Envelope(TypedDict):
    conversation: str
    log: LogName
    log_id: str
    seq: int
    at: int
    by: m.Sender


def event_of(said: Said, stored: Stored, state: Conversation, labels: Labels) -> m.AnyEvent:
    """The frame of an event. Its `seq` is 0 until the store has given it one."""
    envelope: _Envelope = {
        "conversation": state.id,
        "log": said.log,
        "log_id": stored.log_ids[said.log],
        "seq": 0,
        "at": stored.now,
        "by": said.by,
    }
    agent = state.agent or stored.state.agent
    name = agent.name if agent is not None else ""
    method = state.auth.method or ""
    match said.kind:
        case "queued":
            return m.QueuedEvent(**envelope, again=said.again)
        case "identified":
            label = labels.method(method, state.language)
            return m.IdentifiedEvent(
                **envelope, method=method, method_label=label, tags=list(state.auth.tags), level=state.auth.level
            )
        case "not_identified":
            status: Literal["failed", "missing"] = "missing" if state.auth.status is AuthStatus.MISSING else "failed"
            return m.NotIdentifiedEvent(**envelope, status=status)
        case "unverified":
            return m.UnverifiedEvent(**envelope)
        case "joined":
            return m.JoinedEvent(**envelope, name=name)
        case "left":
            return m.LeftEvent(**envelope, name=name)
        case "still_there":
            return m.StillThereEvent(**envelope, until=state.asked_until or stored.now)
        case "ended":
            return m.EndedEvent(**envelope, reason=state.end_reason or "unavailable")
        case "disclosed":
            return m.DisclosedEvent(**envelope, name=name, tags=list(state.auth.tags), reason="accepted")
        case _:
            assert_never(said.kind)


def seal_event(event: m.AnyEvent, key: DataKey) -> bytes:
    """An event as it is stored: its frame, with neither place nor time."""
    return seal_frame(encode(event), key, event.conversation, event.log)


def seal_frame(frame: bytes, key: DataKey, conversation: str, log: LogName) -> bytes:
    """The frame of an event as it is stored."""
    return key.seal(frame, context(conversation, log))


def open_frame(sealed: bytes, stored: Stored, log: LogName, *, seq: int, at: int) -> bytes:
    """The frame of a stored event, with the place and time that the store gave it."""
    return placed(stored.key.open(sealed, context(stored.state.id, log)), stored.log_ids[log], seq, at)


def placed(frame: bytes, log_id: str, seq: int, at: int) -> bytes:
    """The frame of an event that was encoded before it had its place: spliced in, where decoding it would cost more.

    These stand before anything that people write, so the first ones found are the frame's own. The log may have got
    another id since.
    """
    before, found, after = frame.partition(_NO_PLACE)
    if not found:  # written by another version
        return encode(replace(_event.decode(frame), log_id=log_id, seq=seq, at=at))
    before = before[: before.rindex(b'"log_id":')]
    return b'%b"log_id":"%b","seq":%d,"at":%d,%b' % (before, log_id.encode(), seq, at, after)


def auth_view(state: Conversation, labels: Labels, language: str) -> m.AuthView:
    """How the end user identified."""
    auth = state.auth
    if auth.method is None:
        return m.AuthView(status=auth.status.value)
    label = labels.method(auth.method, language)
    return m.AuthView(status=auth.status.value, method=auth.method, method_label=label, level=auth.level, at=auth.at)


def end_user_view(state: Conversation, labels: Labels, rules: Rules) -> m.EndUserConversation:
    """A conversation as its end user sees it."""
    failed = state.auth.status in {AuthStatus.FAILED, AuthStatus.MISSING} and not state.auth.waived
    agent = state.agent
    return m.EndUserConversation(
        id=state.id,
        version=state.version,
        phase=state.phase.value,
        purpose=state.purpose,
        purpose_label=labels.purpose(state.purpose, state.language),
        auth=auth_view(state, labels, state.language),
        agent=None if agent is None else m.AgentView(name=agent.name, present=agent.absent_since is None),
        can_continue_unverified=failed and rules.unverified and state.phase is Phase.PREPARING,
        end_reason=state.end_reason,
        return_url=state.return_url,
    )


def staff_view(state: Conversation, labels: Labels, rules: Rules, language: str) -> m.StaffConversation | None:
    """A conversation as its agent sees it; None when it has no agent."""
    agent = state.agent
    if agent is None:
        return None
    wrap_up = (state.ended_at or 0) + rules.wrap_up if state.phase is Phase.WRAPPING_UP else None
    return m.StaffConversation(
        id=state.id,
        version=state.version,
        phase=state.phase.value,
        purpose=state.purpose,
        purpose_label=labels.purpose(state.purpose, language),
        auth=auth_view(state, labels, language),
        agent=agent.id,
        language=state.language,
        channel=state.channel,
        entered_at=state.entered_at or 0,
        accepted_at=agent.accepted_at,
        end_user_present=state.absent_since is None,
        end_user_absent_since=state.absent_since,
        other_device=state.other_device,
        end_reason=state.end_reason,
        wrap_up_until=wrap_up,
    )


def queue_entry(entry: EntryRecord) -> m.QueueEntry:
    """An entry of the queue, for staff."""
    return m.QueueEntry(
        conversation=entry.conversation,
        purpose=entry.purpose,
        channel=entry.channel,
        language=entry.language,
        priority=entry.priority,
        arrival=entry.arrival,
        entered_at=entry.entered_at,
        state=entry.state,
        agent=entry.agent,
    )


def queue_agent(agent: AgentRecord) -> m.QueueAgent:
    """An agent, for staff."""
    return m.QueueAgent(
        id=agent.id,
        name=agent.name,
        status=agent.status,
        present=agent.present,
        load=agent.load,
        capacity=agent.capacity,
        purposes=agent.purposes,
        since=agent.since,
    )
