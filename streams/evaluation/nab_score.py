"""NAB's score: detections inside a labelled window count the more the earlier they are, those outside cost.

After Lavin and Ahmad, "Evaluating real-time anomaly detection algorithms, the Numenta anomaly benchmark" (ICMLA 2015,
arXiv 1510.03336). With sigma(y) = 2 / (1 + e^(5 y)) - 1, and -1 beyond y = 3: a window from a to b of width
w = b - a + 1 is worth the best of its detections i, sigma(-(b - i + 1) / w) / sigma(-1), and minus ``missed`` without
one; one outside costs ``false`` sigma((i - b) / (w - 1)) behind a window, and all of ``false`` before the first.
The score is 100 (sum + missed W) / (W + missed W), for W windows: 0 is a detector that never speaks, 100 a perfect one.

The first min(15 %, 750) records of a file are for learning and do not count. One threshold holds for all files, and it
is the one that scores best on the labels: that is NAB's protocol, and why its numbers say nothing about a threshold
chosen without labels.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray


class Profile(NamedTuple):
    """What a missed window and a false detection cost, next to the 1 of a window found."""

    missed: float
    false: float


PROFILES: Final[Mapping[str, Profile]] = {
    "standard": Profile(1.0, 0.11),
    "reward_low_FP_rate": Profile(1.0, 0.22),
    "reward_low_FN_rate": Profile(2.0, 0.11),
}

Window = tuple[int, int]
"""First and last record."""


class Scored(NamedTuple):
    """``score``, the threshold that gives it (a detection is at or above it), windows found, false detections."""

    score: float
    threshold: float
    found: int
    windows: int
    false: int


def probation(records: int) -> int:
    """Records at the beginning that do not count."""
    return min(int(0.15 * records), 750)


def worth(records: int, windows: Sequence[Window]) -> tuple[NDArray[Any], NDArray[Any]]:
    """What a detection at each record is worth, costs unweighted, and its window's number, -1 outside."""
    at = np.arange(records)
    value, window = np.full(records, -1.0), np.full(records, -1)
    for number, (first, last) in enumerate(windows):
        width = last - first + 1
        following = windows[number + 1][0] if number + 1 < len(windows) else records
        value[last + 1 : following] = _sigma((at[last + 1 : following] - last) / max(width - 1, 1))
        value[first : last + 1] = _sigma(-(last - at[first : last + 1] + 1) / width) / _sigma(np.array(-1.0))
        window[first : last + 1] = number
    return value, window


def score(
    files: Sequence[tuple[Sequence[float], Sequence[Window]]], profile: Profile, threshold: float | None = None
) -> Scored:
    """The score of all files together: of each its scores and windows. ``threshold``: None for the best.

    >>> score([([0.0] * 9 + [1.0] + [0.0] * 10, [(9, 12)])], PROFILES["standard"])
    Scored(score=100.0, threshold=1.0, found=1, windows=1, false=0)
    """
    parts, total = [], 0
    for scores, windows in files:
        start = probation(len(scores))
        value, window = worth(len(scores), windows)
        parts.append(
            (np.asarray(scores, float)[start:], value[start:], np.where(window >= 0, window + total, -1)[start:])
        )
        total += len(windows)
    given, value, window = (np.concatenate([part[place] for part in parts]) for place in range(3))
    live = len(np.unique(window[window >= 0]))  # windows that lie wholly in a probation do not count
    order = np.argsort(-given, kind="stable")
    given, value, window = given[order], value[order], window[order]
    gain = np.where(window < 0, profile.false * value, 0.0)
    best: dict[int, float] = {}
    for place in np.flatnonzero(window >= 0):
        before = best.get(int(window[place]), -profile.missed)
        if value[place] > before:
            gain[place] = value[place] - before
            best[int(window[place])] = float(value[place])
    sums = np.concatenate([[0.0], np.cumsum(gain)])
    ends = np.concatenate([[0], np.flatnonzero(np.append(given[1:] != given[:-1], True)) + 1])
    if threshold is None:
        end = int(ends[np.argmax(sums[ends])])
    else:
        end = int(np.searchsorted(-given, -threshold, side="right"))
    inside = window[:end]
    return Scored(
        float(100.0 * sums[end] / (live * (1.0 + profile.missed))) if live else 0.0,
        float(given[end - 1]) if end else float("inf"),
        len(np.unique(inside[inside >= 0])),
        live,
        int((inside < 0).sum()),
    )


def _sigma(y: NDArray[Any]) -> NDArray[Any]:
    return np.where(y > 3.0, -1.0, 2.0 / (1.0 + np.exp(5.0 * np.minimum(y, 50.0))) - 1.0)
