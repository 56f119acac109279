"""ADWIN over a row: has the mean of a sequence changed, and how long is the stretch since.

Bifet and Gavaldà, "Learning from Time-Changing Data with Adaptive Windowing", SDM 2007: the window is an exponential
histogram, and its oldest bucket is dropped as long as two of its parts have means that chance does not explain. River's
detector cannot be kept as rows; this one gives the same answers, and all it knows is one flat row of about
``10 log2(n / 5)`` numbers after n values.

Wrong for a sequence with a daily rhythm, unless what it says is held against what earlier days were like.
"""

from __future__ import annotations

from math import log, sqrt
from typing import NamedTuple

from models.base import Row

EMPTY: Row = (0, 0, 0, 0.0, 0.0, 0)
"""Whether the last value showed a change; values since the window began anew; width; sum and sum of squared deviations
of the window; levels. Then the number of buckets of each level, level n holding ``2^n`` values a bucket; then sum and
sum of squared deviations of each bucket, level by level, the oldest first within one."""

_CHANGED, _TICK, _WIDTH, _TOTAL, _SQUARES, _LEVELS = range(6)


class Settings(NamedTuple):
    """``delta``: the significance of a change. ``clock``: values from one look to the next. ``buckets``: at most that
    many of a size, at least 2. ``shortest``: values that each of two parts must have. ``grace``: values before a look.
    """

    delta: float = 0.002
    clock: int = 32
    buckets: int = 5
    shortest: int = 5
    grace: int = 10


DEFAULT = Settings()

_Bucket = tuple[float, float]


def update(row: Row, value: float, settings: Settings = DEFAULT) -> Row:
    """The row after one more value. After a change that was found, the window begins anew, as river's does.

    >>> row = EMPTY
    >>> at = []
    >>> for n in range(400):
    ...     row = update(row, 0.2 if n < 200 else 0.8)
    ...     if found(row):
    ...         at.append(n)
    >>> at, width(row), round(mean(row), 3)
    ([223], 176, 0.8)
    """
    if row[_CHANGED]:
        row = EMPTY
    _, tick, size, total, squares, *_ = row
    levels = _levels(row)
    tick += 1
    size += 1
    if size > 1:
        off = value - total / (size - 1.0)
        squares += (size - 1.0) * off * off / size
    total += value
    levels[0].append((value, 0.0))
    _compress(levels, settings.buckets)
    changed = False
    if tick % settings.clock == 0 and size > settings.grace:
        while _differ(levels, size, total, squares, settings):
            changed = True
            size, total, squares = _without_oldest(levels, size, total, squares)
    numbers = (number for level in levels for bucket in level for number in bucket)
    return (int(changed), tick, size, total, squares, len(levels), *map(len, levels), *numbers)


def found(row: Row) -> bool:
    """Whether the last value showed a change."""
    return bool(row[_CHANGED])


def width(row: Row) -> int:
    """Values in the window."""
    return int(row[_WIDTH])


def mean(row: Row) -> float:
    """The mean of the window, 0 if it is empty."""
    return row[_TOTAL] / row[_WIDTH] if row[_WIDTH] else 0.0


def _levels(row: Row) -> list[list[_Bucket]]:
    count = row[_LEVELS]
    at = _LEVELS + 1 + count
    levels: list[list[_Bucket]] = []
    for buckets in row[_LEVELS + 1 : at]:
        levels.append([(row[at + 2 * n], row[at + 2 * n + 1]) for n in range(buckets)])
        at += 2 * buckets
    return levels or [[]]


def _compress(levels: list[list[_Bucket]], most: int) -> None:
    """Of a level with too many buckets, the two oldest become one of the next."""
    for level, buckets in enumerate(levels):  # levels that are added on the way are looked at too
        if len(buckets) <= most:
            return
        if level + 1 == len(levels):
            levels.append([])
        (one, one_squares), (other, other_squares) = buckets[:2]
        values = float(1 << level)
        apart = one / values - other / values
        levels[level + 1].append((one + other, one_squares + other_squares + values * 0.5 * apart * apart))
        del buckets[:2]


def _differ(levels: list[list[_Bucket]], size: int, total: float, squares: float, settings: Settings) -> bool:
    """Whether, somewhere, the older part of the window has another mean than the newer."""
    shortest = settings.shortest
    before, after = 0, size
    sum_before, sum_after = 0.0, total
    bound = log(2.0 * log(size) / settings.delta)
    for level in range(len(levels) - 1, -1, -1):
        values = 1 << level
        for value, _ in levels[level]:
            before += values
            after -= values
            if not after:
                return False
            sum_before += value
            sum_after -= value
            if after < shortest or before < shortest:
                continue
            weight = 1.0 / (before - shortest + 1.0) + 1.0 / (after - shortest + 1.0)
            spread = 2.0 * weight * (squares / size) * bound
            if (
                spread >= 0.0
                and abs(sum_before / before - sum_after / after) > sqrt(spread) + 2.0 / 3.0 * bound * weight
            ):
                return True
    return False


def _without_oldest(levels: list[list[_Bucket]], size: int, total: float, squares: float) -> tuple[int, float, float]:
    """Drop the oldest bucket; the window's width, sum and squared deviations without it."""
    values = 1 << (len(levels) - 1)
    gone, gone_squares = levels[-1].pop(0)
    if not levels[-1]:
        levels.pop()
    size -= values
    total -= gone
    apart = gone / values - total / size
    squares -= gone_squares + values * size * apart * apart / (values + size)
    return size, total, squares
