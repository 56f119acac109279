"""What is known of a pattern: verdicts, outcomes and days, kept so that the order in which they came decides nothing.

Times are event times in ms, except those named ``*_log``.
"""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple, cast

from schemas.unit import Factor
from streams.correlation.suppression.posterior import CERTAINTY, below, upper
from streams.correlation.suppression.thresholds import (
    DAY_MS,
    EACH,
    ESCALATED,
    IDLE,
    IDLE_MOST,
    QUIET_MS,
    Thresholds,
)
from streams.correlation.table import Table

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
OF_ONE: Final = 64
"""Newest verdicts kept of one reviewer on one pattern."""
OF_ALL: Final = 512
DAYS: Final = 64
ESCALATIONS: Final = 16
RATE_FIGURES: Final = 3
HOUR_MS: Final = 3_600_000
REMEMBERED: Final = 4_096
"""Tallies that are remembered; then all are forgotten."""

Entry = tuple[int, str, str, str, int, float, int]
"""Time, review id, reviewer, unit id, 1 actionable / 0 not / -1 no word on it, and rate and hours the unit showed."""


class Tally(NamedTuple):
    """The evidence on a pattern as of a time, decayed, and no reviewer far ahead of the others."""

    actionable: float
    benign: float
    verdicts: int
    reviewers: int
    fresh: int
    """Verdicts that it was nothing, since the time asked for."""
    idle: float
    days: int
    escalations: int
    last: int | None
    rate: float
    """The highest rate an hour that was judged to be nothing."""

    @property
    def upper(self) -> float:
        """The share of such units worth acting on is below this with 95 % certainty."""
        return upper(self.actionable + ESCALATED * self.escalations, self.benign + self.idle)

    def lacking(self, thresholds: Thresholds) -> str | None:
        """What is missing for a suppression, in words; None if nothing is."""
        if self.escalations:
            return f"escalated {_times(self.escalations)} in the last {QUIET_MS // DAY_MS} days"
        if self.reviewers < thresholds.reviewers:
            return f"judged by {self.reviewers} of the {thresholds.reviewers} reviewers it takes"
        if self.days < thresholds.days:
            return f"seen on {self.days} of the {thresholds.days} days it takes"
        if not self.fresh:
            return "no verdict since the last suppression began"
        if self.sure_below(thresholds.actionable) < CERTAINTY:
            return f"not sure enough that less than {thresholds.actionable:.1%} of such units are worth acting on"
        return None

    def sure_below(self, share: float) -> float:
        """How sure it is that less than this share of such units is worth acting on, 0 to 1."""
        return below(share, 1 + self.actionable + ESCALATED * self.escalations, 1 + self.benign + self.idle)

    def factors(self) -> tuple[Factor, ...]:
        """In words, with the numbers."""
        last = "" if self.last is None else f", the last on {_date(self.last)}"
        most = self.upper
        return (
            Factor(
                name="actionable",
                value=round(most, 4),
                text=f"with {CERTAINTY:.0%} certainty at most {most:.1%} of such units are worth acting on",
            ),
            Factor(
                name="verdicts",
                value=self.verdicts,
                text=f"{self.verdicts} verdicts, which weigh {_weight(self.benign)} that it was nothing and "
                f"{_weight(self.actionable)} that it was something, by hours judged and age, nobody far ahead of "
                f"the others{last}",
            ),
            Factor(name="reviewers", value=self.reviewers, text=f"judged by {self.reviewers} people"),
            Factor(name="days", value=self.days, text=f"seen on {self.days} different days"),
            Factor(name="escalations", value=self.escalations, text=f"escalated {_times(self.escalations)}"),
            Factor(
                name="idle",
                value=round(self.idle, 4),
                text=f"closed with nobody looking counts as {_weight(self.idle)} verdicts that it was nothing",
            ),
        )


