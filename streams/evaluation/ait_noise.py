"""Do the models tell an attack step from noise? ``weir eval ait-noise``, on AIT-ADS.

**Input**: each scenario whole and by itself, in the order of the file. The principal is the host, the action the
signature; nothing else of an alert is shown. The first day (UTC) is for learning and is not scored.

**Score**: -log10 of the verdict's p, before the alert is learnt. Positives are the alerts of an attack step, relabelled
as in ``streams.evaluation.ait_ads`` (of ``dnsteal`` its stages, the rest of that label is noise); negatives are all
noise outside the attacks' intervals, and in ``with_unclear`` also that inside them. ROC area and average precision for
each scenario and step, and their means, in which every one weighs the same.

**Calibration**: the noise outside all attacks alone, in a run of its own: of the units (host and minute) after the
first day, the share with a least p of 0.01 and of 0.001, over that number.

Constants were chosen on santos and shaw and on synthetic streams; fox and russellmitchell are for reporting.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from math import log10
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np

from models.base import Features, Store
from models.baselines import BASELINES, Counts, score_and_learn
from models.suite import Suite
from streams.evaluation.ait_ads import DAY, SCENARIOS, STAGES, Row, rows
from streams.evaluation.ranks import Area, area, macro

REPORTED: Final = ("fox", "russellmitchell")
ROC: Final = 0.95
CALIBRATED: Final = 0.8, 1.25
LEVELS: Final = 1e-2, 1e-3
FEWEST: Final = 10
"""Units that are to be expected at a level before the calibration there is judged."""

_NOISE = "-"
_SETS = ("reported", REPORTED), ("tuned on", tuple(name for name in SCENARIOS if name not in REPORTED))


class Alert(NamedTuple):
    """An alert as it is scored. ``step``: "-" is noise, None belongs to neither; ``clear``: outside all attacks."""

    time: int
    host: str
    short: str
    step: str | None
    clear: bool


class Step(NamedTuple):
    """One attack step of one scenario, against the noise outside the attacks and against all noise."""

    scenario: str
    step: str
    clear: Area
    with_unclear: Area


class Result(NamedTuple):
    """One scenario under one scorer. ``cpu_us``: of score and learn, an alert."""

    scorer: str
    scenario: str
    steps: list[Step]
    cpu_us: float


class Calibrated(NamedTuple):
    """Units of attack-free noise, and of these with a p at or below each of ``LEVELS``."""

    scenario: str
    units: int
    below: tuple[int, ...]


def alerts(lines: Iterable[Row]) -> list[Alert]:
    """The alerts of a scenario with their steps."""
    stages = {short: (stage, most) for stage, (short, most) in STAGES.items()}
    taken: dict[str, int] = {}
    found = []
    for row in lines:
        step: str | None = row.event_label
        if step == "dnsteal":
            stage, most = stages.get(row.short, ("", 0))
            taken[stage] = taken.get(stage, 0) + 1
            step = _NOISE if not stage else step if taken[stage] <= most else None
        found.append(Alert(row.time, row.host, row.short, step, row.time_label == "false_positive"))
    return found


def features(alert: Alert) -> Features:
    """What the models are shown."""
    return {"time": alert.time * 1000, "principal": alert.host, "action": alert.short}


def scored(given: Sequence[Alert]) -> list[float]:
    """By the models, as the engine runs them: -log10 p of each alert."""
    tables: dict[str, Store] = {}
    suite = Suite(lambda name: tables.setdefault(name, {}))
    return [-log10(suite.score_and_learn(features(alert)).p) for alert in given]


def by_baseline(name: str) -> Callable[[Sequence[Alert]], list[float]]:
    """By one of river's detectors."""

    def scores(given: Sequence[Alert]) -> list[float]:
        detector, counts = BASELINES[name](), Counts()
        return [score_and_learn(detector, counts.of(features(alert))) for alert in given]

    return scores


def judge(scenario: str, given: Sequence[Alert], scores: Sequence[float]) -> list[Step]:
    """The areas of every step that has alerts after the first day."""
    times = np.array([alert.time for alert in given])
    late = times >= given[0].time // DAY * DAY + DAY
    steps = np.array([alert.step or "" for alert in given])
    clear = np.array([alert.clear for alert in given])
    values = np.asarray(scores)
    noise = late & (steps == _NOISE)
    return [
        Step(
            scenario,
            step,
            area(values[late & (steps == step)], values[noise & clear]),
            area(values[late & (steps == step)], values[noise]),
        )
        for step in sorted(set(steps[late].tolist()) - {_NOISE, ""})
    ]


