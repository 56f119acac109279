"""Local time without a database of time zones: the rule of a zone as POSIX writes it, so that a fold is the same
everywhere. Pure.

A zone is ``Z``, an offset (``+01:00``), a name of ``NAMES``, or a POSIX rule itself (``CET-1CEST,M3.5.0,M10.5.0/3``:
IEEE 1003.1, "Environment Variables", TZ; hours up to 167 as RFC 8536, section 3.3.1 allows). The rules are those in
force in 2026, from the IANA time zone database; a country that changes its mind needs a line here, or an offset in the
record. Wrong for local times of decades ago.
"""

from __future__ import annotations

import re
from datetime import date, timedelta
from functools import lru_cache
from typing import Final, NamedTuple

_EU = "M3.5.0,M10.5.0/3"
_US = "M3.2.0,M11.1.0"
_AU = "M10.1.0,M4.1.0/3"

_NAMES: Final = {
    "UTC0": "UTC Etc/UTC GMT Etc/GMT",
    "GMT0BST,M3.5.0/1,M10.5.0": "Europe/London",
    "GMT0IST,M3.5.0/1,M10.5.0": "Europe/Dublin",
    "WET0WEST,M3.5.0/1,M10.5.0": "Europe/Lisbon",
    f"CET-1CEST,{_EU}": """
        Europe/Amsterdam Europe/Belgrade Europe/Berlin Europe/Bratislava Europe/Brussels Europe/Budapest
        Europe/Copenhagen Europe/Ljubljana Europe/Luxembourg Europe/Madrid Europe/Malta Europe/Oslo Europe/Paris
        Europe/Prague Europe/Rome Europe/Stockholm Europe/Vienna Europe/Warsaw Europe/Zagreb Europe/Zurich
    """,
    "EET-2EEST,M3.5.0/3,M10.5.0/4": """
        Europe/Athens Europe/Bucharest Europe/Helsinki Europe/Kyiv Europe/Riga Europe/Sofia Europe/Tallinn
        Europe/Vilnius
    """,
    "TRT-3": "Europe/Istanbul Asia/Riyadh Africa/Nairobi Europe/Moscow",
    f"EST5EDT,{_US}": "America/New_York America/Toronto America/Detroit",
    f"CST6CDT,{_US}": "America/Chicago",
    "CST6": "America/Mexico_City",
    f"MST7MDT,{_US}": "America/Denver",
    "MST7": "America/Phoenix",
    f"PST8PDT,{_US}": "America/Los_Angeles America/Vancouver",
    f"AST4ADT,{_US}": "America/Halifax",
    "COT5": "America/Bogota America/Lima",
    "BRT3": "America/Sao_Paulo America/Argentina/Buenos_Aires",
    "HST10": "Pacific/Honolulu",
    "GST-4": "Asia/Dubai",
    "IST-2IDT,M3.4.4/26,M10.5.0": "Asia/Jerusalem",
    "PKT-5": "Asia/Karachi",
    "IST-5:30": "Asia/Kolkata",
    "ICT-7": "Asia/Bangkok Asia/Jakarta",
    "SGT-8": "Asia/Singapore Asia/Hong_Kong Asia/Shanghai Asia/Taipei Asia/Manila Australia/Perth",
    "JST-9": "Asia/Tokyo Asia/Seoul",
    f"ACST-9:30ACDT,{_AU}": "Australia/Adelaide",
    "AEST-10": "Australia/Brisbane",
    f"AEST-10AEDT,{_AU}": "Australia/Sydney Australia/Melbourne",
    "NZST-12NZDT,M9.5.0,M4.1.0/3": "Pacific/Auckland",
    "EET-2EEST,M4.5.5/0,M10.5.4/24": "Africa/Cairo",
    "SAST-2": "Africa/Johannesburg",
    "WAT-1": "Africa/Lagos",
}
NAMES: Final = {name: rule for rule, names in _NAMES.items() for name in names.split()}

