"""Any order of starts, results, calls, questions, cancellations and hours, against a list of what should be there."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test

from idcontact.errors import IdContactError, NotFound, TokenRejected
from idcontact.plugin.testkit import MemoryRecords
from idcontact.tokens import ResultStatus
from idcontact_comm_phone.sessions import PhoneSessions, Places, Result
from searching import examples

if TYPE_CHECKING:
    from collections.abc import Coroutine

IDLE = 3600
CALLS = st.sampled_from(["call 1", "call 2", "call 3"])
RESULTS = st.sampled_from(["result 1", "result 2", "result 3"])
WHICH = st.integers(0, 50)


@dataclass
class Expected:
    """A session as it should be."""

    places: Places
    purpose: str
    awaits: bool
    until: float
    result: str | None = None
    call: str | None = None


class Telephone(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.phone = PhoneSessions(MemoryRecords(lambda: self.now), b"secret", IDLE)
        self.all: list[Expected] = []
        self.used: dict[str, Expected] = {}
        self.runner = asyncio.Runner()

    def teardown(self) -> None:
        self.runner.close()

    def outcome(self, work: Coroutine[Any, Any, object]) -> object:
        """What it answers, or the kind of error."""
        try:
            return self.runner.run(work)
        except IdContactError as error:
            return type(error)

    def pick(self, which: int) -> Expected:
        return self.all[which % len(self.all)]

    def lives(self, session: Expected) -> bool:
        return self.now < session.until

    def tied_to(self, call: str) -> Expected | None:
        return next((session for session in self.all if session.call == call and self.lives(session)), None)

    @rule(awaits=st.booleans())
    def begin(self, awaits: bool) -> None:
        purpose = f"purpose {len(self.all)}"
        places = self.runner.run(self.phone.begin(purpose, awaits=awaits))
        assert not any(places.dtmf == other.places.dtmf and self.lives(other) for other in self.all)
        self.all.append(Expected(places, purpose, awaits, self.now + IDLE))

    @precondition(lambda self: self.all)
    @rule(which=WHICH, digest=RESULTS)
    def receive(self, which: int, digest: str) -> None:
        session = self.pick(which)
        result = Result(ResultStatus.FAILED, None, None, digest, expires_at=10**9)
        told = self.outcome(self.phone.receive(session.places.code, result, self.now))
        if not self.lives(session) or not session.awaits or session.result not in {None, digest}:
            assert told is NotFound
        elif session.result == digest:
            assert told is None
        elif self.used.setdefault(digest, session) is not session:
            assert told is TokenRejected
        else:
            assert told is None
            session.result, session.until = digest, self.now + IDLE

    @precondition(lambda self: self.all)
    @rule(which=WHICH, call=CALLS)
    def link(self, which: int, call: str) -> None:
        session = self.pick(which)
        told = self.outcome(self.phone.link(session.places.dtmf, call))
        if not self.lives(session) or session.call is not None or self.tied_to(call) is not None:
            assert told is NotFound
        else:
            assert told is None
            session.call, session.until = call, self.now + IDLE

    @rule(call=CALLS, dtmf=st.from_regex("[0-9]{0,11}", fullmatch=True))
    def guess(self, call: str, dtmf: str) -> None:
        if all(dtmf != session.places.dtmf for session in self.all):
            assert self.outcome(self.phone.link(dtmf, call)) is NotFound

    @rule(call=CALLS)
    def ask(self, call: str) -> None:
        expected = self.tied_to(call)
        told = self.outcome(self.phone.of_call(call))
        if expected is None:
            assert told is NotFound
        else:
            result = told.result  # type: ignore[attr-defined]  # not an error
            assert told.purpose == expected.purpose  # type: ignore[attr-defined]
            assert (result and result.digest) == expected.result

    @precondition(lambda self: self.all)
    @rule(which=WHICH)
    def cancel(self, which: int) -> None:
        session = self.pick(which)
        assert self.outcome(self.phone.cancel(session.places.cancel)) is None
        if session.call is None and session.result is None:
            session.until = min(session.until, self.now)

    @rule(seconds=st.sampled_from([1, IDLE / 2, IDLE - 1, IDLE]))
    def wait(self, seconds: float) -> None:
        self.now += seconds


@pytest.mark.hypothesis
def test_whatever_happens_in_whatever_order_everybody_finds_their_own_session_and_nobody_anothers() -> None:
    run_state_machine_as_test(Telephone, settings=settings(max_examples=examples(150), stateful_step_count=40))
