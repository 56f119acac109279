"""How bad it would be, 0 to 100, in factors that add up. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from schemas.base import SEVERITY_NAMES
from schemas.unit import Exploitability, Factor, Risk
from streams.correlation.facts import UNKNOWN as UNKNOWN
from streams.correlation.facts import Facts as Facts
from streams.correlation.rows import SignalRow

SEVERITY_POINTS = (5.0, 5.0, 15.0, 30.0, 45.0, 60.0, 60.0)


def exploitability(signals: Sequence[SignalRow], facts: Sequence[Facts]) -> Exploitability:
    """What makes the affected components easy or hard to reach."""

    def any_of(values: list[bool | None]) -> bool | None:
        known = [v for v in values if v is not None]
        return any(known) if known else None

    scores = [s.cvss for s in signals if s.cvss is not None]
    weaknesses = [s for s in signals if s.kind in ("vulnerability", "weakness")]
    return Exploitability(
        internet_facing=any_of([f.internet_facing for f in facts]),
        privileged=any_of([f.privileged for f in facts]),
        customer_path=any_of([f.customer_path for f in facts]),
        max_cvss=max(scores, default=None),
        fix_available=any(s.fix for s in weaknesses) if weaknesses else None,
    )


def risk(severity: int, signals: Sequence[SignalRow], reach: Exploitability, confidence: float) -> Risk:
    """Severity carries most; reach and variety add; how sure we are scales nothing, it is its own field."""
    factors = [
        Factor(name="severity", value=SEVERITY_POINTS[severity], text=f"highest severity: {SEVERITY_NAMES[severity]}")
    ]
    for name, value, points, words in (
        ("internet_facing", reach.internet_facing, 12.0, "reachable from the internet"),
        ("privileged", reach.privileged, 8.0, "runs with high privileges"),
        ("customer_path", reach.customer_path, 8.0, "on the customers' path"),
    ):
        if value:
            factors.append(Factor(name=name, value=points, text=words))
    kinds = sorted({s.kind for s in signals})
    if len(kinds) > 1:
        factors.append(Factor(name="variety", value=4.0 * (len(kinds) - 1), text=f"signals of {', '.join(kinds)}"))
    if confidence >= 0.8:
        factors.append(Factor(name="confidence", value=6.0, text=f"confidence {confidence:.2f}"))
    total = sum(f.value for f in factors)
    return Risk(score=round(max(0.0, min(100.0, total)), 2), factors=tuple(factors))
