"""The AIT alert data set, and the streams of AIT-ADS-A that are made of it.

AIT-ADS (Landauer et al. 2024, Zenodo 8263181): alerts of three detectors over simulated enterprise networks, a file
``SCENARIO_alerts.csv.gz`` a scenario, with the columns time (whole seconds), name, ip, host, short, time_label and
event_label.
AIT-ADS-A (ait-aecid/AlertBERT): recipes that put the days of benign alerts and the attack steps of scenarios together
anew, so that steps overlap (``simul-attacks``) or the noise is many times as dense (``more-noise-N``).

Which alerts a step is made of (AlertBERT's relabelling): those with its ``event_label``; of ``dnsteal``, whose label
covers days of ordinary lookups, only the first alerts of three signatures, a stage each (``STAGES``). Noise is what has
no event label, and the other ``dnsteal`` alerts. A step keeps its own spacing and begins when the recipe says; noise
keeps its time of day (UTC).
"""

from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeVar

from schemas.events import Finding

DAY: Final = 86_400

STAGES: Final = {
    "dnsteal_start": ("A-Dns-Val1", 2),
    "dnsteal_active": ("A-Dns-Frq", 1),
    "dnsteal_end": ("A-Aud-Com4", 2),
}
"""Stage of the label ``dnsteal``: the signature, and how many of its first alerts are the stage."""

SCENARIOS: Final = ("fox", "russellmitchell", "santos", "shaw")


class Row(NamedTuple):
    """One line of a scenario."""

    time: int
    name: str
    ip: str
    host: str
    short: str
    time_label: str
    event_label: str


class Alert(NamedTuple):
    """One alert of a stream. All but ``step`` and ``unclear`` may be shown to the engine.

    ``step``: index into the stream's steps, 0 for noise. ``unclear``: noise by its event label, yet inside the interval
    of an attack: alerts that a step set off without being attributed to it are among these.
    """

    time: int
    name: str
    ip: str
    host: str
    short: str
    step: int
    unclear: bool


_Alert = TypeVar("_Alert", Row, Alert)


def as_findings(
    alerts: Sequence[_Alert], domain: str, begin: datetime, *, component: bool = False
) -> Iterator[Finding]:
    """The alerts as the engine is given them; their labels are not among what is read here.

    ``begin`` is what their times, in seconds, count from. ``component``: whether the host stands as the component, too.
    """
    same: dict[tuple[str, str, str, str], Finding] = {}
    for number, alert in enumerate(alerts):
        key = alert.name, alert.ip, alert.host, alert.short
        like = same.get(key)
        if like is None:  # checked once for what does not differ
            like = same[key] = Finding(
                source="ait-ads",
                source_id="-",
                time=begin,
                domain=domain,
                component=alert.host if component else None,
                entities=(("ip", alert.ip), ("host", alert.host)),
                title=alert.name,
                origin=("file", 0, 0, 0),
                kind="detection",
                rule=alert.short,
                severity=3,
                reporter=alert.name.partition(":")[0],
            )
        yield like.model_copy(update={"source_id": str(number), "time": begin + timedelta(seconds=alert.time)})


class Step(NamedTuple):
    """One attack instance: label, then stage; they differ only for ``dnsteal``."""

    label: str
    stage: str


class Stream(NamedTuple):
    """Alerts in order of time. ``steps[0]`` is the noise."""

    name: str
    split: str
    alerts: list[Alert]
    steps: list[Step]


class Recipe(NamedTuple):
    """How a stream is put together: for each day, parts of noise, and steps with their second of the day."""

    name: str
    config: str
    split: str
    days: tuple[tuple[tuple[str, ...], tuple[tuple[str, int], ...]], ...]


Parts = Mapping[str, Sequence[Row]]
"""Rows by the part's name, ``SCENARIO-DAY`` or ``SCENARIO-STAGE``; times from the day's or the step's beginning."""


