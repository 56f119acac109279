"""The time line of one entity: when signals carried it, as disjoint intervals, each held by one unit.

Two signals with the entity are linked if at most ``window`` ms lie between them. The intervals are the connected
components of that relation on a line, so they are the same whatever order the signals come in.
"""

from __future__ import annotations

Interval = tuple[int, int, str]
"""First and last event time (ms), and the unit that holds it."""

Line = tuple[Interval, ...]


def insert(line: Line, time: int, window: int, unit: str) -> tuple[Line, list[str]]:
    """Put a signal of ``unit`` at ``time`` on the line.

    Returns the new line, and the other units whose intervals it touched: they are linked to ``unit`` now, and the
    merged interval is held by ``unit``; the caller merges the units.

    >>> insert(((0, 10, "a"), (100, 100, "b")), 55, 50, "c")
    (((0, 100, 'c'),), ['a', 'b'])
    >>> insert(((0, 10, "a"),), 90, 50, "c")
    (((0, 10, 'a'), (90, 90, 'c')), [])
    """
    first, last = time, time
    before: list[Interval] = []
    after: list[Interval] = []
    touched: list[str] = []
    for interval in line:
        if interval[1] < time - window:
            before.append(interval)
        elif interval[0] > time + window:
            after.append(interval)
        else:
            first, last = min(first, interval[0]), max(last, interval[1])
            if interval[2] != unit and interval[2] not in touched:
                touched.append(interval[2])
    return (*before, (first, last, unit), *after), touched


def touched(line: Line, time: int, window: int) -> list[str]:
    """The units that a signal at ``time`` is linked to by this entity, each once for every interval.

    >>> touched(((0, 10, "a"), (100, 100, "b")), 55, 50)
    ['a', 'b']
    """
    return [unit for first, last, unit in line if first - window <= time <= last + window]


def rename(line: Line, old: str, new: str) -> Line:
    """The line with every interval of unit ``old`` held by ``new``."""
    return tuple((a, b, new if unit == old else unit) for a, b, unit in line)
