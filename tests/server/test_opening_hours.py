"""Opening hours: what is written, when that is, and what a change of the clock does to it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from idcontact.errors import SettingsError
from idcontact.opening_hours import LOOK_AHEAD, WEEKDAYS, Opening, OpeningHours, OpeningHoursSettings
from idcontact.settings import read

if TYPE_CHECKING:
    from collections.abc import Mapping

AMSTERDAM = ZoneInfo("Europe/Amsterdam")
OFFICE = ["09:00-12:30", "13:30-17:00"]


def settings(**written: object) -> OpeningHoursSettings:
    table: Mapping[str, object] = {"time_zone": "Europe/Amsterdam", **written}
    return read(table, OpeningHoursSettings, base=Path(), where=("opening_hours", "hall"))


def hours(**written: object) -> OpeningHours:
    return OpeningHours(settings(**written))


def office(**written: object) -> OpeningHours:
    return hours(**dict.fromkeys(WEEKDAYS[:5], OFFICE), **written)


def at(text: str) -> float:
    """Seconds of a time in Amsterdam; with an offset where the clock shows it twice."""
    written = datetime.fromisoformat(text)
    return (written if written.tzinfo else written.replace(tzinfo=AMSTERDAM)).timestamp()


def mistakes(**written: object) -> list[str]:
    with pytest.raises(SettingsError) as refused:
        settings(**written)
    return refused.value.mistakes


class Changes(list[str]):
    """Every change in a while, as local times with their offsets."""

    def __init__(self, opening_hours: OpeningHours, begin: str, end: str) -> None:
        now = at(begin)
        while (until := opening_hours.at(now).until) is not None and until.timestamp() < at(end):
            self.append(f"{until:%H:%M%z}")
            now = until.timestamp()


# --- a week ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("now", "is_open", "until"),
    [
        ("2026-11-23 08:59:59", False, "2026-11-23T09:00:00+01:00"),
        ("2026-11-23 09:00", True, "2026-11-23T12:30:00+01:00"),
        ("2026-11-23 12:30", False, "2026-11-23T13:30:00+01:00"),
        ("2026-11-23 16:59:59", True, "2026-11-23T17:00:00+01:00"),
        ("2026-11-27 17:00", False, "2026-11-30T09:00:00+01:00"),
        ("2026-11-29 03:00", False, "2026-11-30T09:00:00+01:00"),
    ],
)
def test_it_says_until_when_it_stays_open_or_closed(now: str, is_open: bool, until: str) -> None:
    assert office().at(at(now)) == Opening(is_open, datetime.fromisoformat(until))


def test_a_holiday_is_closed_whatever_weekday_it_is() -> None:
    closed = office(holidays=[date(2026, 12, 25)]).at(at("2026-12-24 17:00"))
    assert closed == Opening(open=False, until=datetime(2026, 12, 28, 9, tzinfo=AMSTERDAM))


def test_a_special_day_has_its_own_hours_even_when_it_is_a_holiday() -> None:
    special = office(
        holidays=["2026-12-26"], special_days={"2026-12-24": ["09:00-12:00"], "2026-12-26": ["10:00-11:00"]}
    )
    assert Changes(special, "2026-12-24 00:00", "2026-12-25 00:00") == ["09:00+0100", "12:00+0100"]
    assert Changes(special, "2026-12-26 00:00", "2026-12-27 00:00") == ["10:00+0100", "11:00+0100"]


def test_hours_until_midnight_and_from_midnight_are_one() -> None:
    night = hours(friday=["20:00-24:00"], saturday=["00:00-02:00"])
    assert night.at(at("2026-11-27 23:00")) == Opening(open=True, until=datetime(2026, 11, 28, 2, tzinfo=AMSTERDAM))


def test_what_is_always_open_has_no_end() -> None:
    assert hours(**{weekday: ["00:00-24:00"] for weekday in WEEKDAYS}).at(at("2026-11-23 12:00")) == Opening(True, None)


def test_what_never_opens_says_so() -> None:
    assert hours().at(at("2026-11-23 12:00")) == Opening(open=False, until=None)


def test_it_looks_ahead_so_many_days_and_no_further() -> None:
    now = datetime(2026, 11, 23, 12, tzinfo=AMSTERDAM)
    near, far = (str(now.date() + timedelta(days=LOOK_AHEAD + more)) for more in (0, 1))
    assert hours(special_days={near: ["09:00-10:00"]}).at(now.timestamp()).until is not None
    assert hours(special_days={far: ["09:00-10:00"]}).at(now.timestamp()).until is None


# --- the clock is changed -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ranges", "changes"),
    [
        (["01:00-05:00"], ["01:00+0100", "05:00+0200"]),
        (["00:00-02:00"], ["03:00+0200"]),  # the clock shows 03:00 in the same instant
        (["02:00-03:00"], []),  # there is no such hour
        (["02:15-02:45"], ["03:15+0200", "03:45+0200"]),
        (["02:30-02:40", "02:45-03:00", "03:00-03:10"], ["03:00+0200", "03:10+0200", "03:30+0200", "03:40+0200"]),
    ],
)
def test_on_the_night_that_the_clock_is_put_forward(ranges: list[str], changes: list[str]) -> None:
    begin = "2026-03-29 00:00"
    assert Changes(hours(sunday=ranges), begin, "2026-03-30 00:00") == changes


@pytest.mark.parametrize(
    ("ranges", "changes"),
    [
        (["01:00-05:00"], ["01:00+0200", "05:00+0100"]),
        (["01:00-02:00"], ["01:00+0200", "02:00+0200"]),
        (["02:00-03:00"], ["02:00+0200", "03:00+0100"]),  # two hours long
        (["02:15-02:45"], ["02:15+0200", "02:45+0200"]),  # the first of the two
        (["02:30-04:00"], ["02:30+0200", "04:00+0100"]),
    ],
)
def test_on_the_night_that_the_clock_is_put_back(ranges: list[str], changes: list[str]) -> None:
    assert Changes(hours(sunday=ranges), "2026-10-25 00:00", "2026-10-26 00:00") == changes


# --- whatever is written --------------------------------------------------------------------------------------------


@st.composite
def days(draw: st.DrawFn) -> list[str]:
    """Hours of one day that do not overlap."""
    times = sorted(draw(st.sets(st.integers(0, 24 * 60), max_size=8)))
    ends = [f"{minutes // 60:02}:{minutes % 60:02}" for minutes in times]
    return [f"{begin}-{end}" for begin, end in zip(ends[::2], ends[1::2], strict=False)]


weeks = st.fixed_dictionaries({weekday: days() for weekday in WEEKDAYS})
SPRING, AUTUMN = at("2026-03-29 00:00"), at("2026-10-25 00:00")
moments = st.one_of(
    st.floats(SPRING - 100_000, SPRING + 200_000),
    st.floats(AUTUMN - 100_000, AUTUMN + 200_000),
    st.floats(at("2026-01-01 00:00"), at("2027-12-31 00:00")),
)


@given(week=weeks, now=moments)
@example(week={"sunday": ["02:15-02:45"]}, now=at("2026-10-25 02:30+02:00"))
@example(week={"sunday": ["02:30-02:40", "02:45-03:00", "03:00-03:10"]}, now=at("2026-03-29 01:30"))
def test_until_is_the_first_instant_at_which_the_answer_changes(week: dict[str, list[str]], now: float) -> None:
    opening_hours = hours(**week)
    found = opening_hours.at(now)
    if found.until is None:
        assert len(set(map(str, week.values()))) == 1 or not any(week.values())
        return
    change = found.until.timestamp()
    assert change > now
    assert opening_hours.at(change).open is not found.open
    steps = 50
    for step in range(steps):
        assert opening_hours.at(now + (change - now) * step / steps).open is found.open
    assert opening_hours.at(change - 0.001).open is found.open


@given(week=weeks, now=moments)
def test_on_a_day_that_keeps_its_clock_the_clock_on_the_wall_decides(week: dict[str, list[str]], now: float) -> None:
    local = datetime.fromtimestamp(now, AMSTERDAM)
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
    if (midnight + timedelta(days=1)).utcoffset() != midnight.utcoffset():
        return
    wall = f"{local:%H:%M}"
    expected = any(begin <= wall < end for begin, end in (part.split("-") for part in week[WEEKDAYS[local.weekday()]]))
    assert hours(**week).at(now).open is expected


@given(now=moments)
def test_the_answer_is_the_same_whatever_zone_one_counts_in(now: float) -> None:
    """An hour of Amsterdam is the same hour of Brussels, which has kept the same clock for decades."""
    written = {weekday: ["02:15-02:45", "09:00-17:00"] for weekday in WEEKDAYS}
    here, there = hours(**written).at(now), hours(**{**written, "time_zone": "Europe/Brussels"}).at(now)
    assert here.open is there.open
    assert here.until is not None
    assert there.until is not None
    assert here.until.astimezone(UTC) == there.until.astimezone(UTC)


# --- mistakes -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("zone", ["Europe/Nowhere", "Europe", "/etc/passwd", "../secret", "", 1, "UTC+25"])
def test_a_time_zone_that_is_not_there_is_named_by_its_path(zone: object) -> None:
    (mistake,) = mistakes(time_zone=zone)
    assert mistake.startswith('opening_hours.hall.time_zone: expected a time zone of the IANA database, such as "Eur')
    assert "passwd" not in mistake


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("9-17", 'expected hours such as "09:00-17:00", got another string'),
        ("09:00-24:01", "expected times from 00:00 to 24:00, got a later one"),
        ("24:00-24:00", "expected times from 00:00 to 24:00, got a later one"),
        ("99:00-99:30", "expected times from 00:00 to 24:00, got a later one"),
        ("09:60-10:00", 'expected hours such as "09:00-17:00", got another string'),
        (900, 'expected hours such as "09:00-17:00", got a whole number'),
        ("", 'expected hours such as "09:00-17:00", got an empty string'),
    ],
)
def test_hours_that_are_none_are_refused(written: object, said: str) -> None:
    assert mistakes(monday=["08:00-08:30", written]) == [f"opening_hours.hall.monday[1]: {said}"]


@pytest.mark.parametrize("written", ["22:00-02:00", "09:00-09:00"])
def test_hours_over_midnight_are_refused_with_what_to_write_instead(written: str) -> None:
    (mistake,) = mistakes(friday=[written])
    assert mistake.startswith("opening_hours.hall.friday[0]: expected an end after the beginning")
    assert "until 24:00 on one day, and from 00:00 on the next" in mistake


def test_hours_of_one_day_that_overlap_are_refused() -> None:
    assert mistakes(monday=["13:00-17:00", "09:00-13:30"]) == [
        "opening_hours.hall.monday[0]: overlaps other hours of the same day"
    ]
    assert list(map(str, settings(monday=["13:00-17:00", "09:00-13:00"]).monday)) == ["13:00-17:00", "09:00-13:00"]


@pytest.mark.parametrize(
    "written", ["25-12-2026", "2026-02-30", "20261225", 20261225, datetime(2026, 12, 25, 9, tzinfo=UTC)]
)
def test_a_holiday_that_is_no_date_is_refused(written: object) -> None:
    (mistake,) = mistakes(holidays=[written])
    assert mistake.startswith("opening_hours.hall.holidays[0]: expected a date such as 2026-12-25")


def test_a_special_day_that_is_no_date_or_has_no_hours_is_refused_by_its_name() -> None:
    assert mistakes(special_days={"christmas": [], "2026-12-24": ["x"]}) == [
        'opening_hours.hall.special_days.2026-12-24[0]: expected hours such as "09:00-17:00", got another string',
        "opening_hours.hall.special_days.christmas: its name is expected to be a date such as 2026-12-25",
    ]
