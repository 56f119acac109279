"""Activities through the models of their domain: a signal for what is unusual."""

from __future__ import annotations

from typing import Final

from models.reason import text
from models.suite import Suite
from schemas.events import Activity
from streams.correlation.rows import SignalRow
from streams.correlation.signal import anomaly_signal
from streams.correlation.state import Domain

MODELS: Final = Suite(lambda _: {}).names()
"""The detectors, as units name them: those in force, whether or not the domain has given them anything to score."""

REASONS: Final = 4
"""Parts of a verdict that a signal tells of."""


class Scoring:
    """The models of all domains of a partition; what they learn is in the domains' tables."""

    def __init__(self) -> None:
        self.suites: dict[str, Suite] = {}

    def signal(self, domain: Domain, event: Activity, time: int, signal_p: float) -> SignalRow | None:
        """Score the activity, learn it, and give a signal if its p is at most ``signal_p``. ``time``: event ms."""
        suite = self.suites.get(domain.name)
        if suite is None:
            suite = self.suites[domain.name] = Suite(domain.table)
        ip = resource = None
        for kind, id_ in event.entities:
            if kind == "ip":
                ip = ip or id_
            elif kind == "resource":
                resource = resource or id_
        verdict = suite.score_and_learn(
            {
                "time": time,
                "principal": event.actor,
                "action": event.action,
                "resource": resource,
                "ip": ip,
                "outcome": event.outcome,
                "component": event.component,
            }
        )
        if verdict.p > signal_p:
            return None
        why = tuple(text(part) for part in verdict.parts[:REASONS])
        return anomaly_signal(event, time, verdict.p, verdict.maturity, why, learning=verdict.learning)
