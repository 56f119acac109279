"""All detectors of one correlation domain, as one: score, then learn, one verdict an event."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from hashlib import blake2b
from math import log10
from typing import NamedTuple

from models.base import TICK_MS, Detector, Evidence, Features, Store
from models.burst import Burst
from models.calibration import Calibration, kind_of
from models.combine import CAP, TINY, combined, evidence
from models.frequency import Frequency
from models.rarity import Rarity
from models.ratio import Ratio
from models.reason import LEARNING_BELOW, Part

DETECTORS: tuple[type[Detector], ...] = (Burst, Rarity, Frequency, Ratio)
"""To add a detector: one file, one entry here."""


class Verdict(NamedTuple):
    """How unusual an event is. The ordinary share one object per tenth of maturity and of a decade of p, without parts.

    ``p``: the share of the domain's principal-minutes with an event as unusual (see ``models.calibration``); the
    detectors' own combined p as long as too few were seen. Above 0.01 it is rounded up, to 1 where no detector has
    anything to say. ``maturity``, 0 to 1: of the key of the most significant part; for the ordinary, of the least
    mature detector, in tenths. ``learning``: the maturity is below 0.5, so ``p`` is at least 1e-3 and 1 means little.
    ``parts``: most significant first; their scores add up to ``-log10 p``.
    """

    p: float
    maturity: float
    learning: bool
    parts: tuple[Part, ...]


UNUSUAL = 0.01
"""An event with a larger p is ordinary."""

UNTESTED = Verdict(1.0, 0.0, False, ())
"""The event says too little to be tested, and can't be learnt from: no time, or no principal."""

CALIBRATION = "calibration"
"""The name of the store that the laws of the scores are kept in."""

_YOUNG = CAP / 100  # a part of a key that is still learning weighs no more, however it is diluted
_ORDINARY = tuple(
    tuple(Verdict(10 ** (-decade / 10), tenth / 10, tenth / 10 < LEARNING_BELOW, ()) for decade in range(21))
    for tenth in range(11)
)

Step = tuple[Callable[[Features], Evidence], int, Detector]


