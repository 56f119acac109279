"""When a window or a freeze is on, in the local time of its zone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.correlation.calendars import Span, next_span, unfit
from streams.correlation.context_forms import unfit as unfit_of
from streams.correlation.zones import NAMES, zone

HOUR = 3_600_000


def ms(text: str) -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


def weekly(*days: str, start: str = "22:00", end: str = "02:00", **more: Any) -> dict[str, Any]:
    return {"weekly": [{"days": list(days), "start": start, "end": end}], **more}


@pytest.mark.parametrize(
    ("record", "time", "expected"),
    [
        ({"from": "2026-03-02", "to": "2026-03-05"}, "2026-03-01", ("2026-03-02", "2026-03-05")),
        ({"from": "2026-03-02", "to": "2026-03-05"}, "2026-03-04", ("2026-03-02", "2026-03-05")),
        ({"from": "2026-03-02", "to": "2026-03-05"}, "2026-03-05", None),
        ({"to": "2026-03-05"}, "2026-03-01", (None, "2026-03-05")),
        (weekly("sat"), "2026-03-02T12:00", ("2026-03-07T22:00", "2026-03-08T02:00")),
        (weekly("sat"), "2026-03-08T01:59", ("2026-03-07T22:00", "2026-03-08T02:00")),
        (weekly("sat"), "2026-03-08T02:00", ("2026-03-14T22:00", "2026-03-15T02:00")),
        (weekly("sat", to="2026-03-14"), "2026-03-08T02:00", None),
        (weekly("sat", to="2026-03-15"), "2026-03-08T02:00", ("2026-03-14T22:00", "2026-03-15T00:00")),
        (weekly("tue", start="09:00", end="11:00", time_zone="America/New_York"), "2026-03-08T12:00",
         ("2026-03-10T13:00", "2026-03-10T15:00")),
        (weekly("tue", start="09:00", end="11:00", time_zone="America/New_York"), "2026-03-01T12:00",
         ("2026-03-03T14:00", "2026-03-03T16:00")),
        (weekly("mon", time_zone="nowhere"), "2026-03-02", None),
    ],
)  # fmt: skip
def test_the_span_that_is_on_or_the_next(
    record: dict[str, Any], time: str, expected: tuple[str | None, str] | None
) -> None:
    """Begin included, end not; nights reach into the next day; summer time moves what is weekly."""
    wanted = None if expected is None else Span(*(None if each is None else ms(each) for each in expected))
    assert next_span(record, ms(time)) == wanted


@pytest.mark.parametrize(
    ("record", "place"),
    [
        ({}, "neither"),
        ({"from": "soon"}, "from"),
        ({"from": "2026-03-05", "to": "2026-03-05"}, "to"),
        ({"weekly": []}, "weekly"),
        (weekly("noday"), "weekly[0]"),
        (weekly("mon", start="25:00"), "weekly[0]"),
        (weekly("mon", time_zone="Mars/Olympus"), "time_zone"),
    ],
)
def test_what_is_wrong_is_named(record: dict[str, Any], place: str) -> None:
    """A window that can never be on for a mistake is refused, with the field."""
    assert (unfit(record) or "").startswith(place)
    assert (unfit_of("freeze", record) or "").startswith(f"freeze: {place}")


@pytest.mark.parametrize(
    ("kind", "record", "fits"),
    [
        ("on_call", {"team": "money", "person": "al"}, True),
        ("on_call", {"person": "al"}, False),
        ("on_call", {"team": "money", "person": "al", "to": "later"}, False),
        ("vex", {"vulnerability": "CVE-2026-1", "component": "pay", "status": "not_affected"}, True),
        ("vex", {"vulnerability": "CVE-2026-1", "component": "pay", "status": "safe"}, False),
        ("vex", {"vulnerability": "CVE-2026-1", "status": "affected"}, False),
        ("case", {"title": "pay is down", "closed_at": "2026-03-01"}, True),
        ("case", {"component": "pay"}, False),
        ("feed", {"read_at": "2026-03-01T00:00:00Z"}, True),
        ("feed", {}, False),
        ("kev", {}, True),
    ],
)
def test_forms_of_records(kind: str, record: dict[str, Any], fits: bool) -> None:
    """What a kind needs is needed, all else is left open."""
    assert (unfit_of(kind, record) is None) is fits


@pytest.mark.skipif("Europe/Berlin" not in available_timezones(), reason="no time zone database here")
@pytest.mark.parametrize("name", sorted(NAMES))
def test_zones_agree_with_the_time_zone_database(name: str) -> None:
    """Noon of every day of 2026 is the same instant as by the IANA database."""
    place, known = zone(name), ZoneInfo(name)
    assert place is not None
    for n in range(365):
        noon = datetime(2026, 1, 1, 12, tzinfo=known) + timedelta(days=n)
        assert place.at(noon.date(), 720) == noon.timestamp() * 1000, noon


TIMES = st.integers(ms("2026-01-01"), ms("2027-01-01"))
CLOCK = st.integers(0, 1439).map(lambda minutes: f"{minutes // 60:02}:{minutes % 60:02}")
DAY_LISTS = st.lists(st.sampled_from(["mon", "wed", "sat", "sun"]), min_size=1, unique=True)


@given(DAY_LISTS, CLOCK, CLOCK, st.sampled_from(sorted(NAMES)), TIMES)
def test_a_weekly_span_is_never_over_and_within_a_week(
    days: list[str], start: str, end: str, name: str, time: int
) -> None:
    """It ends after the time that is asked for, begins within a week of it, and asking at its begin gives it again."""
    span = next_span(weekly(*days, start=start, end=end, time_zone=name), time)
    assert span is not None
    assert span.start is not None
    assert span.end is not None
    assert time < span.end
    assert span.start < time + 7 * 24 * HOUR + HOUR
    assert span.end - span.start <= 25 * HOUR
    if span.start > time:
        assert next_span(weekly(*days, start=start, end=end, time_zone=name), span.start) == span
