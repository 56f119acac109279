"""River's own detectors behind one call, to be measured against. Nothing in the engine uses them.

Each is taken as river sets it up, behind the scaler that its documentation asks for. Cost, and what breaks them: see
the evaluations.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from river import anomaly, preprocessing

Score = Callable[[dict[str, float]], float]
"""Score a vector, then learn it. Higher is more unusual."""


def _of(model: Any, scaler: Any) -> Score:
    def score(x: dict[str, float]) -> float:
        scaler.learn_one(x)
        scaled = scaler.transform_one(x)
        found: float = model.score_one(scaled)
        model.learn_one(scaled)
        return found

    return score


def half_space_trees(seed: int) -> Score:
    """Tan, Ting and Liu (IJCAI 2011). Ten trees of height 8, window 250; features within 0 and 1."""
    return _of(anomaly.HalfSpaceTrees(seed=seed), preprocessing.MinMaxScaler())


def one_class_svm(_: int) -> Score:
    """Schölkopf et al. (Neural Computation 13, 2001), by stochastic gradient descent; linear, as it is by default."""
    return _of(anomaly.OneClassSVM(), preprocessing.StandardScaler())


def loda(seed: int) -> Score:
    """Pevny (Machine Learning 102, 2016): a hundred random projections, a histogram each."""
    return _of(anomaly.LODA(seed=seed), preprocessing.StandardScaler())


BASELINES: tuple[tuple[str, Callable[[int], Score]], ...] = (
    ("river HalfSpaceTrees", half_space_trees),
    ("river OneClassSVM", one_class_svm),
    ("river LODA", loda),
)
"""Name and maker, which takes the seed."""
