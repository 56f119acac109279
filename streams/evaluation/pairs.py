"""Scores of a grouping against attack steps: over pairs of alerts as AlertBERT scores, and by what an analyst meets.

**Pairs** (ait-aecid/AlertBERT, ``eval_grouping``). For each attack instance, all ordered pairs of one of its alerts
with any alert, itself included: recall is the share of its own pairs that are in one unit, TNR the share of its pairs
with others that are not. Averaged over the instances of a stage, the stages of a label, and the labels, so that one
step of 410,000 alerts is worth as much as one of two. Including false positives: noise counts among the others;
excluding: it is as if it were not there. A ROC area is what the points (TNR, recall) of a sweep dominate, as a step
function: nothing between two points, and nothing outside of them, is given for free.

**As met**: reduction (alerts a unit), noise in units with attack alerts, instances that share a unit. Noise that lies
inside an attack's interval is left out of both (``Alert.unclear``): the labels disagree about it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from statistics import fmean
from typing import Final, NamedTuple

from streams.evaluation.ait_ads import Alert, Step

NOISY: Final = 0.10
"""A unit with a larger share of noise than this says of an attack instance less than it hides."""

PURE: Final = 0.5
"""An instance is found if it makes up this share of some unit."""

Cells = Mapping[tuple[int, Hashable], int]
"""How many alerts of a step (0: noise) are in a unit, for each pair that occurs."""


class Quality(NamedTuple):
    """Of pairs; all 0 to 1."""

    recall: float
    tnr: float
    f1: float


class Met(NamedTuple):
    """Of units. ``lost``: instances with an alert that is in no unit. ``merged``: those of the instances that share a
    unit with another instance, or with more than ``NOISY`` noise, and why. ``found``: share of the instances that make
    up a unit. ``pieces``: units an instance, mean."""

    alerts: int
    units: int
    instances: int
    noise: int
    noise_in_attacks: int
    lost: tuple[str, ...]
    merged: tuple[str, ...]
    found: float
    pieces: float

    @property
    def reduction(self) -> float:
        """Alerts a unit."""
        return self.alerts / self.units if self.units else 0.0

    @property
    def noise_share(self) -> float:
        """Share of the noise that is in units with attack alerts."""
        return self.noise_in_attacks / self.noise if self.noise else 0.0


def cells(alerts: Iterable[Alert], units: Iterable[Hashable]) -> Cells:
    """Count alerts by step and unit, given the unit of each."""
    return Counter(zip((alert.step for alert in alerts), units, strict=True))


def qualities(counts: Cells, steps: Sequence[Step], *, noise: bool) -> dict[Step, list[Quality]]:
    """The quality of every instance that has alerts, by what it is an instance of.

    An instance without any other alert has TNR 1.

    >>> steps = [Step("-", "-"), Step("scan", "scan"), Step("crack", "crack")]
    >>> qualities({(1, "u"): 2, (2, "u"): 1, (2, "v"): 1}, steps, noise=False)[steps[1]]
    [Quality(recall=1.0, tnr=0.5, f1=0.8)]
    """
    sizes: Counter[Hashable] = Counter()
    by_step: dict[int, list[tuple[Hashable, int]]] = {}
    for (step, unit), count in counts.items():
        if step or noise:
            sizes[unit] += count
            by_step.setdefault(step, []).append((unit, count))
    total = sum(sizes.values())
    found: dict[Step, list[Quality]] = {}
    for step in range(1, len(steps)):
        own = by_step.get(step)
        if own is None:
            continue
        size = sum(count for _, count in own)
        together = sum(count * count for _, count in own)
        wrongly = sum(count * (sizes[unit] - count) for unit, count in own)
        others = size * (total - size)
        recall = together / (size * size)
        precision = together / (together + wrongly)
        tnr = 1 - wrongly / others if others else 1.0
        found.setdefault(steps[step], []).append(Quality(recall, tnr, 2 * precision * recall / (precision + recall)))
    return found


def macro(streams: Iterable[Mapping[Step, list[Quality]]]) -> Quality:
    """The mean over labels of the mean over their stages of the mean over their instances, of all streams together."""
    stages: dict[Step, list[Quality]] = {}
    for stream in streams:
        for step, found in stream.items():
            stages.setdefault(step, []).extend(found)
    labels: dict[str, list[Quality]] = {}
    for step, found in stages.items():
        labels.setdefault(step.label, []).append(_mean(found))
    return _mean([_mean(found) for found in labels.values()])


def _mean(found: Sequence[Quality]) -> Quality:
    if not found:
        return Quality(0.0, 0.0, 0.0)
    return Quality(*(fmean(column) for column in zip(*found, strict=True)))


def area(points: Iterable[tuple[float, float]]) -> float:
    """The ROC area of points (TNR, recall): what they dominate.

    >>> area([(1.0, 0.5), (0.5, 1.0)])
    0.75
    >>> area([(0.9, 0.9), (0.8, 0.8)])
    0.81
    """
    total = reached = 0.0
    for tnr, recall in sorted(points, key=lambda point: (-point[0], -point[1])):
        if recall > reached:
            total += tnr * (recall - reached)
            reached = recall
    return total


def met(alerts: Sequence[Alert], units: Sequence[str | None], steps: Sequence[Step]) -> Met:
    """What an analyst meets, given the unit of each alert, None where it is in none."""
    clear: Counter[str] = Counter()
    noise: Counter[str] = Counter()
    attack: dict[str, Counter[int]] = {}
    lost: set[int] = set()
    sizes: Counter[int] = Counter()
    for alert, unit in zip(alerts, units, strict=True):
        sizes[alert.step] += 1
        if unit is None:
            lost.add(alert.step)
            continue
        if not alert.unclear:
            clear[unit] += 1
        if alert.step:
            attack.setdefault(unit, Counter())[alert.step] += 1
        elif not alert.unclear:
            noise[unit] += 1
    instances = [step for step in range(1, len(steps)) if sizes[step]]
    merged = []
    found = 0
    pieces = []
    for step in instances:
        mine = [unit for unit, of in attack.items() if step in of]
        with_others = {steps[other].stage for unit in mine for other in attack[unit] if other != step}
        among = max((noise[unit] / clear[unit] for unit in mine), default=0.0)
        if with_others:
            merged.append(f"{steps[step].stage} with {', '.join(sorted(with_others))}")
        elif among > NOISY:
            merged.append(f"{steps[step].stage} in a unit of {among:.0%} noise")
        found += any(attack[unit][step] >= PURE * clear[unit] for unit in mine)
        pieces.append(len(mine))
    return Met(
        alerts=len(alerts),
        units=len({unit for unit in units if unit is not None}),
        instances=len(instances),
        noise=sum(1 for alert in alerts if not alert.step and not alert.unclear),
        noise_in_attacks=sum(noise[unit] for unit in attack),
        lost=tuple(steps[step].stage for step in sorted(lost) if step),
        merged=tuple(merged),
        found=found / len(instances) if instances else 0.0,
        pieces=fmean(pieces) if pieces else 0.0,
    )
