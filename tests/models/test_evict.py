"""Keeping within the cap."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from models import evict
from models.base import Row, Store
from models.evict import COUNTER, evicted, sweep
from models.frequency import SPAN_MS, Frequency
from models.sketch import taken

WEEK = 7 * 86_400_000 // SPAN_MS


def rank(key: str, row: Row) -> tuple[int, int] | None:
    return None if key[0] == "*" else (row[0], row[1])


def flood(rows: Store, cap: int, names: range) -> None:
    for n in names:
        rows[f"flood-{n}"] = (0, n)
        sweep(rows, cap, rank)


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
    assert set(rows) == {f"k{n}" for n in range(1, 100, 2)} | {COUNTER}  # a quarter would be five of these more


def test_histories_are_spared_where_a_sixteenth_of_the_cap_is_new() -> None:
    """In a store full of histories, new names make way and little else: no quarter of the histories goes with them."""
    rows: Store = {f"base-{n}": (1, n) for n in range(1000)}
    flood(rows, 1000, range(10_000))
    assert sum(key.startswith("base") for key in rows) >= 1000 - 1000 // 8


def test_rows_about_the_store_are_never_evicted() -> None:
    """What begins with # stays, and is not shown to the rank, which knows nothing of it."""
    rows: Store = {f"k{n}": (0, n) for n in range(20)} | {"#header": ("magic", 1), "#profiles": ()}
    sweep(rows, 10, rank)
    assert rows["#header"] == ("magic", 1)
    assert rows["#profiles"] == ()


@given(
    st.lists(st.tuples(st.booleans(), st.integers(0, 900)), max_size=120),
    st.integers(256, 400),
    st.randoms(use_true_random=False),
)
def test_any_copy_of_a_store_decides_alike(batches: list[tuple[bool, int]], cap: int, chance: random.Random) -> None:
    """Whatever came, in whichever order the copy has its rows, the same are left: the cap at most, and the sketch."""
    rows: Store = {}
    for tick, (history, name) in enumerate(batches):
        for n in range(name, name + 40):
            rows[f"k{n}"] = (int(history), tick)
        shuffled = list(rows.items())
        chance.shuffle(shuffled)
        other: Store = dict(shuffled)
        before = len(rows) - taken(rows)
        sweep(rows, cap, rank)
        sweep(other, cap, rank)
        assert rows == other
        left = len(rows) - taken(rows)
        assert left <= cap
        assert left == before or before > cap
        assert all(value is None or type(value) in (int, str) for row in rows.values() for value in row)


def test_a_flood_of_names_evicts_neither_baselines_nor_what_comes_back() -> None:
    """Ten caps of one-time names a week: the baselines stay, and from its second run on so does a weekly job's row."""
    cap = 512
    rows: Store = {f"base-{n}": (1, n) for n in range(cap // 2)}
    for week in range(3):
        rows["weekly"] = (0, 10 * cap * week)
        flood(rows, cap, range(10 * cap * week, 10 * cap * (week + 1)))
        assert all(f"base-{n}" in rows for n in range(cap // 2))
        assert ("weekly" in rows) is (week > 0)


def test_without_the_sketch_the_weekly_job_is_forgotten() -> None:
    """The same flood in a store too small for a sketch evicts the job each week: it is the sketch that keeps it."""
    cap = evict._SMALL - 1
    rows: Store = {}
    for week in range(3):
        rows["weekly"] = (0, 10 * cap * week)
        flood(rows, cap, range(10 * cap * week, 10 * cap * (week + 1)))
        assert "weekly" not in rows
    assert taken(rows) == 0


def test_a_detector_remembers_a_weekly_job_under_a_flood() -> None:
    """Frequency knows in its third week a pair that came once a week, though ten caps of other pairs came between."""
    cap = 512
    frequency = Frequency(keys=cap)
    for week in range(3):
        at = week * WEEK
        weekly = {"time": at * SPAN_MS, "principal": "role/backup", "action": "rds:CreateSnapshot"}
        frequency.learn_one(weekly)
        for n in range(10 * cap):
            other = {"principal": f"role/{week}-{n}", "action": "sts:GetCallerIdentity"}
            frequency.learn_one({"time": (at + 1 + n * (WEEK - 1) // (10 * cap)) * SPAN_MS} | other)
    assert frequency._rows["p|role/backup|rds:CreateSnapshot"][1] > 0.0