class Suite:
    """The detectors of one domain over the caller's rows. ``store(name)`` gives the mapping of the detector ``name``.

    >>> tables = {}
    >>> suite = Suite(lambda name: tables.setdefault(name, {}))
    >>> event = {"time": 0, "principal": "role/web", "action": "s3:GetObject", "outcome": "success"}
    >>> suite.score_and_learn(event).learning, sorted(tables)
    (True, ['burst', 'calibration', 'frequency', 'rarity', 'ratio'])
    """

    def __init__(self, store: Callable[[str], Store]) -> None:
        self.detectors: tuple[Detector, ...] = tuple(kind(store=store(kind.name)) for kind in DETECTORS)
        # A detector that is not calibrated has no place among the scores.
        self._names = tuple(detector.name for detector in self.detectors if detector.repeatable)
        self._growing = tuple(
            detector.weight if detector.grows else 0.0 for detector in self.detectors if detector.repeatable
        )
        self._silent = (0.0,) * len(self._names)
        self._total = sum(detector.weight for detector in self.detectors)
        self.calibration = Calibration(store(CALIBRATION), (*self._names, "all"), self._composite)
        places = tuple(self._names.index(each.name) if each.repeatable else -1 for each in self.detectors)
        self._weigh = tuple(zip((d.weigh for d in self.detectors), places, self.detectors, strict=True))
        self._observe = tuple(zip((d.observe for d in self.detectors), places, self.detectors, strict=True))

    def names(self) -> tuple[str, ...]:
        """``name@version:parameter digest`` of each detector and of the calibration: with equal names and rows,
        verdicts are equal."""
        parameters = self.calibration.parameters() | {each.name: each.weight for each in self.detectors}
        digest = blake2b(json.dumps(parameters, sort_keys=True).encode(), digest_size=4).hexdigest()
        return (
            *(f"{detector.name}@{detector.version}:{detector.digest}" for detector in self.detectors),
            f"{CALIBRATION}@1:{digest}",
        )

    def assess(self, x: Features) -> Verdict:
        """The verdict on an event that is not learnt yet. Changes nothing."""
        return self._verdict(x, self._weigh, learn=False)

    def learn(self, x: Features) -> None:
        """Learn the event."""
        self.score_and_learn(x)

    def score_and_learn(self, x: Features) -> Verdict:
        """``assess``, then ``learn``, in one pass: the same verdict and the same rows."""
        return self._verdict(x, self._observe, learn=True)

    def _verdict(self, x: Features, steps: Sequence[Step], *, learn: bool) -> Verdict:
        least = 1.0
        found: list[tuple[int, Detector, tuple[Part, ...]]] = []
        for step, place, detector in steps:
            maturity, parts = step(x)
            if parts:
                found.append((place, detector, parts))
            if maturity < least:
                least = maturity
        if least < 0.0:
            return UNTESTED
        principal, minute = x["principal"], x["time"] // TICK_MS
        if not found:
            if learn:
                self.calibration.note(principal, minute, self._silent)
            return _ORDINARY[int(least * 10)][0]
        scores = [0.0] * len(self._names)
        kind = kind_of(principal)
        statistic = steady = 0.0
        weights = []
        for place, detector, parts in found:
            score = _highest(parts)
            weight = detector.weight * evidence(self._p(place, detector, x, kind, minute, score))
            weights.append(weight)
            statistic += weight
            if place >= 0:
                scores[place] = score
                if not detector.grows:
                    steady += weight
        p = self._final(statistic, kind, minute)
        if learn:
            self.calibration.note(principal, minute, scores, steady)
        if p > UNUSUAL:
            return _ORDINARY[int(least * 10)][int(-10.0 * log10(p))]
        return self._told(x, kind, minute, found, weights, p)

    def _p(self, place: int, detector: Detector, x: Features, kind: str, minute: int, score: float) -> float:
        """A detector's score to its p: calibrated, if it has a place among the scores."""
        nominal = 10.0**-score * detector.tests(x)
        nominal = 1.0 if nominal > 1.0 else max(nominal, detector.believed)
        return nominal if place < 0 else self.calibration.p(detector.name, kind, minute, score, nominal)

    def _told(
        self,
        x: Features,
        kind: str,
        minute: int,
        found: Sequence[tuple[int, Detector, tuple[Part, ...]]],
        weights: Sequence[float],
        p: float,
    ) -> Verdict:
        """The verdict on what may be unusual: what rests on keys that are still learning is held at the cap."""
        held = False
        if p < CAP:
            sure = 0.0
            for (place, detector, parts), weight in zip(found, weights, strict=True):
                mature = [part for part in parts if part.maturity >= LEARNING_BELOW]
                if len(mature) < len(parts):
                    held = True
                    score = _highest(mature) if mature else 0.0
                    weight = detector.weight * evidence(self._p(place, detector, x, kind, minute, score))
                sure += weight
            if held:
                certain = self._final(sure, kind, minute)
                held = certain < CAP  # and then it is all that counts
                p = certain if held else CAP
        told: list[tuple[float, Part]] = []
        for (_, _, parts), weight in zip(found, weights, strict=True):
            raw = [evidence(_believed(part)) for part in parts]
            total = sum(raw) or 1.0
            for share, part in zip(raw, parts, strict=True):
                young = part.maturity < LEARNING_BELOW
                shown = part._replace(p=CAP) if young and part.p < CAP else part
                told.append((0.0 if held and young else weight * share / total, shown))
        told.sort(key=lambda each: (-each[0], each[1].p, *each[1][:3], each[1].value or ""))
        total = sum(share for share, _ in told)
        whole = -log10(p) / total if total > 0.0 else 0.0
        maturity = told[0][1].maturity
        parts = tuple(part._replace(score=share * whole) for share, part in told)
        return Verdict(p, maturity, maturity < LEARNING_BELOW, parts)

    def _final(self, statistic: float, kind: str, minute: int) -> float:
        if statistic <= 0.0:
            return 1.0
        p = combined(statistic / self._total)
        return self.calibration.p("all", kind, minute, -log10(p), p)

    def _composite(self, ps: Sequence[float], steady: float) -> float:
        """The combined score of a unit: what its worst event had, with the growing detectors where they ended."""
        statistic = steady
        for weight, p in zip(self._growing, ps, strict=True):
            if weight:
                statistic += weight * evidence(p)
        return -log10(combined(statistic / self._total)) if statistic > 0.0 else 0.0


def _believed(part: Part) -> float:
    p = part.p
    if p < _YOUNG and part.maturity < LEARNING_BELOW:
        return _YOUNG
    return p if p > TINY else TINY


def _highest(parts: Sequence[Part]) -> float:
    """The score of the most significant part."""
    return -log10(_believed(parts[0]) if len(parts) == 1 else min(map(_believed, parts)))
