"""The ways in which AWS services write a time, beside RFC 3339."""

from __future__ import annotations

import re

from streams.sources.fields import instant

_NAMES = "JanFebMarAprMayJunJulAugSepOctNovDec"
_MONTHS = {_NAMES[at : at + 3]: f"{at // 3 + 1:02d}" for at in range(0, len(_NAMES), 3)}
_JAVA = re.compile(
    r"[A-Z][a-z]{2} ([A-Z][a-z]{2}) ([0-9]{1,2}) ([0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?) (?:UTC|GMT) ([0-9]{4})"
)
_OFFSET = re.compile(r"(.+T.+[+-][0-9]{2})([0-9]{2})")
_SPACED = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2}) ([0-9]{2}:.+)")


def when(value: object) -> str | None:
    """RFC 3339 text of a time in RFC 3339, with an offset like ``+0000``, or as ``java.util.Date`` writes it in UTC.

    A space may stand for the T (RFC 3339, 5.6), as Python's ``str(datetime)`` has it in what an SDK's user exports.

    None for anything else, in particular for a local time such as ``Sep 4, 2024, 4:59:44 PM``, which says no zone.

    >>> when("Wed Sep 04 16:59:44.356 UTC 2024"), when("2018-01-26T15:58:33.475+0000")
    ('2024-09-04T16:59:44.356Z', '2018-01-26T15:58:33.475+00:00')
    """
    if not isinstance(value, str) or len(value) > 64:
        return None
    if (spaced := _SPACED.fullmatch(value)) is not None:
        value = f"{spaced[1]}T{spaced[2]}"
    found = instant(value)
    if found is not None:
        return found
    java = _JAVA.fullmatch(value)
    if java is not None and java[1] in _MONTHS:
        return instant(f"{java[4]}-{_MONTHS[java[1]]}-{java[2]:0>2}T{java[3]}Z")
    offset = _OFFSET.fullmatch(value)
    return instant(f"{offset[1]}:{offset[2]}") if offset is not None else None
