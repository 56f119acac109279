"""Whether alerts of one attack step come into one unit, and alerts of different ones do not: ``weir eval grouping``.

Each stream goes through the whole fold as findings with nothing but source, rule, title, severity and the entities ip
and host, once at the shipped parameters and once for each value of the swept one (``SWEPT``); what is scored is the
unit that each alert is in at the end. The recorded scenarios are folded alert by alert. Elsewhere, and in the sweep,
units are emitted once a day, and of a burst only what can still tell the engine something is folded (``thinned``),
which saves most of the time and changes nothing in what belongs together. Constants of the linking were set on santos
and shaw (split ``train``); fox and russellmitchell (split ``test``), on which others published, are for reporting.

Beside it, on the same alerts: the time gap alone (alerts in the order of time, cut where a gap is longer), which is the
published baseline and on streams without overlapping steps the strongest.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, NamedTuple

from schemas.events import Finding
from schemas.parameters import Parameters
from streams.correlation import density
from streams.evaluation.ait_ads import (
    SCENARIOS,
    Alert,
    Recipe,
    Row,
    Stream,
    as_findings,
    build,
    needs,
    parts,
    recipes,
    rows,
)
from streams.evaluation.pairs import Met, Quality, area, cells, macro, met, qualities
from streams.pipeline import Pipeline
from streams.records import Output

SWEPT: Final = {
    "link_ms": (1, 800, 1_000, 3_500, 6_000, 64_000),
    "link_window_ms": tuple(round(1000 * second) for second in (0.001, 1, 2, 4, 8, 16, 32, 64, 256, 1024, 8192)),
}
"""The parameter that scales how far apart signals may be and still be linked, and its values. The first that exists.

The values are the few out of twenty-seven that make up the area on the split ``train``; more can only raise an area.
"""

DENSE: Final = "more-noise"
FEW: Final = (1_000, 6_000, 64_000)
"""Of these configurations, which have most alerts and steps that do not overlap, three values make up the area: on the
split ``train`` of ``original`` 0.992 and 0.999 as with all."""

GAPS: Final = (0, *sorted(value for power in range(17) for value in (2**power, 1.5 * 2**power)))
"""Seconds, the sweep of the time gap."""

CONFIGS: Final = ("original", "simul-attacks", "more-noise-1", "more-noise-2", "more-noise-6")
PLAIN: Final = "original"
"""The four scenarios as they were recorded, their first day left out."""

ROC_SIMUL: Final = (0.90, 0.935)
REDUCTION: Final = 50.0
NOISE_SHARE: Final = 0.02
MERGED_SHARE: Final = 0.05

_BEGIN: Final = datetime(2025, 2, 10, tzinfo=UTC)
_BEGIN_MS: Final = int(_BEGIN.timestamp()) * 1000
_DOMAIN: Final = "ait-ads"
_DRAIN: Final = 20_000
_DAY_MS: Final = 86_400_000


class Unusable(Exception):
    """The folder does not hold what is needed."""


class Point(NamedTuple):
    """One value of a sweep, over the streams of a configuration: excluding and including false positives."""

    value: float
    excluding: Quality
    including: Quality


class Roc(NamedTuple):
    """ROC areas of a sweep, and its points."""

    excluding: float
    including: float
    points: tuple[Point, ...]


class Result(NamedTuple):
    """What one configuration gave. ``swept`` and ``gap`` are None where only the default was asked for; pairs at the
    default and the ROC areas are of the split ``test``, units at the default of all streams where they are promised."""

    config: str
    default: Point | None
    swept: Roc | None
    gap: Roc | None
    streams: dict[str, Met]
    alerts: int
    runs: int
    seconds: float


class Target(NamedTuple):
    """One thing that is promised, and what was measured."""

    name: str
    measured: float
    wanted: str
    met: bool


def findings(alerts: Sequence[Alert]) -> Iterator[Finding]:
    """The alerts as the engine is given them."""
    return as_findings(alerts, _DOMAIN, _BEGIN)


def group(alerts: Sequence[Alert], parameters: Parameters) -> list[str | None]:
    """The unit that each alert is in at the end, None for one that is in none; the log's clock is event time."""
    pipeline = Pipeline(None)
    pipeline.state.parameters = parameters
    pipeline.keep_members()
    out: list[Output] = []
    clock = 0
    for number, (alert, event) in enumerate(zip(alerts, findings(alerts), strict=True)):
        stamp = _BEGIN_MS + 1000 * alert.time
        if stamp > clock:
            while (due := pipeline.next_due()) is not None and due < stamp:
                clock = pipeline.advance(max(due, clock), out)
            clock = pipeline.advance(stamp, out)
        pipeline.fold(event, clock, number, out)
        if number % _DRAIN == 0:
            pipeline.state.drain()
        out.clear()
    pipeline.flush(out)
    units: list[str | None] = [None] * len(alerts)
    for unit, source_id in pipeline.members_by_unit():
        units[int(source_id)] = unit
    return units


