"""Windows that ask only what lies within them, in whatever order: so many hits, so many values, all the steps.

Each says how far windows with a certain hit reach. A window is any stretch of event time of at most the timespan, both
ends included; it asks less of a longer stretch than of a shorter one within it, so for each beginning only the longest
is tried.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from operator import itemgetter
from typing import Protocol

from streams.correlation.rules.hit import STEPS, TIME, VALUES, Hit, since

Span = tuple[int, int]
"""First and last event time, ms."""


class Window(Protocol):
    """What one rule asks of a window."""

    def reach(self, hits: Sequence[Hit], place: int) -> Span | None:
        """The span of all windows that hold what is asked and the hit at ``place``; None if there is no such window."""

    def ends(self, hits: Sequence[Hit]) -> set[int]:
        """Places of the hits of one run on which it depends which windows reach beyond it."""


class Count:
    """``least`` hits."""

    def __init__(self, least: int, timespan: int) -> None:
        self.least = least
        self.timespan = timespan

    def reach(self, hits: Sequence[Hit], place: int) -> Span | None:
        """See ``Window``."""
        time = hits[place][TIME]
        begin = since(hits, time - self.timespan)
        if place + 1 == len(hits):
            return (hits[begin][TIME], time) if len(hits) - begin >= self.least else None
        first = last = None
        end = place
        for start in range(begin, place + 1):
            until = hits[start][TIME] + self.timespan
            while end < len(hits) and hits[end][TIME] <= until:
                end += 1
            if end - start >= self.least:
                first, last = hits[start][TIME] if first is None else first, hits[end - 1][TIME]
        return None if first is None or last is None else (first, last)

    def ends(self, hits: Sequence[Hit]) -> set[int]:
        """The outermost."""
        return {*range(min(self.least, len(hits))), *range(max(0, len(hits) - self.least), len(hits))}


class _Tally:
    """Counts by label, and how many labels have their fill."""

    def __init__(self, least: dict[int | str, int] | None) -> None:
        self.least = least
        self.counts: Counter[int | str] = Counter()
        self.filled = 0

    def add(self, labels: Iterable[int | str]) -> None:
        for label in labels:
            self.counts[label] += 1
            if self.counts[label] == (self.least[label] if self.least else 1):
                self.filled += 1

    def drop(self, labels: Iterable[int | str]) -> None:
        for label in labels:
            if self.counts[label] == (self.least[label] if self.least else 1):
                self.filled -= 1
            self.counts[label] -= 1


class _Labelled:
    """So many labels, each often enough."""

    def __init__(
        self,
        labels: int,
        of: Callable[[Hit], Sequence[int | str]],
        least: dict[int | str, int] | None,
        timespan: int,
    ) -> None:
        self.labels = labels
        self.of = of  # the labels of a hit
        self.least = least
        self.timespan = timespan

    def reach(self, hits: Sequence[Hit], place: int) -> Span | None:
        """See ``Window``."""
        time = hits[place][TIME]
        begin = since(hits, time - self.timespan)
        if place + 1 == len(hits):
            return self._newest(hits, begin)
        tally = _Tally(self.least)
        first = last = None
        end = begin
        for start in range(begin, place + 1):
            until = hits[start][TIME] + self.timespan
            while end < len(hits) and hits[end][TIME] <= until:
                tally.add(self.of(hits[end]))
                end += 1
            if tally.filled >= self.labels:
                first, last = hits[start][TIME] if first is None else first, hits[end - 1][TIME]
            tally.drop(self.of(hits[start]))
        return None if first is None or last is None else (first, last)

    def _newest(self, hits: Sequence[Hit], begin: int) -> Span | None:
        """The last hit's own reach, backwards until all is found."""
        counts: dict[int | str, int] = {}
        lacking = self.labels
        for place in range(len(hits) - 1, begin - 1, -1):
            for label in self.of(hits[place]):
                counts[label] = count = counts.get(label, 0) + 1
                if count == (self.least[label] if self.least else 1):
                    lacking -= 1
            if lacking <= 0:
                return hits[begin][TIME], hits[-1][TIME]
        return None

    def ends(self, hits: Sequence[Hit]) -> set[int]:
        """From either end inwards, each label as often as it is asked for, until enough labels were met."""
        out: set[int] = set()
        for places in (range(len(hits)), range(len(hits) - 1, -1, -1)):
            tally = _Tally(self.least)
            for place in places:
                labels = self.of(hits[place])
                if any(tally.counts[label] < (self.least[label] if self.least else 1) for label in labels):
                    out.add(place)
                tally.add(labels)
                if tally.filled >= self.labels:
                    break
        return out


class Distinct(_Labelled):
    """``least`` different values."""

    def __init__(self, least: int, timespan: int) -> None:
        super().__init__(least, itemgetter(VALUES), None, timespan)


class Together(_Labelled):
    """Every step, ``least[n]`` times the n-th."""

    def __init__(self, least: Sequence[int], timespan: int) -> None:
        super().__init__(len(least), self._steps_of, dict(enumerate(least)), timespan)
        self._steps: dict[int, tuple[int, ...]] = {}

    def _steps_of(self, hit: Hit) -> Sequence[int | str]:
        mask = hit[STEPS]
        steps = self._steps.get(mask)
        if steps is None:
            steps = self._steps[mask] = tuple(n for n in range(self.labels) if mask >> n & 1)
        return steps
