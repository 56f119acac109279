"""What a detector is: river's anomaly detector with a p-value, its reasons, and its state in the caller's hands."""

from __future__ import annotations

import json
from abc import abstractmethod
from collections.abc import MutableMapping
from hashlib import blake2b
from math import log10
from typing import Any, ClassVar, NamedTuple

from river.base import AnomalyDetector

from models.combine import settle
from models.reason import Part

Row = tuple[Any, ...]
"""Flat: ints, floats, strings and None, so that it survives JSON exactly. Replaced, never altered."""

Store = MutableMapping[str, Row]
"""Where a detector keeps all it has learnt. It reads by ``get``, writes by item assignment, deletes by ``del``."""

Features = dict[str, Any]
"""One event: ``time`` (event time, int ms), ``principal``, ``action``, ``resource``, ``ip``, ``component`` (strings or
None) and ``outcome`` ("success", "failure", "unknown"); ``source`` and ``fields``, the kind of its record and what that
says (name to text, number, bool or None). ``rule`` and ``asset`` are reserved. The missing is skipped."""

Evidence = tuple[float, tuple[Part, ...]]
"""Maturity of the principal's history (0 to 1), and the raw parts with ``p <= NOTABLE``, if any."""

TICK_MS = 60_000
"""Event-time bucket. Scores rest on what was learnt in earlier ticks, so order inside one makes no difference to it."""

NOTABLE = 0.05
"""A test with a larger p is not worth a part: it cannot move a combined p to 0.01."""

UNTESTED: Evidence = (-1.0, ())
"""The event says too little to be tested: no time, or no principal."""


class Assessment(NamedTuple):
    """One detector's opinion of one event. ``p`` is 1 where nothing came near to being unusual."""

    p: float
    maturity: float
    parts: tuple[Part, ...]


class Detector(AnomalyDetector):  # type: ignore[misc]  # river ships no types that mypy follows here
    """A detector of the unusual in a stream of events, scored before they are learnt.

    All state is in ``store``: two detectors with equal parameters and equal rows give byte-equal scores, whichever
    process, hash seed or order of rows. A subclass gives ``weigh``, ``observe`` and ``tests``; the rest follows from
    these. Not safe for several threads. Event times far in the future stop a key's clock: clamp them beforehand.
    """

    name: ClassVar[str]
    version: ClassVar[int]
    """Of the rows and what they mean. A greater one needs a migration from the one before, in ``models.migrations``."""
    features: ClassVar[tuple[str, ...]]
    """What it reads of an event."""
    weight: ClassVar[float] = 1.0
    """In the combination with the other detectors."""
    believed: ClassVar[float] = 0.0
    """The least p that is taken at its word, before the detector is calibrated."""
    grows: ClassVar[bool] = False
    """Whether its score of an event grows with the number of earlier ones in the minute, of whatever kind."""
    repeatable: ClassVar[bool] = True
    """Whether the highest score of a principal in a minute is the same in any order of its events. If not, the order
    would matter to its calibration, so it has none: its p is to be a bound by itself."""

    store: Store | None
    _rows: Store

    @abstractmethod
    def weigh(self, x: Features) -> Evidence:
        """The raw evidence about an event that is not learnt yet. Changes nothing."""

    @abstractmethod
    def observe(self, x: Features) -> Evidence:
        """``weigh`` and ``learn_one`` in one pass: the same answer and the same rows."""

    @abstractmethod
    def tests(self, x: Features) -> int:
        """How many tests this event goes through: what a small p among them has to be held against."""

    def learn_one(self, x: Features) -> None:
        """Learn the event."""
        self.observe(x)

    def assess(self, x: Features) -> Assessment | None:
        """The p-value of an event that is not learnt yet, with its reasons; None if it says too little to be tested."""
        maturity, parts = self.weigh(x)
        if maturity < 0:
            return None
        if not parts:
            return Assessment(1.0, maturity, ())
        p, shown = settle(parts, self.tests(x))
        return Assessment(p, shown[0].maturity, shown)

    def score_one(self, x: Features) -> float:
        """``-log10 p``, 0 for the ordinary and the untestable. Changes nothing."""
        assessment = self.assess(x)
        return 0.0 if assessment is None or assessment.p >= 1.0 else -log10(assessment.p)

    def parameters(self) -> dict[str, Any]:
        """Everything the scores depend on besides the rows."""
        return {name: value for name, value in self._get_params().items() if name != "store"}

    @property
    def digest(self) -> str:
        """Eight hex digits that change with any parameter."""
        canonical = json.dumps(self.parameters(), sort_keys=True, separators=(",", ":"))
        return blake2b(canonical.encode(), digest_size=4).hexdigest()
