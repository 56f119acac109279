"""The law of a count, against its own definition and against scipy."""

from __future__ import annotations

from math import exp

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from models.negative_binomial import bounds, some, surprise

LAWS = [(0.01, 0.001), (0.4, 2.0), (1.0, 10.0), (4.0, 0.05), (60.0, 8.0), (900.0, 3.0)]


def at_least(count: float, mean: float, size: float) -> float:
    """P(X >= count | X >= 1)."""
    law = stats.nbinom(size, size / (mean + size))
    return float(law.sf(count - 1) / law.sf(0))


@pytest.mark.parametrize(("mean", "size"), LAWS)
def test_the_surprise_is_of_an_upper_bound(mean: float, size: float) -> None:
    """exp(-surprise) is never below scipy's tail, from the mean on to far beyond it, and not hopelessly above."""
    spread = (mean + mean * mean / size) ** 0.5
    for beyond in (0, 1, 2, 5, 20, 60):
        count = max(1, int(mean + beyond * spread) + 1)
        exact = at_least(count, mean, size)
        assert exp(-surprise(count, mean, size)) >= exact * (1 - 1e-9)
        if exact > 1e-200:
            assert exp(-surprise(count, mean, size)) <= 60 * exact**0.8


@pytest.mark.parametrize(("mean", "size"), LAWS)
def test_the_interval_leaves_out_what_it_says_at_most(mean: float, size: float) -> None:
    """The expectation is scipy's, given at least one; at most 2.5 % of the counts lie on either side."""
    law = stats.nbinom(size, size / (mean + size))
    expected, low, high = bounds(mean, size)
    assert some(mean, size) == pytest.approx(float(law.sf(0)))
    assert expected == pytest.approx(mean / float(law.sf(0)))
    assert 1.0 <= low <= high
    assert at_least(int(high) + 1, mean, size) <= 0.025 + 1e-9
    assert 1 - at_least(int(low) + (low > int(low)), mean, size) <= 0.025 + 1e-9


@given(st.floats(1e-4, 1e4), st.floats(1e-4, 1e4), st.floats(1.0, 1e9))
def test_the_surprise_rises_with_the_count(mean: float, size: float, seen: float) -> None:
    """From one to a billion events it is finite, never negative, and does not fall as the count rises."""
    value = surprise(seen, mean, size)
    assert 0.0 <= value < 1e12
    assert surprise(seen * 1.5, mean, size) >= value - 1e-6 * (1.0 + value)
