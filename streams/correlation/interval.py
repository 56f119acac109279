"""The time line of one link key: when signals were there, as intervals, each held by one unit.

Two signals on a line are linked if at most ``window`` ms lie between them. The intervals of one unit are merged; those
of different units may overlap only where the units must not be joined (a full one and its successor, a reviewer's cut).
"""

from __future__ import annotations

from bisect import bisect_right
from typing import Final

FOREVER: Final = 2**62

Interval = tuple[int, int, str]
"""First and last event time (ms), and the unit that holds it."""

Line = tuple[Interval, ...]
"""Sorted by first event time."""


def insert(line: Line, first: int, last: int, window: int, unit: str) -> Line:
    """The line with ``unit`` on it from ``first`` to ``last``, joined with what the unit already holds nearby.

    >>> insert(((0, 10, "a"), (100, 100, "a")), 55, 55, 50, "a")
    ((0, 100, 'a'),)
    >>> insert(((0, 10, "a"),), 20, 30, 50, "b")
    ((0, 10, 'a'), (20, 30, 'b'))
    """
    if not line:
        return ((first, last, unit),)
    a, b, owner = line[-1]
    if first > b + window and (
        len(line) == 1 or line[-2][1] <= b
    ):  # the usual cases: after everything, or going on with what is last
        return (*line, (first, last, unit))
    if owner == unit and first >= a and (len(line) == 1 or first > line[-2][1] + window):
        return (*line[:-1], (a, max(b, last), unit))
    rest: list[Interval] = []
    for interval in line:
        a, b, owner = interval
        if owner == unit and a - window <= last and b + window >= first:
            first, last = min(first, a), max(last, b)
        else:
            rest.append(interval)
    rest.append((first, last, unit))
    rest.sort()
    return tuple(rest)


def touched(line: Line, first: int, last: int, window: int) -> list[str]:
    """The units within ``window`` of the interval, each once for every interval of theirs.

    >>> touched(((0, 10, "a"), (100, 100, "b")), 55, 55, 50)
    ['a', 'b']
    """
    return [unit for a, b, unit in line if a - window <= last and b + window >= first]


def near(line: Line, time: int) -> list[Interval]:
    """The intervals next to a time: the last two that begin by then, and the next."""
    place = bisect_right(line, (time, FOREVER, ""))
    return list(line[max(0, place - 2) : place + 1])


def rename(line: Line, old: str, new: str) -> Line:
    """The line with what unit ``old`` holds held by ``new``."""
    return tuple(sorted((a, b, new if unit == old else unit) for a, b, unit in line))


def without(line: Line, unit: str) -> Line:
    """The line without the unit."""
    return tuple(interval for interval in line if interval[2] != unit)
