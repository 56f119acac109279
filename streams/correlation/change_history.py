"""How often each kind of change was shown on units that a reviewer confirmed or rejected, per domain. Pure.

The factor is the log odds with four units of either verdict imagined beforehand, so that a first verdict moves little
(additive smoothing): ``ln((confirmed + 4) / (rejected + 4))``, within one. Old verdicts fade: from ``FULL`` on both
counts are halved.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import log
from typing import Final

from streams.correlation.table import Table

SHRINKAGE: Final = 4
LIMIT: Final = 1.0
FULL: Final = 256


class History:
    """Kind of change -> (confirmed, rejected), in the table ``change_history``."""

    def __init__(self, table: Table) -> None:
        self.table = table

    def note(self, kinds: Iterable[str], confirmed: bool) -> None:
        """A unit that shows suspects of these kinds was confirmed, or rejected, by review. Call once a verdict.

        Confirmed is ``true_positive``, rejected ``false_positive`` or ``benign``; others say nothing about changes.
        """
        for kind in sorted(set(kinds)):
            yes, no = self.table.get(kind, (0, 0))
            yes, no = yes + confirmed, no + (not confirmed)
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
