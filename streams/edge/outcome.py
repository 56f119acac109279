"""What became of a run: counts from the raw record to the unit, and how the units compare with a scenario's truth.

Pure. The in-process run fills it itself; the run with a broker fills it from what its processes report.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from schemas.unit import Unit
from streams.simulate import natural_key

EVENTS = ("activity", "finding", "change", "scan")
FOLDED = ("member", "change", "uninteresting", "duplicate", "too_late", "failed", "invalid")


@dataclass
class Outcome:
    """Counts of one run. ``whole``: nothing was there before it and no process was restarted, so they must add up."""

    fed: int = 0
    raw: int = 0
    items: Counter[str] = field(default_factory=Counter)
    ignored: Counter[tuple[str, str]] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    """Dead letters of ingest, by stage."""
    log_records: int = 0
    folded: Counter[str] = field(default_factory=Counter)
    dead: Counter[str] = field(default_factory=Counter)
    """Dead letters of both, by stage."""
    units: dict[str, Unit] = field(default_factory=dict)
    before: int = 0
    """Units that were there before the run."""
    revisions: int = 0
    first_unit: float | None = None
    """Seconds from the start of the run to the first unit."""
    whole: bool = True

    @property
    def events(self) -> int:
        """Events that ingest wrote to the log: activities, findings, scans and changes, with the copies of changes."""
        refused = self.refused["validate"] + self.refused["route"]
        return sum(self.items[kind] for kind in EVENTS) + self.items["copies"] + self.items["detection"] - refused

    @property
    def unaccounted(self) -> int:
        """Events of the log that no outcome of the fold counts; 0 once everything is folded."""
        return self.events - sum(self.folded[outcome] for outcome in FOLDED)

    def take(self, unit: Unit) -> Unit | None:
        """Keep a revision; returns the one before it."""
        before = self.units.get(unit.unit_id)
        if before is None or unit.revision > before.revision:
            self.units[unit.unit_id] = unit
        self.revisions += 1
        return before

    def standing(self) -> list[Unit]:
        """The units that were not merged into another, the riskiest first."""
        return ranked(unit for unit in self.units.values() if unit.status != "merged")


def ranked(units: Iterable[Unit]) -> list[Unit]:
    """By risk, then severity, then id."""
    return sorted(units, key=lambda unit: (-unit.risk.score, -unit.severity, unit.unit_id))


class Verdict(NamedTuple):
    """How the units compare with the truth.

    ``incident_units`` have a signal of an incident that a change led to; in ``suspect_first`` of them that change (or
    another record of the same release) is the first suspect. ``attacks`` are units of incidents without such a change,
    ``accused`` of them name a suspect all the same. ``found`` of ``incidents`` have a unit.
    """

    incidents: int
    found: int
    incident_units: int
    suspect_first: int
    attacks: int
    accused: int


def judge(units: Sequence[Unit], truth: Sequence[Mapping[str, Any]], suspect_from: float = 0.5) -> Verdict:
    """Compare standing units with ``Scenario.truth()``. A unit belongs to the incident that most of its signals do."""
    incidents = {entry["id"]: entry for entry in truth if entry["type"] == "incident"}
    incident_of = {source_id: entry["id"] for entry in incidents.values() for source_id in entry["source_ids"]}
    found: set[str] = set()
    with_cause = first = attacks = accused = 0
    for unit in units:
        keys = (natural_key(signal.source_id, incident_of) for signal in unit.signals)
        ours = Counter(incident_of[key] for key in keys if key is not None)
        if not ours:
            continue
        found |= set(ours)
        suspect = incidents[ours.most_common(1)[0][0]]["suspect"]
        if suspect is None:
            attacks += 1
            accused += bool(unit.changes) and unit.changes[0].score > suspect_from
            continue
        with_cause += 1
        right = {suspect["source_id"], *(change["source_id"] for change in suspect["same_change"])}
        first += bool(unit.changes) and natural_key(unit.changes[0].source_id, right) is not None
    return Verdict(len(incidents), len(found), with_cause, first, attacks, accused)