def calibration(scenario: str, given: Sequence[Alert]) -> Calibrated:
    """The share of attack-free units with a small p."""
    free = [alert for alert in given if alert.step == _NOISE and alert.clear]
    begin = free[0].time // DAY * DAY + DAY
    least: dict[tuple[str, int], float] = {}
    for alert, score in zip(free, scored(free), strict=True):
        if alert.time >= begin:
            unit = alert.host, alert.time // 60
            least[unit] = max(score, least.get(unit, 0.0))
    found = np.array(list(least.values()))
    return Calibrated(scenario, len(found), tuple(int((found >= -log10(level)).sum()) for level in LEVELS))


def run(
    folder: Path,
    *,
    scenarios: Sequence[str] = SCENARIOS,
    baselines: Sequence[str] = (),
    clock: Callable[[], float],
    progress: Callable[[str], None],
) -> tuple[list[Result], list[Calibrated]]:
    """All scorers over the scenarios in ``folder/alerts-ait-ads``. ``clock``: CPU seconds.

    Raises:
        OSError, ValueError: a file is missing or has another format.
    """
    scorers = {"weir": scored, **{name: by_baseline(name) for name in baselines}}
    results, calibrated = [], []
    for scenario in scenarios:
        given = alerts(rows(folder / "alerts-ait-ads" / f"{scenario}_alerts.csv.gz"))
        for name, scorer in scorers.items():
            progress(f"{scenario}, {len(given):,} alerts, {name}")
            begin = clock()
            scores = scorer(given)
            spent = clock() - begin
            results.append(Result(name, scenario, judge(scenario, given, scores), spent / len(given) * 1e6))
        progress(f"{scenario}, calibration")
        calibrated.append(calibration(scenario, given))
    return results, calibrated


def plain(results: Sequence[Result], calibrated: Sequence[Calibrated]) -> dict[str, Any]:
    """Everything, as dicts, lists and numbers."""
    targets = judged(results, calibrated)
    return {
        "scorers": [
            {
                "scorer": name,
                "set": text,
                "scenarios": [one.scenario for one in mine],
                "roc": macro([step.clear for step in steps])[0],
                "ap": macro([step.clear for step in steps])[1],
                "roc_with_unclear": macro([step.with_unclear for step in steps])[0],
                "ap_with_unclear": macro([step.with_unclear for step in steps])[1],
                "least_roc": min(step.clear.roc for step in steps),
                "cpu_us": max(one.cpu_us for one in mine),
            }
            for name in dict.fromkeys(one.scorer for one in results)
            for text, chosen in _SETS
            if (mine := [one for one in results if one.scorer == name and one.scenario in chosen])
            and (steps := [step for one in mine for step in one.steps])
        ],
        "steps": [
            {"scorer": one.scorer, "scenario": step.scenario, "step": step.step}
            | {"clear": step.clear._asdict(), "with_unclear": step.with_unclear._asdict()}
            for one in results
            for step in one.steps
        ],
        "calibration": [
            {"scenario": one.scenario, "units": one.units}
            | {
                f"at_{level:g}": {"units": below, "ratio": below / one.units / level}
                for level, below in zip(LEVELS, one.below, strict=True)
            }
            for one in calibrated
        ],
        "targets": targets,
        "passed": all(target["met"] for target in targets),
    }


def judged(results: Sequence[Result], calibrated: Sequence[Calibrated]) -> list[dict[str, Any]]:
    """What is promised: name, measured, wanted, met."""
    found: list[dict[str, Any]] = []
    for text, chosen in _SETS:
        steps = [step for one in results if one.scorer == "weir" and one.scenario in chosen for step in one.steps]
        if steps:
            roc, _ = macro([step.clear for step in steps])
            name = f"macro step ROC, {text} ({', '.join(chosen)})"
            found.append({"name": name, "measured": roc, "wanted": f"at least {ROC}", "met": roc >= ROC})
    low, high = CALIBRATED
    for one in calibrated:
        if one.scenario not in REPORTED:
            continue
        for level, below in zip(LEVELS, one.below, strict=True):
            if one.units * level >= FEWEST:
                ratio = below / one.units / level
                found.append(
                    {
                        "name": f"P(p <= {level:g}) / {level:g}, {one.scenario}, {one.units:,} attack-free units",
                        "measured": ratio,
                        "wanted": f"{low} to {high}",
                        "met": low <= ratio <= high,
                    }
                )
    return found
