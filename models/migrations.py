"""From the rows of one version of a detector to those of the next.

A version counts the meaning of rows, too: where only the scores changed, the rows go over as they are, and say so here.
To change a detector's rows: a greater ``version``, an entry here, and the state and scores of the old code among the
golden files of the tests.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Mapping
from itertools import accumulate, repeat
from typing import Final

from models.base import Row
from models.calibration import kind_in
from models.ramp import stored

Rows = Mapping[str, Row]

Migration = Callable[[Rows], dict[str, Row]]
"""All rows of a table, those about the store itself included except its header, to those of the next version."""


def unchanged(rows: Rows) -> dict[str, Row]:
    """The rows as they are: the next version reads the same ones otherwise."""
    return dict(rows)


def ratio_1_to_2(rows: Rows) -> dict[str, Row]:
    """The day of a row follows from its tick. Counts of calls a day, in rows of their own, begin here."""
    return {key: row if key[:1] == "#" else (*row[:3], *row[4:]) for key, row in rows.items()}


def ratio_2_to_3(rows: Rows) -> dict[str, Row]:
    """The histories of days are packed."""
    return {key: stored(row) if key[:2] == "h|" else row for key, row in rows.items()}


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


def calibration_2_to_3(rows: Rows) -> dict[str, Row]:
    """The kind of a unit that waits stands only where its key does not say it, and its scores where it has any."""
    after = {}
    for key, row in rows.items():
        if key[:2] == "u|":
            kind, *scores, young = row
            row = (*scores, young) if any(scores) else (young,)
            if kind != kind_in(key.rpartition("|")[0]):
                row += (kind,)
        after[key] = row
    return after


def burst_1_to_2(rows: Rows) -> dict[str, Row]:
    """Without what follows from the rest, which is most of a key of one tick; active ticks are counted, up to 26."""
    decayed = tuple(accumulate(repeat(1.0, 26), lambda before, one: before * 0.98 + one, initial=0.0))
    after = {}
    for key, row in rows.items():
        if key[:1] in "#*":
            after[key] = row
            continue
        tick, count, bar, _, _, size, fast, slow, active, total, squares, events, first = row
        ticks = min(bisect_left(decayed, active), 26)
        known = (first, events, ticks, fast if fast >= 2.0**-55 else 0, slow, total, squares if squares != total else 0)
        after[key] = (tick, count, *(known if events else ()), *((bar, size) if bar else ()))
    return after


MIGRATIONS: Final[Mapping[tuple[str, int], Migration]] = {
    # Version 2 scores as version 1 did, from smaller rows.
    ("burst", 1): burst_1_to_2,
    # Version 2 tests nothing in the minute in which it first saw the principal; it learns as version 1 did.
    ("rarity", 1): unchanged,
    ("ratio", 1): ratio_1_to_2,
    # Version 3 scores as version 2 did, from smaller rows.
    ("ratio", 2): ratio_2_to_3,
    ("calibration", 1): calibration_1_to_2,
    ("calibration", 2): calibration_2_to_3,
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
