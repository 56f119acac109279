"""Level: one rate against its own past. Only ``weir eval nab`` uses it: the engine scores events, which are no rates.

Each tick is held against what was learnt before it, in three ways:

- shift: how far the fast mean (half-life 12 ticks) is from the slow one (1,000), in the slow standard deviation
- season: the fast mean of what the calendar leaves unexplained, in its slow standard deviation. The calendar is the
  hour, and the hour of a weekday or weekend, each shrunk to what stands above it
- range: how far the value is outside all values before it, in ranges

Each gets a p from ``models.curve``; the mean of their -log10 p gets another, so that nothing need be assumed of how the
three hang together. One absurd value is clipped before it teaches. An excursion speaks once: the series is silent for
``QUIET`` ticks after.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import log10, sqrt
from typing import Final

from models.curve import BINS, Curve, Fit, bin_of

FAST: Final = 12.0
SLOW: Final = 1000.0
SEASON: Final = 200.0
"""Half-life of a slot of the calendar, in ticks of its own."""
SHRINK: Final = 20.0
"""Ticks of a slot at which it weighs as much as what stands above it."""
WARM: Final = 50
CLIP: Final = 4.0
"""Of the slow mean, in sd; that of the fast ones and of the calendar is ``WIDE``."""
WIDE: Final = 20.0
GROWTH: Final = 0.5
"""The most by which one value widens the range, in ranges."""
QUIET: Final = 150
ALARM: Final = 1.6
"""-log10 p at which the series speaks."""

_HOUR: Final = 3_600_000
_MOST: Final = 12.0
_BATCH: Final = 16
_FIT: Final = Fit(tail=0.05, least=50.0, shrink=100.0, prior=0.0)


class Level:
    """One series, a value a tick."""

    def __init__(self) -> None:
        self.ticks = 0
        self.fast, self.slow = _Mean(FAST), _Mean(SLOW)
        self.rest, self.rest_slow = _Mean(FAST), _Mean(SLOW)
        self.slots: dict[tuple[int, ...], tuple[float, float]] = {}
        self.low = self.high = 0.0
        self.laws = tuple(_Law() for _ in range(3))
        self.whole = _Law()

    def observe(self, time: int, value: float) -> float:
        """-log10 p of the value at ``time`` (ms since 1970, UTC), then learn it."""
        scores = self._scores(time, value)
        mean = sum(law.observe(score) for law, score in zip(self.laws, scores, strict=True)) / len(self.laws)
        return self.whole.observe(mean)

    def _scores(self, time: int, value: float) -> tuple[float, float, float]:
        hour, weekend = time // _HOUR % 24, (time // (24 * _HOUR) + 3) % 7 >= 5
        slots = ((hour,), (hour, int(weekend)))
        slow, warm = self.slow, self.ticks >= WARM
        self.ticks += 1
        scores = (0.0, 0.0, 0.0)
        near = far = value
        if self.ticks > 5:
            sd = sqrt(slow.variance) + 1e-9 * abs(slow.mean) + 1e-12
            base = slow.mean
            for slot in slots:
                weight, mean = self.slots.get(slot, (0.0, 0.0))
                base += weight / (weight + SHRINK) * (mean - base)
            rest = value - base
            rest_sd = sqrt(self.rest_slow.variance) + 1e-3 * sd
            shift = abs(self.fast.mean - slow.mean) / sd
            if warm:
                self.rest_slow.add(_clip(rest, 0.0, CLIP * rest_sd))
                near, far = _clip(value, slow.mean, CLIP * sd), _clip(value, slow.mean, WIDE * sd)
                rest = far - base
            else:
                self.rest_slow.add(rest)
            self.rest.add(rest)
            outside = max(value - self.high, self.low - value, 0.0) / (self.high - self.low + 1e-12)
            scores = (shift, abs(self.rest.mean) / rest_sd, outside)
        for slot in slots:
            weight, mean = self.slots.get(slot, (0.0, 0.0))
            weight = weight * 0.5 ** (1.0 / SEASON) + 1.0
            self.slots[slot] = weight, mean + (far - mean) / weight
        self.fast.add(far)
        slow.add(near)
        if self.ticks == 1:
            self.low = self.high = value
        else:
            room = GROWTH * (self.high - self.low) if warm else float("inf")
            high = min(max(self.high, value), self.high + room)
            self.low = max(min(self.low, value), self.low - room)
            self.high = high
        return scores


def spoken(scores: Iterable[float], alarm: float = ALARM, quiet: int = QUIET) -> list[float]:
    """The scores of a series, 0 while it is silent after it spoke."""
    said: list[float] = []
    until = 0
    for tick, score in enumerate(scores):
        said.append(0.0 if tick < until else score)
        if tick >= until and score >= alarm:
            until = tick + quiet
    return said


class _Mean:
    """Mean and variance with exponential forgetting."""

    def __init__(self, half_life: float) -> None:
        self.keep = 0.5 ** (1.0 / half_life)
        self.weight = self.mean = self.variance = 0.0

    def add(self, value: float) -> None:
        self.weight = self.weight * self.keep + 1.0
        share = 1.0 / self.weight
        step = value - self.mean
        self.mean += share * step
        self.variance = (1.0 - share) * (self.variance + share * step * step)


class _Law:
    """A score to -log10 of the share of earlier scores above it; what it learns counts in batches."""

    def __init__(self) -> None:
        self.body: list[float] = [0.0] * BINS
        self.pending: list[int] = []
        self.curve = Curve(self.body, _FIT)

    def observe(self, score: float) -> float:
        if len(self.pending) >= _BATCH:
            for place in self.pending:
                self.body[place] += 1.0
            self.pending.clear()
            self.curve = Curve(self.body, _FIT)
        p = self.curve.p(score, 1.0)
        self.pending.append(bin_of(score))
        return min(-log10(p), _MOST)


def _clip(value: float, centre: float, width: float) -> float:
    return max(centre - width, min(centre + width, value))


def run(times: Sequence[int], values: Sequence[float]) -> list[float]:
    """The scores of a series, as it speaks."""
    level = Level()
    return spoken(level.observe(time, value) for time, value in zip(times, values, strict=True))
