"""The rules of one conversation: `decide(state, happening, now, rules)` says what follows. No I/O, no clock.

Phases: preparing → waiting → active → wrapping_up → closed → (purged: nothing is left). Beside the phase stand facts
of their own: the identification, the presence of each side, the agent. What comes in is a *happening* (a command of a
participant, word from routing, a deadline); what comes out is a `Decision`: the next state, the events for the logs,
and whether the attributes must be forgotten. Deadlines follow from the state alone (`deadlines`), and so does what
the conversation wants of routing (`wanted`): neither can be forgotten by a transition.

All times are milliseconds UTC, by the clock of the store.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, assert_never

from msgspec.structs import replace

from idcontact.errors import Conflict, NotAllowed, Overtaken
from idcontact.live.comings import is_overtaken
from idcontact.live.conversation_state import AgentPart, Auth, AuthStatus, Conversation, EndReason, Phase, Rules
from idcontact.live.happenings import (
    Assigned,
    CalledOff,
    Connected,
    DeadlineReached,
    Disconnected,
    Ended,
    Happening,
    Landed,
    ResultArrived,
    WentOnUnverified,
    WrapUpDone,
)
from idcontact.live.routing import Wanted

# --- what follows ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Said:
    """An event for a log, in the words of the domain; `frames.py` gives it its wire shape."""

    kind: Literal[
        "queued", "identified", "not_identified", "unverified", "joined", "left", "ended", "disclosed", "still_there"
    ]
    log: Literal["public", "staff"] = "public"
    by: Literal["end_user", "agent", "system"] = "system"
    again: bool = False


@dataclass(frozen=True)
class Decision:
    """What follows. `state` unchanged (the very object) means: nothing to store."""

    state: Conversation
    said: tuple[Said, ...] = field(default=())

    @property
    def forget_attributes(self) -> bool:
        """Attributes are kept until the conversation leaves active, not longer."""
        return self.state.phase in {Phase.WRAPPING_UP, Phase.CLOSED, Phase.PURGED}


def decide(state: Conversation, happening: Happening, now: int, rules: Rules) -> Decision:
    """What follows from `happening` at `now`. Raises `Conflict` or `NotAllowed` for an act that does not fit."""
    match happening:
        case Landed():
            return _landed(state, happening, now, rules)
        case ResultArrived():
            return _result_arrived(state, happening, now, rules)
        case WentOnUnverified():
            return _went_on(state, now, rules)
        case CalledOff():
            return _called_off(state)
        case Connected():
            return _connected(state, happening.conn)
        case Disconnected():
            return _disconnected(state, happening.conn, now)
        case Assigned():
            return _assigned(state, happening, now)
        case Ended():
            return _ended_by(state, happening, now)
        case WrapUpDone():
            return _wrap_up_done(state, happening)
        case DeadlineReached():
            return _deadline(state, happening, now, rules)
        case _:
            assert_never(happening)


def deadlines(state: Conversation, rules: Rules, last_activity: int) -> dict[str, int]:
    """Every deadline that holds in this state, by kind. `last_activity`: when somebody last said something."""
    match state.phase:
        case Phase.PREPARING:
            return _deadlines_preparing(state, rules)
        case Phase.WAITING:
            since = state.created_at if state.queued_at is None else state.queued_at
            due = {"hard_limit": since + rules.hard_limit}
            if state.absent_since is not None:
                due["waiting_grace"] = state.absent_since + rules.waiting_grace
            return due
        case Phase.ACTIVE:
            return _deadlines_active(state, rules, last_activity)
        case Phase.WRAPPING_UP:
            return {"wrap_up": (state.ended_at or 0) + rules.wrap_up}
        case Phase.CLOSED:
            return {"retention": (state.ended_at or 0) + rules.retention}
        case Phase.PURGED:
            return {}
        case _:
            assert_never(state.phase)


def wanted(state: Conversation) -> Wanted:
    """What this conversation wants of routing now."""
    want: Literal["queued", "held", "none"]
    match state.phase:
        case Phase.WAITING:
            want = "queued"
        case Phase.ACTIVE | Phase.WRAPPING_UP:
            want = "held"
        case _:
            want = "none"
    return Wanted(
        conversation=state.id,
        version=state.version,
        generation=state.generation,
        want=want,
        purpose=state.purpose,
        entered_at=state.entered_at or 0,
        present=state.absent_since is None,
    )


def attributes_open_to(state: Conversation, agent: str, generation: int) -> bool:
    """Whether this agent may see the attributes: from acceptance to the end, under the assignment of routing."""
    return (
        state.phase is Phase.ACTIVE
        and state.agent is not None
        and state.agent.id == agent
        and state.generation == generation
        and state.auth.status is AuthStatus.GIVEN
    )


# --- the rules, one by one ------------------------------------------------------------------------------------------


def _settled(auth: Auth) -> bool:
    return auth.status in {AuthStatus.NONE, AuthStatus.GIVEN} or auth.waived


def _enter_queue(state: Conversation, now: int) -> Decision:
    entered = replace(state, phase=Phase.WAITING, entered_at=now, queued_at=now)
    return Decision(entered, (Said("queued"),))


def _landed(state: Conversation, landed: Landed, now: int, rules: Rules) -> Decision:
    if state.phase is not Phase.PREPARING or state.landed_at is not None:
        return Decision(state)
    here = replace(
        state,
        landed_at=now,
        absent_since=now if state.conn is None else None,
        other_device=landed.same_browser is False,
        language=state.language or landed.language,
    )
    if _settled(here.auth):
        return _enter_queue(here, now)
    if here.auth.status is AuthStatus.FAILED and not rules.unverified:
        return _end(here, "not_identified", now)
    return Decision(here)


def _result_arrived(state: Conversation, arrived: ResultArrived, now: int, rules: Rules) -> Decision:
    if state.phase is not Phase.PREPARING or state.auth.status not in {AuthStatus.PENDING, AuthStatus.MISSING}:
        raise Conflict("this conversation does not wait for an auth result")
    settled = replace(state, auth=arrived.auth)
    said = Said("identified" if arrived.auth.status is AuthStatus.GIVEN else "not_identified")
    if settled.landed_at is None:
        return Decision(settled, (said,))
    if _settled(settled.auth):
        entered = _enter_queue(settled, now)
        return Decision(entered.state, (said, *entered.said))
    return Decision(settled, (said,)) if rules.unverified else _end(settled, "not_identified", now, said)


def _went_on(state: Conversation, now: int, rules: Rules) -> Decision:
    if state.auth.waived:
        return Decision(state)
    if state.phase is not Phase.PREPARING or state.auth.status not in {AuthStatus.FAILED, AuthStatus.MISSING}:
        raise Conflict("there is no failed identification to go on without")
    if not rules.unverified:
        raise NotAllowed("this subject needs identification")
    entered = _enter_queue(replace(state, auth=replace(state.auth, waived=True)), now)
    return Decision(entered.state, (Said("unverified", by="end_user"), *entered.said))


def _called_off(state: Conversation) -> Decision:
    """Nothing of it is kept. Somebody who is here all the same is not sent away."""
    if state.phase is not Phase.PREPARING or state.landed_at is not None or state.auth.status is not AuthStatus.PENDING:
        return Decision(state)
    return Decision(replace(state, phase=Phase.PURGED))


def _connected(state: Conversation, conn: str) -> Decision:
    if state.phase in {Phase.PURGED} or state.conn == conn:
        return Decision(state)
    if state.conn is not None and is_overtaken(conn, by=state.conn):
        raise Overtaken("this page has connected again since")
    return Decision(replace(state, conn=conn, absent_since=None))


def _disconnected(state: Conversation, conn: str, now: int) -> Decision:
    if state.conn != conn:
        return Decision(state)
    return Decision(replace(state, conn=None, absent_since=now))


def _assigned(state: Conversation, word: Assigned, now: int) -> Decision:
    if state.phase is Phase.WAITING and word.generation > state.generation:
        agent = AgentPart(word.agent, word.name, now, None if word.present else now)
        taken = replace(state, phase=Phase.ACTIVE, agent=agent, generation=word.generation, asked_until=None)
        said = [Said("joined", by="agent")]
        if state.auth.status is AuthStatus.GIVEN:
            said.append(Said("disclosed", log="staff"))
        return Decision(taken, tuple(said))
    held = state.phase in {Phase.ACTIVE, Phase.WRAPPING_UP}
    if held and state.agent is not None and state.generation == word.generation:
        if word.present == (state.agent.absent_since is None):
            return Decision(state)
        return Decision(replace(state, agent=replace(state.agent, absent_since=None if word.present else now)))
    return Decision(state)


def _ended_by(state: Conversation, ended: Ended, now: int) -> Decision:
    if ended.by == "agent" and (state.agent is None or state.agent.id != ended.agent):
        raise NotAllowed("this conversation is not yours")
    match state.phase:
        case Phase.PREPARING | Phase.WAITING if ended.by == "end_user":
            return _end(state, "left_the_queue", now)
        case Phase.ACTIVE:
            return _end(state, "ended_by_agent" if ended.by == "agent" else "ended_by_end_user", now)
        case _:
            raise Conflict("this conversation is over")


def _end(state: Conversation, reason: EndReason, now: int, *before: Said) -> Decision:
    """Over. An agent who has it finishes first; otherwise it is closed at once."""
    phase = Phase.WRAPPING_UP if state.phase is Phase.ACTIVE else Phase.CLOSED
    over = replace(state, phase=phase, ended_at=now, end_reason=reason, asked_until=None)
    by: Literal["end_user", "agent", "system"] = "system"
    if reason in {"ended_by_end_user", "left_the_queue"}:
        by = "end_user"
    elif reason == "ended_by_agent":
        by = "agent"
    return Decision(over, (*before, Said("ended", by=by)))


def _wrap_up_done(state: Conversation, done: WrapUpDone) -> Decision:
    if state.agent is None or state.agent.id != done.agent:
        raise NotAllowed("this conversation is not yours")
    if state.phase is Phase.CLOSED:
        return Decision(state)
    if state.phase is not Phase.WRAPPING_UP:
        raise Conflict("this conversation is not over yet")
    return Decision(replace(state, phase=Phase.CLOSED))


def _deadlines_preparing(state: Conversation, rules: Rules) -> dict[str, int]:
    due = {"preparing": state.created_at + rules.preparing}
    if state.landed_at is not None:
        due["preparing"] = state.landed_at + rules.preparing
        if state.auth.status is AuthStatus.PENDING:
            due["auth_wait"] = state.landed_at + rules.auth_wait
        if state.absent_since is not None:
            due["waiting_grace"] = state.absent_since + rules.waiting_grace
    return due


def _deadlines_active(state: Conversation, rules: Rules, last_activity: int) -> dict[str, int]:
    accepted = state.agent.accepted_at if state.agent is not None else 0
    due: dict[str, int] = {}
    if state.asked_until is not None:
        due["asked"] = state.asked_until
    else:
        due["idle"] = max(accepted, last_activity) + rules.idle
        due["hard_limit"] = accepted + rules.hard_limit - rules.asked
    if state.absent_since is not None:
        due["user_grace"] = state.absent_since + rules.user_grace
    if state.agent is not None and state.agent.absent_since is not None:
        due["agent_grace"] = state.agent.absent_since + rules.agent_grace
    return due


def _deadline(state: Conversation, reached: DeadlineReached, now: int, rules: Rules) -> Decision:
    """A deadline that no longer holds has no effect: the store re-arms what does."""
    due = deadlines(state, rules, reached.last_activity).get(reached.kind)
    if reached.kind == "lease":
        return Decision(state) if state.conn is None else _disconnected(state, state.conn, now)
    if due is None or due > now:
        return Decision(state)
    match reached.kind:
        case "preparing" | "retention":
            return Decision(replace(state, phase=Phase.PURGED))
        case "auth_wait":
            missing = replace(state, auth=replace(state.auth, status=AuthStatus.MISSING))
            said = Said("not_identified")
            return Decision(missing, (said,)) if rules.unverified else _end(missing, "not_identified", now, said)
        case "waiting_grace" | "user_grace":
            return _end(state, "abandoned", now)
        case "agent_grace":
            return _lose_agent(state, now)
        case "idle" | "hard_limit" if state.phase is Phase.ACTIVE:
            asked = replace(state, asked_until=now + rules.asked)
            return Decision(asked, (Said("still_there"),))
        case "hard_limit":
            return _end(state, "unavailable", now)
        case "asked":
            return _asked(state, reached, now, rules)
        case "wrap_up":
            return Decision(replace(state, phase=Phase.CLOSED))
        case _:
            return Decision(state)


def _asked(state: Conversation, reached: DeadlineReached, now: int, rules: Rules) -> Decision:
    asked_at = (state.asked_until or now) - rules.asked
    accepted = state.agent.accepted_at if state.agent is not None else 0
    if now >= accepted + rules.hard_limit:
        return _end(state, "time_limit", now)
    if reached.last_activity > asked_at:
        return Decision(replace(state, asked_until=None))
    return _end(state, "idle", now)


def _lose_agent(state: Conversation, now: int) -> Decision:
    """Back to the queue, at the old place, with its history, and with as long to wait as anybody who enters it."""
    waiting = replace(state, phase=Phase.WAITING, agent=None, asked_until=None, queued_at=now)
    return Decision(waiting, (Said("left"), Said("queued", again=True)))
