"""Whether the change behind a unit is found, and none where there is none: ``weir eval changes``.

**Simulated**: scenarios of twelve hours go through the whole engine as it is shipped, in four settings (``SETTINGS``):
as they are, with decoys, with a CI that releases other services all the time, and with one that releases the incident's
own service every five minutes. An incident's unit is the one that holds most of its members. A hit at k: one of the
first k changes that the unit shows is a suspect (score above 0.5) and a record of the release that was behind it. A
false suspect: an incident without a cause, and a unit with a member of it shows a suspect that is behind nothing in
this unit. (A unit may hold the findings of a release's scan besides; that release is no false suspect of theirs.) The
truth is read after the run. Weights and constants were set on seeds 1 to 6 (``TUNED_ON``), on those from 100 on never.
An incident of which nothing became a signal has no unit that could show anything; it is counted apart.

**Recorded**: ``cloudtrail-invictus``, where a Terraform run sets up what an attack then uses, eleven times in twelve
minutes, all by one user with one key from one address. In 27 minutes the models learn and flag none of the attack
calls, so there is no unit to ask; instead, for each run, a subject is made of its attack calls, as if a detector had
flagged these and nothing else. A hit at k: one of the first k changes shown is a suspect and was made by the same run;
the changes of all other runs are decoys. Labels choose the attack calls and judge the answer; nothing of them reaches
ingest, state or score.

**Reliability**: the changes that the simulated incidents' units list, up to ``LISTED`` a unit, by their score: how many
of those with a score of 0.6 to 0.7 were behind something in the unit. A calibrated score gives 0.65.
"""

from __future__ import annotations

import csv
import gzip
import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, NamedTuple

import orjson
from rich.table import Table

from schemas.events import Activity, Change, Event
from schemas.parameters import Parameters
from schemas.unit import SuspectChange, Unit
from streams.correlation.change_content import about
from streams.correlation.changes import SUSPECT
from streams.correlation.instants import instant
from streams.correlation.signal import anomaly_signal
from streams.correlation.unit_signals import own_changes
from streams.ingest import RawRecord
from streams.records import Output
from streams.redaction import Redactor
from streams.replay.run import Replay, Told
from streams.simulate import Contention, Scenario, natural_key

TUNED_ON: Final = (1, 2, 3, 4, 5, 6)
SEEDS: Final = (301, 302, 303, 304, 305, 306)
HOURS: Final = 12.0
LISTED: Final = 25
SHOWN: Final = 5
BINS: Final = 10

SETTINGS: Final[dict[str, Contention | None]] = {
    "plain": None,
    "decoys": Contention(decoys=3),
    "chatty CI": Contention(decoys=2, elsewhere=30),
    "chatty CI, own service": Contention(decoys=2, chatter=12, elsewhere=10),
}

THRESHOLDS: Final[dict[str, tuple[str, float]]] = {
    "hit@1": (">=", 0.90),
    "hit@5": (">=", 1.0),
    "false suspects": ("<=", 0.08),
}
"""What each setting, and the recording (but for false suspects), is held to."""

_LIMIT = 4_000_000
_START = datetime(2026, 1, 5, 6, tzinfo=UTC)
_KEY = b"evaluation only, no secret key.."

Progress = Callable[[str], None]
"""Told what is being done, in words."""


class Case(NamedTuple):
    """One incident or run.

    How many ``units`` hold members of it, the ``rank`` of the first right suspect (None: not listed), the number of
    ``false`` suspects shown, and of suspects ``besides``: behind something else that the unit holds.
    """

    setting: str
    name: str
    kind: str
    caused: bool
    units: int
    rank: int | None
    false: int
    besides: int
    scored: tuple[tuple[float, bool], ...] = ()
    """Score, and whether it was the cause, of every change listed."""


def run(data: Path, progress: Progress, seeds: Iterable[int] = SEEDS) -> dict[str, Any]:
    """Measure everything. ``data`` is the folder with ``cloudtrail-invictus``; without that only what is simulated.

    Plain JSON values: ``settings`` (hit@1, hit@5, false suspects and cases of each), ``by_kind``, ``reliability``,
    ``misses``, ``failed`` (what is not met, in words), ``passed``, and how it was measured.
    """
    cases: list[Case] = []
    seeds = tuple(seeds)
    for setting, contention in SETTINGS.items():
        for seed in seeds:
            progress(f"{setting}, seed {seed}")
            cases += simulated(setting, seed, contention)
    folder = data / "cloudtrail-invictus"
    if folder.is_dir():
        progress("cloudtrail-invictus")
        cases += recorded(folder)
    return report(cases, seeds)


