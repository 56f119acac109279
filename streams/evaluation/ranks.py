"""How well scores rank the odd above the ordinary: ROC area and average precision, with ties shared."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray


class Area(NamedTuple):
    """ROC area and average precision of ``odd`` against ``ordinary`` many; both are NaN where one of them is empty."""

    roc: float
    ap: float
    odd: int
    ordinary: int


def area(odd: ArrayLike, ordinary: ArrayLike) -> Area:
    """The areas of the scores of what is odd against those of what is ordinary; a higher score is odder.

    Equal scores count half in the ROC area, and as one step of the precision-recall curve.

    >>> area([3.0, 2.0], [2.0, 1.0])
    Area(roc=0.875, ap=0.8333333333333333, odd=2, ordinary=2)
    """
    yes: NDArray[Any] = np.sort(np.asarray(odd, float))
    no: NDArray[Any] = np.sort(np.asarray(ordinary, float))
    if not len(yes) or not len(no):
        return Area(float("nan"), float("nan"), len(yes), len(no))
    roc = float((np.searchsorted(no, yes, "left") + np.searchsorted(no, yes, "right")).mean() / 2 / len(no))
    levels = np.unique(yes)[::-1]
    found = len(yes) - np.searchsorted(yes, levels, "left")
    false = len(no) - np.searchsorted(no, levels, "left")
    ap = float((np.diff(found, prepend=0) / len(yes) * found / (found + false)).sum())
    return Area(roc, ap, len(yes), len(no))


def macro(areas: Sequence[Area]) -> tuple[float, float]:
    """Means of the ROC areas and of the average precisions, each weighing the same."""
    return float(np.mean([one.roc for one in areas])), float(np.mean([one.ap for one in areas]))
