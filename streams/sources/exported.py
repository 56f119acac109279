"""What copies of cloud audit logs have in common: times that lost their offset, records that lost their id.

A data lake or a pipeline often rewrites a log's times as SQL does (``2026-03-02 09:13:00.123``). The formats that use
this module state that all their times are UTC, so such a time has one reading. Wrong for formats that do not say so.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime

import orjson

from streams.sources.document import digest
from streams.sources.fields import INSTANTS
from streams.sources.memo import Memo

_BARE = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})[Tt ]([0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?)( ?(?:UTC|Z))?")
_LAST_MS = 253_370_764_800_000
"""9999-01-01, in ms of the epoch."""


def utc(value: object) -> str | None:
    """RFC 3339 text of a time in RFC 3339, or of one without offset, read as UTC.

    >>> utc("2026-03-02 09:13:00.123"), utc("2026-03-02T09:13:00+01:00"), utc("02/03/2026")
    ('2026-03-02T09:13:00.123Z', '2026-03-02T09:13:00+01:00', None)
    """
    return _TIMES[value] if type(value) is str else None


def _utc(value: str) -> str | None:
    found = INSTANTS[value]
    if found is not None:
        return found
    bare = _BARE.fullmatch(value)
    return INSTANTS[f"{bare[1]}T{bare[2]}Z"] if bare else None


_TIMES: Memo[str, str | None] = Memo(_utc, size=40)


def of_milliseconds(value: object) -> str | None:
    """RFC 3339 text of milliseconds since 1970, a whole number.

    >>> of_milliseconds(1772442780123), of_milliseconds("1772442780123")
    ('2026-03-02T09:13:00.123Z', None)
    """
    if type(value) is not int or not 0 <= value < _LAST_MS:
        return None
    whole = datetime.fromtimestamp(value // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{whole}.{value % 1000:03d}Z"


def content_id(record: object) -> str:
    """A natural key for a record that brings none: a digest of all of it, so that a second copy is the same event."""
    try:
        return digest([orjson.dumps(record, option=orjson.OPT_SORT_KEYS).decode()])
    except orjson.JSONEncodeError:  # deeper than orjson writes, or text that is no UTF-8
        return digest([repr(record)])
