"""River's own anomaly detectors with their defaults, and rrcf, as baselines for evaluations. The engine uses none.

River's take numbers between 0 and 1, so an event becomes seven: the hour, and how often principal, action and the pair
of them came before, in all and in this minute; the logarithm of each count, by its own highest so far.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from math import log1p
from typing import Any, Final

from river import anomaly, preprocessing
from river.base import AnomalyDetector

from models.base import TICK_MS, Features

BASELINES: Final[Mapping[str, Callable[[], AnomalyDetector]]] = {
    "HalfSpaceTrees": lambda: anomaly.HalfSpaceTrees(seed=1),
    "OneClassSVM": lambda: preprocessing.StandardScaler() | anomaly.OneClassSVM(),
    "LODA": lambda: preprocessing.StandardScaler() | anomaly.LODA(seed=1),
}


class Counts:
    """Events as numbers. The counts grow without limit: for evaluations."""

    def __init__(self) -> None:
        self.ever: Counter[tuple[str, ...]] = Counter()
        self.minute: Counter[tuple[str, ...]] = Counter()
        self.tick = -1
        self.most: dict[str, float] = {}

    def of(self, x: Features) -> dict[str, float]:
        """The numbers of an event, counted with it."""
        tick = x["time"] // TICK_MS
        if tick != self.tick:
            self.tick = tick
            self.minute.clear()
        who, what = x["principal"] or "", x["action"] or ""
        given = {"hour": tick // 60 % 24 / 24}
        for name, key in (("who", ("p", who)), ("what", ("a", what)), ("pair", ("pa", who, what))):
            for span, counter in (("ever", self.ever), ("minute", self.minute)):
                given[f"{name} {span}"] = self._scaled(f"{name} {span}", log1p(counter[key]))
                counter[key] += 1
        return given

    def _scaled(self, name: str, value: float) -> float:
        most = self.most[name] = max(self.most.get(name, 1.0), value)
        return value / most


def score_and_learn(detector: Any, numbers: dict[str, float]) -> float:
    """The score of the event, before it is learnt; higher is odder."""
    score = float(detector.score_one(numbers))
    detector.learn_one(numbers)
    return score


def scaled(detector: Any) -> Callable[[dict[str, float]], float]:
    """``score_and_learn`` for numbers of any range: each by the lowest and the highest so far, its own included."""
    scaler = preprocessing.MinMaxScaler()

    def score(numbers: dict[str, float]) -> float:
        scaler.learn_one(numbers)
        return score_and_learn(detector, scaler.transform_one(numbers))

    return score


def robust_cut_forest(seed: int, trees: int = 40, size: int = 256) -> Callable[[dict[str, float]], float]:
    """Guha et al. (ICML 2016) by the package ``rrcf``, as its documentation sets it up for streams: score by the mean
    collusive displacement of the point, which is in the trees by then. Milliseconds a point: for samples.

    Raises ``ModuleNotFoundError`` where the package is not installed.
    """
    import numpy as np
    import rrcf

    forest = [rrcf.RCTree(random_state=seed + tree) for tree in range(trees)]
    count = 0

    def score(numbers: dict[str, float]) -> float:
        nonlocal count
        point = np.fromiter(numbers.values(), float)
        total = 0.0
        for tree in forest:
            if count >= size:
                tree.forget_point(count - size)
            tree.insert_point(point, index=count)
            total += tree.codisp(count)
        count += 1
        return total / trees

    return score
