"""How often each kind of change was shown on units that a reviewer confirmed or rejected, per domain. Pure.

The factor is the log odds with four units of either verdict imagined beforehand, so that a first verdict moves little
(additive smoothing): ``ln((confirmed + 4) / (rejected + 4))``, within one. Old verdicts fade: from ``FULL`` on both
counts are halved. A unit counts once, as its last verdict says: the one before is taken back.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import log
from typing import Final

from streams.correlation.table import Table

SHRINKAGE: Final = 4
LIMIT: Final = 1.0
FULL: Final = 256

UNITS: Final = 1_000
"""Units of which is kept what they counted for; beyond, the ones judged longest ago go, and their verdicts stay."""

SAYS: Final[dict[str, bool]] = {"true_positive": True, "false_positive": False, "benign": False}
"""Verdicts that confirm a unit or reject it; the others say nothing about changes."""


class History:
    """Kind of change -> (confirmed, rejected), in the table ``change_history``.

    ``judged``: unit -> (log ms, whether it was confirmed, kinds), in the table ``change_verdicts``. ``gone`` counts
    under that name the units that went because there were too many.
    """

    def __init__(self, table: Table, judged: Table, gone: Table) -> None:
        self.table = table
        self.judged = judged
        self.gone = gone

    def judge(self, unit: str, kinds: Iterable[str], verdict: str, log_time: int) -> None:
        """A reviewer gave the unit, which shows suspects of these kinds, a verdict; the one before no longer counts."""
        before = self.judged.get(unit)
        says = SAYS.get(verdict)
        if before is not None:
            _, confirmed, counted = before
            if confirmed == says:
                return
            self.note(counted, confirmed, back=True)
            del self.judged[unit]
        named = tuple(sorted(set(kinds)))
        if says is None or not named:
            return
        self.note(named, says)
        self.judged[unit] = (log_time, says, named)
        if len(self.judged) > UNITS:
            del self.judged[min(self.judged, key=lambda key: (self.judged[key][0], key))]
            self.gone[self.judged.name] = (self.gone.get(self.judged.name, (0,))[0] + 1,)

    def note(self, kinds: Iterable[str], confirmed: bool, *, back: bool = False) -> None:
        """A unit that shows suspects of these kinds was confirmed, or rejected; or that is taken ``back``."""
        for kind in sorted(set(kinds)):
            yes, no = self.table.get(kind, (0, 0))
            one = -1 if back else 1
            yes, no = (max(0, yes + one), no) if confirmed else (yes, max(0, no + one))
            if yes + no >= FULL:
                yes, no = yes // 2, no // 2
            self.table[kind] = (yes, no)

    def history(self, kind: str) -> tuple[float, int, int]:
        """The factor for a kind of change, and the counts it comes from."""
        row = self.table.get(kind)
        if row is None:
            return 0.0, 0, 0
        confirmed, rejected = row
        factor = log((confirmed + SHRINKAGE) / (rejected + SHRINKAGE))
        return round(max(-LIMIT, min(LIMIT, factor)), 6), confirmed, rejected
