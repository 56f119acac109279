"""What is never suppressed, whatever the evidence. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

from schemas.base import SEVERITY_NAMES
from streams.correlation.rows import SignalRow

HIGH: Final = 4
CRITICAL: Final = 5
MOST_PATTERNS: Final = 50
"""A unit of more patterns is no plain noise."""


class Look(NamedTuple):
    """What the engine knows of a unit when a revision of it is due, and that suppression asks for."""

    unit_id: str
    severity: int
    """As shown: a reviewer's override included."""
    kev: bool
    """Whether any of its weaknesses is known to be exploited, by its reporter or the feed."""
    internet_facing: bool | None
    """None: not known."""
    disposition: str = "undecided"
    escalated: bool = False
    owner: str | None = None


def guarded(look: Look, signals: Iterable[SignalRow]) -> str | None:
    """Why the unit must stay in the primary queue, in words; None if it may leave.

    Known exploitation, critical or fatal severity of the unit or of any signal, high severity on what is reachable from
    the internet, an escalation, and a verdict that it is something.
    """
    severity = look.severity
    kev = look.kev
    for signal in signals:
        severity = max(severity, signal.severity)
        kev = kev or signal.kev
    if kev:
        return "known to be exploited"
    if severity >= CRITICAL:
        return f"severity {SEVERITY_NAMES[severity]}"
    if severity >= HIGH and look.internet_facing:
        return "high severity and reachable from the internet"
    if look.escalated:
        return "escalated"
    if look.disposition == "true_positive":
        return "confirmed by a reviewer"
    return None
