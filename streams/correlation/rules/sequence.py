"""Windows that ask for steps one after the other, each so many times.

A window begins with a hit of the first step and ends with one of the last. One event takes one place, also if it meets
several steps. Events of one instant follow each other in whatever order serves: a clock of whole seconds says nothing
finer.
"""

from __future__ import annotations

from collections.abc import Sequence

from streams.correlation.rules.hit import STEPS, TIME, Hit, since
from streams.correlation.rules.sliding import Span

_NEVER = -(2**62)


class Sequenced:
    """``least[n]`` hits of the n-th step after those of the step before."""

    def __init__(self, least: Sequence[int], timespan: int) -> None:
        self.timespan = timespan
        self.places = tuple(1 << step for step, times in enumerate(least) for _ in range(times))
        self.last = 1 << len(least) - 1
        self._by_mask: dict[int, tuple[int, ...]] = {}

    def reach(self, hits: Sequence[Hit], place: int) -> Span | None:
        """See ``sliding.Window``."""
        time = hits[place][TIME]
        if place + 1 == len(hits) and not hits[place][STEPS] & self.last:
            return None
        begin = since(hits, time - self.timespan)
        end = since(hits, time + self.timespan + 1)
        latest = [_NEVER] * (len(self.places) + 1)  # by length of chain, the latest begin of one that is complete
        first = last = None
        at = begin
        while at < end:
            now = hits[at][TIME]
            ending = hits[at][STEPS] & self.last
            until = at + 1
            while until < end and hits[until][TIME] == now:
                ending |= hits[until][STEPS] & self.last
                until += 1
            if until - at == 1:
                self._append(latest, hits[at][STEPS], now)
            else:
                self._extend(latest, [hit[STEPS] for hit in hits[at:until]], now)
            at = until
            if not ending or now < time or now - latest[-1] > self.timespan:
                continue
            opening = self._opening(hits, max(begin, since(hits, now - self.timespan)), until)
            if opening <= time:
                first, last = opening if first is None else min(first, opening), now
        return None if first is None or last is None else (first, last)

    def _append(self, latest: list[int], mask: int, now: int) -> None:
        """Chains with one hit added."""
        for length in self._takes(mask):
            begun = now if length == 1 else latest[length - 1]
            if begun > latest[length]:
                latest[length] = begun

    def _extend(self, latest: list[int], masks: Sequence[int], now: int) -> None:
        """Chains with the hits of one instant added."""
        if all(mask & mask - 1 == 0 for mask in masks):  # each meets one step, and they are in the order of the steps
            for mask in masks:
                self._append(latest, mask, now)
            return
        before = [now, *latest[1:]]
        for length, begun in enumerate(before):
            if begun == _NEVER:
                continue
            taken: dict[int, int] = {}  # hit -> place
            for place in range(length, len(self.places)):
                if not self._fits(place, masks, taken, set()):
                    break
                latest[place + 1] = max(latest[place + 1], begun)

    def _takes(self, mask: int) -> tuple[int, ...]:
        """The places, from 1, that a hit can take, the last first: so that it takes one of a chain."""
        found = self._by_mask.get(mask)
        if found is None:
            numbered = range(len(self.places), 0, -1)
            found = self._by_mask[mask] = tuple(n for n in numbered if mask & self.places[n - 1])
        return found

    def _fits(self, place: int, masks: Sequence[int], taken: dict[int, int], tried: set[int]) -> bool:
        """Find a hit for a place, moving others to other hits where that helps (Kuhn's augmenting path)."""
        for number, mask in enumerate(masks):
            if not mask & self.places[place] or number in tried:
                continue
            tried.add(number)
            if number not in taken or self._fits(taken[number], masks, taken, tried):
                taken[number] = place
                return True
        return False

    def _opening(self, hits: Sequence[Hit], begin: int, end: int) -> int:
        """The time of the first hit of the first step: since a chain to ``end`` begins later, one begins there."""
        return next(hits[at][TIME] for at in range(begin, end) if hits[at][STEPS] & 1)

    def ends(self, hits: Sequence[Hit]) -> set[int]:
        """Every beginning of the chain as late as it goes, every end as early as it goes.

        Exact for what then comes beyond the run; what comes late into it may find fewer hits than there were.
        """
        length = len(self.places)
        out: set[int] = set()
        for size in range(1, length + 1):
            out |= self._chain(hits, range(size - 1, -1, -1), range(len(hits) - 1, -1, -1))
            out |= self._chain(hits, range(length - size, length), range(len(hits)))
        return out

    def _chain(self, hits: Sequence[Hit], wanted: Sequence[int], order: Sequence[int]) -> set[int]:
        out: set[int] = set()
        steps = iter(wanted)
        step = next(steps, None)
        for at in order:
            if step is None:
                break
            if hits[at][STEPS] & self.places[step]:
                out.add(at)
                step = next(steps, None)
        return out