_OFFSET = re.compile(r"(?P<sign>[+-])(?P<hours>[01][0-9]):(?P<minutes>[0-5][0-9])")
_TIME = r"[+-]?[0-9]{1,3}(?::[0-9]{2}){0,2}"
_LABEL = r"(?:[A-Za-z]{3,6}|<[A-Za-z0-9+-]{3,6}>)"
_SWITCH = rf"M(?:[1-9]|1[0-2])\.[1-5]\.[0-6](?:/{_TIME})?"
_RULE = re.compile(rf"{_LABEL}(?P<std>{_TIME})(?:{_LABEL}(?P<dst>{_TIME})?,(?P<start>{_SWITCH}),(?P<end>{_SWITCH}))?")


class _Switch(NamedTuple):
    """The n-th weekday (0 Sunday) of a month, the 5th being the last, and minutes after its local midnight."""

    month: int
    week: int
    weekday: int
    minutes: int

    def minute(self, year: int) -> int:
        """Local minutes since the beginning of the year's first day."""
        first = date(year, self.month, 1)
        day = 1 + (self.weekday - first.isoweekday()) % 7 + 7 * (self.week - 1)
        last = (date(year + self.month // 12, self.month % 12 + 1, 1) - timedelta(days=1)).day
        if day > last:
            day -= 7
        return (first.replace(day=day) - date(year, 1, 1)).days * 1440 + self.minutes


class Zone(NamedTuple):
    """Minutes east of UTC, in summer where there is one, and when that begins and ends."""

    offset: int
    summer: int | None = None
    start: _Switch | None = None
    end: _Switch | None = None

    def at(self, day: date, minutes: int) -> int:
        """Event ms at so many minutes after a day's local midnight. A time that is skipped or comes twice is winter's
        or summer's, as the clock stood before the switch."""
        return ((day - date(1970, 1, 1)).days * 1440 + minutes - self._offset(day, minutes)) * 60_000

    def day(self, time: int) -> date:
        """The local day at an event time, to within the hour of a switch."""
        return date(1970, 1, 1) + timedelta(minutes=time // 60_000 + self.offset)

    def _offset(self, day: date, minutes: int) -> int:
        if self.summer is None or self.start is None or self.end is None:
            return self.offset
        now = (day - date(day.year, 1, 1)).days * 1440 + minutes
        begins, ends = self.start.minute(day.year), self.end.minute(day.year)
        in_summer = begins <= now < ends if begins < ends else not ends <= now < begins
        return self.summer if in_summer else self.offset


@lru_cache(maxsize=256)
def zone(name: str) -> Zone | None:
    """The zone of that name, offset or rule; None if it is not known.

    >>> zone("Asia/Kolkata") == zone("+05:30") == Zone(330), zone("Mars/Olympus")
    (True, None)
    """
    if name in ("Z", "z"):
        return Zone(0)
    if offset := _OFFSET.fullmatch(name):
        minutes = 60 * int(offset["hours"]) + int(offset["minutes"])
        return Zone(-minutes if offset["sign"] == "-" else minutes)
    rule = _RULE.fullmatch(NAMES.get(name, name))
    if rule is None:
        return None
    east = -_minutes(rule["std"])
    if rule["start"] is None:
        return Zone(east)
    summer = -_minutes(rule["dst"]) if rule["dst"] else east + 60
    return Zone(east, summer, _switch(rule["start"]), _switch(rule["end"]))


def _minutes(text: str) -> int:
    hours, _, rest = text.lstrip("+-").partition(":")
    value = 60 * int(hours) + int(rest[:2] or 0)
    return -value if text.startswith("-") else value


def _switch(text: str) -> _Switch:
    day, _, time = text.partition("/")
    month, week, weekday = (int(part) for part in day[1:].split("."))
    return _Switch(month, week, weekday, _minutes(time) if time else 120)
