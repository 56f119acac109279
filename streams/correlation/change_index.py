"""Changes by what they can be found by: for each mark the changes that bear it, by event time. Derived from rows.

Memory follows the changes kept: a mark goes with the last change that bears it.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable
from typing import Final

from streams.correlation.change_content import Mark
from streams.correlation.change_score import SETTLE_MS

_HOUR, _DAY = 3_600_000, 86_400_000
NEAR: Final = 32
"""Of a mark that more changes bear, the nearest this many are looked at: the others have others nearer than them."""

_Entry = tuple[int, str]
_BOTTOM: Final = -(2**63)


class Index:
    """For each mark the (event time, key) of the changes that bear it, ascending."""

    __slots__ = ("by", "since")

    def __init__(self) -> None:
        self.by: dict[Mark, list[_Entry]] = {}
        self.since = 0

    def add(self, marks: Iterable[Mark], time: int, key: str) -> None:
        """Enter a change under its marks."""
        entry = (time, key)
        for mark in marks:
            line = self.by.get(mark)
            if line is None:
                self.by[mark] = [entry]
            elif line[-1] < entry:
                line.append(entry)
            else:
                insort(line, entry)

    def drop(self, marks: Iterable[Mark], time: int, key: str) -> None:
        """Take a change out again."""
        entry = (time, key)
        for mark in marks:
            line = self.by.get(mark)
            if line is None:
                continue
            place = bisect_left(line, entry)
            if place < len(line) and line[place] == entry:
                del line[place]
                if not line:
                    del self.by[mark]

    def count(self, mark: Mark, since: int, until: int) -> int:
        """How many changes of ``since <= time < until`` bear the mark."""
        line = self.by.get(mark)
        return bisect_left(line, (until, "")) - bisect_left(line, (since, "")) if line else 0

    def keys(self, mark: Mark, since: int, until: int) -> list[str]:
        """The keys of the changes of ``since <= time < until`` that bear the mark."""
        line = self.by.get(mark)
        return [key for _, key in line[bisect_left(line, (since, "")) : bisect_left(line, (until, ""))]] if line else []

    def near(self, mark: Mark, since: int, at: int, until: int, most: int) -> list[str]:
        """The same, at most ``most`` of them: of those nearest to ``at``, up to a quarter after it, the rest before."""
        line = self.by.get(mark)
        if not line:
            return []
        low, high = bisect_left(line, (since, "")), bisect_left(line, (until, ""))
        if high - low > most:
            middle = bisect_left(line, (at + 1, ""))
            after = min(high - middle, most // 4)
            low, high = max(low, middle - (most - after)), middle + after
        return [key for _, key in line[low:high]]

    def rate(self, mark: Mark, before: int) -> float:
        """Changes an hour that bore the mark, in the day until ``SETTLE_MS`` before ``before``.

        Where less than a day is known, what is known counts, as six hours at least: one change in the first hour is no
        habit.
        """
        line = self.by.get(mark)
        if line is None:
            return 0.0
        until = before - SETTLE_MS
        high = bisect_left(line, (until, ""))
        if not high or not (number := high - bisect_left(line, (until - _DAY, ""), 0, high)):
            return 0.0
        return number * _HOUR / max(6 * _HOUR, min(_DAY, until - self.since))

    def first(self, mark: Mark) -> int | None:
        """Event time of the first change that bears the mark."""
        line = self.by.get(mark)
        return line[0][0] if line else None
