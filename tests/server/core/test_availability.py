"""Who is there for a purpose, as the options say it: hours and plugins together, and nobody who waits for a plugin."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from idcontact.core import availability
from idcontact.core.availability import FRESH, PAUSE, USABLE, Offers, both
from idcontact.core.options import Purposes
from idcontact.core.settings import CoreSettings
from idcontact.errors import PluginFailed
from idcontact.opening_hours import Opening
from idcontact.outgoing import Answer
from idcontact.protocol import Availability, SessionOptions
from idcontact.settings import read
from idcontact.tasks import Tasks

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

SETTINGS: dict[str, object] = {
    "auth_methods": [{"tag": "digid", "name": "DigiD", "start": "https://digid.internal"}],
    "comm_methods": [
        {"tag": "chat", "name": "Chat", "start": "plugin:live", "context": True},
        {"tag": "phone", "name": "Phone", "start": "https://phone.internal"},
    ],
    "purposes": [
        {"tag": "move", "attributes": ["name"], "allowed_auth": ["*"], "allowed_comm": ["*"]},
        {"tag": "a/b?ü", "attributes": [], "allowed_auth": ["*"], "allowed_comm": ["chat"]},
        {"tag": "tax", "attributes": [], "allowed_auth": ["*"], "allowed_comm": ["*"], "opening_hours": "hall"},
        {"tag": "calls", "attributes": [], "allowed_auth": ["*"], "allowed_comm": ["phone"]},
    ],
    "opening_hours": {"hall": {"time_zone": "Europe/Amsterdam", "monday": ["09:00-17:00"], "friday": ["09:00-12:00"]}},
}
MONDAY_NOON = datetime.fromisoformat("2026-11-23T12:00:00+01:00").timestamp()
THERE = Availability(open=True, agents=2, waiting=3, expected_wait=240)


@dataclass
class Plugin:
    """The live plugin: says what the test wants, when the test lets it."""

    answer: Answer | Exception = field(default_factory=lambda: said(THERE))
    free: asyncio.Event = field(default_factory=asyncio.Event)
    asked: list[str] = field(default_factory=list)
    begun: asyncio.Event = field(default_factory=asyncio.Event)

    async def get(self, url: str, *, plugin: str = "") -> Answer:
        assert plugin == "chat"
        self.asked.append(url)
        self.begun.set()
        await self.free.wait()
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@dataclass
class Desk:
    """The offers of a core, with the plugin and the clock in the test's hand."""

    plugin: Plugin
    purposes: Purposes
    tasks: Tasks
    now: float = MONDAY_NOON

    def __post_init__(self) -> None:
        self.plugin.free.set()
        self.offers = Offers(self.purposes, self.plugin, self.tasks, lambda: self.now)

    async def options(self, purpose: str) -> SessionOptions:
        """As they are answered."""
        written = await self.offers.json(self.purposes.find(purpose), "nl")
        options = msgspec.json.decode(written, type=SessionOptions)
        assert options == await self.offers.of(self.purposes.find(purpose), "nl")
        return options

    async def told(self, purpose: str = "move") -> dict[str, Availability | None]:
        """What is said of each comm method."""
        return {method.tag: method.availability for method in (await self.options(purpose)).comm_methods}

    async def asked_again(self) -> None:
        """Until what is asked beside the requests has been answered."""
        await self.tasks.idle()


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    purposes = Purposes(read(SETTINGS, CoreSettings, base=Path()), {"live": "http://core.internal/plugins/live"})
    async with Tasks() as tasks:
        yield Desk(Plugin(), purposes, tasks)


def said(message: object, status: int = 200) -> Answer:
    return Answer(status, msgspec.json.encode(message))


# --- what is said ---------------------------------------------------------------------------------------------------


async def test_a_method_that_understands_context_says_who_is_there(desk: Desk) -> None:
    assert await desk.told() == {"chat": THERE, "phone": None}
    assert desk.plugin.asked == ["http://core.internal/plugins/live/availability/move"]


