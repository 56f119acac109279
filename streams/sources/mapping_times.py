"""Times as other systems write them, as RFC 3339 text: a form and, where the text names none, a time zone.

Nothing is guessed. A number is a time in the stated unit or none; a text without an offset needs a zone; a local time
that a zone has twice or not at all (the hours when clocks are set) is refused, since either reading may be wrong.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from decimal import Decimal, InvalidOperation
from zoneinfo import ZoneInfo

from streams.sources.fields import instant

UNITS = {"epoch_s": 1_000_000, "epoch_ms": 1_000, "epoch_us": 1, "epoch_ns": 0}
"""Microseconds of one; nanoseconds are cut."""

FORMS = ("rfc3339", *UNITS)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST = 315_532_800_000_000
"""1980 in microseconds: seconds taken for milliseconds are times in January 1970."""
_LAST = 253_370_764_800_000_000
"""9999 in microseconds."""

_OFFSET = re.compile(r"([+-])([01][0-9]|2[0-3]):?([0-5][0-9])")
_LOCAL = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}(:[0-9]{2}([.,][0-9]{1,9})?)?")
_DIRECTIVE = re.compile(r"%(.)")
_DATED = ({"Y", "y"}, {"m", "b", "B"}, {"d"}), ({"Y", "y"}, {"j"}), ({"c"},), ({"x"},)
"""Directives that name a day, each way."""


class BadForm(ValueError):
    """No form of time, or no zone; the message says what is allowed."""


class NoTime(ValueError):
    """The value is no time of the form; the message says why, without the value."""


Reader = Callable[[object], str]
"""A value to RFC 3339 text with an offset; raises ``NoTime``."""


def zone(name: str) -> tzinfo:
    """``UTC``, an offset such as ``+02:00``, or a name of the time zone database such as ``Europe/Berlin``.

    Raises:
        BadForm: the name is none of them, or the database of this machine does not have it.
    """
    if name in ("UTC", "Z"):
        return UTC
    if offset := _OFFSET.fullmatch(name):
        minutes = int(offset[2]) * 60 + int(offset[3])
        return timezone(timedelta(minutes=-minutes if offset[1] == "-" else minutes))
    try:
        return ZoneInfo(name)
    except (ValueError, OSError):  # ZoneInfoNotFoundError is a KeyError
        pass
    except KeyError:
        pass
    raise BadForm(
        f"{name!r} is no time zone known here; write UTC, an offset such as +02:00, or a name as Europe/Berlin"
    )


def reader(form: str, zone_name: str | None = None) -> Reader:
    """What reads times of a form: one of ``FORMS``, or a pattern of ``strptime`` with % in it.

    >>> reader("epoch_ms")(1772442780000)
    '2026-03-02T09:13:00+00:00'
    >>> reader("%d.%m.%Y %H:%M", "Europe/Berlin")("02.03.2026 10:13")
    '2026-03-02T10:13:00+01:00'

    Raises:
        BadForm: the form is not known, or a zone is missing or of no use.
    """
    place = None if zone_name is None else zone(zone_name)
    if form in UNITS:
        if place is not None:
            raise BadForm(f"{form} counts from 1970 in UTC; a zone has no meaning there")
        return lambda value: _epoch(value, form)
    if form == "rfc3339":
        return lambda value: _rfc3339(value, place)
    if "%" not in form:
        raise BadForm(f"{form!r} is not one of {', '.join(FORMS)}, nor a pattern such as %d/%b/%Y:%H:%M:%S %z")
    directives = set(_DIRECTIVE.findall(form))
    if not any(all(directives & names for names in way) for way in _DATED):
        raise BadForm(f"{form!r} names no day: year, month and day are needed")
    try:
        datetime.strptime(datetime(2026, 3, 2, 9, 13, tzinfo=UTC).strftime(form), form)  # noqa: DTZ007  # a trial only
    except ValueError as error:
        raise BadForm(f"{form!r} is no pattern of strptime: {error}") from None
    if place is None and "z" not in directives:
        raise BadForm(f"{form!r} has no offset (%z), so a zone is needed")
    return lambda value: _pattern(value, form, place)


def _epoch(value: object, form: str) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise NoTime("neither a number nor the text of one")
    unit = UNITS[form]
    if isinstance(value, int) and _FIRST <= value * unit < _LAST:  # the ordinary case, quickly
        return (_EPOCH + timedelta(microseconds=value * unit)).isoformat()
    try:
        number = Decimal(str(value).strip())
    except InvalidOperation:
        raise NoTime("neither a number nor the text of one") from None
    if not number.is_finite() or abs(number) > 10**20:
        raise NoTime(f"as {form} not between 1980 and 9999")
    microseconds = int(number * unit) if unit else int(number / 1000)
    if not _FIRST <= microseconds < _LAST:
        raise NoTime(f"as {form} not between 1980 and 9999" + _other_unit(number))
    return (_EPOCH + timedelta(microseconds=microseconds)).isoformat()


def _other_unit(number: Decimal) -> str:
    for form, unit in UNITS.items():
        if _FIRST <= (number * unit if unit else number / 1000) < 4 * 10**15:  # up to 2096
            return f"; as {form} it would be"
    return ""


def _rfc3339(value: object, place: tzinfo | None) -> str:
    if not isinstance(value, str):
        raise NoTime("not a text")
    given = value.strip()
    with_offset = instant(given[:10] + "T" + given[11:] if given[10:11] == " " else given)
    if with_offset is not None:
        return with_offset
    if not _LOCAL.fullmatch(given):
        raise NoTime("not RFC 3339, or before 1970")
    if place is None:
        raise NoTime("it has no offset; state the zone of such times in the mapping")
    whole, _, fraction = given.replace(",", ".").partition(".")
    try:
        return _placed(datetime.fromisoformat(f"{whole}.{fraction[:6]:0<6}" if fraction else whole), place)
    except ValueError as error:
        raise NoTime(str(error) if isinstance(error, NoTime) else "there is no such day or hour") from None


def _pattern(value: object, form: str, place: tzinfo | None) -> str:
    if not isinstance(value, str):
        raise NoTime("not a text")
    try:
        found = datetime.strptime(value.strip(), form)  # noqa: DTZ007  # the zone comes next
    except ValueError:
        raise NoTime(f"not of the form {form}") from None
    if found.tzinfo is not None:
        return _checked(found)
    if place is None:  # %z may be absent from what strptime takes for %Z
        raise NoTime("it has no offset; state the zone of such times in the mapping")
    return _placed(found, place)


def _placed(local: datetime, place: tzinfo) -> str:
    first, second = local.replace(tzinfo=place, fold=0), local.replace(tzinfo=place, fold=1)
    if first.utcoffset() != second.utcoffset():
        there = first.astimezone(UTC).astimezone(place).replace(tzinfo=None) == local
        raise NoTime(f"{'twice' if there else 'never'} on the clocks of {place}, which were set then")
    return _checked(first)


def _checked(found: datetime) -> str:
    if not 1970 <= found.year <= 9998:
        raise NoTime("not between 1970 and 9998")
    return found.isoformat()
