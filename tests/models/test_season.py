"""The hour of the week."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from models.base import Row
from models.season import HOURS, begun, doubt, factor, taught


def profile(amounts: list[float], start: int = 0) -> Row:
    going, row = begun(start)
    for at, amount in enumerate(amounts):
        going, row = taught(going, row, start + at, amount)
    return row


def test_a_week_without_rhythm_has_no_multiplier() -> None:
    """Equal hours give 1 for every hour, also before a whole week is over."""
    for weeks in (0.5, 1, 5):
        row = profile([60.0] * int(weeks * HOURS) + [60.0])
        assert all(abs(factor(row, hour) - 1.0) < 0.01 for hour in range(HOURS))


def test_an_hour_that_nothing_was_seen_of_borrows_from_its_hour_of_the_day() -> None:
    """After two days, the same hour of a day that never came yet has the multiplier of the hour of the day, shrunk."""
    row = profile([600.0 if at % 24 == 2 else 10.0 for at in range(49)])
    assert factor(row, 5 * 24 + 2) > 3
    assert factor(row, 5 * 24 + 3) < 1


def test_a_weekday_comes_apart_from_its_hour_of_the_day() -> None:
    """What happens on one day of the week only raises that day's hour, after some weeks, far above the other days'."""
    row = profile([600.0 if at % HOURS == 2 else 10.0 for at in range(6 * HOURS + 1)])
    assert factor(row, 2) > 5 * factor(row, 26)


def test_an_old_rhythm_is_forgotten() -> None:
    """Six months after it stopped, the nightly hour is like any other."""
    row = profile([600.0 if at % 24 == 2 else 10.0 for at in range(5 * HOURS)] + [10.0] * (26 * HOURS))
    assert abs(factor(row, 2) - 1.0) < 0.4


def test_the_rows_survive_json() -> None:
    """Both rows are equal to themselves after JSON."""
    going, row = begun(5)
    for at in range(5, 300):
        going, row = taught(going, row, at, at / 7)
    assert tuple(json.loads(json.dumps(row))) == row
    assert tuple(json.loads(json.dumps(going))) == going


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=500), st.integers(0, 10**6), st.integers(0, HOURS))
def test_multipliers_are_bounded(amounts: list[float], start: int, ahead: int) -> None:
    """Whatever was learnt, a multiplier is within 1/8 and 64, and its doubt within 0 and a tenth."""
    found = factor(profile(amounts, start), start + ahead)
    assert 1 / 8 <= found <= 64
    assert 0.0 <= doubt(found) <= 0.1
    assert doubt(1.0) == 0.0


@given(st.permutations([3.0, 5.0, 8.0, 13.0]))
def test_the_order_inside_an_hour_makes_no_difference(amounts: list[float]) -> None:
    """Amounts of one hour add up."""
    rows = []
    for order in (amounts, sorted(amounts)):
        going, row = begun(0)
        for amount in order:
            going, row = taught(going, row, 3, amount)
        rows.append(taught(going, row, 4, 1.0))
    assert rows[0] == rows[1]
