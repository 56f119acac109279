"""How much evidence is enough, and how long a decision holds."""

from __future__ import annotations

from typing import Final, NamedTuple

from schemas.parameters import Parameters

DAY_MS: Final = 86_400_000


class Thresholds(NamedTuple):
    """In ms where it says so. The engine's parameters have the same names behind ``suppress_``."""

    automatic: bool = True
    """Whether evidence alone suppresses; reviewers' decisions hold either way."""
    actionable: float = 0.15
    """The share of such units worth acting on must be below this with 95 % certainty."""
    days: int = 3
    """Distinct days on which it must have come."""
    reviewers: int = 2
    """People whose verdicts it must rest on, with two of each at least."""
    hours: int = 6
    """A verdict on a unit counts once for each hour in which the unit had the pattern, so many times at most."""
    reviewer_lead: float = 8.0
    """The verdicts of one person count for so much more than those of all others together, at most."""
    half_life_ms: int = 30 * DAY_MS
    """A verdict counts half after this time."""
    for_ms: int = 30 * DAY_MS
    """How long a suppression on evidence holds; then it needs a verdict that is newer than its beginning."""
    longest_ms: int = 90 * DAY_MS
    """How long a reviewer's suppression holds at most."""
    sample: float = 0.02
    """Share of suppressed units that are surfaced all the same."""
    surge: float = 4.0
    """A unit with more occurrences an hour than this many times the most that was ever judged stays in the queue."""
    surge_floor: float = 20.0
    """Occurrences an hour that are no surge whatever was judged."""
    patterns: int = 5_000
    """Patterns a domain remembers; those longest unseen and unjudged go first, counted."""

    @classmethod
    def of(cls, parameters: Parameters) -> Thresholds:
        """Those of the engine's parameters."""
        return cls._make(getattr(parameters, f"suppress_{name}") for name in cls._fields)


EACH: Final = 2
"""Verdicts from which on a person counts among the reviewers."""

ESCALATED: Final = 5.0
"""An escalation counts as so many verdicts that it was worth acting on; and within ``QUIET_MS`` forbids by itself."""

QUIET_MS: Final = 90 * DAY_MS

IDLE: Final = 0.1
IDLE_MOST: Final = 3.0
"""A unit that closed with nobody looking counts as so much of a verdict that it was not, and all of them so much."""
