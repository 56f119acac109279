"""How far a domain is in event time: what is older than this is not expected any more. It never falls.

The least of its sources' watermarks (newest event time less lateness). A source that has been silent for ``IDLE_MS``
of log time is not waited for: a scanner that runs once a day would hold up everything else. Where all are silent, the
log clock counts, less the largest lateness.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from streams.correlation.seen import NEVER, Seen
from streams.correlation.table import Table

MINUTE_MS: Final = 60_000
IDLE_MS: Final = 15 * MINUTE_MS

_STEP_MS: Final = 1_000
"""The row is written again only for so much."""


def hear(table: Table, source: str, log_time: int) -> None:
    """Note that a source is not silent; ``table`` holds by source the minute it was last heard in."""
    minute = (log_time // MINUTE_MS,)
    if table.get(source) != minute:
        table[source] = minute


def watermark(
    table: Table, seen: Mapping[str, Seen], log_time: int, lateness: Mapping[str, int], otherwise: int
) -> int:
    """Event time in ms, kept in the row ``""`` of ``table``. ``lateness`` by source in ms; ``otherwise`` for others."""
    since = (log_time - IDLE_MS) // MINUTE_MS
    least, slowest = NEVER, otherwise
    for source, known in seen.items():
        if known.newest is None:  # nothing was taken from it; an event that failed leaves as much
            continue
        late = lateness.get(source, otherwise)
        slowest = max(slowest, late)
        heard = table.get(source)
        if heard is not None and heard[0] >= since:
            least = known.newest - late if least == NEVER else min(least, known.newest - late)
    found = (log_time - slowest if least == NEVER else least) // _STEP_MS * _STEP_MS
    before = table.get("")
    if before is not None and found <= before[0]:
        kept: int = before[0]
        return kept
    table[""] = (found,)
    return found
