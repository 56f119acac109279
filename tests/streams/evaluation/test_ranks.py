"""ROC area and average precision."""

from __future__ import annotations

import doctest
from math import isnan

from hypothesis import given
from hypothesis import strategies as st

from streams.evaluation import ranks
from streams.evaluation.ranks import area

SCORES = st.lists(st.integers(0, 9), min_size=1, max_size=30)


@given(SCORES, SCORES)
def test_both_areas_equal_their_definitions(odd: list[int], ordinary: list[int]) -> None:
    """ROC: the share of pairs in the right order, ties half. AP: precision at each level, weighted by what it adds."""
    found = area(odd, ordinary)
    pairs = [(a > b) + (a == b) / 2 for a in odd for b in ordinary]
    assert abs(found.roc - sum(pairs) / len(pairs)) < 1e-12
    ap, before = 0.0, 0
    for level in sorted(set(odd), reverse=True):
        yes, no = sum(a >= level for a in odd), sum(b >= level for b in ordinary)
        ap += (yes - before) / len(odd) * yes / (yes + no)
        before = yes
    assert abs(found.ap - ap) < 1e-12


def test_nothing_to_rank_is_no_number() -> None:
    """Without anything odd or ordinary there is no area."""
    assert isnan(area([], [1.0]).roc)
    assert isnan(area([1.0], []).ap)


def test_the_example() -> None:
    """Docstring examples are true."""
    assert doctest.testmod(ranks).failed == 0