def report(cases: list[Case], seeds: tuple[int, ...]) -> dict[str, Any]:
    """The figures of the cases, and what of the thresholds they do not meet."""
    settings = {setting: figures([c for c in cases if c.setting == setting]) for setting in _first(cases, "setting")}
    failed = [
        f"{setting}: {name} is {value:.3f}, should be {relation} {bound:g}"
        for setting, found in settings.items()
        for name, (relation, bound) in THRESHOLDS.items()
        if (value := found.get(name)) is not None and not (value >= bound if relation == ">=" else value <= bound)
    ]
    return {
        "settings": settings,
        "by_kind": {kind: figures([c for c in cases if c.kind == kind]) for kind in _first(cases, "kind")},
        "reliability": reliability(pair for case in cases for pair in case.scored),
        "misses": [
            f"{c.setting}: {c.name} {c.kind}: rank {c.rank}" for c in cases if c.caused and c.units and c.rank != 1
        ]
        + [f"{c.setting}: {c.name} {c.kind}: {c.false} false" for c in cases if not c.caused and c.false],
        "failed": failed,
        "passed": not failed,
        "seeds": list(seeds),
        "tuned_on": list(TUNED_ON),
    }


def tables(result: dict[str, Any]) -> list[Table]:
    """The result for reading: what is promised by setting, and how well scores tell chances."""
    columns = ("of other findings", "incidents", "without cause", "without unit")
    rates = Table("setting", *THRESHOLDS, *columns, title="Changes behind units")
    for setting, found in result["settings"].items():
        names = (*THRESHOLDS, "suspects of other findings")
        shares = ("" if found.get(name) is None else f"{found[name]:.3f}" for name in names)
        rates.add_row(setting, *shares, *(str(found[name]) for name in ("caused", "without cause", "no unit")))
    told = Table("score from", "changes", "mean score", "were behind it", title="What a score is worth")
    for row in result["reliability"]:
        told.add_row(f"{row['from']:.1f}", f"{row['changes']:,}", f"{row['mean score']:.3f}", f"{row['causes']:.3f}")
    missed = Table("not met" if result["failed"] else "all met")
    for line in result["failed"]:
        missed.add_row(line)
    return [rates, told, missed]


def figures(cases: list[Case]) -> dict[str, Any]:
    """Hit rates over those with a cause, false suspects over those without; a rate over nothing is left out.

    An incident of which nothing became a signal has no unit, and so no search: counted apart.
    """
    seen = [case for case in cases if case.units]
    caused = [case for case in seen if case.caused]
    without = [case for case in seen if not case.caused]
    out: dict[str, Any] = {"caused": len(caused), "without cause": len(without), "no unit": len(cases) - len(seen)}
    for most in (1, 5) if caused else ():
        hits = sum(case.rank is not None and case.rank <= most for case in caused)
        out[f"hit@{most}"] = round(hits / len(caused), 4)
    if without:
        out["false suspects"] = round(sum(case.false > 0 for case in without) / len(without), 4)
        out["suspects of other findings"] = round(sum(case.besides > 0 for case in without) / len(without), 4)
    return out


def reliability(pairs: Iterable[tuple[float, bool]]) -> list[dict[str, float]]:
    """By tenth of the score: how many changes, their mean score, and the share of them that was the cause."""
    bins: list[list[tuple[float, bool]]] = [[] for _ in range(BINS)]
    for score, true in pairs:
        bins[min(BINS - 1, int(score * BINS))].append((score, true))
    return [
        {
            "from": place / BINS,
            "changes": len(found),
            "mean score": round(sum(score for score, _ in found) / len(found), 4),
            "causes": round(sum(true for _, true in found) / len(found), 4),
        }
        for place, found in enumerate(bins)
        if found
    ]


def simulated(setting: str, seed: int, contention: Contention | None) -> Iterator[Case]:
    """The incidents of one scenario."""
    scenario = Scenario(seed, start=_START, hours=HOURS, contention=contention)
    told = _Kept()
    replay = Replay(Redactor(_KEY), Parameters(shown_changes=LISTED), told, members=True)
    first = int(scenario.start.timestamp() * 1000)
    for number, entity in enumerate(scenario.catalog()):
        _take(replay, RawRecord("file", 0, number, first, None, (), orjson.dumps(entity), None))
    for number, message in enumerate(scenario.messages()):
        arrival = int(message.arrival.timestamp() * 1000)
        _take(replay, RawRecord("file", 1, number, arrival, message.key, message.headers, message.value, None))
    replay.finish()
    units_of: dict[str, set[str]] = defaultdict(set)
    keys = _Keys(scenario)
    for unit_id, source_id in replay.pipeline.members_by_unit():
        if (key := natural_key(source_id, keys.story)) is not None:
            units_of[key].add(unit_id)
    holds: dict[str, set[int]] = defaultdict(set)
    for key, unit_ids in units_of.items():
        for unit_id in unit_ids:
            holds[unit_id].add(keys.story[key])
    for entry in scenario.truth():
        if entry["type"] == "incident":
            name = f"seed {seed} {entry['id']}"
            yield _judge(setting, name, entry, units_of, {u: told.units[u] for u in holds}, holds, keys)