class Evidence:
    """Reads and writes the tables ``verdicts``, ``outcomes`` and ``repeats``, whose key is the pattern's id.

    Nothing is kept of a pattern that was never ``seen``.
    """

    def __init__(self, verdicts: Table, outcomes: Table, repeats: Table) -> None:
        self.verdicts = verdicts  # entries, sorted
        self.outcomes = outcomes  # ((day, units closed idle), ...), ((time, review id), ...) of escalations
        self.repeats = repeats  # words, days
        self._tallies: dict[tuple[str, int, Thresholds, int | None, int | None], Tally] = {}

    def index(self) -> None:
        """Rows were put back by somebody else."""
        self._tallies.clear()

    def seen(self, pattern: str, words: str, days: tuple[int, ...]) -> bool:
        """Note the days on which the pattern came; whether that was new."""
        row = cast("tuple[str, tuple[int, ...]] | None", self.repeats.get(pattern))
        known = () if row is None else row[1]
        if row is not None and all(day in known for day in days):
            return False
        after = tuple(sorted({*known, *days})[-DAYS:])
        if row is not None and after == known:
            return False
        self.repeats[pattern] = (words, after)
        self._tallies.clear()
        return True

    def words(self, pattern: str) -> str:
        """What the pattern is, for a reader."""
        row = self.repeats.get(pattern)
        return pattern if row is None else row[0]

    def verdict(self, pattern: str, entry: Entry) -> None:
        """Note a verdict. Of several by one reviewer on one unit the last holds, by time and id."""
        if pattern not in self.repeats:
            return  # forgotten since
        before = cast("tuple[Entry, ...]", self.verdicts.get(pattern, ()))
        _, _, reviewer, unit_id, _, rate, hours = entry
        entry = (*entry[:5], float(f"{rate:.{RATE_FIGURES}g}"), hours)
        kept = []
        for other in before:
            if other[2] == reviewer and other[3] == unit_id:
                if other[:2] >= entry[:2]:
                    return
            else:
                kept.append(other)
        kept.append(entry)
        self.verdicts[pattern] = _newest(kept)
        self._tallies.clear()

    def idle(self, pattern: str, day: int) -> None:
        """A unit of this pattern was closed with nobody looking."""
        if pattern not in self.repeats:
            return
        closed, escalated = self.outcomes.get(pattern, ((), ()))
        count = dict(closed)
        count[day] = count.get(day, 0) + 1
        self.outcomes[pattern] = (tuple(sorted(count.items())[-DAYS:]), escalated)
        self._tallies.clear()

    def escalated(self, pattern: str, time: int, review: str) -> None:
        """A unit of this pattern was escalated."""
        if pattern not in self.repeats:
            return
        closed, escalated = self.outcomes.get(pattern, ((), ()))
        self.outcomes[pattern] = (closed, tuple(sorted({*escalated, (time, review)})[-ESCALATIONS:]))
        self._tallies.clear()

    def tally(self, pattern: str, at: int, thresholds: Thresholds, after: int | None, fresh: int | None) -> Tally:
        """The evidence as of the hour of ``at``; of verdicts those after ``after``. ``fresh``: see ``Tally.fresh``.

        By the hour, since a unit that is revised every few seconds asks again and again.
        """
        hour = at // HOUR_MS * HOUR_MS
        key = (pattern, hour, thresholds, after, fresh)
        found = self._tallies.get(key)
        if found is None:
            if len(self._tallies) >= REMEMBERED:
                self._tallies.clear()
            found = self._tallies[key] = self._tally(pattern, hour, thresholds, after, fresh)
        return found

    def _tally(self, pattern: str, at: int, thresholds: Thresholds, after: int | None, fresh: int | None) -> Tally:
        mine: dict[str, list[float]] = {}
        said: Counter[str] = Counter()
        verdicts = newer = 0
        last: int | None = None
        rate = 0.0
        for time, _, reviewer, _, worth, judged, hours in cast("tuple[Entry, ...]", self.verdicts.get(pattern, ())):
            if worth < 0 or (after is not None and time <= after):
                continue
            weights = mine.setdefault(reviewer, [0.0, 0.0])
            weights[worth] += min(hours, thresholds.hours) * 0.5 ** (max(0, at - time) / thresholds.half_life_ms)
            verdicts += 1
            last = time if last is None else max(last, time)
            if not worth:
                said[reviewer] += 1
                rate = max(rate, judged)
                newer += fresh is None or time > fresh
        actionable, benign = (
            _together([mine[reviewer][worth] for reviewer in sorted(mine)], thresholds.reviewer_lead)
            for worth in (1, 0)
        )
        closed, escalated = self.outcomes.get(pattern, ((), ()))
        floor = at - QUIET_MS
        idle = sum(count for day, count in closed if (after is None or day * DAY_MS > after) and day * DAY_MS > floor)
        return Tally(
            actionable=actionable,
            benign=benign,
            verdicts=verdicts,
            reviewers=sum(count >= EACH for count in said.values()),
            fresh=newer,
            idle=min(IDLE_MOST, IDLE * idle),
            days=len(self.repeats[pattern][1]) if pattern in self.repeats else 0,
            escalations=sum(time > floor for time, _ in escalated),
            last=last,
            rate=rate,
        )

    def forget(self, pattern: str) -> None:
        """Drop all of it."""
        for table in (self.verdicts, self.outcomes, self.repeats):
            table.discard(pattern)
        self._tallies.clear()


def _newest(entries: list[Entry]) -> tuple[Entry, ...]:
    """At most ``OF_ONE`` of each reviewer and ``OF_ALL`` in all, in order."""
    count: dict[str, int] = {}
    kept: list[Entry] = []
    for entry in sorted(entries, reverse=True):
        count[entry[2]] = count.get(entry[2], 0) + 1
        if count[entry[2]] <= OF_ONE and len(kept) < OF_ALL:
            kept.append(entry)
    return tuple(reversed(kept))


def _together(weights: list[float], lead: float) -> float:
    """The sum, where nobody counts for more than all others together and ``lead``."""
    total = sum(weights)
    return sum(min(own, total - own + lead) for own in weights)


def _weight(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")


def _times(count: int) -> str:
    return {0: "never", 1: "once"}.get(count, f"{count} times")


def _date(time: int) -> str:
    return f"{_EPOCH + timedelta(milliseconds=time):%Y-%m-%d}"
