"""Areas of a ranking."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.evaluation.ranking import areas, whole_and_parts


@pytest.mark.parametrize(
    ("scores", "positive", "roc", "precision"),
    [
        ([3, 2, 1, 0], [1, 1, 0, 0], 1.0, 1.0),
        ([0, 1, 2, 3], [1, 1, 0, 0], 0.0, (1 / 3 + 2 / 4) / 2),
        ([1, 1, 1, 1], [1, 0, 1, 0], 0.5, 0.5),
        ([3, 2, 1, 0], [1, 0, 1, 0], 0.75, (1 + 2 / 3) / 2),
    ],
)
def test_the_areas_of_small_rankings(scores: list[float], positive: list[int], roc: float, precision: float) -> None:
    """As worked out by hand, ties as half."""
    found = areas(np.array(scores, float), np.array(positive, bool))
    assert found == (pytest.approx(roc), pytest.approx(precision))


@given(st.lists(st.tuples(st.integers(0, 5), st.booleans()), min_size=2, max_size=40))
def test_the_roc_area_is_the_share_of_pairs_in_order(pairs: list[tuple[int, bool]]) -> None:
    """By definition: of all pairs of either label, those ranked right, and half of the tied."""
    hits = [score for score, label in pairs if label]
    misses = [score for score, label in pairs if not label]
    if hits and misses:
        share = sum((a > b) + (a == b) / 2 for a in hits for b in misses) / len(hits) / len(misses)
        scores, labels = (np.array(column) for column in zip(*pairs, strict=True))
        assert areas(scores.astype(float), labels)[0] == pytest.approx(share)


def test_the_first_fifth_and_the_rest_are_apart() -> None:
    """A ranking that is right on the first 20 % and wrong after it."""
    scores = np.array([2.0, 1.0, *[1.0, 2.0] * 4])
    positive = np.array([True, False, *[True, False] * 4])
    found = whole_and_parts(scores, positive)
    assert found.first == (1.0, 1.0)
    assert found.rest[0] == 0.0
