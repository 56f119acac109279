"""The law of a count, against its own definition summed term by term and against scipy."""

from __future__ import annotations

from math import exp

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from models.negative_binomial import bounds, interval, moments, some, surprise, tail

LAWS = [(0.01, 0.001), (0.4, 2.0), (1.0, 10.0), (4.0, 0.05), (60.0, 8.0), (900.0, 3.0)]


def truncated(mean: float, size: float, count: int) -> float:
    law = stats.nbinom(size, size / (mean + size))
    return float(law.sf(count - 1) / law.sf(0))


@pytest.mark.parametrize(("mean", "size"), LAWS)
def test_the_tail_is_an_upper_bound_close_to_the_sum(mean: float, size: float) -> None:
    """Beyond mean + 2 sd the tail is never below scipy's and at most a third above it."""
    centre, spread = moments(mean, size)
    for beyond in (2, 3, 5, 8):
        count = int(centre + beyond * spread) + 1
        exact = truncated(mean, size, count)
        assert exact * (1 - 1e-6) <= tail(count, mean, size) <= exact * 4 / 3


@pytest.mark.parametrize(("mean", "size"), LAWS)
def test_the_moments_and_the_interval_are_those_of_the_truncated_law(mean: float, size: float) -> None:
    """Mean and deviation of the count given that it is not 0, and an interval with 2.5 % at most on either side."""
    law = stats.nbinom(size, size / (mean + size))
    some = float(law.sf(0))
    centre, spread = moments(mean, size)
    assert centre == pytest.approx(law.mean() / some, rel=1e-6)
    assert spread**2 == pytest.approx((law.var() + law.mean() ** 2) / some - centre**2, rel=1e-6)
    low, high = interval(mean, size)
    if high < 3000:
        assert truncated(mean, size, int(high) + 1) <= 0.025 + 1e-9
        assert 1 - truncated(mean, size, int(low)) <= 0.025 + 1e-9


@given(st.floats(1e-4, 1e4), st.floats(1e-4, 100.0), st.integers(1, 10**9))
def test_the_tail_is_a_p_value_for_any_count(mean: float, size: float, count: int) -> None:
    """From one to a billion events the tail stays between 1e-300 and 1 and does not rise with the count."""
    p = tail(count, mean, size)
    assert 1e-300 <= p <= 1.0
    assert tail(count + 1, mean, size) <= p * 4 / 3


@pytest.mark.parametrize(("mean", "size"), LAWS)
def test_the_surprise_is_of_an_upper_bound(mean: float, size: float) -> None:
    """exp(-surprise) is never below scipy's tail, from the mean on to far beyond it, and not hopelessly above."""
    spread = (mean + mean * mean / size) ** 0.5
    for beyond in (0, 1, 2, 5, 20, 60):
        count = max(1, int(mean + beyond * spread) + 1)
        exact = truncated(mean, size, count)
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
    assert truncated(mean, size, int(high) + 1) <= 0.025 + 1e-9
    assert 1 - truncated(mean, size, int(low) + (low > int(low))) <= 0.025 + 1e-9


@given(st.floats(1e-4, 1e4), st.floats(1e-4, 1e4), st.floats(1.0, 1e9))
def test_the_surprise_rises_with_the_count(mean: float, size: float, seen: float) -> None:
    """From one to a billion events it is finite, never negative, and does not fall as the count rises."""
    value = surprise(seen, mean, size)
    assert 0.0 <= value < 1e12
    assert surprise(seen * 1.5, mean, size) >= value - 1e-6 * (1.0 + value)
