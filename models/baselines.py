"""River's own anomaly detectors with their defaults, as baselines for evaluations. The engine does not use them.

They take numbers between 0 and 1, so an event becomes seven: the hour, and how often principal, action and the pair of
them came before, in all and in this minute; the logarithm of each count, by its own highest so far.
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
