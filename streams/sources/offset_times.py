"""Times with an offset that RFC 3339 does not allow but loggers write: ``+0100``, ``UTC``, a space before either.

Suricata and Wazuh write ``2026-03-02T09:13:00.123456+0000``, GitLab ``2026-03-02 09:13:00 UTC`` and ``… +0100``. A time
without any offset has no one reading and is refused: for formats that state theirs to be UTC use ``exported.utc``.
"""

from __future__ import annotations

import re

from streams.sources.fields import INSTANTS
from streams.sources.memo import Memo

_FORM = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[Tt ]([0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?) ?"
    r"(?:(UTC|Z|z)|([+-][0-9]{2}):?([0-9]{2}))"
)


def with_offset(value: object) -> str | None:
    """RFC 3339 text of a time with any spelling of its offset; None for what is no time, or has no offset.

    >>> with_offset("2026-03-02T09:13:00.123+0100"), with_offset("2026-03-02 09:13:00 UTC")
    ('2026-03-02T09:13:00.123+01:00', '2026-03-02T09:13:00Z')
    >>> with_offset("2026-03-02T09:13:00")
    """
    return _TIMES[value] if type(value) is str else None


def _with_offset(value: str) -> str | None:
    found = _FORM.fullmatch(value) if len(value) <= 64 else None
    if found is None:
        return INSTANTS[value]
    day, time, zero, hours, minutes = found.groups()
    return INSTANTS[f"{day}T{time}{'Z' if zero else f'{hours}:{minutes}'}"]


_TIMES: Memo[str, str | None] = Memo(_with_offset, size=40)
