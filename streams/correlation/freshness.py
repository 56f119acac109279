"""Whether a context record is too old to be believed as it is. Pure.

How old it is when it matters, which is at a unit's newest signal: since the record was dated, or since all records of
its kind were last read anew (context records of kind ``feed``), whichever is the sooner. The date of a KEV entry, of
an exception, a window or a case says nothing of that: they hold until somebody says otherwise, so of these kinds only
the reading counts, and of KEV the catalogue's release.
"""

from __future__ import annotations

from typing import Final

from schemas.parameters import Parameters
from streams.correlation.context import FEED, Context, Fact, old

DATED: Final = frozenset({"catalog", "epss", "vex", "on_call"})
"""Kinds whose own date says how fresh they are."""


class Freshness:
    """The ages that are too old, by the parameters in force, over a context."""

    def __init__(self, context: Context, parameters: Parameters) -> None:
        self.context = context
        self.limits = {
            "catalog": parameters.stale_catalog_ms,
            "kev": parameters.stale_kev_ms,
            "epss": parameters.stale_epss_ms,
            "on_call": parameters.stale_on_call_ms,
            "policy_exception": parameters.stale_calendar_ms,
            "deployment_window": parameters.stale_calendar_ms,
            "freeze": parameters.stale_calendar_ms,
            "vex": parameters.stale_vex_ms,
        }

    def age(self, fact: Fact, time: int) -> int | None:
        """Ms since somebody last said so, at event time ``time``; None where nothing tells."""
        ages = [self._read(fact.kind, time)]
        if fact.kind == "kev":
            released = self.context.at("kev", FEED, time)
            ages.append(None if released is None else released.age)
        elif fact.kind in DATED and not (fact.kind == "on_call" and fact.record.get("to")):
            ages.append(fact.age)
        known = [age for age in ages if age is not None]
        return min(known, default=None)

    def stale(self, fact: Fact, time: int) -> str | None:
        """Why the record is stale, in words; None if it is not, or nothing tells.

        >>> from streams.correlation.table import Table
        >>> context = Context(Table("context", []))
        >>> context.put("epss", "CVE-2026-1000", {"epss": 0.1, "date": "2026-03-01"}, 1_772_500_000_000)
        True
        >>> fact = context.at("epss", "CVE-2026-1000", 1_772_700_000_000)
        >>> Freshness(context, Parameters()).stale(fact, 1_772_700_000_000)
        'stale: said 4 days before, at most 2 days'
        """
        limit = self.limits.get(fact.kind)
        age = None if limit is None else self.age(fact, time)
        if limit is None or age is None or age <= limit:
            return None
        return f"stale: said {_span(age)} before, at most {_span(limit)}"

    def _read(self, kind: str, time: int) -> int | None:
        feed = self.context.at("feed", kind, time)
        return None if feed is None else feed.age


def _span(age: int) -> str:
    return old(age).removesuffix(" old")