async def test_a_purpose_is_asked_for_by_a_tag_that_cannot_leave_its_place_in_the_url(desk: Desk) -> None:
    await desk.told("a/b?ü")
    assert desk.plugin.asked == ["http://core.internal/plugins/live/availability/a%2Fb%3F%C3%BC"]


async def test_of_a_method_of_somebody_else_only_the_opening_hours_are_told(desk: Desk) -> None:
    until = "2026-11-23T17:00:00+01:00"
    assert (await desk.told("tax"))["phone"] == Availability(open=True, until=until)
    assert (await desk.told("tax"))["chat"] == msgspec.structs.replace(THERE, until=until)
    assert await desk.told("calls") == {"phone": None}


async def test_opening_and_closing_is_told_from_the_very_second(desk: Desk) -> None:
    closing = datetime.fromisoformat("2026-11-23T17:00:00+01:00").timestamp()
    desk.now = closing - 0.001
    assert (await desk.told("tax"))["phone"] == Availability(open=True, until="2026-11-23T17:00:00+01:00")
    desk.now = closing
    closed = await desk.told("tax")
    assert closed["phone"] == Availability(open=False, until="2026-11-27T09:00:00+01:00")
    assert closed["chat"] == Availability(open=False, until="2026-11-27T09:00:00+01:00", agents=2, waiting=3)
    desk.now = datetime.fromisoformat("2026-11-27T09:00:00+01:00").timestamp()
    assert (await desk.told("tax"))["phone"] == Availability(open=True, until="2026-11-27T12:00:00+01:00")


async def test_all_options_are_those_of_each_purpose(desk: Desk) -> None:
    together = msgspec.json.decode(await desk.offers.all_json("en"), type=dict[str, SessionOptions])
    assert list(together) == ["move", "a/b?ü", "tax", "calls"]
    for tag, options in together.items():
        assert options == await desk.offers.of(desk.purposes.find(tag), "en")
    desk.plugin.answer = said(Availability(open=True, agents=0))
    desk.now += USABLE + 1
    assert b'"agents":0' in await desk.offers.all_json("en")


moments = st.none() | st.datetimes(
    min_value=datetime.fromisoformat("2026-01-01"), timezones=st.timezones(), allow_imaginary=False
)


@given(hours=st.tuples(st.booleans(), moments), plugin=st.tuples(st.booleans(), moments))
def test_closed_by_either_is_closed_until_both_are_open(
    hours: tuple[bool, datetime | None], plugin: tuple[bool, datetime | None]
) -> None:
    there = Availability(
        open=plugin[0], until=plugin[1].isoformat() if plugin[1] else None, agents=1, waiting=0, expected_wait=0
    )
    told = both(Opening(*hours), there)
    until = None if told.until is None else datetime.fromisoformat(told.until)
    assert told.open is (hours[0] and plugin[0])
    # In UTC: in the hour that comes twice a local time equals no time of another zone, not even itself (PEP 495).
    ends = [None if end is None else end.astimezone(UTC) for is_open, end in (hours, plugin) if is_open is told.open]
    if told.open:
        assert until == min((end for end in ends if end is not None), default=None)
    else:
        assert until == (None if None in ends else max(end for end in ends if end is not None))
    assert (told.agents, told.waiting) == (1, 0)
    assert told.expected_wait == (0 if told.open else None)


# --- and what it costs who asks -------------------------------------------------------------------------------------


async def test_a_fresh_answer_is_told_without_asking_again(desk: Desk) -> None:
    await desk.told()
    desk.now += FRESH
    await desk.told()
    assert len(desk.plugin.asked) == 1


async def test_an_older_answer_is_told_at_once_while_it_is_asked_again(desk: Desk) -> None:
    await desk.told()
    desk.plugin.free.clear()
    desk.plugin.answer = said(Availability(open=True, agents=5))
    desk.now += USABLE
    assert (await desk.told())["chat"] == THERE
    desk.plugin.free.set()
    await desk.asked_again()
    assert (await desk.told())["chat"] == Availability(open=True, agents=5)


