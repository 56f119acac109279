"""What share of a law lies above a score: a histogram for the body, a generalised Pareto law for the tail.

The tail is fitted by probability-weighted moments (Hosking and Wallis, Technometrics 29, 1987) to the excesses over the
98th percentile; thresholds after Siffer et al., KDD 2017. A histogram alone cannot answer below one over its weight.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate
from math import exp, expm1, log, log1p
from typing import NamedTuple

BINS = 256
_FLOOR, _TOP = 0.05, 320.0  # scores: below the first, bins are about as wide as each other, above it 3.5 % of the score
_STEP = log1p(_TOP / _FLOOR) / (BINS - 1)
EDGES = tuple(_FLOOR * expm1(place * _STEP) for place in range(BINS))
"""Bin 0 is a score of 0 or less; bin n covers ``EDGES[n - 1]`` to ``EDGES[n]``, and the last one all above."""

_STARTS = EDGES[:-1]
_SHAPES = -0.1, 0.5
_TINY = 1e-300


class Fit(NamedTuple):
    """How a curve is fitted.

    ``tail``: the share of the weight that makes the tail. ``least``: excesses at which the tail is large enough, so
    that more of them begin it further out, though never beyond a 500th of the weight; infinite by default, as few
    anomalies would make up much of such a tail. ``shrink``: excesses that weigh for an exponential tail.
    ``prior``: made-up units that are distributed as the caller says, and ``fade``: the weight at which they are half.
    """

    tail: float = 0.02
    least: float = float("inf")
    shrink: float = 200.0
    prior: float = 200.0
    fade: float = 5000.0


DEFAULT = Fit()


def bin_of(score: float) -> int:
    """The bin that a score falls in."""
    return bisect_right(_STARTS, score) if score > 0.0 else 0


class Curve:
    """The law of a score, out of the weights of the ``BINS`` bins. It never changes.

    >>> curve = Curve([900.0] + [0.0] * 99 + [100.0] + [0.0] * 155, Fit(prior=0.0))
    >>> curve.p(0.0, 1.0), curve.p(EDGES[98], 1.0)
    (1.0, 0.1)
    """

    __slots__ = ("above", "bin", "prior", "scale", "shape", "share", "start", "weight")

    def __init__(self, body: Sequence[float], fit: Fit = DEFAULT) -> None:
        above = [*accumulate(reversed(body))]
        above.reverse()
        above.append(0.0)
        self.above = above  # weight of the bin and those above it
        weight = self.weight = above[0]
        self.prior = fit.prior * fit.fade / (fit.fade + weight)
        self.bin, self.start, self.share, self.shape, self.scale = BINS, _TOP, 0.0, 0.0, 1.0
        if weight <= 0.0:
            return
        wanted = min(fit.tail * weight, max(fit.least, 0.002 * weight))
        first = BINS - 1
        while first > 1 and above[first] < wanted:
            first -= 1
        if above[first] > 2.0 * wanted and above[first + 1] > 0.0:  # many equal scores: the tail begins above them
            first += 1
        excesses = above[first]
        if excesses <= 0.0:
            return
        start = EDGES[first - 1]
        mean = moment = 0.0
        for place in range(first, BINS):
            if body[place]:
                x = 0.5 * (EDGES[place - 1] + EDGES[place]) - start
                mean += body[place] * x
                moment += body[place] * x * (above[place + 1] + 0.5 * body[place]) / excesses
        mean /= excesses
        moment /= excesses
        if mean <= 0.0:
            return
        spread = mean - 2.0 * moment
        shape = 2.0 - mean / spread if spread > 1e-12 else _SHAPES[1]
        shape = min(max(shape, _SHAPES[0]), _SHAPES[1]) * excesses / (excesses + fit.shrink)
        self.bin, self.start, self.share, self.shape = first, start, excesses / weight, shape
        self.scale = mean * (1.0 - shape)

    def p(self, score: float, nominal: float) -> float:
        """P(a unit's score >= ``score``), at least 1e-300; ``nominal``: what the prior's made-up units say."""
        weight = self.weight
        if weight <= 0.0:
            return nominal
        place = bisect_right(_STARTS, score) if score > 0.0 else 0
        if place >= self.bin:
            x = (score - self.start) / self.scale
            if -1e-6 < self.shape < 1e-6:
                p = self.share * exp(-x)
            else:
                y = 1.0 + self.shape * x
                p = self.share * y ** (-1.0 / self.shape) if y > 0.0 else 0.0
        elif place == 0:
            return 1.0
        else:
            low, above = EDGES[place - 1], self.above
            part = (EDGES[place] - score) / (EDGES[place] - low)
            p = (above[place + 1] + part * (above[place] - above[place + 1])) / weight
        p = (weight * p + self.prior * nominal) / (weight + self.prior)
        return p if p > _TINY else _TINY

    def score(self, p: float) -> float:
        """The score with that p in the tail, the prior aside; where the tail begins if it is larger than the tail."""
        if p >= self.share:
            return self.start
        if -1e-6 < self.shape < 1e-6:
            return self.start - self.scale * log(p / self.share)
        return self.start + self.scale * expm1(-self.shape * log(p / self.share)) / self.shape
