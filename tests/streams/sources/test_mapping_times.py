"""Times in other forms: what they are in RFC 3339, and what is refused rather than guessed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.sources.mapping_times import UNITS, BadForm, NoTime, reader


@pytest.mark.parametrize(
    ("form", "zone", "value", "time"),
    [
        ("rfc3339", None, "2026-03-02T09:13:00z", "2026-03-02T09:13:00Z"),
        ("rfc3339", None, "2026-03-02 09:13:00+01:00", "2026-03-02T09:13:00+01:00"),
        ("rfc3339", "Europe/Berlin", "2026-03-02T09:13:00Z", "2026-03-02T09:13:00Z"),
        ("rfc3339", "Europe/Berlin", "2026-07-02 09:13:00", "2026-07-02T09:13:00+02:00"),
        ("rfc3339", "-05:30", "2026-07-02T09:13", "2026-07-02T09:13:00-05:30"),
        ("epoch_s", None, 1772442780, "2026-03-02T09:13:00+00:00"),
        ("epoch_s", None, "1772442780.25", "2026-03-02T09:13:00.250000+00:00"),
        ("epoch_ms", None, 1772442780123, "2026-03-02T09:13:00.123000+00:00"),
        ("epoch_us", None, 1772442780123456, "2026-03-02T09:13:00.123456+00:00"),
        ("epoch_ns", None, "1772442780123456789", "2026-03-02T09:13:00.123456+00:00"),
        ("%d/%b/%Y:%H:%M:%S %z", None, "02/Mar/2026:10:13:00 +0100", "2026-03-02T10:13:00+01:00"),
        ("%d.%m.%Y %H:%M", "UTC", "02.03.2026 09:13", "2026-03-02T09:13:00+00:00"),
    ],
)
def test_a_time_in_its_form(form: str, zone: str | None, value: object, time: str) -> None:
    """Each form gives the instant; an offset in the text goes before the zone of the mapping."""
    assert reader(form, zone)(value) == time


@pytest.mark.parametrize(
    ("form", "zone", "value", "reason"),
    [
        ("rfc3339", None, "2026-03-02T09:13:00", "no offset"),
        ("rfc3339", None, 1772442780, "not a text"),
        ("rfc3339", "UTC", "yesterday", "not RFC 3339"),
        ("rfc3339", "UTC", "2026-13-45T99:99:99", "no such day"),
        ("rfc3339", "Europe/Berlin", "2026-10-25 02:30:00", "twice"),
        ("rfc3339", "Europe/Berlin", "2026-03-29 02:30:00", "never"),
        ("epoch_ms", None, 1772442780, "as epoch_s it would be"),
        ("epoch_s", None, 1772442780123, "as epoch_ms it would be"),
        ("epoch_s", None, True, "neither a number"),
        ("epoch_s", None, "NaN", "not between"),
        ("epoch_s", None, 1e300, "not between"),
        ("%d.%m.%Y", "UTC", "2026-03-02", "not of the form"),
        ("%d.%m.%Y", "UTC", {}, "not a text"),
    ],
)
def test_what_is_refused(form: str, zone: str | None, value: object, reason: str) -> None:
    """A missing offset, a wrong unit, and an hour that the clocks have twice or never are told, not guessed."""
    with pytest.raises(NoTime, match=reason):
        reader(form, zone)(value)


@pytest.mark.parametrize(
    ("form", "zone", "reason"),
    [
        ("iso8601", None, "not one of rfc3339"),
        ("%d.%m.%Y", None, "a zone is needed"),
        ("%H:%M", "UTC", "names no day"),
        ("%Y-%m-%d %Q", "UTC", "no pattern"),
        ("rfc3339", "Mars/Base", "no time zone"),
        ("rfc3339", "../../etc/passwd", "no time zone"),
        ("epoch_s", "UTC", "no meaning"),
    ],
)
def test_a_wrong_form_is_refused_with_the_mapping(form: str, zone: str | None, reason: str) -> None:
    """A form that could never be read is known before there is any document."""
    with pytest.raises(BadForm, match=reason):
        reader(form, zone)


SINCE = st.integers(315_619_200_000_000, 3_786_912_000_000_000)
"""Microseconds since 1970, from 1980 to 2090."""


@given(SINCE)
def test_no_instant_is_two_units(since: int) -> None:
    """An instant in one unit is that instant there, and in every other unit it is refused, never another time."""
    time = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=since)
    for form, unit in UNITS.items():
        value = since // unit if unit else since * 1000
        read = datetime.fromisoformat(reader(form)(value))
        assert time - read < timedelta(microseconds=max(unit, 1))
        for other in UNITS:
            if other != form:
                with pytest.raises(NoTime):
                    reader(other)(value)
