"""The time line of one link key: when signals were there, as intervals, each held by one unit.

Two signals on a line are linked if at most ``window`` ms lie between them. The intervals of one unit are merged; those
of different units may overlap only where the units must not be joined (a full one and its successor, a reviewer's cut).
"""

from __future__ import annotations

from bisect import bisect_left, insort
from operator import itemgetter
from typing import Final

FOREVER: Final = 2**62

Interval = tuple[int, int, str]
"""First and last event time (ms), and the unit that holds it."""

Line = tuple[Interval, ...]
"""Sorted by last event time: what comes in the order of time is looked for at the end, however long the line."""

SHORT: Final = 4
"""So few are looked at one by one."""

_last = itemgetter(1)
_order = itemgetter(1, 0, 2)


def begin(line: Line, first: int, last: int, unit: str) -> Line:
    """The line with a unit on it that need not be joined with what it holds there: no look at all that is.

    The line itself where it has that already.

    >>> begin(((0, 10, "a"), (100, 100, "b")), 5, 50, "c")
    ((0, 10, 'a'), (5, 50, 'c'), (100, 100, 'b'))
    """
    fresh = (first, last, unit)
    place = bisect_left(line, _order(fresh), key=_order)
    if line[place : place + 1] == (fresh,):
        return line
    return (*line[:place], fresh, *line[place:])


def insert(line: Line, first: int, last: int, window: int, unit: str) -> Line:
    """The line with ``unit`` on it from ``first`` to ``last``, joined with what the unit already holds nearby.

    The line itself where the unit holds all of that already.

    >>> insert(((0, 10, "a"), (100, 100, "a")), 55, 55, 50, "a")
    ((0, 100, 'a'),)
    >>> insert(((0, 10, "a"),), 20, 30, 50, "b")
    ((0, 10, 'a'), (20, 30, 'b'))
    """
    place = _ending(line, first - window)
    if place == len(line):
        return (*line, (first, last, unit))
    if place == len(line) - 1:  # the usual case: going on with what is last
        a, b, owner = line[place]
        if owner == unit and a <= first:
            return line if last <= b else (*line[:place], (a, last, unit))
    rest: list[Interval] = []
    for interval in line[place:]:
        a, b, owner = interval
        if owner == unit and a - window <= last:
            first, last = min(first, a), max(last, b)
        else:
            rest.append(interval)
    insort(rest, (first, last, unit), key=_order)
    return (*line[:place], *rest)


def touched(line: Line, first: int, last: int, window: int) -> list[str]:
    """The units within ``window`` of the interval, each once for every interval of theirs.

    >>> touched(((0, 10, "a"), (100, 100, "b")), 55, 55, 50)
    ['a', 'b']
    """
    return [unit for a, _, unit in line[_ending(line, first - window) :] if a - window <= last]


def near(line: Line, time: int) -> list[Interval]:
    """The intervals that hold a time; where none does, the one before it and the one after.

    What lies beyond these is no neighbour, however near it is: a repeat goes on with the occurrence before it alone.

    >>> near(((0, 5, "a"), (7, 7, "b"), (20, 20, "c")), 9)
    [(7, 7, 'b'), (20, 20, 'c')]
    """
    place = _ending(line, time)
    holding = [interval for interval in line[place : place + SHORT] if interval[0] <= time]
    return holding or list(line[max(0, place - 1) : place + 1])


def _ending(line: Line, time: int) -> int:
    """How many of the line's intervals end before the time."""
    if len(line) > SHORT:
        return bisect_left(line, time, key=_last)
    place = 0
    for interval in line:
        if interval[1] >= time:
            break
        place += 1
    return place


def rename(line: Line, old: str, new: str) -> Line:
    """The line with what unit ``old`` holds held by ``new``."""
    return tuple(sorted(((a, b, new if unit == old else unit) for a, b, unit in line), key=_order))


def without(line: Line, unit: str) -> Line:
    """The line without the unit."""
    return tuple(interval for interval in line if interval[2] != unit)
