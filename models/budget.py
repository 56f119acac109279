"""How many units a domain may show: a budget of false discoveries, then so many a day.

**Levels**: LORD with decaying memory (Rebjock, Kurt, Januschowski and Callot, "Online false discovery rate control for
anomaly detection in time series", NeurIPS 2021, arXiv 2112.03196). The level of test t is

    alpha (eta max(g(t), 1 - delta) + sum over earlier discoveries r of delta^(t - r) g(t - r))

with g(j) = 0.0772 log(max(j, 2)) / (j e^sqrt(log j)), which sums to 1 (Javanmard and Montanari, Annals of Statistics
46, 2018). Recent discoveries raise the level, none lowers it below ``alpha eta (1 - delta)``: a quiet year does not
make the next attack invisible.

**Cap**: what the levels let through beyond ``cap`` a day is overflow: kept, and ranked by p.

A test is what a p is calibrated over (``models.calibration``: a principal's minute), not an event, as one burst has
thousands; those that nobody asks about were tests too, so the caller says how many there were. The rate of false ones
among the shown is an average that holds from about five true ones in 10,000 tests: below that, the lowest level alone
lets more false ones through than true ones.
"""

from __future__ import annotations

from functools import lru_cache
from math import exp, log, sqrt
from typing import NamedTuple

from models.base import Row, Store

_REACH = 8192  # tests after which a discovery no longer counts
_FORGOTTEN = 1e-4
_C = 0.07720838


class Ruling(NamedTuple):
    """What becomes of one unit. ``rank``: of the overflow of its day, most significant first, 1 is the first."""

    discovery: bool  # its p is at or below the level of the test
    shown: bool  # and the day's cap is not reached
    level: float
    rank: int | None = None


class Budget:
    """The budget of one domain, over the caller's rows.

    ``rate``: the share of false discoveries aimed at. ``delta``: the memory, about 1 / (1 - delta) tests. ``cap``:
    discoveries shown a day; ``kept``: of a day's overflow, the most that are listed, the least significant give way.
    ``remembered``: discoveries that count at once; beyond it the oldest are forgotten, which only lowers levels.

    >>> budget = Budget({}, cap=1)
    >>> units = (("a", 0.4), ("b", 1e-9), ("c", 1e-7), ("d", 1e-8))
    >>> [budget.rule(unit, p, 0, test).shown for test, (unit, p) in enumerate(units, 1)]
    [False, True, False, False]
    >>> budget.overflow(0)
    [('d', 1e-08), ('c', 1e-07)]
    """

    def __init__(
        self,
        store: Store,
        rate: float = 0.10,
        eta: float = 0.5,
        delta: float = 0.9995,
        cap: int = 100,
        kept: int = 1_000,
        remembered: int = 256,
    ) -> None:
        self.rate = rate
        self.eta = eta
        self.delta = delta
        self.cap = cap
        self.kept = kept
        self.remembered = remembered
        self._rows = store

    def level(self, test: int) -> float:
        """The level of a test, by its number from 1 on."""
        weights = _weights(self.delta)
        level = self.eta * max(_gamma(test), 1.0 - self.delta)
        for then in self._rows.get("found", ()):
            if 0 < test - then < len(weights):
                level += weights[test - then]
        return self.rate * level

    def rule(self, unit: str, p: float, day: int, test: int | None) -> Ruling:
        """Rule on a unit at its p, and count it against the day (any number that grows).

        ``test``: the number of the newest test; None where p is no calibrated one, and the cap alone decides.
        """
        level = 1.0 if test is None else self.level(test)
        if p > level:
            return Ruling(False, False, level)
        if test is not None:
            found = [then for then in self._rows.get("found", ()) if 0 < test - then < len(_weights(self.delta))]
            self._rows["found"] = tuple([*found, test][-self.remembered :])
        today, shown, over = self._rows.get("day", (day, 0, 0))
        if today < day:
            for _, other in self._listed():
                del self._rows["over|" + other]
            today, shown, over = day, 0, 0
        if shown < self.cap:
            self._rows["day"] = (today, shown + 1, over)
            return Ruling(True, True, level)
        self._rows["day"] = (today, shown, over + 1)
        self._rows["over|" + unit] = (p,)
        listed = sorted(self._listed())
        for _, least in listed[self.kept :]:
            del self._rows["over|" + least]
        rank = listed.index((p, unit)) + 1
        return Ruling(True, False, level, rank if rank <= self.kept else None)

    def used(self) -> tuple[int, int, int]:
        """Of the newest day: its number, the units shown, and those beyond the cap."""
        day, shown, over = self._rows.get("day", (0, 0, 0))
        return day, shown, over

    def overflow(self, day: int) -> list[tuple[str, float]]:
        """Units of the day beyond the cap, most significant first, with their p."""
        row: Row = self._rows.get("day", (day, 0, 0))
        return [(unit, p) for p, unit in sorted(self._listed())] if row[0] == day else []

    def _listed(self) -> list[tuple[float, str]]:
        return [(row[0], key[5:]) for key, row in self._rows.items() if key.startswith("over|")]


def _gamma(test: int) -> float:
    if test >= _REACH:
        return 0.0
    return _C * log(max(test, 2)) / (test * exp(sqrt(log(test))))


@lru_cache(maxsize=8)
def _weights(delta: float) -> tuple[float, ...]:
    """What a discovery adds to the level, by the tests since."""
    reach = min(_REACH, int(log(_FORGOTTEN) / log(delta)) + 1)
    return (0.0, *(delta**gap * _gamma(gap) for gap in range(1, reach)))
