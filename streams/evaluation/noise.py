"""How much noise leaves the primary queue, and whether an attack step leaves with it: ``weir eval noise``.

**Input**: the four AIT-ADS scenarios as they were recorded, each whole and by itself, through the whole fold: findings
of medium severity with source, rule, title, the entities ip and host, and the host as the component, as a catalog would
say. Units are revised once a minute at most instead of every five seconds, which saves time; all else is as shipped.
Whether a unit is suppressed is what the fold says: the topic that its last revision is for.

**Simulated reviews**: at the end of every shift (06:00, 14:00 and 22:00 UTC) the analysts review a share of the units
that are in the primary queue and have grown since they were last reviewed: ``REVIEWED`` of them, chosen by a hash of
unit id, shift and a seed, so by nothing that tells them apart. Three analysts take turns. Their verdict is the truth,
but for ``MISTAKEN`` of all verdicts, chosen in the same way, which are wrong: true positive if an alert that the unit
had by then has an event label, else false positive. Nothing else of the labels reaches the engine, and of an attack
nothing before the end of the shift it is in. Nobody escalates, suppresses or takes back by hand. A mistake on one unit
of thousands of alerts moves the figures by as many, so each scenario is run with several seeds.

**Score**: a benign alert (no event label) is out of the queue if the unit it is in at the end is suppressed and not
among the surfaced sample. ``out_apart`` leaves out the benign alerts in units that hold an alert of an attack too. In
santos four in ten "benign" alerts are one rule's relay of others' alerts, those about a running exfiltration among
them, of which only the latter are labelled: verdicts on it differ, so it stays. ``spared`` is stricter: the first
revision that held the alert was suppressed already, so nobody ever saw it in the queue; ``spared_later`` is that of the
days after the third, since evidence takes three days.
An attack step (an event label) is lost if every alert of it is in units that are suppressed at the end.

Thresholds were set on santos and shaw; fox and russellmitchell are for reporting.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from pathlib import Path
from typing import Final, NamedTuple

from schemas.events import ConfigRecord, Finding, Review
from schemas.parameters import Parameters
from streams.correlation.queue import ASIDE, PRIMARY
from streams.correlation.rows import UnitRow
from streams.evaluation.ait_ads import SCENARIOS, Row, as_findings, rows
from streams.pipeline import Pipeline
from streams.records import Output

REPORTED: Final = ("fox", "russellmitchell")
OUT: Final = 0.75
"""Share of benign alerts that is to be out of the queue."""

ANALYSTS: Final = ("ada", "ben", "carla")
SHIFTS: Final = (6, 14, 22)
REVIEWED: Final = 0.5
MISTAKEN: Final = 0.02
SEEDS: Final = 3
LEARNING_DAYS: Final = 3

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_DAY: Final = 86_400
_BENIGN: Final = "-"
_REVISED_MS: Final = 60_000
_DRAIN: Final = 20_000


class Step(NamedTuple):
    """One attack step: its alerts, and those in units that are suppressed at the end."""

    alerts: int
    hidden: int


class Result(NamedTuple):
    """One run. Shares are of benign alerts, by event label or as ``*_by_time`` by time label."""

    scenario: str
    seed: int
    alerts: int
    benign: int
    out: float
    out_apart: float
    out_by_time: float
    spared: float
    spared_later: float
    steps: dict[str, Step]
    units: int
    hidden: int
    sampled: int
    patterns: int
    suppressed: int
    verdicts: dict[str, int]
    seconds: float

    @property
    def lost(self) -> tuple[str, ...]:
        """Steps of which nothing is left in the queue."""
        return tuple(name for name, step in sorted(self.steps.items()) if step.hidden == step.alerts)


def findings(alerts: Sequence[Row], domain: str) -> Iterator[Finding]:
    """The alerts as the engine is given them."""
    return as_findings(alerts, domain, _EPOCH, component=True)


class Engine:
    """The fold of one scenario, with what each revision said about the queue."""

    def __init__(self, domain: str, parameters: Parameters) -> None:
        self.pipeline = Pipeline(None)
        settings = parameters.model_copy(update={"scoring": False, "update_interval_ms": _REVISED_MS})
        self.pipeline.keep_members()
        self.domain = self.pipeline.state.domain(domain)
        self.clock = 0
        self.told: dict[str, list[tuple[int, bool]]] = {}
        """By unit id: the time of each revision, and whether it was in the primary queue."""
        self.sampled: set[str] = set()
        self.folded = 0
        self.fold(ConfigRecord(digest=settings.digest(), settings=settings.model_dump(mode="json")))

    def advance(self, stamp: int) -> None:
        """Let the log's clock go on, revision by revision."""
        if stamp <= self.clock:
            return
        while (due := self.pipeline.next_due()) is not None and due < stamp:
            self._advance(max(due, self.clock))
        self._advance(stamp)

    def fold(self, event: Finding | Review | ConfigRecord) -> None:
        """One event at the clock's time."""
        out: list[Output] = []
        self.pipeline.fold(event, self.clock, self.folded, out)
        self.folded += 1
        self._emitted(out)
        if self.folded % _DRAIN == 0:
            self.pipeline.state.drain()

    def finish(self) -> None:
        """Emit what waits."""
        out: list[Output] = []
        self.pipeline.flush(out)
        self._emitted(out)

    def queue(self) -> list[str]:
        """Units of the primary queue."""
        return sorted(unit_id for unit_id, told in self.told.items() if told[-1][1] and self._cluster(unit_id))

    def _advance(self, stamp: int) -> None:
        out: list[Output] = []
        self.clock = self.pipeline.advance(stamp, out)
        self._emitted(out)

    def _cluster(self, unit_id: str) -> str | None:
        """The cluster of a unit that is still there under this id."""
        cluster = self.domain.cluster_of.get(unit_id)
        return cluster if cluster is not None and UnitRow._make(self.domain.units[cluster]).unit_id == unit_id else None

    def _emitted(self, out: list[Output]) -> None:
        before: Sequence[tuple[str, bytes]] | None = None
        for output in out:
            if output.role == "dead-letters":
                raise ValueError(f"the fold refused {output.value[:500]!r}")
            if output.role not in (PRIMARY, ASIDE) or output.headers == before:
                continue  # of a revision for both topics the first record says where the unit is now
            before = output.headers
            unit_id = output.key.decode()
            self.told.setdefault(unit_id, []).append((self.clock, output.role == PRIMARY))
            cluster = self._cluster(unit_id)
            if cluster is not None and self.domain.patterns.standing(cluster)[1]:
                self.sampled.add(unit_id)


