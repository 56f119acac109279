"""Hour of the week: how much more, or less, of a key's events fall into this hour than into any hour.

168 multipliers, each shrunk towards that of its hour of the day, and these towards 1, by how often the hour was seen.
Hours are UTC, counted from the epoch. What a key's profile learns in an hour is added when the hour is over.
"""

from __future__ import annotations

from models.base import Row

HOURS = 168
TICKS = 60
"""Ticks of an hour."""

# The hour that is going on: hour, what it taught so far.
# The profile: last and first hour that is in it, then the decayed sums of the hours of the week.
_LAST, _FIRST, _SUMS = 0, 1, 2

_KEEP = 0.5 ** (1.0 / 4.0)  # of an hour's sum from week to week: a half-life of four weeks
_DAYS = 14.0  # visits of an hour of the day at which it counts as much as the mean of all hours
_WEEKS = 4.0  # visits of an hour of the week at which it counts as much as its hour of the day
_LEAST, _MOST = 1.0 / 8.0, 64.0
_DOUBT = 0.15  # squared relative error of a multiplier far from 1


def begun(hour: int) -> tuple[Row, Row]:
    """The hour that is going on, and a profile that knows nothing yet."""
    return (hour, 0.0), (hour - 1, hour, *(0.0,) * HOURS)


def taught(going: Row, profile: Row, hour: int, amount: float) -> tuple[Row, Row]:
    """Both rows after ``amount`` events in ``hour``. Amounts of past hours count with the hour that is going on."""
    if hour <= going[0]:
        return (going[0], going[1] + amount), profile
    return (hour, amount), _folded(profile, going[0], going[1])


def factor(profile: Row, hour: int) -> float:
    """The multiplier of ``hour``, 1/8 to 64; their mean over a week of equal weights is 1.

    >>> going, profile = begun(0)
    >>> for at in range(8 * HOURS):
    ...     going, profile = taught(going, profile, at, 600.0 if at % 24 == 2 else 10.0)
    >>> factor(profile, 2) > 10 > 1 > factor(profile, 3)
    True
    """
    last, first = profile[_LAST], profile[_FIRST]
    sums: tuple[float, ...] = profile[_SUMS:]
    total = sum(sums)
    weeks, rest = divmod(last - first + 1, HOURS)
    often, seldom = _visits(weeks + 1), _visits(weeks)
    visits = rest * often + (HOURS - rest) * seldom
    if total <= 0.0:
        return 1.0
    mean = total / visits
    day_sum, day_visits = _DAYS * mean, _DAYS
    for slot in range(hour % 24, HOURS, 24):
        day_sum += sums[slot]
        day_visits += often if (slot - first) % HOURS < rest else seldom
    slot = hour % HOURS
    own = often if (slot - first) % HOURS < rest else seldom
    rate = (sums[slot] + _WEEKS * day_sum / day_visits) / (own + _WEEKS)
    multiplier: float = rate / mean
    return min(_MOST, max(_LEAST, multiplier))


def doubt(multiplier: float) -> float:
    """Squared relative error of a rate that was multiplied so: 0 at 1, more far from it."""
    away = (multiplier - 1.0) / max(multiplier, 1.0)
    return _DOUBT * away * away


def _visits(times: int) -> float:
    """Decayed number of visits of an hour of the week that was over ``times`` times."""
    decayed: float = (1.0 - _KEEP**times) / (1.0 - _KEEP)
    return decayed


def _folded(profile: Row, hour: int, amount: float) -> Row:
    last, first = profile[_LAST], profile[_FIRST]
    sums = list(profile[_SUMS:])
    if hour > last:
        weeks = (hour - last) // HOURS
        if weeks:
            sums = [value * _KEEP**weeks for value in sums]
        for passed in range(last + 1 + weeks * HOURS, hour + 1):
            sums[passed % HOURS] *= _KEEP
        last = hour
    sums[hour % HOURS] += amount
    return (last, first, *sums)
