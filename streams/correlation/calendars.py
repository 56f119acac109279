"""When a deployment window or a freeze is on: from and to, or weekly days and hours in a time zone. Pure.

Not iCalendar: neither exceptions nor other rhythms than the week. What needs them is expanded by whoever writes the
records, one with from and to each.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple

from streams.correlation.context import instant
from streams.correlation.zones import Zone, zone

DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
MOST: Final = 16
"""Entries of ``weekly`` that are read."""

_SEARCHED = 9
"""Local days that are looked at, from the day before on: a week, and the nights that reach into it."""


class Span(NamedTuple):
    """Event ms, the end not included; None where it has no end on that side."""

    start: int | None
    end: int | None

    def on(self, time: int) -> bool:
        """Whether it is on at a time."""
        return (self.start is None or self.start <= time) and (self.end is None or time < self.end)

    def words(self) -> str:
        """Both ends, as an analyst reads them."""
        begins = "" if self.start is None else f"from {_at(self.start)} "
        return f"{begins}until {'further notice' if self.end is None else _at(self.end)}"


def next_span(record: Mapping[str, Any], time: int) -> Span | None:
    """The span that is on at ``time`` (event ms), else the next one; None where there is none any more.

    >>> record = {"weekly": [{"days": ["sat"], "start": "22:00", "end": "02:00"}], "time_zone": "Europe/Berlin"}
    >>> next_span(record, 1_772_452_800_000).words()  # a Monday
    'from 2026-03-07 21:00Z until 2026-03-08 01:00Z'
    """
    since, until = instant(record.get("from")), instant(record.get("to"))
    if until is not None and until <= time:
        return None
    weekly = record.get("weekly")
    if weekly is None:
        return Span(since, until)
    place = zone(str(record.get("time_zone", "UTC")))
    if place is None or not isinstance(weekly, list):
        return None
    start = time if since is None else max(time, since)
    found = [span for entry in weekly[:MOST] for span in _weekly(entry, place, start)]
    within = [span for span in found if until is None or _begin(span) < until]
    if not within:
        return None
    best = min(within)
    begins = _begin(best) if since is None else max(_begin(best), since)
    ends = best.end if until is None or best.end is None else min(best.end, until)
    return Span(begins, ends)


def unfit(record: Mapping[str, Any]) -> str | None:
    """What is wrong with the times of a record, in words; None if nothing is."""
    for field in ("from", "to"):
        if record.get(field) is not None and instant(record[field]) is None:
            return f"{field}: not an RFC 3339 time"
    since, until = instant(record.get("from")), instant(record.get("to"))
    if since is not None and until is not None and until <= since:
        return "to: not after from"
    weekly = record.get("weekly")
    if weekly is None:
        return None if since is not None or until is not None else "neither from, to nor weekly"
    if not isinstance(weekly, list) or not 0 < len(weekly) <= MOST:
        return f"weekly: not an array of 1 to {MOST}"
    if zone(str(record.get("time_zone", "UTC"))) is None:
        return f"time_zone: {str(record['time_zone'])[:64]!r} is not known; give an offset or a POSIX rule"
    wrong = next((n for n, entry in enumerate(weekly) if _read(entry) is None), None)
    return None if wrong is None else f"weekly[{wrong}]: not days (mon to sun), start and end (HH:MM)"


def _weekly(entry: object, place: Zone, time: int) -> list[Span]:
    """The next span of an entry that is not over at ``time``."""
    read = _read(entry)
    if read is None:
        return []
    days, begin, end = read
    first = place.day(time) - timedelta(days=1)
    for day in (first + timedelta(days=n) for n in range(_SEARCHED)):
        if DAYS[day.weekday()] in days:
            span = Span(place.at(day, begin), place.at(day, end if end > begin else end + 1440))
            if span.end is not None and span.end > time:
                return [span]
    return []


def _read(entry: object) -> tuple[frozenset[str], int, int] | None:
    """Days, and begin and end in minutes of the day."""
    if not isinstance(entry, dict):
        return None
    days = entry.get("days", list(DAYS))
    begin, end = _clock(entry.get("start", "00:00")), _clock(entry.get("end", "24:00"))
    if not isinstance(days, list) or not days or any(day not in DAYS for day in days) or begin is None or end is None:
        return None
    return frozenset(days), begin, end


def _clock(value: object) -> int | None:
    """Minutes of ``HH:MM``; 24:00 is the end of the day."""
    if not isinstance(value, str) or len(value) != 5 or value[2] != ":":
        return None
    hours, minutes = value[:2], value[3:]
    if not (hours + minutes).isascii() or not (hours + minutes).isdigit():
        return None
    found = 60 * int(hours) + int(minutes)
    return found if int(minutes) < 60 and found <= 1440 else None


def _begin(span: Span) -> int:
    assert span.start is not None
    return span.start


def _at(time: int) -> str:
    return f"{datetime.fromtimestamp(time // 1000, UTC):%Y-%m-%d %H:%M}Z"
