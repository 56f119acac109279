"""Feedback: what reviewers say of units moves the level at which a detector's scores are told, never its baselines.

A verdict is on a unit, and counts for the detector that the unit rests on. Per detector there is a Beta posterior of
the share of its units that are worth acting on, whose prior is the average of the domain's other detectors, with as
many made-up verdicts as make ``PRIOR`` of the rarer kind:

    factor = odds (worth acting on | this detector) / odds (worth acting on | the others), within 1 / RANGE .. RANGE

which is what Bayes' rule multiplies the level of a tail probability by. Verdicts count half after ``HALF_LIFE`` days.

**No one alone**: the verdicts of one person on one detector weigh at most as much as those of all others on it, plus
``ALONE``; with nobody else, the factor stays within PRIOR / (PRIOR + ALONE) = 0.625 and 1.6. **No haste**: a factor
moves on days with verdicts only, by at most ``STEP`` a day. **No blindness**: a p at or below ``FLOOR`` is told,
whatever was said. Without new verdicts a factor fades back to 1.

The others' average is that of the verdicts before the day, and a day's move starts where the day before ended: so the
order of a day's verdicts makes no difference, as long as nobody judges one unit twice and no cap on memory is reached
but ``UNITS``.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import exp, log
from typing import Final, NamedTuple

from models.base import Row, Store
from models.keys import row_key

RANGE: Final = 10.0
STEP: Final = 1.25
HALF_LIFE: Final = 30.0
"""Days, of a verdict and of a factor that no verdict confirms."""
PRIOR: Final = 5.0
ALONE: Final = 3.0
FLOOR: Final = 1e-6
UNITS: Final = 32
"""Verdicts that are kept of one person on one detector: the newest; of one day, those with the highest unit ids."""
REVIEWERS: Final = 64
"""People of whom verdicts on one detector are kept; beyond it, who weighs least is forgotten."""
MOVES: Final = 100

WORTH: Final = {"true_positive": 1, "false_positive": 0, "benign": 0}
"""Whether a unit was worth acting on. Any other verdict says nothing of that."""

_AVERAGE = 20.0  # verdicts' worth of certainty, before there are any, that half of a domain's units are
_LEAST = 0.02  # the average is taken to be at least so far from 0 and from 1

# "*": day; detector, verdicts for and against at its beginning, and again. "d|DETECTOR": day, factor at its beginning,
# factor.
# "r|DETECTOR|REVIEWER": unit, day, 1 or 0, and again, by day and unit. "m|DAY|DETECTOR": a move.


class Move(NamedTuple):
    """What the verdicts of one day did to one detector's factor. ``reviewers`` and ``verdicts``: all that counted."""

    day: int
    detector: str
    reviewers: int
    verdicts: int
    before: float
    after: float


