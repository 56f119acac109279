"""Keeping a store of rows within its cap, by a rule that any copy of the store decides alike."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from models.base import Row, Store
from models.sketch import Sketch, taken

COUNTER = "#evicted"
"""The row ``(number of evicted rows,)``; absent until the first eviction."""

OWN = "#"
"""What the names of rows about the store itself begin with. They are never evicted."""

_SMALL = 256  # a cap from which on there is a sketch: below it, that would be larger than what it protects
_REMEMBERED = 12  # evicted names, in caps
_LEAST = 16  # a sweep that would reach into the histories evicts one in so many of the cap, and no quarter


def sweep(rows: Store, cap: int, rank: Callable[[str, Row], tuple[int, int] | None]) -> None:
    """If the store has more than ``cap`` rows, delete a quarter of the cap and what is above it.

    ``rank(key, row)`` says how dispensable a row is: its class, lowest first, then its age, then by key; ``None`` keeps
    it. Rank what was seen only once below what has a history: then a flood of new names displaces itself, not the
    baselines, and where there are fewer than a quarter of these, only a sixteenth of the cap goes. In one class, what
    was evicted before and came back stays longer: a weekly job outlives the names between two runs of it, up to twelve
    caps of them. Names that a flood repeats gain as much as the job does.

    The outcome depends on the rows alone, not on their order. The cost is spread over what is deleted: a sort of all
    rows, a hash of those that may go. The cap does not count the rows of the sketch: at most 64 bytes a key of the cap.
    """
    if len(rows) <= cap:
        return
    excess = len(rows) - taken(rows) - cap
    if excess <= 0:
        return
    ranked = sorted(
        (place, key) for key, row in rows.items() if key[:1] != OWN and (place := rank(key, row)) is not None
    )
    if not ranked:
        return
    classes = np.array([place[0] for place, _ in ranked])
    lowest = int(np.searchsorted(classes, classes[0], "right"))
    count = min(excess + cap // 4, max(excess + cap // _LEAST, lowest), len(ranked))
    if cap < _SMALL:
        gone = [key for _, key in ranked[:count]]
    else:
        may_go = int(np.searchsorted(classes, classes[count - 1], "right"))
        sketch = Sketch(rows, _REMEMBERED * cap)
        prints = sketch.prints([key for _, key in ranked[:may_go]])
        order = np.lexsort((sketch.counts(prints), classes[:may_go]))  # stable: then by age and key
        gone = [ranked[place][1] for place in order[:count]]
        sketch.add(prints[order[:count]], prints[order[count:]])
    for key in gone:
        del rows[key]
    rows[COUNTER] = (evicted(rows) + len(gone),)


def evicted(rows: Store) -> int:
    """How many rows were evicted from this store, ever."""
    row = rows.get(COUNTER)
    return 0 if row is None else int(row[0])
