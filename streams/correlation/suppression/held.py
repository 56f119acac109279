"""What the alert budget holds back: units that rest on models alone, and that the domain can't afford to show.

A unit is ruled on when its first revision is due, and again where its tail probability has fallen by a decade since. It
is in the queue for good, whatever the budget says, as soon as it holds a finding, a detection or a rule's match, or a
person joined something to it, escalated it or asked for it back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, NamedTuple

from schemas.unit import Factor, Suppression
from streams.correlation.instants import at
from streams.correlation.rows import SignalRow, UnitRow
from streams.correlation.signal import RULES
from streams.correlation.suppression.thresholds import DAY_MS

BUDGET: Final = "alert-budget"
"""In the place of a pattern."""

AGAIN: Final = 0.1
"""A unit that was held back is ruled on again when its p is at or below this part of what it was."""

RELEASED: Final = "it does not rest on models alone any more, or somebody asked for it"
PASSED: Final = "it is improbable enough now to be shown"

_ASKED: Final = frozenset({"unsuppress", "escalate", "merge"})

Rule = Callable[[str, float, int], tuple[bool, float, int | None]]
"""Rules on a unit by its id, p and the log's day: whether it is shown, the level that p was held against (1 where no
level holds yet), and its rank in the overflow of the day, where it is beyond the cap."""


class Ruled(NamedTuple):
    """How a unit stands with the budget; kept in its row."""

    p: float
    shown: bool
    level: float
    rank: int | None
    log_time: int


def held(
    row: UnitRow, signals: Sequence[SignalRow], reviews: Iterable[str], log_time: int, rule: Rule
) -> tuple[Ruled | None, Suppression | None]:
    """How the unit stands with the budget, and what holds it back; nothing where the budget does not concern it.

    ``reviews``: the kinds of the reviews that it has.
    """
    before = Ruled(*row.ruled) if row.ruled else None
    p = _of_models_alone(signals)
    if p is None or row.pins or not _ASKED.isdisjoint(reviews):
        return None, None
    if before is None or (not before.shown and p <= before.p * AGAIN):
        before = Ruled(p, *rule(row.unit_id, p, log_time // DAY_MS), log_time)
    return before, None if before.shown else _told(before)


def better(one: tuple[Any, ...], other: tuple[Any, ...]) -> tuple[Any, ...]:
    """Of two rulings on what is one unit now, the one that holds: shown before held back, then the lower p."""
    if not one or not other:
        return one or other
    return min(one, other, key=lambda each: (not each[1], each[0], each[4]))


def _of_models_alone(signals: Sequence[SignalRow]) -> float | None:
    """The lowest p; None if there is anything that no model said, or nothing at all."""
    if not signals or any(signal.kind != "anomaly" or signal.source == RULES for signal in signals):
        return None
    return min(signal.p for signal in signals)


def _told(ruled: Ruled) -> Suppression:
    factors = [Factor(name="p", value=ruled.p, text=f"the lowest tail probability of its signals is {ruled.p:.2g}")]
    if ruled.p > ruled.level:
        reason = f"{ruled.p:.2g} is more than the {ruled.level:.2g} that may be shown among so many tests"
        factors.append(Factor(name="level", value=ruled.level, text=f"shown is what is at or below {ruled.level:.2g}"))
    else:
        place = "low in" if ruled.rank is None else f"number {ruled.rank} of"
        reason = f"the domain has shown its units of the day; {place} the overflow when it came"
        factors.append(Factor(name="rank", value=ruled.rank or 0, text=reason))
    return Suppression(
        pattern=BUDGET,
        title="Unusual activity beyond the alert budget",
        owner="weir",
        reason=reason,
        evidence=tuple(factors),
        since=at(ruled.log_time),
        expires=None,
    )
