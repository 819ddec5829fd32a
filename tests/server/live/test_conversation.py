"""The rules of one conversation."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from idcontact.errors import Conflict, NotAllowed, Overtaken
from idcontact.live.conversation import Decision, attributes_open_to, deadlines, decide, wanted
from idcontact.live.conversation_state import Auth, AuthStatus, Conversation, Phase, Rules
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

if TYPE_CHECKING:
    from collections.abc import Iterable

NOW = 1_800_000_000_000
RULES = Rules()
LENIENT = Rules(unverified=True)
GIVEN = ResultArrived(Auth(AuthStatus.GIVEN, "test", at=NOW, tags=("fullname",), digest="d1"))
FAILED = ResultArrived(Auth(AuthStatus.FAILED, "test", at=NOW, digest="d2"))
ANN = Assigned("ann", "Ann", 1, present=True)


def prepared(auth: AuthStatus = AuthStatus.PENDING) -> Conversation:
    return Conversation(id="c", purpose="move", channel="chat", language="nl", created_at=NOW, auth=Auth(auth))


def after(*happenings: Happening, rules: Rules = RULES, start: Conversation | None = None) -> Conversation:
    """The state after these, a second apart."""
    state = start if start is not None else prepared()
    for second, happening in enumerate(happenings, 1):
        state = decide(state, happening, NOW + second * 1000, rules).state
    return state


def kinds(decision: Decision) -> list[str]:
    return [said.kind for said in decision.said]


ACTIVE = after(GIVEN, Landed(same_browser=True), Connected("s1"), ANN)


def test_who_lands_before_the_result_waits_for_it_and_enters_the_queue_with_it() -> None:
    landed = decide(prepared(), Landed(same_browser=True), NOW, RULES)
    assert landed.state.phase is Phase.PREPARING
    arrived = decide(landed.state, GIVEN, NOW + 1, RULES)
    assert arrived.state.phase is Phase.WAITING
    assert kinds(arrived) == ["identified", "queued"]


def test_who_lands_after_the_result_enters_the_queue_at_once() -> None:
    decision = decide(after(GIVEN), Landed(same_browser=True), NOW + 5, RULES)
    assert decision.state.phase is Phase.WAITING
    assert decision.state.entered_at == NOW + 5


def test_landing_twice_changes_nothing() -> None:
    state = after(GIVEN, Landed(same_browser=True))
    assert decide(state, Landed(same_browser=False), NOW + 9, RULES).state is state


def test_a_landing_in_another_browser_is_marked() -> None:
    assert after(GIVEN, Landed(same_browser=False)).other_device
    assert not after(GIVEN, Landed(same_browser=None)).other_device


def test_a_session_without_a_language_takes_the_browsers() -> None:
    state = replace(prepared(), language="")
    assert decide(state, Landed(None, "en"), NOW, RULES).state.language == "en"


def test_a_failed_identification_ends_it_where_the_purpose_needs_one() -> None:
    for order in ((FAILED, Landed(same_browser=True)), (Landed(same_browser=True), FAILED)):
        state = after(*order)
        assert (state.phase, state.end_reason) == (Phase.CLOSED, "not_identified")


def test_a_failed_identification_may_be_passed_over_where_the_purpose_allows_it() -> None:
    state = after(Landed(same_browser=True), FAILED, rules=LENIENT)
    assert state.phase is Phase.PREPARING
    decision = decide(state, WentOnUnverified(), NOW + 9, LENIENT)
    assert decision.state.phase is Phase.WAITING
    assert decision.state.auth.status is AuthStatus.FAILED


def test_nobody_goes_on_unverified_where_the_purpose_forbids_it() -> None:
    state = after(Landed(same_browser=True), FAILED, rules=LENIENT)
    with pytest.raises(NotAllowed):
        decide(state, WentOnUnverified(), NOW + 9, RULES)


def test_a_result_that_never_comes_is_said_and_may_still_come_late() -> None:
    state = after(Landed(same_browser=True))
    due = deadlines(state, LENIENT, 0)["auth_wait"]
    missing = decide(state, DeadlineReached("auth_wait"), due, LENIENT)
    assert missing.state.auth.status is AuthStatus.MISSING
    assert kinds(missing) == ["not_identified"]
    assert decide(missing.state, GIVEN, due + 1, LENIENT).state.phase is Phase.WAITING


def test_a_second_result_is_refused() -> None:
    with pytest.raises(Conflict):
        decide(after(GIVEN), FAILED, NOW, RULES)


def test_an_acceptance_makes_it_active_and_discloses_what_was_verified() -> None:
    decision = decide(after(GIVEN, Landed(same_browser=True)), ANN, NOW + 9, RULES)
    assert decision.state.phase is Phase.ACTIVE
    assert kinds(decision) == ["joined", "disclosed"]
    assert attributes_open_to(decision.state, "ann", 1)
    assert not attributes_open_to(decision.state, "bob", 1)
    assert not attributes_open_to(decision.state, "ann", 2)


def test_an_older_assignment_is_no_longer_heard() -> None:
    waiting = decide(
        replace(ACTIVE, agent=replace(ACTIVE.agent, absent_since=NOW)),  # type: ignore[type-var]  # it has an agent
        DeadlineReached("agent_grace"),
        NOW + RULES.agent_grace,
        RULES,
    ).state
    assert waiting.phase is Phase.WAITING
    assert decide(waiting, ANN, NOW + 10**6, RULES).state is waiting


def test_an_agent_who_stays_away_loses_it_to_the_queue_and_its_old_place() -> None:
    absent = decide(ACTIVE, Assigned("ann", "Ann", 1, present=False), NOW + 10_000, RULES).state
    lost = decide(absent, DeadlineReached("agent_grace"), NOW + 10_000 + RULES.agent_grace, RULES)
    assert lost.state.phase is Phase.WAITING
    assert lost.state.entered_at == ACTIVE.entered_at
    assert kinds(lost) == ["left", "queued"]


def test_an_agent_who_returns_in_time_keeps_it() -> None:
    absent = decide(ACTIVE, Assigned("ann", "Ann", 1, present=False), NOW + 10_000, RULES).state
    back = decide(absent, ANN, NOW + 20_000, RULES).state
    assert back.agent is not None
    assert back.agent.absent_since is None
    assert "agent_grace" not in deadlines(back, RULES, 0)


def test_only_its_own_agent_ends_it() -> None:
    with pytest.raises(NotAllowed):
        decide(ACTIVE, Ended("agent", "bob"), NOW, RULES)
    assert decide(ACTIVE, Ended("agent", "ann"), NOW, RULES).state.end_reason == "ended_by_agent"


def test_after_the_end_the_agent_wraps_up_without_attributes() -> None:
    ended = decide(ACTIVE, Ended("end_user"), NOW + 9, RULES)
    assert ended.state.phase is Phase.WRAPPING_UP
    assert ended.forget_attributes
    assert not attributes_open_to(ended.state, "ann", 1)
    assert decide(ended.state, WrapUpDone("ann"), NOW + 10, RULES).state.phase is Phase.CLOSED


def test_a_waiting_end_user_who_leaves_closes_it() -> None:
    decision = decide(after(GIVEN, Landed(same_browser=True)), Ended("end_user"), NOW, RULES)
    assert (decision.state.phase, decision.state.end_reason) == (Phase.CLOSED, "left_the_queue")


def test_the_socket_of_an_older_tab_does_not_make_the_end_user_absent() -> None:
    newer = decide(ACTIVE, Connected("s2"), NOW, RULES).state
    assert decide(newer, Disconnected("s1"), NOW + 1, RULES).state is newer


def test_a_page_that_has_come_again_is_not_put_out_by_its_earlier_try() -> None:
    again = decide(ACTIVE, Connected("page-1~3~x"), NOW, RULES).state
    with pytest.raises(Overtaken):
        decide(again, Connected("page-1~2~y"), NOW + 1, RULES)
    assert decide(again, Connected("page-1~10~z"), NOW + 1, RULES).state.conn == "page-1~10~z"
    assert decide(again, Connected("page-2~1~z"), NOW + 1, RULES).state.conn == "page-2~1~z"
    assert decide(again, Connected("nameless"), NOW + 1, RULES).state.conn == "nameless"


def test_silence_is_asked_about_and_then_ends_it() -> None:
    due = deadlines(ACTIVE, RULES, 0)["idle"]
    asked = decide(ACTIVE, DeadlineReached("idle"), due, RULES)
    assert kinds(asked) == ["still_there"]
    ended = decide(asked.state, DeadlineReached("asked", last_activity=due - 1), due + RULES.asked, RULES)
    assert ended.state.end_reason == "idle"


def test_who_answers_the_question_goes_on() -> None:
    due = deadlines(ACTIVE, RULES, 0)["idle"]
    asked = decide(ACTIVE, DeadlineReached("idle"), due, RULES).state
    on = decide(asked, DeadlineReached("asked", last_activity=due + 5), due + RULES.asked, RULES).state
    assert (on.phase, on.asked_until) == (Phase.ACTIVE, None)


def test_a_lively_conversation_is_not_asked() -> None:
    due = deadlines(ACTIVE, RULES, 0)["idle"]
    assert decide(ACTIVE, DeadlineReached("idle", last_activity=due - 1000), due, RULES).state is ACTIVE


def test_the_hard_limit_ends_even_a_lively_one() -> None:
    due = deadlines(ACTIVE, RULES, NOW + RULES.hard_limit)["hard_limit"]
    asked = decide(ACTIVE, DeadlineReached("hard_limit", last_activity=due), due, RULES).state
    until = deadlines(asked, RULES, due)["asked"]
    ended = decide(asked, DeadlineReached("asked", last_activity=until), until, RULES).state
    assert ended.end_reason == "time_limit"


def test_who_loses_the_agent_late_waits_as_long_as_anybody_and_at_the_old_place() -> None:
    landed = after(Landed(same_browser=True), Connected("s1"), start=prepared(AuthStatus.NONE))
    accepted_at = NOW + RULES.hard_limit - 60_000
    talking = decide(landed, ANN, accepted_at, RULES).state
    absent = decide(talking, Assigned("ann", "Ann", 1, present=False), accepted_at + RULES.hard_limit // 2, RULES).state
    late = deadlines(absent, RULES, 0)["agent_grace"]
    again = decide(absent, DeadlineReached("agent_grace"), late, RULES).state
    assert again.phase is Phase.WAITING
    assert again.entered_at == landed.entered_at
    assert deadlines(again, RULES, 0)["hard_limit"] == late + RULES.hard_limit


def test_who_prepared_for_long_has_all_the_time_to_wait() -> None:
    landed_at = NOW + RULES.preparing - 1
    landed = decide(prepared(AuthStatus.NONE), Landed(same_browser=True), landed_at, RULES).state
    assert deadlines(landed, RULES, 0)["hard_limit"] == landed_at + RULES.hard_limit


def test_what_is_called_off_before_anybody_came_is_gone_and_later_it_changes_nothing() -> None:
    assert after(CalledOff()).phase is Phase.PURGED
    for state in (after(GIVEN), after(Landed(same_browser=True)), ACTIVE):
        assert decide(state, CalledOff(), NOW + 9, RULES).state is state


# --- what holds for every course ----------------------------------------------------------------------------------

ORDER = [Phase.PREPARING, Phase.WAITING, Phase.ACTIVE, Phase.WRAPPING_UP, Phase.CLOSED, Phase.PURGED]
happenings = st.one_of(
    st.builds(Landed, st.sampled_from([True, False, None])),
    st.sampled_from([GIVEN, FAILED, WentOnUnverified(), CalledOff()]),
    st.sampled_from([Ended("end_user"), Ended("agent", "ann"), WrapUpDone("ann")]),
    st.builds(Connected, st.sampled_from(["s1", "s2"])),
    st.builds(Disconnected, st.sampled_from(["s1", "s2"])),
    st.builds(Assigned, st.sampled_from(["ann", "bob"]), st.just("A"), st.integers(0, 4), present=st.booleans()),
    st.builds(
        DeadlineReached,
        st.sampled_from(
            [
                "preparing",
                "auth_wait",
                "waiting_grace",
                "user_grace",
                "agent_grace",
                "idle",
                "asked",
                "hard_limit",
                "wrap_up",
                "retention",
                "lease",
            ]
        ),
        st.just(0),
    ),
)
courses = st.lists(st.tuples(happenings, st.integers(1, 20 * 60_000)), max_size=40)
rules_of_purposes = st.sampled_from([RULES, LENIENT])
starts = st.sampled_from([prepared(), prepared(AuthStatus.NONE)])


def states(
    start: Conversation, course: Iterable[tuple[Happening, int]], rules: Rules
) -> list[tuple[Conversation, int]]:
    """Every state of a course, with its time; acts that do not fit are refused and change nothing."""
    state, now, found = start, NOW, [(start, NOW)]
    for happening, later in course:
        now += later
        try:
            decision = decide(state, happening, now, rules)
        except (Conflict, NotAllowed):
            continue
        if decision.state is not state:
            state = replace(decision.state, version=state.version + 1)
        found.append((state, now))
    return found


@given(starts, courses, rules_of_purposes)
def test_phases_only_go_on_but_for_the_way_back_to_the_queue(
    start: Conversation, course: list[tuple[Happening, int]], rules: Rules
) -> None:
    found = states(start, course, rules)
    for (before, _), (state, _) in pairwise(found):
        back = before.phase is Phase.ACTIVE and state.phase is Phase.WAITING
        assert back or ORDER.index(before.phase) <= ORDER.index(state.phase)
        assert state.generation >= before.generation


@given(starts, courses, rules_of_purposes)
def test_facts_fit_the_phase(start: Conversation, course: list[tuple[Happening, int]], rules: Rules) -> None:
    for state, _ in states(start, course, rules):
        if state.phase is Phase.PURGED:
            continue
        assert (wanted(state).want == "queued") == (state.phase is Phase.WAITING)
        if state.phase in {Phase.ACTIVE, Phase.WRAPPING_UP}:
            assert state.agent is not None
        if state.phase in {Phase.PREPARING, Phase.WAITING}:
            assert state.agent is None
        if state.phase in {Phase.WAITING, Phase.ACTIVE}:
            settled = state.auth.status in {AuthStatus.NONE, AuthStatus.GIVEN}
            assert settled or (state.auth.waived and rules.unverified), "nobody is in who does not belong"
        if state.phase in {Phase.WRAPPING_UP, Phase.CLOSED}:
            assert state.end_reason is not None


@given(starts, courses, rules_of_purposes)
def test_no_state_is_without_an_end(start: Conversation, course: list[tuple[Happening, int]], rules: Rules) -> None:
    """Whatever happened: with nobody doing anything more, its deadlines alone lead to the purge."""
    state, now = states(start, course, rules)[-1]
    for _ in range(20):
        if state.phase is Phase.PURGED:
            return
        due = deadlines(state, rules, 0)
        assert due, f"{state.phase} has no deadline"
        kind, at = min(due.items(), key=lambda item: item[1])
        now = max(now, at)
        state = decide(state, DeadlineReached(kind, 0), now, rules).state
    raise AssertionError("it goes on for ever")


@given(starts, courses, rules_of_purposes)
def test_a_deadline_that_has_not_come_changes_nothing(
    start: Conversation, course: list[tuple[Happening, int]], rules: Rules
) -> None:
    state, _ = states(start, course, rules)[-1]
    for kind, at in deadlines(state, rules, 0).items():
        assert decide(state, DeadlineReached(kind, 0), at - 1, rules).state is state