def rows(file: Path) -> Iterator[Row]:
    """The lines of a scenario file.

    Raises:
        ValueError: a line has other columns, or no whole number as its time.
    """
    with gzip.open(file, "rt", encoding="utf-8", newline="") as text:
        lines = csv.reader(text)
        head = next(lines, None)
        if head != list(Row._fields):
            raise ValueError(f"{file.name}: the columns are {head}, not {', '.join(Row._fields)}")
        for number, line in enumerate(lines, 2):
            try:
                time, name, ip, host, short, time_label, event_label = line
                yield Row(int(time), name, ip, host, short, time_label, event_label)
            except ValueError:
                raise ValueError(f"{file.name}, line {number}: {line}") from None


def parts(scenario: str, lines: Iterable[Row]) -> dict[str, list[Row]]:
    """A scenario cut into its days of noise and its steps; what belongs to neither is left out.

    >>> alert = Row(86_460, "Scan", "192.0.2.1", "web", "S-1", "service_scans", "service_scan")
    >>> noise = Row(86_400 + 30, "Login", "192.0.2.2", "mail", "W-1", "false_positive", "-")
    >>> {name: rows[0].time for name, rows in parts("x", [noise, alert]).items()}
    {'x-0': 30, 'x-service_scan': 0}
    """
    of_stage = {short: stage for stage, (short, _) in STAGES.items()}
    first_day: int | None = None
    found: dict[str, list[Row]] = {}
    begins: dict[str, int] = {}
    for row in lines:
        if row.event_label == "-" or (row.event_label == "dnsteal" and row.short not in of_stage):
            if first_day is None:
                first_day = row.time // DAY
            part = f"{scenario}-{row.time // DAY - first_day}"
            found.setdefault(part, []).append(row._replace(time=row.time % DAY))
            continue
        stage = of_stage[row.short] if row.event_label == "dnsteal" else row.event_label
        taken = found.setdefault(f"{scenario}-{stage}", [])
        if stage not in STAGES or len(taken) < STAGES[stage][1]:
            taken.append(row._replace(time=row.time - begins.setdefault(stage, row.time)))
    return found


def recipes(file: Path) -> list[Recipe]:
    """The streams of one AIT-ADS-A configuration."""
    config: dict[str, Any] = json.loads(file.read_bytes())
    return [
        Recipe(
            name=f"{config['name']}/{stream['alertbert_split']}{stream['index']}",
            config=config["name"],
            split="test" if stream["alertbert_split"] == "test" else "train",
            days=tuple(
                (tuple(day["noise"]), tuple((step, _second(at)) for step, at in day["attacks"]))
                for day in stream["days"]
            ),
        )
        for stream in config["streams"]
    ]


def needs(recipe: Recipe) -> set[str]:
    """The scenarios that a recipe takes parts of."""
    return {part.rpartition("-")[0] for noise, steps in recipe.days for part in (*noise, *(step for step, _ in steps))}


def build(recipe: Recipe, have: Parts) -> Stream:
    """The stream of a recipe, which begins at second 0.

    The hosts of all scenarios have the same names, and one address each. Where scenarios are mixed, a host keeps the
    address of the part that comes first, or addresses would tell the scenarios apart, which no real network does.

    Raises:
        KeyError: the recipe takes a part that is not there.
    """
    alerts: list[Alert] = []
    steps = [Step("-", "-")]
    addresses: dict[str, str] = {}

    def add(part: str, begin: int, step: int) -> None:
        for row in have[part]:
            ip = addresses.setdefault(row.host, row.ip)
            unclear = step == 0 and row.time_label != "false_positive"
            alerts.append(Alert(begin + row.time, row.name, ip, row.host, row.short, step, unclear))

    for number, (noise, attacks) in enumerate(recipe.days):
        for part in noise:
            add(part, number * DAY, 0)
        for part, second in attacks:
            stage = part.rpartition("-")[2]
            steps.append(Step("dnsteal" if stage in STAGES else stage, stage))
            add(part, number * DAY + second, len(steps) - 1)
    alerts.sort(key=lambda alert: alert.time)  # stable: alerts of one second stay in the order of the recipe
    return Stream(recipe.name, recipe.split, alerts, steps)


def _second(text: str) -> int:
    hours, minutes, seconds = text.split(":")
    return int(hours) * 3600 + int(minutes) * 60 + int(seconds)
