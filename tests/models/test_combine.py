"""Many p-values to one, and one back into shares."""

from __future__ import annotations

from math import isfinite, log10

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.combine import CAP, TINY, cauchy, combined, evidence, settle
from models.reason import Part

PS = st.floats(min_value=0.0, max_value=1.0)


def part(p: float, maturity: float = 1.0, feature: str = "calls") -> Part:
    return Part("burst", feature, "role/web", None, 9, 1.0, 1, 3, 100, 86_400_000, maturity, p)


def test_one_test_is_returned_as_it_is() -> None:
    """The combination of a single p is that p, from 1e-299 to 0.9."""
    for p in (1e-299, 1e-20, 1e-9, 1e-7, 1e-3, 0.2, 0.5, 0.9):
        assert cauchy([p], 1) == pytest.approx(p, rel=1e-9)


def test_certainty_cannot_outvote_a_small_p() -> None:
    """A p of exactly 1 beside one of 1e-6 leaves the combination near 2e-6; the plain statistic would give 1."""
    assert cauchy([1e-6, 1.0], 2) == pytest.approx(2e-6, rel=1e-3)


def test_what_is_ordinary_adds_and_takes_nothing() -> None:
    """One detector that is silent leaves another's 0.01 at a half of its weight, and does not cancel it."""
    assert evidence(0.99) == evidence(0.5) == 0.0
    assert combined(0.5 * (evidence(0.01) + evidence(0.99))) == pytest.approx(0.02, rel=1e-2)


def test_published_values() -> None:
    """Equal p-values combine to themselves, and one small p among k tests to k times itself (Liu and Xie)."""
    assert cauchy([0.01, 0.01, 0.01], 3) == pytest.approx(0.01)
    assert cauchy([1e-8], 5) == pytest.approx(5e-8)


@given(ps=st.lists(PS, min_size=1, max_size=8), extra=st.integers(0, 5))
def test_the_result_is_always_a_p_value(ps: list[float], extra: int) -> None:
    """Whatever goes in, 0 and 1 included, a number between TINY and 1 comes out, the same in any order."""
    p = cauchy(ps, len(ps) + extra)
    assert TINY <= p <= 1.0
    assert cauchy(ps[::-1], len(ps) + extra) == pytest.approx(p, rel=1e-9)


@given(ps=st.lists(PS, min_size=1, max_size=6), smaller=PS)
def test_a_smaller_p_never_raises_the_combination(ps: list[float], smaller: float) -> None:
    """Monotone in each p."""
    lowered = [min(ps[0], smaller), *ps[1:]]
    assert cauchy(lowered, len(ps)) <= cauchy(ps, len(ps)) * (1 + 1e-9)


@given(
    ps=st.lists(st.tuples(st.floats(0, 0.05), st.floats(0, 1)), min_size=1, max_size=6),
    extra=st.integers(0, 4),
)
def test_the_shares_add_up(ps: list[tuple[float, float]], extra: int) -> None:
    """The parts' scores sum to -log10 of the combined p, none is negative, and the most significant part is first."""
    p, parts = settle([part(*pair) for pair in ps], len(ps) + extra)
    assert isfinite(p)
    assert sum(shown.score for shown in parts) == pytest.approx(-log10(p), rel=1e-9, abs=1e-12)
    assert all(shown.score >= 0 for shown in parts)
    assert [shown.p for shown in parts] == sorted(shown.p for shown in parts)
    if all(shown.maturity < 0.5 for shown in parts):
        assert p >= CAP


def test_an_extreme_value_of_a_learning_key_is_held_at_the_cap() -> None:
    """Immature and extreme gives exactly the cap, however many tests dilute it; mature and extreme goes far below."""
    assert settle([part(1e-200, maturity=0.2)], 5)[0] == CAP
    assert settle([part(1e-200, maturity=0.8)], 5)[0] == pytest.approx(5e-200)


def test_a_mature_part_beside_a_learning_one_keeps_its_weight() -> None:
    """What is known for sure is not held back by what is still learning."""
    p, parts = settle([part(1e-9, 1.0), part(1e-300, 0.1, "action")], 5)
    assert p == pytest.approx(5e-9, rel=1e-3)
    assert [shown.p for shown in parts] == [1e-9, CAP]