class _Keys:
    """The scenario's stories by number: which records are in each, and which of them are changes."""

    def __init__(self, scenario: Scenario) -> None:
        self.story: dict[str, int] = {}
        self.changes: dict[str, int] = {}
        for told in scenario.stories():
            for part in told.parts:
                for reference in part.references:
                    self.story[reference.source_id] = told.planned.number
                    if reference.role == "change":
                        self.changes[reference.source_id] = told.planned.number

    def behind(self, change: SuspectChange) -> int | None:
        """The story that the change belongs to."""
        key = natural_key(change.source_id, self.changes)
        return None if key is None else self.changes[key]


def _judge(
    setting: str,
    name: str,
    incident: dict[str, Any],
    units_of: dict[str, set[str]],
    units: dict[str, Unit],
    holds: dict[str, set[int]],
    keys: _Keys,
) -> Case:
    suspect = incident["suspect"]
    cause = set() if suspect is None else {suspect["source_id"], *(c["source_id"] for c in suspect["same_change"])}
    held = Counter(unit_id for member in incident["source_ids"] for unit_id in units_of.get(member, ()))
    main = min(held, key=lambda unit_id: (-held[unit_id], unit_id), default=None)
    listed = () if main is None else units[main].changes
    ranked = (i for i, c in enumerate(listed, 1) if c.score > SUSPECT and natural_key(c.source_id, cause) is not None)
    shown = [(u, c) for u in held for c in units[u].changes[:SHOWN] if c.score > SUSPECT]
    false = sum(keys.behind(change) not in holds[unit_id] for unit_id, change in shown)
    besides = len(shown) - false - sum(natural_key(change.source_id, cause) is not None for _, change in shown)
    scored = tuple((c.score, main is not None and keys.behind(c) in holds[main]) for c in listed)
    return Case(
        setting, name, incident["kind"], suspect is not None, len(held), next(ranked, None), false, besides, scored
    )


def recorded(folder: Path) -> Iterator[Case]:
    """The runs of the recording that have both a change and an attack."""
    told = _Kept()
    replay = Replay(Redactor(_KEY), Parameters(), told)
    with gzip.open(folder / "events.ndjson.gz") as lines:
        for number, line in enumerate(lines):
            _take(replay, RawRecord("file", 0, number, 0, None, (), line.strip(), None))
    replay.finish()
    with gzip.open(folder / "labels.csv.gz", "rt", newline="") as lines:
        labels = {row["event_id"]: row for row in csv.DictReader(lines)}
    calls = [event for event in told.events if isinstance(event, Activity)]
    made = {event.source_id for event in told.events if isinstance(event, Change)}
    for each in json.loads((folder / "runs.json").read_text()):
        if not each["change_calls"] or not each["attack_calls"]:
            continue
        label = {i: row for i, row in labels.items() if row["run_id"] == each["run_id"]}
        attack = [c for c in calls if c.source_id in label and label[c.source_id]["phase"] == "detonation"]
        cause = {i for i, row in label.items() if i in made and row["is_iac_change"] == "1"}
        rows = [anomaly_signal(c, instant(c.time), 1e-6, 1.0, (), "burst", learning=False) for c in attack]
        times = [row.first for row in rows]
        changes = replay.pipeline.state.domains[attack[0].domain].changes
        found = changes.search(about(min(times), max(times), rows, {}), own_changes(rows), SHOWN).best
        rank = next((i for i, c in enumerate(found, 1) if c.score > SUSPECT and c.change.source_id in cause), None)
        false = sum(c.score > SUSPECT and c.change.source_id not in cause for c in found)
        yield Case("cloudtrail-invictus", each["run_id"], each["technique_inferred"], True, 1, rank, false, 0)


class _Kept(Told):
    """Keeps the last revision of each unit, and every event."""

    def __init__(self) -> None:
        self.units: dict[str, Unit] = {}
        self.events: list[Event] = []

    def output(self, output: Output) -> None:
        if output.role == "units":
            self.units[output.key.decode()] = Unit.model_validate_json(output.value)

    def event(self, event: Event) -> None:
        self.events.append(event)


def _take(replay: Replay, raw: RawRecord) -> None:
    replay.fold(replay.take(raw, limit=_LIMIT))


def _first(cases: list[Case], field: str) -> list[str]:
    """The values of a field in the order in which they come first."""
    return list(dict.fromkeys(getattr(case, field) for case in cases))
