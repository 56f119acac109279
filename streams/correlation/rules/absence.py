"""Hits and runs of a group whose rule asks for an event and for the lack of another.

An event is **missed by** an absent step if too few hits of it come within the timespan after it, before it, or around
it; it is told once the watermark has passed the last instant at which they could. Told events at most a timespan apart
are one run. A hit that comes late takes back what it disproves.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from schemas.rule import Side
from streams.correlation.rules import run as runs_of
from streams.correlation.rules.hit import MORE, SOURCE, STEPS, TIME, TOLD, Hit, Hits, since
from streams.correlation.rules.run import LAST, Run


class Settled(NamedTuple):
    """Hits and runs as of a watermark; the hits that became members with it, and those that are none any more."""

    hits: Hits
    runs: tuple[Run, ...]
    added: tuple[Hit, ...]
    removed: tuple[Hit, ...]


class Absence:
    """What one rule asks. ``present`` is the place of its step, ``absent`` place, number and side of the others."""

    def __init__(self, present: int, absent: Sequence[tuple[int, int, Side]], timespan: int) -> None:
        self.present = 1 << present
        self.steps = 1 + len(absent)
        self.timespan = timespan
        before, after = ("before", "around"), ("after", "around")
        self.absent = [
            (1 << step, least, timespan if side in before else 0, timespan if side in after else 0)
            for step, least, side in absent
        ]
        self.wait = max(after for *_, after in self.absent)

    def due(self, hits: Hits, watermark: int) -> int | None:
        """The watermark from which on ``settle`` may say something new; None if hits must come first."""
        times = (hit[TIME] for hit in hits if hit[STEPS] & self.present and not hit[TOLD])
        return min((time + self.wait + 1 for time in times if time + self.wait >= watermark), default=None)

    def settle(self, hits: Hits, base: tuple[Run, ...], watermark: int) -> Settled:
        """Decide on every hit whose time is over, and on those told before, again. ``base``: see ``finish``."""
        out: list[Hit] = []
        added: list[Hit] = []
        removed: list[Hit] = []
        missed: list[Run] = []
        for hit in hits:
            if hit[STEPS] & self.present:
                told = int(hit[TIME] + self.wait < watermark and not self._came(hits, hit[TIME]))
                if told != hit[TOLD]:
                    hit = (*hit[:TOLD], told, hit[MORE])
                    (added if told else removed).append(hit)
                if told:
                    missed.append(runs_of.of((hit,), self.steps))
            out.append(hit)
        return Settled(tuple(out), runs_of.joined((*base, *missed), self.timespan), tuple(added), tuple(removed))

    def finish(self, hits: Hits, base: tuple[Run, ...], oldest: int, room: int) -> tuple[Hits, tuple[Run, ...], bool]:
        """What nothing can change any more goes; told hits become part of ``base``, the runs of what is no hit now.

        ``oldest``: the event time before which no event is taken. Where more than ``room`` hits are left, the oldest
        told ones follow, though a late event might still have disproved them; then the answer's last is true.
        """
        out: list[Hit] = []
        done: list[Run] = []
        for hit in hits:
            if hit[STEPS] & self.present and hit[TIME] + self.wait < oldest:
                if hit[TOLD]:
                    done.append(runs_of.of((hit,), self.steps))
                    continue
                hit = (hit[TIME], hit[STEPS] & ~self.present, *hit[SOURCE:])  # it did come; that is not asked again
            if hit[STEPS] and hit[TIME] + 2 * self.timespan >= oldest:
                out.append(hit)
        out.sort()  # at one instant, a hit that lost a step has another place
        forced = [hit for hit in out if hit[TOLD]][: max(0, len(out) - room)]
        done += [runs_of.of((hit,), self.steps) for hit in forced]
        moved = set(forced)
        left = tuple(hit for hit in out if hit not in moved)
        over = runs_of.joined((*base, *done), self.timespan)
        return left, tuple(run for run in over if run[LAST] + 2 * self.timespan >= oldest), bool(forced)

    def _came(self, hits: Hits, time: int) -> bool:
        """Whether an absent step did come for an event at ``time``."""
        for step, least, before, after in self.absent:
            within = hits[since(hits, time - before) : since(hits, time + after + 1)]
            if len(within) >= least and sum(1 for hit in within if hit[STEPS] & step) >= least:
                return True
        return False
