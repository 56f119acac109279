"""Reviews into the patterns of a domain: which kinds concern them, and what each does."""

from __future__ import annotations

from schemas.events import Review
from streams.correlation.instants import instant
from streams.correlation.suppression.patterns import Patterns
from streams.correlation.suppression.thresholds import Thresholds


def reviewed(
    patterns: Patterns, event: Review, cluster: str | None, unit_id: str, now: int, thresholds: Thresholds
) -> list[str]:
    """Take a review; gives the clusters that need a revision for it, which may include the unit's own.

    ``cluster`` and ``unit_id`` are those of the unit as it is now, whatever id the review used; None where it is about
    a pattern, or about a unit that is gone. A suppression of a unit is one of all its patterns.
    """
    time, review, who = instant(event.time), event.source_id, event.reviewer
    if event.kind in ("suppress", "unsuppress"):
        names = (event.pattern,) if event.pattern is not None else patterns.patterns(cluster or "")
        if event.kind == "unsuppress":
            return patterns.unsuppress(names, who, event.comment, time, review, now)
        until = None if event.expires is None else instant(event.expires)
        return patterns.suppress(names, who, event.comment, until, time, review, now, thresholds)
    if cluster is None:
        return []
    if event.kind == "verdict" and event.verdict is not None:
        return patterns.note_verdict(cluster, unit_id, who, event.verdict, time, review, now, thresholds)
    if event.kind == "escalate":
        return patterns.note_escalation(cluster, time, review, now, thresholds)
    return []
