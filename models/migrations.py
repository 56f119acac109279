"""From the rows of one version of a detector to those of the next.

A version counts the meaning of rows, too: where only the scores changed, the rows go over as they are, and say so here.
To change a detector's rows: a greater ``version``, an entry here, and the state and scores of the old code among the
golden files of the tests.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from models.base import Row

Rows = Mapping[str, Row]

Migration = Callable[[Rows], dict[str, Row]]
"""All rows of a table, those about the store itself included except its header, to those of the next version."""


def unchanged(rows: Rows) -> dict[str, Row]:
    """The rows as they are: the next version reads the same ones otherwise."""
    return dict(rows)


def ratio_1_to_2(rows: Rows) -> dict[str, Row]:
    """The day of a row follows from its tick. Counts of calls a day, in rows of their own, begin here."""
    return {key: row if key[:1] == "#" else (*row[:3], *row[4:]) for key, row in rows.items()}


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
    # Version 2 tests nothing in the minute in which it first saw the principal; it learns as version 1 did.
    ("rarity", 1): unchanged,
    ("ratio", 1): ratio_1_to_2,
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
