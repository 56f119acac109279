"""The law of a count, against its own definition summed term by term and against scipy."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from models.negative_binomial import interval, moments, tail

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
