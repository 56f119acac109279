"""A suppression as the unit shows it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import Final, NamedTuple

from schemas.unit import Factor, Suppression
from streams.correlation.suppression.evidence import Tally
from streams.correlation.suppression.pattern import Pattern, Shape
from streams.correlation.suppression.rows import Decision

LONGEST_WORDS: Final = 512
PATTERN: Final = "pattern:"
"""Name of the factors that list the unit's patterns: this and the pattern's id; the value counts occurrences."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class Hiding(NamedTuple):
    """One pattern of the unit, and what hides it."""

    pattern: Pattern
    shape: Shape
    decision: Decision
    tally: Tally


def shown(unit_id: str, hiding: Sequence[Hiding], share: float) -> Suppression:
    """Named for the pattern that makes up most of the unit; every pattern is among the evidence."""
    lead = max(hiding, key=lambda one: (one.shape.times, one.pattern))
    decision = lead.decision
    decided = "on evidence" if decision.automatic else f"by {decision.owner}"
    return Suppression(
        pattern=lead.pattern.id,
        title=words(lead.pattern),
        owner=decision.owner,
        reason=decision.reason,
        evidence=(
            Factor(name="decision", value=0 if decision.automatic else 1, text=f"{decided}: {decision.reason}"),
            *lead.tally.factors(),
            *(Factor(name=PATTERN + one.pattern.id, value=one.shape.times, text=words(one.pattern)) for one in hiding),
        ),
        since=_at(max(one.decision.since_log for one in hiding)),
        expires=_at(min(one.decision.until_log for one in hiding)),
        sampled=sampled(unit_id, lead.pattern.id, share),
    )


def patterns_of(suppression: Suppression) -> tuple[str, ...]:
    """The ids of all patterns that a suppressed unit has."""
    listed = (factor.name for factor in suppression.evidence)
    return tuple(name.removeprefix(PATTERN) for name in listed if name.startswith(PATTERN))


def words(pattern: Pattern) -> str:
    """The pattern for a reader, at most ``LONGEST_WORDS`` characters."""
    return pattern.words()[:LONGEST_WORDS]


def sampled(unit_id: str, pattern: str, share: float) -> bool:
    """Whether a suppressed unit is surfaced all the same: the same for the same unit and pattern, always."""
    digest = blake2b(f"{unit_id}\x1f{pattern}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") < share * 2**64


def _at(ms: int) -> datetime:
    return _EPOCH + timedelta(milliseconds=ms)
