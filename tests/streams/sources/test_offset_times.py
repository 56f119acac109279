"""Times with an offset as loggers spell it."""

from __future__ import annotations

import pytest

from streams.sources.offset_times import with_offset


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ("2026-03-02T09:13:00Z", "2026-03-02T09:13:00Z"),
        ("2026-03-02T09:13:00.5+01:00", "2026-03-02T09:13:00.5+01:00"),
        ("2026-03-02T09:13:00.123456-0230", "2026-03-02T09:13:00.123456-02:30"),
        ("2026-03-02 09:13:00 UTC", "2026-03-02T09:13:00Z"),
        ("2026-03-02 09:13:00 +0200", "2026-03-02T09:13:00+02:00"),
        ("2026-03-02T09:13:00", None),
        ("2026-02-30T09:13:00+0000", None),
        ("2026-03-02T09:13:00+2500", None),
        ("1969-12-31T16:04:21.000000-0800", None),
        ("yesterday", None),
        (7, None),
    ],
)
def test_an_offset_in_any_spelling(given: object, read: str | None) -> None:
    """RFC 3339 stays as it is; what names no instant, or one before 1970, is none."""
    assert with_offset(given) == read