async def test_an_answer_from_long_ago_is_not_told(desk: Desk) -> None:
    await desk.told()
    desk.plugin.answer = said(Availability(open=True, agents=5))
    desk.now += USABLE + 0.1
    assert (await desk.told())["chat"] == Availability(open=True, agents=5)


async def test_a_clock_that_is_put_back_does_not_keep_an_answer_alive(desk: Desk) -> None:
    await desk.told()
    desk.plugin.answer = said(Availability(open=True, agents=5))
    desk.now -= 3600
    await desk.told()
    await desk.asked_again()
    assert (await desk.told())["chat"] == Availability(open=True, agents=5)


async def test_however_many_ask_at_once_the_plugin_is_asked_once(desk: Desk) -> None:
    desk.plugin.free.clear()
    asking = [asyncio.create_task(desk.told()) for _ in range(20)]
    await desk.plugin.begun.wait()
    desk.plugin.free.set()
    assert all(told["chat"] == THERE for told in await asyncio.gather(*asking))
    assert len(desk.plugin.asked) == 1


async def test_who_goes_away_while_waiting_takes_the_answer_from_nobody(desk: Desk) -> None:
    desk.plugin.free.clear()
    impatient, patient = (asyncio.create_task(desk.told()) for _ in range(2))
    await desk.plugin.begun.wait()
    impatient.cancel()
    desk.plugin.free.set()
    assert (await patient)["chat"] == THERE


async def test_a_plugin_that_does_not_answer_is_waited_for_once_and_then_left_alone_for_a_while(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(availability, "PATIENCE", 0.01)
    desk.plugin.free.clear()
    with caplog.at_level(logging.WARNING):
        assert await desk.told("tax") == dict.fromkeys(
            ("chat", "phone"), Availability(open=True, until="2026-11-23T17:00:00+01:00")
        )
        for _ in range(2):
            desk.now += PAUSE / 2 - 0.1
            await desk.told("tax")
            await desk.asked_again()
        assert len(desk.plugin.asked) == 1
        desk.now += FRESH + 0.1
        await desk.told("tax")
        await desk.asked_again()
    assert len(desk.plugin.asked) == 2
    assert [record.message for record in caplog.records] == [
        "comm method chat does not say who is there: no answer within 0.01 s"
    ], "said once, not again and again"


@pytest.mark.parametrize(
    "answer",
    [
        PluginFailed("chat", "it cannot be reached"),
        said({}, 200),
        said({"open": "yes"}),
        said({"open": True, "until": "tomorrow"}),
        said({"open": True, "until": "2026-11-23T17:00:00"}),
        said(THERE, 500),
        said(THERE, 302),
        Answer(200, b"<html>"),
    ],
)
async def test_a_plugin_that_fails_or_makes_no_sense_is_left_out(desk: Desk, answer: Answer | Exception) -> None:
    desk.plugin.answer = answer
    assert await desk.told() == {"chat": None, "phone": None}
    desk.plugin.answer = said(THERE)
    desk.now += PAUSE + 0.1
    await desk.told()
    await desk.asked_again()
    assert (await desk.told())["chat"] == THERE


async def test_a_plugin_that_has_no_word_on_it_is_no_matter_for_the_operator(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    desk.plugin.answer = said({}, 404)
    with caplog.at_level(logging.WARNING):
        assert await desk.told() == {"chat": None, "phone": None}
    assert caplog.records == []


async def test_what_has_not_changed_is_not_written_again(desk: Desk) -> None:
    purpose = desk.purposes.find("move")
    first = await desk.offers.json(purpose, "nl")
    desk.now += FRESH + 0.1
    await desk.told()
    await desk.asked_again()
    assert await desk.offers.json(purpose, "nl") is first
    assert await desk.offers.json(purpose, "en") is not first
