"""The detectors of one correlation domain, as one: score, then learn, one verdict an event."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import lru_cache
from hashlib import blake2b
from math import log10
from typing import Any, NamedTuple

from models.adopt import Schema
from models.base import TICK_MS, Detector, Evidence, Features, Store
from models.burst import Burst
from models.calibration import Calibration, Sealed, kind_of
from models.combine import CAP, TINY, combined, evidence
from models.curve import Fit
from models.evict import evicted
from models.frequency import Frequency
from models.health import REFUSED, Health, Limits, Monitors, health
from models.keys import row_key
from models.quota import NewKeys
from models.rarity import Rarity
from models.ratio import Ratio
from models.reason import LEARNING_BELOW, Part
from models.surge import Surge
from models.tokens import Tokens

DETECTORS: tuple[type[Detector], ...] = (Burst, Rarity, Frequency, Ratio, Surge, Tokens)
"""All there are. To add a detector: one file, one entry here."""

STANDARD: tuple[type[Detector], ...] = (Burst, Rarity, Frequency, Ratio)
"""Those that score unless a set of models names others: together they keep the promises on calibration and cost."""


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

CALIBRATION, CALIBRATION_VERSION = "calibration", 3
"""The name, and the version of the rows, of the store that the laws of the scores are kept in."""

HEALTH = "health"
"""The name of the store that the monitors are kept in: what ``models.health.health`` reads."""

QUOTA = "quota"
"""The name of the store that the quota of new principals is kept in. Empty unless events name their source."""

Parameters = Mapping[str, Mapping[str, Any]]
"""By name of a detector, of the calibration, the monitors or the quota: parameters that are not to be its own."""

_LAWS = "half_life", "kinds", "units", "wait"  # the calibration's parameters that are not those of its curves
_YOUNG = CAP / 100  # a part of a key that is still learning weighs no more, however it is diluted
_ORDINARY = tuple(
    tuple(Verdict(10 ** (-decade / 10), tenth / 10, tenth / 10 < LEARNING_BELOW, ()) for decade in range(21))
    for tenth in range(11)
)

# How it weighs, its place among the scores or -1, its bit among those that are learning, itself.
Step = tuple[Callable[[Features], Evidence], int, int, Detector]


class Suite:
    """The detectors of one domain over the caller's rows. ``store(name)`` gives the mapping of the detector ``name``.

    ``detectors``, by default the standard ones, and ``parameters``, for a second set of models beside the first, over
    rows of its own. ``ValueError`` for the name of a detector or parameter that there is not.

    >>> tables = {}
    >>> suite = Suite(lambda name: tables.setdefault(name, {}))
    >>> event = {"time": 0, "principal": "role/web", "action": "s3:GetObject", "outcome": "success"}
    >>> suite.score_and_learn(event).learning, sorted(tables)
    (True, ['burst', 'calibration', 'frequency', 'health', 'quota', 'rarity', 'ratio'])
    >>> Suite(lambda name: {}, parameters={"bust": {"guard": 1e-4}})
    Traceback (most recent call last):
    ValueError: no model is called bust; there are burst, rarity, frequency, ratio, calibration, health, quota
    """

    def __init__(
        self,
        store: Callable[[str], Store],
        detectors: Sequence[type[Detector]] = STANDARD,
        parameters: Parameters | None = None,
    ) -> None:
        given = {kind.name: kind for kind in detectors}
        parameters = parameters or {}
        _known(parameters, (*given, CALIBRATION, HEALTH, QUOTA), "model")
        own = {name: dict(parameters.get(name, {})) for name in (*given, CALIBRATION, HEALTH, QUOTA)}
        for name, kind in given.items():
            _known(own[name], kind().parameters(), f"parameter of {name}")
        self.detectors: tuple[Detector, ...] = tuple(
            kind(store=store(name), **own[name]) for name, kind in given.items()
        )
        # A detector that is not calibrated has no place among the scores.
        self._names = tuple(detector.name for detector in self.detectors if detector.repeatable)
        self._growing = tuple(
            detector.weight if detector.grows else 0.0 for detector in self.detectors if detector.repeatable
        )
        self._silent = (0.0,) * len(self._names)
        self._total = sum(detector.weight for detector in self.detectors)
        _known(own[QUOTA], ("limit",), f"parameter of {QUOTA}")
        _known(own[HEALTH], Limits._fields, f"parameter of {HEALTH}")
        _known(own[CALIBRATION], (*_LAWS, *Fit._fields), f"parameter of {CALIBRATION}")
        laws = {name: own[CALIBRATION].pop(name) for name in _LAWS if name in own[CALIBRATION]}
        calibration = self.calibration = Calibration(
            store(CALIBRATION),
            (*self._names, "all"),
            self._composite,
            fit=Fit(**own[CALIBRATION]),
            sealed=self._sealed,
            **laws,
        )
        self._health = store(HEALTH)
        self.quota = NewKeys(store(QUOTA), **own[QUOTA])
        self._known_by = tuple(detector._rows for detector in self.detectors)
        self.monitors = Monitors(
            self._health,
            calibration.names,
            calibration.monitored,
            calibration.speaking,
            self._lost,
            Limits(**own[HEALTH]),
        )
        places = tuple(self._names.index(each.name) if each.repeatable else -1 for each in self.detectors)
        bits = tuple(1 << place if place >= 0 else 0 for place in places)
        self._weigh = tuple(zip((d.weigh for d in self.detectors), places, bits, self.detectors, strict=True))
        self._observe = tuple(zip((d.observe for d in self.detectors), places, bits, self.detectors, strict=True))

    def names(self) -> tuple[str, ...]:
        """``name@version:parameter digest`` of each detector, the calibration, the monitors and the quota: with equal
        names and rows, verdicts and health are equal."""
        return (
            *(f"{each.name}@{each.version}:{each.digest}" for each in self.learnt()),
            f"{HEALTH}@1:{_digest(self.monitors.limits._asdict())}",
            f"{QUOTA}@1:{_digest({'limit': self.quota.limit})}",
        )

    def learnt(self) -> tuple[Detector | Schema, ...]:
        """Whose rows are what the suite has learnt, for ``models.adopt`` and ``models.state``: detectors and laws."""
        parameters = self.calibration.parameters() | {each.name: each.weight for each in self.detectors}
        return (*self.detectors, Schema(CALIBRATION, CALIBRATION_VERSION, parameters))

    def state_digest(self) -> str:
        """Sixteen hex digits of what the domain's models have said up to the last minute that is over.

        They follow from every principal-minute that was counted: its minute, its principal and, from the second day on,
        the score by each detector, whatever the order inside the minute. So two suites whose digests are equal were
        given events of the same principals in the same minutes and scored them alike; what they have learnt is the same
        as far as it has mattered to a calibrated score. What was learnt and has not been asked for since is not in it,
        nor the minute that is not over, nor what came late. It costs nothing to ask for: one row has it.
        """
        return self.calibration.digest

    def provenance(self) -> tuple[str, ...]:
        """``names``, each with the digest of the state that all of them share: ``name@version:parameters+state``."""
        state = self.state_digest()
        return tuple(f"{name}+{state}" for name in self.names())

    @property
    def tests(self) -> int:
        """Principal-minutes that were counted, ever: how many hypotheses the domain has tested. It only grows."""
        return self.calibration.tests

    def health(self) -> tuple[Health, ...]:
        """Of each calibrated detector and of the combination, "all", whether it still says what it promises."""
        return health(self._health)

    def assess(self, x: Features) -> Verdict:
        """The verdict on an event that is not learnt yet. Changes nothing."""
        return self._verdict(x, self._weigh, learn=False)

    def learn(self, x: Features) -> None:
        """Learn the event."""
        self.score_and_learn(x)

    def score_and_learn(self, x: Features) -> Verdict:
        """``assess``, then ``learn``, in one pass: the same verdict and the same rows.

        Where the event has a ``source``, one of a new principal is only scored if the source brought too many of them
        (``models.quota``): it leaves no rows, and no principal-minute.
        """
        source = x.get("source")
        if source is not None and not self._admits(source, x):
            return self._verdict(x, self._weigh, learn=False)
        return self._verdict(x, self._observe, learn=True)

    def _admits(self, source: str, x: Features) -> bool:
        principal, time = x.get("principal"), x.get("time")
        if principal is None or time is None:
            return True
        key = _own_key(principal)
        for rows in self._known_by:
            if key in rows:
                return True
        return self.quota.admit(source, time // TICK_MS, known=False)

    def _verdict(self, x: Features, steps: Sequence[Step], *, learn: bool) -> Verdict:
        least = 1.0
        found: list[tuple[int, Detector, tuple[Part, ...]]] = []
        young = 0
        for step, place, bit, detector in steps:
            maturity, parts = step(x)
            if parts:
                found.append((place, detector, parts))
            if maturity < least:
                least = maturity
            if maturity < LEARNING_BELOW:
                young |= bit
        if least < 0.0:
            return UNTESTED
        principal, minute = x["principal"], x["time"] // TICK_MS
        if not found:
            if learn:
                self.calibration.note(principal, minute, self._silent, 0.0, young)
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
            self.calibration.note(principal, minute, scores, steady, young)
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

    def _sealed(self, sealed: Sealed) -> None:
        self.monitors.feed(sealed)

    def _lost(self) -> dict[str, int]:
        lost = {detector.name: evicted(detector._rows) for detector in self.detectors}
        return lost | {REFUSED: sum(self.quota.refusals().values())}


@lru_cache(maxsize=16_384)
def _own_key(principal: str) -> str:
    """The row of a principal that a detector has learnt, in those with a row a principal."""
    return row_key("p", principal)


def _known(given: Collection[str], there: Collection[str], what: str) -> None:
    for name in given:
        if name not in there:
            raise ValueError(f"no {what} is called {name}; there are {', '.join(there)}")


def _digest(parameters: Mapping[str, Any]) -> str:
    return blake2b(json.dumps(parameters, sort_keys=True).encode(), digest_size=4).hexdigest()


def _believed(part: Part) -> float:
    p = part.p
    if p < _YOUNG and part.maturity < LEARNING_BELOW:
        return _YOUNG
    return p if p > TINY else TINY


def _highest(parts: Sequence[Part]) -> float:
    """The score of the most significant part."""
    return -log10(_believed(parts[0]) if len(parts) == 1 else min(map(_believed, parts)))
