"""Keeping within the cap."""

from __future__ import annotations

import random

from models.base import Row, Store
from models.evict import COUNTER, evicted, sweep


def rank(key: str, row: Row) -> tuple[int, int] | None:
    return None if key[0] == "*" else (row[0], row[1])


def test_below_the_cap_nothing_happens() -> None:
    """A store at its cap is left alone."""
    rows: Store = {f"k{n}": (1, n) for n in range(8)}
    sweep(rows, 8, rank)
    assert len(rows) == 8
    assert evicted(rows) == 0


def test_the_lowest_ranks_go_first_and_are_counted() -> None:
    """Above the cap, the excess and a quarter of the cap go, lowest rank first; what has no rank stays."""
    rows: Store = {"*kept": (0, 0), "once-old": (0, 1), "once-new": (0, 9), "old": (1, 0), "new": (1, 5)}
    sweep(rows, 4, rank)
    assert set(rows) == {"*kept", "old", "new", COUNTER}
    assert evicted(rows) == 2
    sweep(rows, 3, rank)
    assert set(rows) == {"*kept", "new", COUNTER}
    assert evicted(rows) == 3


def test_the_order_of_rows_makes_no_difference() -> None:
    """The same rows in another order lose the same keys, ties included."""
    rows: Store = {f"k{n}": (n % 2, n % 3) for n in range(100)}
    shuffled = list(rows.items())
    random.Random(3).shuffle(shuffled)
    other: Store = dict(shuffled)
    sweep(rows, 60, rank)
    sweep(other, 60, rank)
    assert rows == other
    assert len(rows) == 46  # 45 and the counter
