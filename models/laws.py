"""The laws of scores as rows: what was counted by bin, and from enough of it a new law, in force from then on.

Of the units with p < ``GUARD`` no more than twice the share that should have one teach.
"""

from __future__ import annotations

from bisect import bisect_left
from functools import lru_cache
from math import inf

from models.base import Row, Store
from models.curve import BINS, Curve, Fit, bin_of

GUARD = 1e-4
"""Units with a smaller p teach only to a share, once a law is trusted."""

EVER = 1 << 62
"""A minute in which the newest law is in force."""

Bins = dict[int, list[int]]
"""Units by bin: those that teach, and those with p < ``GUARD``."""

_TRUSTED = 5_000.0  # weight from which on a p below the guard is believed to be one
_ADMITTED = 2e-4  # units with p < GUARD, as a share of the others, that are counted nevertheless
_FARTHEST = 2.0  # times the score at the guard: as what such a one counts, at most, so that no value moves the tail
_YOUNG_MOST = 8.0  # the same while the law is not trusted: one absurd score would be half of a young tail
_BATCH = 256  # units that make a new law

# "p|NAME": units since the last law; of these, p < GUARD; what may be admitted of such. Then bin, plain units, others.
_PENDING: Row = (0, 0, 0.0)
# "b|NAME": minute from which on it holds, then bin and weight. "o|NAME": the law before that.


class Laws:
    """The laws of a domain by name, over the rows of ``store`` whose keys begin with "p|", "b|" or "o|".

    ``half_life``: units after which a unit counts half.
    """

    def __init__(self, store: Store, half_life: float, fit: Fit) -> None:
        self._rows = store
        self._half_life = half_life
        self._fit = fit
        self._curves: dict[str, tuple[Row, Curve]] = {}  # worked out from rows, by their keys
        self.empty = Curve((0.0,) * BINS, fit)

    def curve(self, of: str, minute: int) -> Curve:
        """The law in force in that minute; ``empty`` if there is none yet."""
        key, before = _law_keys(of)
        law = self._rows.get(key)
        if law is None:
            return self.empty
        if law[0] > minute:
            key = before
            law = self._rows.get(key)
            if law is None:
                return self.empty
        known = self._curves.get(key)
        if known is None or known[0] is not law:
            body = [0.0] * BINS
            for at in range(1, len(law), 2):
                body[law[at]] = law[at + 1]
            known = self._curves[key] = (law, Curve(body, self._fit))
        return known[1]

    def add(self, of: str, counts: Bins, now: int) -> None:
        """Learn units of minutes before ``now``: from enough of them on there is a new law, in force after that one."""
        rows = self._rows
        key = "p|" + of
        units, flagged, budget, *listed = rows.get(key, _PENDING)
        for place, (plain, odd) in counts.items():
            units += plain
            flagged += odd
            at = 3 * bisect_left(listed[::3], place)
            if at < len(listed) and listed[at] == place:
                listed[at + 1] += plain
                listed[at + 2] += odd
            else:
                listed[at:at] = place, plain, odd
        if units + flagged < _BATCH:
            rows[key] = (units, flagged, budget, *listed)
            return
        allowed = min(budget + _ADMITTED * units, 1.0 + _ADMITTED * units)
        share = min(1.0, allowed / flagged) if flagged else 0.0
        rows[key] = (0, 0, allowed - share * flagged)
        law = rows.get("b|" + of)
        if law is not None:
            rows["o|" + of] = law
        keep = 0.5 ** ((units + flagged) / self._half_life)
        body = {} if law is None else {law[at]: law[at + 1] * keep for at in range(1, len(law), 2)}
        for at in range(0, len(listed), 3):
            place = listed[at]
            body[place] = body.get(place, 0.0) + listed[at + 1] + share * listed[at + 2]
        rows["b|" + of] = (now + 1, *(n for place in sorted(body) for n in (place, body[place])))


def into(bins: Bins, law: Curve, score: float, p: float) -> None:
    """Count a unit: as far out as it may be, and apart if it is one that is admitted sparingly."""
    flagged = False
    most = _YOUNG_MOST
    if law.weight >= _TRUSTED:
        flagged = p < GUARD
        most = _FARTHEST * law.score(GUARD) if flagged else inf
    place = bin_of(score if score < most else most)
    pair = bins.get(place)
    if pair is None:
        pair = bins[place] = [0, 0]
    pair[flagged] += 1


@lru_cache(maxsize=256)
def _law_keys(of: str) -> tuple[str, str]:
    return "b|" + of, "o|" + of
