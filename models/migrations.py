"""From the rows of one version of a detector to those of the next.

A version counts the meaning of rows, too: where only the scores changed, the rows go over as they are, and say so here.
To change a detector's rows: a greater ``version``, an entry here, and the state and scores of the old code among the
golden files of the tests.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import expm1, log
from typing import Final

from models.base import Row

Rows = Mapping[str, Row]

Migration = Callable[[Rows], dict[str, Row]]
"""All rows of a table, those about the store itself included except its header, to those of the next version."""


def unchanged(rows: Rows) -> dict[str, Row]:
    """The rows as they are: the next version reads the same ones otherwise."""
    return dict(rows)


def burst_1_to_2(rows: Rows) -> dict[str, Row]:
    """Six hours of memory to thirty days: the key's last fifty active minutes stand for its whole history.

    Taken over as they are: the minute that is going on, the window before it, the first minutes of the kinds. Worked
    out: how many minutes were active, from how far the decayed number of these has come to its limit (in doubt from a
    thousand on; then from the events, a flood's no more than its age allows), and their counts, of which the old code
    had left out what floods had too many. All are spread evenly over the key's age. A minute above its bar teaches no
    more than the bar. The hour of the week is learnt from here on.
    """
    keys = {key: row for key, row in rows.items() if key[0] in "paf"}
    after = {key: row for key, row in rows.items() if key not in keys}
    if keys:
        after["*"] = (min(row[12] for row in keys.values()),)
    for key, (tick, count, bar, _, _, _, fast, _, active, total, squares, events, first) in keys.items():
        if not active:
            after[key] = (tick, count)
            continue
        size, age = total / active, tick - first
        rest = 1.0 - (1.0 - _BURST_FORGET) * active
        times = log(rest) / log(_BURST_FORGET) if rest > 1e-9 else events / size
        kept = min(times, age) * -expm1(-_BURST_LAMBDA * age) / (_BURST_LAMBDA * age)
        carried = round(fast * 2**20) / 2**20
        row = (tick, count, carried, kept * size, kept * squares / active, kept, first)
        after[key] = (*row, float(bar)) if 0 < bar < count else row
    return after


_BURST_FORGET = 0.98  # of version 1: of the sizes of active minutes, an active minute
_BURST_LAMBDA = log(2.0) / 43_200.0  # of version 2: of the history, a tick


def calibration_1_to_2(rows: Rows) -> dict[str, Row]:
    """The monitoring counters in one row; and units wait, so that their rows are others.

    The minute that is going on is left out. The first minute of the domain, the laws and what is to become laws stay.
    """
    after = {key: row for key, row in rows.items() if key[:2] not in ("u|", "m|")}
    head = rows.get("*")
    if head is not None:
        minute, _, _, first = head
        after["*"] = (minute, 0, first, minute)
    monitored = sorted((key, row) for key, row in rows.items() if key[:2] == "m|")
    if monitored:
        after["m"] = (monitored[0][1][0], *(count for _, row in monitored for count in row[1:]))
    return after


MIGRATIONS: Final[Mapping[tuple[str, int], Migration]] = {
    ("burst", 1): burst_1_to_2,
    # Version 2 tests nothing in the minute in which it first saw the principal; it learns as version 1 did.
    ("rarity", 1): unchanged,
    # Version 2 also counts calls a day, in rows of their own, from here on.
    ("ratio", 1): unchanged,
    ("calibration", 1): calibration_1_to_2,
}
"""By name and by the version that the rows have."""


def path(name: str, before: int, after: int) -> tuple[Migration, ...] | None:
    """What leads from one version to the other, in order; None if a step is missing, or back is asked for.

    >>> path("rarity", 2, 2), path("rarity", 2, 1), len(path("rarity", 1, 2))
    ((), None, 1)
    """
    steps = [MIGRATIONS.get((name, version)) for version in range(before, after)]
    if before > after or None in steps:
        return None
    return tuple(step for step in steps if step is not None)
