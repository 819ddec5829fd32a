"""When a purpose is open: hours for each weekday in a time zone, holidays and special days. No clock: time is given.

A time on a date means what RFC 5545 §3.3.5 says: where the clock shows it twice, the first; where the clock skips it,
as if it had not been put forward yet. Opening hours that touch or overlap are one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Final, Self
from zoneinfo import ZoneInfo

import msgspec

from idcontact.settings_values import MisfitError, kind_of

if TYPE_CHECKING:
    from idcontact.settings import Where

WEEKDAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
"""Names of the settings, in the order of `date.weekday()`."""
LOOK_AHEAD: Final = 60
"""Days in which the next change is looked for; after that it is never."""
_DAY: Final = 24 * 60
_UNTIL_ONE_LOOKS_AGAIN: Final = 60.0
"""Seconds for which nothing is expected to change, where no change is in sight."""


# --- settings -------------------------------------------------------------------------------------------------------


class TimeZone(str):
    """A time zone of the IANA database."""

    EXPECTED: ClassVar[str] = 'a time zone of the IANA database, such as "Europe/Amsterdam"'
    __slots__ = ()

    @property
    def zone(self) -> ZoneInfo:
        """Its rules."""
        return ZoneInfo(self)

    @classmethod
    def from_setting(cls, raw: object, base: Path) -> Self:
        """A time zone by its name."""
        if not isinstance(raw, str) or not raw:
            raise MisfitError(cls.EXPECTED, kind_of(raw))
        try:
            ZoneInfo(raw)
        except (KeyError, ValueError, OSError):  # unknown; not a name; a folder of the database
            raise MisfitError(cls.EXPECTED, "another string") from None
        return cls(raw)


@dataclass(frozen=True)
class Hours:
    """From `begin` until `end` on one day, in minutes since midnight."""

    begin: int
    end: int

    EXPECTED: ClassVar[str] = 'hours such as "09:00-17:00"'

    @classmethod
    def from_setting(cls, raw: object, base: Path) -> Self:
        """Hours from `"HH:MM-HH:MM"`. The end may be 24:00, and comes after the beginning."""
        pattern = r"([0-9]{1,2}):([0-5][0-9]) ?- ?([0-9]{1,2}):([0-5][0-9])"
        written = re.fullmatch(pattern, raw) if isinstance(raw, str) else None
        if written is None:
            raise MisfitError(cls.EXPECTED, "another string" if isinstance(raw, str) and raw else kind_of(raw))
        begin, end = (int(written[hour]) * 60 + int(written[hour + 1]) for hour in (1, 3))
        if begin >= _DAY or end > _DAY:
            raise MisfitError("times from 00:00 to 24:00", "a later one")
        if end <= begin:
            raise MisfitError(
                "an end after the beginning (hours over midnight are written as two: until 24:00 on one day, and "
                "from 00:00 on the next)",
                "an earlier one",
            )
        return cls(begin, end)

    def __str__(self) -> str:
        return f"{_clock(self.begin)}-{_clock(self.end)}"


class Day(date):
    """A date, written as one: `2026-12-25`, with or without quotes."""

    EXPECTED: ClassVar[str] = "a date such as 2026-12-25"

    @classmethod
    def from_setting(cls, raw: object, base: Path) -> Self:
        """A date of TOML, or as text."""
        if isinstance(raw, date) and not isinstance(raw, datetime):
            return cls(raw.year, raw.month, raw.day)
        written = _date(raw)
        if written is None:
            raise MisfitError(cls.EXPECTED, "another string" if isinstance(raw, str) and raw else kind_of(raw))
        return cls(written.year, written.month, written.day)


class OpeningHoursSettings(msgspec.Struct, frozen=True, kw_only=True):
    """`[opening_hours.<name>]`. A day without hours is closed."""

    time_zone: TimeZone
    monday: list[Hours] = []
    tuesday: list[Hours] = []
    wednesday: list[Hours] = []
    thursday: list[Hours] = []
    friday: list[Hours] = []
    saturday: list[Hours] = []
    sunday: list[Hours] = []
    holidays: list[Day] = []
    """Days on which it is closed, whatever weekday they are."""
    special_days: dict[str, list[Hours]] = {}
    """Other hours on one day, by date; they come before those of its weekday, and before `holidays`."""

    @classmethod
    def cross_check(cls, table: Mapping[str, object]) -> Iterator[tuple[Where, str]]:
        """Hours of one day that overlap, and special days that are no date."""
        for weekday in WEEKDAYS:
            yield from _overlaps((weekday,), table.get(weekday))
        special = table.get("special_days")
        for name, hours in special.items() if isinstance(special, Mapping) else ():
            if _date(name) is None:
                yield ("special_days", name), f"its name is expected to be {Day.EXPECTED}"
            yield from _overlaps(("special_days", name), hours)


def _overlaps(where: Where, written: object) -> Iterator[tuple[Where, str]]:
    """Of hours that can be read; what is wrong with the others is said where they are read."""
    found = []
    for index, raw in enumerate(written if isinstance(written, list) else ()):
        try:
            found.append((Hours.from_setting(raw, Path()), index))
        except MisfitError:
            continue
    found.sort(key=lambda item: (item[0].begin, item[0].end))
    for (before, _), (after, index) in pairwise(found):
        if after.begin < before.end:
            yield (*where, index), "overlaps other hours of the same day"


def _date(text: object) -> date | None:
    written = text if isinstance(text, str) and re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text) else ""
    try:
        return date.fromisoformat(written)
    except ValueError:
        return None


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"


# --- rules ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Opening:
    """Open or closed, and the first instant at which that changes, in the zone of the hours; None: not soon."""

    open: bool
    until: datetime | None


ALWAYS: Final = Opening(open=True, until=None)
"""Of what has no opening hours."""


class OpeningHours:
    """See the module."""

    def __init__(self, settings: OpeningHoursSettings) -> None:
        self._zone = settings.time_zone.zone
        self._week: list[list[Hours]] = [getattr(settings, weekday) for weekday in WEEKDAYS]
        special = {date.fromisoformat(day): hours for day, hours in settings.special_days.items()}
        self._days: dict[date, list[Hours]] = {**{day: [] for day in settings.holidays}, **special}
        self._known: tuple[float, float, Opening] | None = None
        """The last answer, with when it was right first and when it is no more: every start asks."""

    def at(self, now: float) -> Opening:
        """Whether it is open at `now`, in seconds since 1970 (UTC), and until when that stays so."""
        if self._known is not None and self._known[0] <= now < self._known[1]:
            return self._known[2]
        opening = self._look(now)
        # What is never, is so for as far as one looks today.
        ends = now + _UNTIL_ONE_LOOKS_AGAIN if opening.until is None else opening.until.timestamp()
        self._known = (now, ends, opening)
        return opening

    def _look(self, now: float) -> Opening:
        today = datetime.fromtimestamp(now, self._zone).date()
        horizon = self._instant(today + timedelta(days=LOOK_AHEAD + 1), 0)
        for begin, end in _joined(self._periods(today - timedelta(days=1), LOOK_AHEAD + 2)):
            if end > now:
                is_open = begin <= now
                return Opening(open=is_open, until=self._until(end if is_open else begin, horizon))
        return Opening(open=False, until=None)

    def _until(self, instant: float, horizon: float) -> datetime | None:
        return None if instant >= horizon else datetime.fromtimestamp(instant, self._zone)

    def _periods(self, first: date, days: int) -> Iterator[tuple[float, float]]:
        """When it is open on some days, as seconds since 1970, by their beginning."""
        for number in range(days):
            day = first + timedelta(days=number)
            # Sorted as instants: where the clock is put forward, those are not always in the order of the clock.
            yield from sorted(
                (self._instant(day, hours.begin), self._instant(day, hours.end)) for hours in self._hours(day)
            )

    def _hours(self, day: date) -> list[Hours]:
        return self._days.get(day, self._week[day.weekday()])

    def _instant(self, day: date, minutes: int) -> float:
        # 24:00 is 00:00 of the next day. fold=0, the default, is what RFC 5545 says of either change of the clock.
        clock = datetime.combine(day + timedelta(days=minutes // _DAY), time(minutes % _DAY // 60, minutes % 60))
        return clock.replace(tzinfo=self._zone).timestamp()


def _joined(periods: Iterable[tuple[float, float]]) -> Iterator[tuple[float, float]]:
    """Periods that touch or overlap as one; without those that a change of the clock leaves nothing of."""
    begin = end = None
    for after in periods:
        if after[1] <= after[0]:
            continue
        if begin is not None and end is not None and after[0] <= end:
            begin, end = min(begin, after[0]), max(end, after[1])
            continue
        if begin is not None and end is not None:
            yield begin, end
        begin, end = after
    if begin is not None and end is not None:
        yield begin, end