class Analysts:
    """Three people who review a share of the queue at the end of each shift."""

    def __init__(
        self, engine: Engine, alerts: Sequence[Row], domain: str, reviewed: float, mistaken: float, seed: int
    ) -> None:
        self.engine = engine
        self.alerts = alerts
        self.domain = domain
        self.reviewed = reviewed
        self.mistaken = mistaken
        self.seed = seed
        self.seen: dict[str, int] = {}
        self.verdicts: Counter[str] = Counter()
        self.next = 0

    def shift(self, at: int) -> None:
        """The end of a shift, ms."""
        engine = self.engine
        attack: Counter[str] = Counter()
        members: Counter[str] = Counter()
        for unit_id, source_id in engine.pipeline.members_by_unit():
            members[unit_id] += 1
            attack[unit_id] += self.alerts[int(source_id)].event_label != _BENIGN
        for unit_id in engine.queue():
            if members[unit_id] == self.seen.get(unit_id) or not _chosen(f"{self.seed} {unit_id} {at}", self.reviewed):
                continue
            self.seen[unit_id] = members[unit_id]
            right = attack[unit_id] > 0
            said = right != _chosen(f"{self.seed} wrong {unit_id} {at}", self.mistaken)
            verdict = "true_positive" if said else "false_positive"
            self.verdicts[verdict + ("" if said == right else ", mistaken")] += 1
            engine.fold(
                Review(
                    source_id=f"r{self.next}",
                    time=datetime.fromtimestamp(at / 1000, UTC),
                    domain=self.domain,
                    unit_id=unit_id,
                    reviewer=ANALYSTS[self.next % len(ANALYSTS)],
                    kind="verdict",
                    verdict=verdict,
                )
            )
            self.next += 1


