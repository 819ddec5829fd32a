"""Whatever happens in whatever order: one result at most is kept, and at most one session comes of it."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, TypeVar

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from idcontact.browser import COOKIES, browser_digest, new_browser
from idcontact.core.options import Purposes
from idcontact.core.settings import CoreSettings
from idcontact.core.split import Split
from idcontact.core.start import Kept, LedTo, Visitor
from idcontact.errors import Conflict, Gone, NotFound, OtherBrowser, TokenRejected
from idcontact.plugin.testkit import MemoryRecords
from idcontact.receipts import Receipts, UsedResults
from idcontact.results import result_check
from idcontact.settings import read
from idcontact.tokens import AuthResult, Dialect, EncryptKey, ResultStatus, ResultWriter, SigningKey
from plugin_house import key_pair
from searching import examples
from split_house import INTERNAL, SETTINGS, results_settings

if TYPE_CHECKING:
    from collections.abc import Coroutine

T = TypeVar("T")
NOWHERE: Final = Path("/nonexistent")


class MemoryUsed(UsedResults):
    """Used results of one process."""

    def __init__(self) -> None:
        self.users: dict[str, str] = {}

    async def claim(self, digest: str, user: str, seconds: float) -> bool:
        assert seconds > 0
        return self.users.setdefault(digest, user) == user


class Person:
    """A browser that began, and where its result goes."""

    def __init__(self, handle: str, secret: str, cookies: dict[str, str]) -> None:
        self.handle, self.secret, self.cookies = handle, secret, cookies
        self.taken: str | None = None
        self.failed = False
        self.spent: Kept | None = None
        self.led_to: tuple[str, str] | None = None
        self.spends = 0


def done(work: Coroutine[object, object, T]) -> T:
    """What comes of it; nothing here waits for anything."""
    try:
        work.send(None)
    except StopIteration as stop:
        result: T = stop.value
        return result
    raise AssertionError("it waits")


class Identifying(RuleBasedStateMachine):
    """Two people identify, and anybody tries anything with what is theirs."""

    @initialize()
    def begin(self) -> None:
        purposes = Purposes(read(SETTINGS, CoreSettings, base=NOWHERE), {"live": "http://l", "auth_test": "http://a"})
        results = results_settings(NOWHERE)
        self.now = time.time()
        self.split = Split(
            records=MemoryRecords(lambda: self.now),
            used=MemoryUsed(),
            receipts=Receipts(MemoryRecords(lambda: self.now)),
            results=result_check(results.decrypt_key, results.auth_methods, "results"),
            purposes=purposes,
            public_url="https://core.example.org",
            internal_url=INTERNAL,
            reachable=False,
            clock=lambda: self.now,
            wait=self._wait,
        )
        writer = ResultWriter(
            SigningKey.from_pem(key_pair("digid")[0]), EncryptKey.from_pem(key_pair("encrypt")[1]), Dialect.ID_CONTACT
        )
        given = AuthResult(status=ResultStatus.SUCCESS, attributes={"fullname": "S"})
        self.tokens = [writer.write(given, self.now) for _ in range(3)]
        self.tokens.append(writer.write(AuthResult(status=ResultStatus.FAILED), self.now))
        self.purpose = purposes.find("move")
        self.people = [self._person() for _ in range(2)]

    async def _wait(self, seconds: float) -> None:
        self.now += seconds / 1000  # a start that is under way never ends while it is waited for

    def _person(self) -> Person:
        browser = new_browser()
        digest = browser_digest(browser)
        method = self.purpose.auth_method("digid")
        onward = done(self.split.begin(self.purpose, method, Visitor("nl", browser=digest)))
        handle = onward.continuation.rpartition("/")[2]
        return Person(handle, (onward.attr_url or "").rpartition(".")[2], {COOKIES + digest[:12]: browser})

    @rule(who=st.integers(0, 1), which=st.integers(0, 3), by=st.sampled_from(["own", "other", "address"]))
    def deliver(self, who: int, which: int, by: Literal["own", "other", "address"]) -> None:
        person, token = self.people[who], self.tokens[which]
        read_now = self.split.read(token)
        secret = {"own": person.secret, "other": self.people[1 - who].secret, "address": None}[by]
        try:
            done(self.split.take(person.handle, token, read_now, secret))
        except NotFound:
            assert by == "other" or person.taken not in {None, token}
        except TokenRejected:
            assert self.people[1 - who].taken == token
        else:
            assert by != "other"
            assert person.taken in {None, token}
            person.taken, person.failed = token, which == 3

    @rule(who=st.integers(0, 1), whose=st.integers(0, 1), comm=st.sampled_from(["chat", "phone"]))
    def spend(self, who: int, whose: int, comm: str) -> None:
        person = self.people[whose]
        visitor = Visitor("nl", cookies=self.people[who].cookies)
        try:
            spent = done(self.split.spend(person.handle, comm, visitor))
        except OtherBrowser:
            assert who != whose
        except Conflict:
            assert who == whose
            assert person.taken is None or person.failed
        except Gone:
            assert person.spends == 1
            assert person.led_to is None or person.led_to[0] != comm
        else:
            assert who == whose
            if isinstance(spent, LedTo):
                assert person.led_to == (comm, spent.client_url)
                return
            assert spent.token == person.taken
            person.spent, person.spends = spent, person.spends + 1

    @precondition(lambda self: any(person.spent for person in self.people))
    @rule(who=st.integers(0, 1))
    def fail(self, who: int) -> None:
        person = self.people[who]
        if person.spent is not None:
            done(self.split.give_back(person.handle, person.spent))
            person.spent, person.spends = None, person.spends - 1

    @precondition(lambda self: any(person.spent for person in self.people))
    @rule(who=st.integers(0, 1), comm=st.sampled_from(["chat", "phone"]))
    def succeed(self, who: int, comm: str) -> None:
        person = self.people[who]
        if person.spent is not None:
            person.led_to = (comm, f"https://core.example.org/land/{who}")
            done(self.split.settle(person.handle, *person.led_to))
            person.spent = None

    @invariant()
    def one_session_at_most(self) -> None:
        people = getattr(self, "people", [])
        assert all(person.spends in {0, 1} for person in people)
        taken = [person.taken for person in people if person.taken is not None]
        assert len(taken) == len(set(taken)), "a result serves one person"


Identifying.TestCase.settings = settings(
    max_examples=examples(40), stateful_step_count=25, suppress_health_check=[HealthCheck.too_slow]
)
TestIdentifying = Identifying.TestCase