def thinned(alerts: Sequence[Alert]) -> tuple[list[Alert], list[int]]:
    """The alerts that can change how others are grouped, and of every alert the place in there of its stand-in.

    Alerts of one signature in one second are one session, whatever the parameters, and the counts that windows depend
    on are full at ``density.MOST`` in a bucket. So of each signature the first of every second and the first so many of
    every bucket are enough: a burst of 400,000 becomes a few thousand.
    """
    kept: list[Alert] = []
    stand_in: list[int] = []
    last: dict[tuple[str, str, str, str], tuple[int, int]] = {}  # second, and place of its stand-in
    counts: Counter[tuple[tuple[str, str, str, str], int]] = Counter()
    for alert in alerts:
        signature = alert.name, alert.ip, alert.host, alert.short
        bucket = signature, (_BEGIN_MS + 1000 * alert.time) // density.BUCKET_MS
        second, place = last.get(signature, (-1, 0))
        if second != alert.time or counts[bucket] < density.MOST:
            counts[bucket] += 1
            place = len(kept)
            last[signature] = alert.time, place
            kept.append(alert)
        stand_in.append(place)
    return kept, stand_in


def by_gap(alerts: Sequence[Alert], gap: float) -> list[int]:
    """The baseline: a new group begins where the time since the alert before is longer than the gap, in seconds."""
    groups = []
    number = 0
    before = alerts[0].time if alerts else 0
    for alert in alerts:
        if alert.time - before > gap:
            number += 1
        before = alert.time
        groups.append(number)
    return groups


def point(value: float, streams: Sequence[Stream], groups: Sequence[Sequence[Any]]) -> Point:
    """The scores of one grouping of some streams."""
    counted = [cells(stream.alerts, units) for stream, units in zip(streams, groups, strict=True)]
    with_noise, without = (
        macro(qualities(counts, stream.steps, noise=noise) for stream, counts in zip(streams, counted, strict=True))
        for noise in (True, False)
    )
    return Point(value, excluding=without, including=with_noise)


def roc(points: Sequence[Point]) -> Roc:
    """The areas of a sweep."""
    return Roc(
        area((each.excluding.tnr, each.excluding.recall) for each in points),
        area((each.including.tnr, each.including.recall) for each in points),
        tuple(points),
    )


def swept() -> tuple[str, tuple[int, ...]]:
    """The parameter to sweep, and its values."""
    return next((name, values) for name, values in SWEPT.items() if name in Parameters.model_fields)


def evaluate(
    config: str,
    streams: Sequence[Stream],
    *,
    at_default: bool,
    clock: Callable[[], float],
    progress: Callable[[str], None],
) -> Result:
    """Run and score one configuration. ``clock``: CPU seconds, for what it takes."""
    began = clock()
    folded = runs = 0
    test = [stream for stream in streams if stream.split == "test"]

    def grouped(stream: Stream, parameters: Parameters, what: str, *, whole: bool = False) -> list[str | None]:
        nonlocal folded, runs
        start = clock()
        kept, stand_in = (stream.alerts, range(len(stream.alerts))) if whole else thinned(stream.alerts)
        of_kept = group(kept, parameters)
        units = [of_kept[place] for place in stand_in]
        runs += 1
        folded += len(kept)
        took = clock() - start
        progress(f"{stream.name}, {what}: {len(units):,} alerts in {took:.1f} s, {len(set(units)):,} units")
        return units

    def measured() -> float:
        return clock() - began

    shipped = Parameters(scoring=False)
    quiet = shipped.model_copy(update={"group_wait_ms": _DAY_MS, "update_interval_ms": _DAY_MS})
    plain = config == PLAIN
    at = {
        stream.name: grouped(stream, shipped if plain else quiet, "as shipped", whole=plain)
        for stream in (streams if plain or at_default or not test else test)
    }
    found = {stream.name: met(stream.alerts, at[stream.name], stream.steps) for stream in streams if stream.name in at}
    name, values = swept()
    shipped_value = getattr(shipped, name)
    default = point(shipped_value, test, [at[stream.name] for stream in test]) if test else None
    if at_default or default is None:
        return Result(config, default, None, None, found, folded, runs, measured())
    points = [default]
    for value in values:
        if value != shipped_value and (value in FEW or not config.startswith(DENSE)):
            parameters = quiet.model_copy(update={name: value})
            points.append(point(value, test, [grouped(stream, parameters, f"{name} {value:,}") for stream in test]))
    engine = roc(sorted(points))
    seconds = measured()
    gap = roc([point(gap, test, [by_gap(stream.alerts, gap) for stream in test]) for gap in GAPS])
    return Result(config, default, engine, gap, found, folded, runs, seconds)


