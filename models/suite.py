"""All detectors of one correlation domain, as one: score, then learn, one verdict an event."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from models.base import Detector, Evidence, Features, Store
from models.burst import Burst
from models.combine import settle
from models.rarity import Rarity
from models.reason import LEARNING_BELOW, Part

DETECTORS: tuple[type[Detector], ...] = (Burst, Rarity)
"""To add a detector: one file, one entry here."""


class Verdict(NamedTuple):
    """How unusual an event is. The ordinary share one object per tenth of maturity, with p = 1 and no parts.

    ``p``: combined over all tests of all detectors, one-sided. ``maturity``, 0 to 1: of the key of the most significant
    part; for the ordinary, of the least mature detector, in tenths. ``learning``: the maturity is below 0.5, so ``p``
    is capped and 1 means little. ``parts``: most significant first; their scores add up to ``-log10 p``.
    """

    p: float
    maturity: float
    learning: bool
    parts: tuple[Part, ...]


UNUSUAL = 0.01
"""An event without a single part at or below this p is ordinary."""

UNTESTED = Verdict(1.0, 0.0, False, ())
"""The event says too little to be tested, and can't be learnt from: no time, or no principal."""

_ORDINARY = tuple(Verdict(1.0, tenth / 10, tenth / 10 < LEARNING_BELOW, ()) for tenth in range(11))


class Suite:
    """The detectors of one domain over the caller's rows. ``store(name)`` gives the mapping of the detector ``name``.

    >>> tables = {}
    >>> suite = Suite(lambda name: tables.setdefault(name, {}))
    >>> event = {"time": 0, "principal": "role/web", "action": "s3:GetObject", "outcome": "success"}
    >>> suite.score_and_learn(event).learning, sorted(tables)
    (True, ['burst', 'rarity'])
    """

    def __init__(self, store: Callable[[str], Store]) -> None:
        self.detectors: tuple[Detector, ...] = tuple(kind(store=store(kind.name)) for kind in DETECTORS)
        self._weigh = tuple(detector.weigh for detector in self.detectors)
        self._observe = tuple(detector.observe for detector in self.detectors)

    def names(self) -> tuple[str, ...]:
        """``name@version:parameter digest`` of each detector: with equal names and rows, verdicts are equal."""
        return tuple(f"{detector.name}@{detector.version}:{detector.digest}" for detector in self.detectors)

    def assess(self, x: Features) -> Verdict:
        """The verdict on an event that is not learnt yet. Changes nothing."""
        return self._verdict(x, self._weigh)

    def learn(self, x: Features) -> None:
        """Learn the event."""
        for detector in self.detectors:
            detector.learn_one(x)

    def score_and_learn(self, x: Features) -> Verdict:
        """``assess``, then ``learn``, in one pass: the same verdict and the same rows."""
        return self._verdict(x, self._observe)

    def _verdict(self, x: Features, steps: tuple[Callable[[Features], Evidence], ...]) -> Verdict:
        least = 1.0
        found: tuple[Part, ...] = ()
        for step in steps:
            maturity, parts = step(x)
            if parts:
                found += parts
            if maturity < least:
                least = maturity
        for part in found:
            if part.p <= UNUSUAL:  # else no combination gets there either
                break
        else:
            return _ORDINARY[int(least * 10)] if least >= 0.0 else UNTESTED
        p, shown = settle(found, sum(detector.tests(x) for detector in self.detectors))
        maturity = shown[0].maturity
        return Verdict(p, maturity, maturity < LEARNING_BELOW, shown)
