"""How many units a domain may show."""

from __future__ import annotations

import json
import random
from math import erfc, sqrt
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from models.base import Store
from models.budget import Budget

RULED = st.lists(st.tuples(st.floats(0, 1), st.integers(0, 3)), max_size=80)


def p_of(z: float) -> float:
    return 0.5 * erfc(z / sqrt(2.0))


def run(seed: int, odd: float, tests: int = 20_000, **parameters: Any) -> tuple[float, float]:
    """Share of false ones among the discoveries, and of true ones that were made, with anomalies 4.5 sd out."""
    chance = random.Random(seed)
    budget = Budget({}, cap=tests, **parameters)
    false = made = true = 0
    for n in range(tests):
        anomaly = chance.random() < odd
        found = budget.rule(str(n), p_of(chance.gauss(4.5 if anomaly else 0.0, 1.0)), 0, n + 1).discovery
        made += found
        true += anomaly
        false += found and not anomaly
    return false / max(made, 1), (made - false) / max(true, 1)


def test_few_of_the_discoveries_are_false() -> None:
    """At 0.2 % anomalies the mean share of false ones over five streams is below 0.12, and over half are found."""
    runs = [run(seed, odd=0.002) for seed in range(5)]
    assert sum(share for share, _ in runs) / 5 <= 0.12
    assert sum(found for _, found in runs) / 5 > 0.5


def test_a_short_memory_breaks_the_promise() -> None:
    """The check above can fail: with a memory of a hundred tests more than 0.12 are false."""
    assert sum(run(seed, odd=0.002, delta=0.99)[0] for seed in range(5)) / 5 > 0.12


def test_silence_does_not_blind_it() -> None:
    """After 20,000 ordinary tests the level is what it was after 10,000: rate * eta * (1 - delta)."""
    budget = Budget({})
    for n in range(20_000):
        budget.rule(str(n), 0.9, 0, n + 1)
    assert abs(budget.level(20_001) - 0.10 * 0.5 * 0.0005) < 1e-12


def test_a_discovery_raises_the_level() -> None:
    """Right after one, the bar for the next is lower."""
    budget = Budget({})
    before = budget.level(500)
    budget.rule("found", 1e-12, 0, 500)
    assert budget.level(501) > 20 * before


def test_what_is_not_calibrated_is_capped_alone() -> None:
    """Without tests no level holds and none is spent; the cap does."""
    budget = Budget({}, cap=1)
    assert budget.rule("one", 1e-3, 0, None).shown
    assert not budget.rule("two", 1e-3, 0, None).shown
    assert budget.level(500) == Budget({}).level(500)
    assert budget.used() == (0, 1, 1)


def test_the_day_has_a_cap_and_its_overflow_is_ranked_and_kept() -> None:
    """Beyond two a day nothing is shown; the rest of the day is listed by p, and the next day begins anew."""
    budget = Budget({}, cap=2, kept=3)
    ps = [1e-9, 1e-9, 1e-10, 1e-12, 1e-11, 1e-13]
    rulings = [budget.rule(f"u{n}", p, 5, n + 1) for n, p in enumerate(ps)]
    assert [ruling.shown for ruling in rulings] == [True, True, False, False, False, False]
    assert [ruling.rank for ruling in rulings] == [None, None, 1, 1, 2, 1]
    assert budget.overflow(5) == [("u5", 1e-13), ("u3", 1e-12), ("u4", 1e-11)]
    assert budget.rule("next", 1e-9, 6, 7).shown
    assert budget.overflow(6) == budget.overflow(5) == []


@given(RULED, RULED)
@settings(deadline=None, max_examples=50)
def test_it_goes_on_from_its_rows(first: list[tuple[float, int]], then: list[tuple[float, int]]) -> None:
    """Rows through JSON, in any order, give the rulings and rows that the budget itself goes on with; few rows."""
    rows: Store = {}
    budget = Budget(rows, cap=2, kept=4)
    for n, (p, day) in enumerate(first):
        budget.rule(f"a{n}", p * 1e-6, day, n + 1)
    loaded: Store = {key: tuple(row) for key, row in reversed(json.loads(json.dumps(rows, allow_nan=False)).items())}
    other = Budget(loaded, cap=2, kept=4)
    for n, (p, day) in enumerate(then):
        test = len(first) + n + 1
        assert budget.rule(f"b{n}", p * 1e-6, day, test) == other.rule(f"b{n}", p * 1e-6, day, test)
    assert rows == loaded
    assert len(rows) <= 6
