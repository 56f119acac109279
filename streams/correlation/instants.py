"""Milliseconds and instants."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MS = timedelta(milliseconds=1)
_FIRST_MS = -62_135_596_800_000  # 0001-01-01
_LAST_MS = 253_402_300_799_000  # 9999-12-31T23:59:59


def at(ms: int) -> datetime:
    """The instant ``ms`` milliseconds after the epoch; the end of the calendar for what lies beyond it."""
    return _EPOCH + timedelta(milliseconds=min(max(ms, _FIRST_MS), _LAST_MS))


def instant(time: datetime) -> int:
    """Whole milliseconds since the epoch."""
    return (time - _EPOCH) // _MS