def evaluate(
    scenario: str,
    alerts: Sequence[Row],
    *,
    parameters: Parameters,
    reviewed: float = REVIEWED,
    mistaken: float = MISTAKEN,
    seed: int = 0,
    clock: Callable[[], float],
) -> Result:
    """One scenario. ``clock``: CPU seconds, for what it takes."""
    began = clock()
    engine = Engine(scenario, parameters)
    analysts = Analysts(engine, alerts, scenario, reviewed, mistaken, seed)
    shifts = _shifts(alerts[0].time)
    end = next(shifts)
    for alert, finding in zip(alerts, findings(alerts, scenario), strict=True):
        while alert.time >= end:
            engine.advance(1000 * end)
            analysts.shift(1000 * end)
            end = next(shifts)
        engine.advance(1000 * alert.time)
        engine.fold(finding)
    engine.finish()
    return _scored(scenario, alerts, engine, analysts, clock() - began)


def _scored(scenario: str, alerts: Sequence[Row], engine: Engine, analysts: Analysts, seconds: float) -> Result:
    """What the last revisions, and the first ones after each alert, said of the queue."""
    third = (alerts[0].time // _DAY + LEARNING_DAYS) * _DAY
    attacked = {
        unit_id
        for unit_id, source_id in engine.pipeline.members_by_unit()
        if alerts[int(source_id)].event_label != _BENIGN
    }
    benign: Counter[str] = Counter()
    steps: dict[str, list[int]] = {}
    for unit_id, source_id in engine.pipeline.members_by_unit():
        alert = alerts[int(source_id)]
        told = engine.told[unit_id]
        hidden = not told[-1][1]
        if alert.event_label != _BENIGN:
            step = steps.setdefault(alert.event_label, [0, 0])
            step[0] += 1
            step[1] += hidden
        if alert.time_label == "false_positive":
            benign["by time"] += 1
            benign["by time, out"] += hidden
        if alert.event_label == _BENIGN:
            first = min(bisect_left(told, (1000 * alert.time, False)), len(told) - 1)
            benign["all"] += 1
            benign["out"] += hidden
            benign["apart"] += unit_id not in attacked
            benign["apart, out"] += unit_id not in attacked and hidden
            benign["spared"] += not told[first][1]
            benign["later"] += alert.time >= third
            benign["later, spared"] += alert.time >= third and not told[first][1]
    last = [told[-1][1] for told in engine.told.values()]
    return Result(
        scenario=scenario,
        seed=analysts.seed,
        alerts=len(alerts),
        benign=benign["all"],
        out=benign["out"] / max(1, benign["all"]),
        out_apart=benign["apart, out"] / max(1, benign["apart"]),
        out_by_time=benign["by time, out"] / max(1, benign["by time"]),
        spared=benign["spared"] / max(1, benign["all"]),
        spared_later=benign["later, spared"] / max(1, benign["later"]),
        steps={name: Step(*counts) for name, counts in sorted(steps.items())},
        units=len(last),
        hidden=last.count(False),
        sampled=len(engine.sampled),
        patterns=len(engine.domain.patterns.evidence.repeats),
        suppressed=sum(bool(row[0]) for row in engine.domain.patterns.decisions.values()),
        verdicts=dict(sorted(analysts.verdicts.items())),
        seconds=seconds,
    )


def _shifts(first: int) -> Iterator[int]:
    """Ends of shifts after a time, in seconds."""
    day = datetime.fromtimestamp(first, UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    while True:
        for hour in SHIFTS:
            end = int((day + timedelta(hours=hour)).timestamp())
            if end > first:
                yield end
        day += timedelta(days=1)


def _chosen(text: str, share: float) -> bool:
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "big") < share * 2**64


def load(data: Path, scenario: str) -> list[Row]:
    """The alerts of a scenario, from the data folder. Raises ``OSError`` and ``ValueError``."""
    return list(rows(data / "alerts-ait-ads" / f"{scenario}_alerts.csv.gz"))


def run(
    data: Path,
    *,
    scenarios: Sequence[str] = SCENARIOS,
    seeds: int = SEEDS,
    clock: Callable[[], float],
    progress: Callable[[str], None],
) -> list[Result]:
    """Each scenario by itself with each seed, as shipped. Raises ``OSError`` and ``ValueError`` for the data."""
    results = []
    for scenario in scenarios:
        alerts = load(data, scenario)
        for seed in range(seeds):
            result = evaluate(scenario, alerts, parameters=Parameters(), seed=seed, clock=clock)
            progress(
                f"{scenario}, seed {seed}: {result.alerts:,} alerts in {result.seconds:.0f} s; {result.out:.1%} of the "
                f"noise is out, steps lost: {', '.join(result.lost) or 'none'}"
            )
            results.append(result)
    return results
