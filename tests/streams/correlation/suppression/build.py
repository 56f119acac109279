"""Signals, and a domain's patterns on tables of their own, for the tests of suppression."""

from __future__ import annotations

import json
from typing import Any

from streams.correlation.rows import SignalRow, tuples
from streams.correlation.suppression.guard import Look
from streams.correlation.suppression.patterns import Patterns
from streams.correlation.suppression.thresholds import DAY_MS, Thresholds
from streams.correlation.table import Table, Undo, undo

DAY = DAY_MS
HOUR = 3_600_000
NOON = 1_772_452_800_000  # 2026-03-02T12:00:00Z
EASY = Thresholds(sample=0.0)
LEARNING = EASY._replace(automatic=False)


def signal(title: str = "Port scan from 198.51.100.7", at: int = NOON, **fields: Any) -> SignalRow:
    row: dict[str, Any] = {
        "source": "ids", "source_id": f"{title}/{at}", "kind": "detection", "first": at, "last": at, "times": 1,
        "title": title, "severity": 3, "score": 0.6, "why": (), "entities": (("host", "web-1"),), "component": "shop",
        "members": "0" * 32,
    }  # fmt: skip
    return SignalRow(**(row | fields))


def look(unit_id: str = "wu-1", **fields: Any) -> Look:
    return Look(**({"unit_id": unit_id, "severity": 3, "kev": False, "internet_facing": None} | fields))


class Bench:
    """One domain's patterns with their tables, which can be written out and read back."""

    def __init__(self) -> None:
        self.journal: Undo = []
        self.tables: dict[str, Table] = {}
        self.patterns = Patterns(self.table)

    def table(self, name: str) -> Table:
        return self.tables.setdefault(name, Table(name, self.journal))

    def dump(self) -> str:
        return json.dumps({name: sorted(table.items()) for name, table in sorted(self.tables.items())})

    def again(self) -> Bench:
        """The same on another process: every row went through JSON, and came back in another order."""
        other = Bench()
        for name, rows in json.loads(self.dump()).items():
            for key, row in reversed(rows):
                other.table(name).load(key, tuples(row))
        other.patterns.index()
        return other

    def undo(self) -> None:
        undo(self.journal)
        self.patterns.index()

    def judged(
        self, *, units: int = 40, reviewers: tuple[str, ...] = ("ada", "ben"), days: int = 3, verdict: str = "benign",
        title: str = "Port scan from 198.51.100.7", start: int = NOON, prefix: str = "wu-n", severity: int = 3,
        kev: bool = False,
    ) -> int:  # fmt: skip
        """Units of one signal each, over some days, each judged by the next reviewer; the time of the last verdict."""
        now = start
        for number in range(units):
            at = start + (number % days) * DAY
            now = start + (days - 1) * DAY + number + 1
            cluster = f"{prefix}{number}"
            row = signal(title, at, severity=severity, kev=kev)
            self.patterns.decide(cluster, look(cluster, severity=severity, kev=kev), [row], now, LEARNING)
            reviewer = reviewers[number % len(reviewers)]
            self.patterns.note_verdict(cluster, cluster, reviewer, verdict, now, f"r-{cluster}", now, EASY)
            self.patterns.forget(cluster)
        return now
