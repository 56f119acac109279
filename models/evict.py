"""Keeping a store of rows within its cap, by a rule that any copy of the store decides alike."""

from __future__ import annotations

from collections.abc import Callable

from models.base import Row, Store

COUNTER = "#evicted"
"""The row ``(number of evicted rows,)``; absent until the first eviction."""


def sweep(rows: Store, cap: int, rank: Callable[[str, Row], tuple[int, int] | None]) -> None:
    """If the store has more than ``cap`` rows, delete a quarter of the cap and what is above it.

    ``rank(key, row)`` says how dispensable a row is, lowest first, then by key; ``None`` keeps it. Rank what was seen
    only once below what has a history: then a flood of new names displaces itself, not the baselines. The outcome
    depends on the rows alone, not on their order; the cost, a sort of all rows, is spread over a quarter of the cap.
    """
    if len(rows) <= cap:
        return
    ranked = sorted(
        (place, key) for key, row in rows.items() if key != COUNTER and (place := rank(key, row)) is not None
    )
    gone = ranked[: len(rows) - cap + cap // 4]
    for _, key in gone:
        del rows[key]
    rows[COUNTER] = (evicted(rows) + len(gone),)


def evicted(rows: Store) -> int:
    """How many rows were evicted from this store, ever."""
    row = rows.get(COUNTER)
    return 0 if row is None else int(row[0])