class Feedback:
    """The verdicts of one domain and what follows from them, over the caller's rows. Days are any numbers that grow.

    >>> feedback = Feedback({})
    >>> for day, who in enumerate(("ann", "bob", "eve", "ann", "bob", "eve")):
    ...     for unit in range(4):
    ...         move = feedback.judge("rarity", who, f"{day}-{unit}", "false_positive", day)
    >>> [f"{move.before:.2f} to {move.after:.2f}" for move in feedback.moves()]
    ['1.00 to 0.80', '0.80 to 0.64', '0.65 to 0.52', '0.53 to 0.42', '0.43 to 0.34', '0.35 to 0.28']
    >>> feedback.factor("burst", 4), feedback.level(1e-3, "burst", 4)
    (1.0, 0.001)
    """

    def __init__(self, store: Store) -> None:
        self._rows = store

    def judge(self, detector: str, reviewer: str, unit: str, verdict: str | None, day: int) -> Move | None:
        """Count a person's verdict on a unit that rests on the detector; the move, if the factor changed.

        A later verdict of the same person on the same unit takes the place of the earlier one; None, or one that does
        not say what the unit was worth, takes it back. A verdict from before the detector's last day counts by its age.
        """
        if "*" not in self._rows or self._rows["*"][0] < day:
            self._rows["*"] = (day, *self._standing(day))  # before this verdict is among them
        if not self._noted(detector, reviewer, unit, WORTH.get(verdict or ""), day):
            return None
        state = self._rows.get("d|" + detector)
        if state is None:
            now, before, after = day, 1.0, 1.0
        elif state[0] < day:
            now, before = day, _faded(state[2], day - state[0])
            after = before
        else:
            now, before, after = state
        yes, no, reviewers, verdicts = self._counted(detector, now)
        share = self._others(detector)
        prior = PRIOR / min(share, 1.0 - share)
        odds = (yes + prior * share) / (no + prior * (1.0 - share)) * (1.0 - share) / share
        wanted = min(max(odds, 1.0 / RANGE), RANGE)
        to = min(max(wanted, before / STEP), before * STEP)
        self._rows["d|" + detector] = (now, before, to)
        move = Move(now, detector, reviewers, verdicts, before, to)
        self._rows[f"m|{now}|{detector}"] = tuple(move)
        for old in self.moves()[:-MOVES]:
            del self._rows[f"m|{old.day}|{old.detector}"]
        return move if to != after else None

    def factor(self, detector: str, day: int) -> float:
        """What the level of the detector's tail probabilities is multiplied by: 1 is unchanged, above it more is told.

        Between 1 / ``RANGE`` and ``RANGE``.
        """
        state = self._rows.get("d|" + detector)
        return 1.0 if state is None else _faded(state[2], day - state[0])

    def level(self, level: float, detector: str, day: int) -> float:
        """The level at or below which a p of the detector is told, where it is ``level`` without any verdict."""
        return max(level * self.factor(detector, day), min(level, FLOOR))

    def moves(self) -> list[Move]:
        """The last ``MOVES``, one a detector and day, oldest first."""
        return sorted(Move(*row) for key, row in self._rows.items() if key.startswith("m|"))

    def _noted(self, detector: str, reviewer: str, unit: str, worth: int | None, day: int) -> bool:
        """Whether anything changed."""
        key = row_key("r", detector, reviewer)
        row = self._rows.get(key, ())
        entries = {each[0]: each for each in _entries(row)}
        if worth is None:
            if entries.pop(unit, None) is None:
                return False
        else:
            entries[unit] = (unit, day, worth)
        kept = sorted(entries.values(), key=lambda each: (each[1], each[0]))[-UNITS:]
        after: Row = tuple(value for entry in kept for value in entry)
        if after == row:
            return False
        if not after:
            del self._rows[key]
            return True
        self._rows[key] = after
        of = self._of(detector)
        if len(of) > REVIEWERS:
            del self._rows[min((sum(_weights(other, day)), name) for name, other in of)[1]]
        return True

    def _of(self, detector: str) -> list[tuple[str, Row]]:
        """The rows of a detector's reviewers, in an order of their own: sums of floats depend on it."""
        start = row_key("r", detector) + "|"
        return sorted((key, row) for key, row in self._rows.items() if key.startswith(start))

    def _counted(self, detector: str, day: int) -> tuple[float, float, int, int]:
        """Decayed verdicts for and against, no one's weighing more than allowed; people, and verdicts."""
        rows = [row for _, row in self._of(detector)]
        weighed = [_weights(row, day) for row in rows]
        whole = sum(map(sum, weighed))
        yes = no = 0.0
        for mine in weighed:
            own = sum(mine)
            scale = min(1.0, (whole - own + ALONE) / own) if own else 0.0
            yes += scale * mine[0]
            no += scale * mine[1]
        return yes, no, len(rows), sum(len(row) // 3 for row in rows)

    def _standing(self, day: int) -> Iterable[str | float]:
        """Of each detector: name, verdicts for, against."""
        judged = sorted(key[2:] for key in self._rows if key.startswith("d|"))
        return [value for detector in judged for value in (detector, *self._counted(detector, day)[:2])]

    def _others(self, detector: str) -> float:
        """Of the units of the domain's other detectors, the share worth acting on."""
        of = self._rows["*"][1:]
        counted = [(yes, no) for name, yes, no in zip(of[::3], of[1::3], of[2::3], strict=True) if name != detector]
        yes, no = sum(each[0] for each in counted), sum(each[1] for each in counted)
        share: float = (yes + _AVERAGE / 2) / (yes + no + _AVERAGE)
        return min(max(share, _LEAST), 1.0 - _LEAST)


def _entries(row: Row) -> Iterable[tuple[str, int, int]]:
    return zip(row[::3], row[1::3], row[2::3], strict=True)


def _weights(row: Row, day: int) -> tuple[float, float]:
    """Of a person's verdicts, for and against."""
    found = [0.0, 0.0]
    for _, then, worth in _entries(row):
        found[1 - worth] += _kept(max(0, day - then))
    return found[0], found[1]


def _faded(factor: float, days: int) -> float:
    return factor if days <= 0 else exp(log(factor) * _kept(days))


def _kept(days: int) -> float:
    kept: float = 0.5 ** (days / HALF_LIFE)
    return kept