def run(
    data: Path,
    *,
    configs: Sequence[str] = CONFIGS,
    at_default: bool = False,
    clock: Callable[[], float],
    progress: Callable[[str], None],
) -> list[Result]:
    """All configurations that are named, from the data folder.

    Raises:
        Unusable: something is missing.
    """
    folder = data / "anomaly" / "ait_ads_a_recipes"
    have: dict[str, list[Row]] = {}
    read: set[str] = set()
    results = []
    for config in configs:
        streams = []
        for recipe in _recipes(folder / f"{config}.json"):
            for scenario in sorted(needs(recipe) - read):
                progress(f"reading {scenario}")
                have.update(parts(scenario, _rows(data / "alerts-ait-ads", scenario)))
                read.add(scenario)
            try:
                streams.append(build(recipe, have))
            except KeyError as error:
                raise Unusable(f"{recipe.name} takes {error}, which no scenario has") from None
        results.append(evaluate(config, streams, at_default=at_default, clock=clock, progress=progress))
    return results


def published(data: Path) -> dict[str, dict[str, tuple[float, float]]]:
    """ROC areas that others published, by method and configuration; empty where the file is not there."""
    file = data / "anomaly" / "ait_ads_a_reference.json"
    if not file.is_file():
        return {}
    found: dict[str, Any] = json.loads(file.read_bytes())
    return {
        method: {config: (pair[0], pair[1]) for config, pair in areas.items()}
        for method, areas in found.items()
        if isinstance(areas, dict)
    }


def targets(results: Sequence[Result]) -> list[Target]:
    """What is promised of the configurations that were run."""
    found = []
    for result in results:
        if result.config == PLAIN:
            found += _as_shipped(list(result.streams.values()))
        if result.swept is None or result.gap is None:
            continue
        areas = (("excluding", result.swept.excluding), ("including", result.swept.including))
        gaps = (result.gap.excluding, result.gap.including)
        simul = result.config == "simul-attacks"
        for (name, value), least in zip(areas, ROC_SIMUL if simul else gaps, strict=True):
            wanted = f"at least {least:.3f}" + ("" if simul else ", the time gap's")
            found.append(Target(f"{result.config}: ROC area {name} false positives", value, wanted, value >= least))
    return found


def _as_shipped(streams: Sequence[Met]) -> list[Target]:
    reduction = min(each.reduction for each in streams)
    noise = max(each.noise_share for each in streams)
    lost = sum(len(each.lost) for each in streams)
    merged = sum(len(each.merged) for each in streams) / max(1, sum(each.instances for each in streams))
    return [
        Target(
            "as shipped: alerts a unit, worst stream", reduction, f"at least {REDUCTION:.0f}", reduction >= REDUCTION
        ),
        Target(
            "as shipped: noise in attack units, worst stream", noise, f"at most {NOISE_SHARE}", noise <= NOISE_SHARE
        ),
        Target("as shipped: attack steps with alerts in no unit", lost, "none", lost == 0),
        Target("as shipped: attack instances merged", merged, f"at most {MERGED_SHARE}", merged <= MERGED_SHARE),
    ]


def _recipes(file: Path) -> list[Recipe]:
    if not file.is_file():
        raise Unusable(f"no recipe {file}")
    return recipes(file)


def _rows(folder: Path, scenario: str) -> Iterator[Row]:
    file = folder / f"{scenario}_alerts.csv.gz"
    if scenario not in SCENARIOS or not file.is_file():
        raise Unusable(f"no alerts of {scenario}: {file}")
    return rows(file)
