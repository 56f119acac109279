"""Rates with labelled anomalies: ``weir eval nab``, on the half of the Numenta anomaly benchmark that is at hand.

**What is measured** is ``streams.evaluation.level``: the engine's calibration and its guards, on a statistic for rates.
The engine itself scores events and uses no such detector.

**Protocol**: ``streams.evaluation.nab_score``. The published detectors' scores for the same files and windows stand
beside (``nab_reference_dev_half.json``: NAB's stored results, scored again), and river's with their defaults over the
value and the hour, which are not silent after an alarm: an excursion costs them a false detection a record.

**Honesty**: structure and constants of the detector were chosen on these very files, after about sixty variants; NAB's
probation has no labels to freeze them on. The other half was not seen. ``one_absurd_value``: 1e9 put in at a tenth of
every file.
"""

from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, NamedTuple

from models.baselines import BASELINES, score_and_learn
from streams.evaluation import level
from streams.evaluation.nab_score import PROFILES, Scored, Window, probation, score

STANDARD: Final = 58.0
REFERENCE: Final = "nab_reference_dev_half.json"
ABSURD: Final = 1e9


class Series(NamedTuple):
    """One file: times in ms since 1970, values, and the windows as records."""

    times: list[int]
    values: list[float]
    windows: list[Window]


class Result(NamedTuple):
    """One detector. ``cpu_us``: of score and learn, a record."""

    detector: str
    profiles: dict[str, Scored]
    cpu_us: float


def read(folder: Path) -> dict[str, Series]:
    """The series of ``folder/anomaly-nab`` that have labels, by name.

    Raises:
        OSError, ValueError, KeyError: a file is missing or has another format, or a window's ends are no records of it.
    """
    root = folder / "anomaly-nab"
    labels: dict[str, list[list[str]]] = json.loads((root / "labels" / "combined_windows.json").read_bytes())
    found = {}
    for name in sorted(labels):
        with gzip.open(root / f"{name}.gz", "rt", encoding="utf-8", newline="") as text:
            rows = list(csv.reader(text))[1:]
        times = [_ms(row[0]) for row in rows]
        first = {time: at for at, time in reversed(list(enumerate(times)))}
        windows = [(first[_ms(begin)], first[_ms(end)]) for begin, end in labels[name]]
        found[name] = Series(times, [float(row[1]) for row in rows], windows)
    return found


def by_baseline(name: str) -> Callable[[Sequence[int], Sequence[float]], list[float]]:
    """One of river's detectors over the value, in ranges of the probation, and the hour."""

    def scores(times: Sequence[int], values: Sequence[float]) -> list[float]:
        seen = values[: max(probation(len(values)), 1)]
        low, width = min(seen), (max(seen) - min(seen)) or 1.0
        detector = BASELINES[name]()
        found = []
        for time, value in zip(times, values, strict=True):
            place = min(max((value - low) / width, -10.0), 10.0)
            found.append(score_and_learn(detector, {"value": place, "hour": time // 3_600_000 % 24 / 24}))
        return found

    return scores


def evaluate(
    detector: str,
    scorer: Callable[[Sequence[int], Sequence[float]], list[float]],
    data: Mapping[str, Series],
    clock: Callable[[], float],
) -> Result:
    """A detector's scores in all profiles."""
    begin = clock()
    given = [(scorer(series.times, series.values), series.windows) for series in data.values()]
    spent = clock() - begin
    records = sum(len(series.values) for series in data.values())
    return Result(detector, {name: score(given, profile) for name, profile in PROFILES.items()}, spent / records * 1e6)


def spoiled(data: Mapping[str, Series]) -> dict[str, Series]:
    """The same series with one absurd value a tenth in."""
    found = {}
    for name, series in data.items():
        values = list(series.values)
        values[len(values) // 10] = ABSURD
        found[name] = series._replace(values=values)
    return found


def run(
    folder: Path, *, baselines: Sequence[str] = (), clock: Callable[[], float], progress: Callable[[str], None]
) -> dict[str, Any]:
    """All detectors over all series, the published scores beside, and what is promised. ``clock``: CPU seconds.

    Raises:
        OSError, ValueError, KeyError: as ``read``.
    """
    data = read(folder)
    progress(f"nab, {len(data)} series, weir")
    results = [evaluate("weir", level.run, data, clock)]
    progress("nab, weir, one absurd value in each series")
    results.append(evaluate("weir, one_absurd_value", level.run, spoiled(data), clock))
    for name in baselines:
        progress(f"nab, {name}")
        results.append(evaluate(f"river {name}", by_baseline(name), data, clock))
    standard = results[0].profiles["standard"].score
    return {
        "series": len(data),
        "records": sum(len(series.values) for series in data.values()),
        "results": [
            {
                "detector": result.detector,
                "cpu_us": result.cpu_us,
                "profiles": {name: scored._asdict() for name, scored in result.profiles.items()},
            }
            for result in results
        ],
        "published": published(folder),
        "targets": [
            {
                "name": "NAB standard profile, the half at hand",
                "measured": standard,
                "wanted": f"at least {STANDARD:g}",
                "met": standard >= STANDARD,
            }
        ],
        "passed": standard >= STANDARD,
    }


def published(folder: Path) -> dict[str, Any]:
    """The stored scores of others on the same files; empty where the file is not there."""
    file = folder / "anomaly" / REFERENCE
    return dict(json.loads(file.read_bytes())) if file.exists() else {}


def _ms(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)
