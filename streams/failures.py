"""When failing events are to blame, and when the fold is: beyond a bound the worker stops without committing."""

from __future__ import annotations

from collections import Counter
from typing import Final

FAILED: Final = "failed"
IN_A_ROW: Final = 100
SHARE: Final = 0.01
SAMPLE: Final = 1_000
"""An event on which the fold fails is a dead letter; more than these, and the fault is ours."""


class TooManyFailures(Exception):
    """The fold fails on too many events for the events to be to blame."""


class Failures:
    """Watches how often the fold fails on an event."""

    def __init__(self) -> None:
        self._in_a_row = 0

    def good(self) -> None:
        """An event was folded."""
        self._in_a_row = 0

    def failed(self, counts: Counter[str], reason: str) -> TooManyFailures | None:
        """An event was not folded, and is counted in ``counts``. What to raise where that is beyond a bound."""
        self._in_a_row += 1
        total = sum(counts.values())
        if self._in_a_row >= IN_A_ROW or (total >= SAMPLE and counts[FAILED] > SHARE * total):
            return TooManyFailures(
                f"the fold failed on {counts[FAILED]} of {total} events, {self._in_a_row} of them in a row; "
                f"the last: {reason}"
            )
        return None
