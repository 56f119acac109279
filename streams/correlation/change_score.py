"""How likely a change is behind a unit: additive evidence, squashed to 0..1, each part with its words. Pure.

Logistic: ``score = 1 / (1 + exp(-(bias + sum of factors)))``. With the bias as it is, closeness in time alone stays
below 0.5; it takes a shared entity, the same component or a dependency as well.
"""

from __future__ import annotations

from math import exp
from typing import Final, NamedTuple

from schemas.unit import Factor
from streams.correlation.entity_weight import PRIOR
from streams.correlation.rows import ChangeRow, Pairs

_MINUTE, _HOUR, _DAY = 60_000, 3_600_000, 86_400_000

LOOK_BACK: Final[dict[str, int]] = {
    "deploy": _DAY,
    "rollback": _DAY,
    "dependency": 7 * _DAY,
    "configuration": _DAY,
    "infrastructure": _DAY,
    "access": 3 * _DAY,
    "policy_exception": 7 * _DAY,
    "feature_flag": _DAY,
    "secret_rotation": 3 * _DAY,
    "code": 3 * _DAY,
}
"""How long before a unit's first signal a change of each kind may lie, ms."""

LONGEST: Final = max(LOOK_BACK.values())

HALF_LIFE: Final[dict[str, int]] = {
    "deploy": _HOUR,
    "rollback": _HOUR,
    "dependency": _DAY,
    "configuration": _HOUR,
    "infrastructure": _HOUR,
    "access": 6 * _HOUR,
    "policy_exception": _DAY,
    "feature_flag": _HOUR,
    "secret_rotation": 6 * _HOUR,
    "code": 6 * _HOUR,
}
"""After how long closeness in time counts half, ms."""

FIT: Final[dict[str, frozenset[str]]] = {
    "deploy": frozenset({"anomaly", "detection", "vulnerability", "misconfiguration"}),
    "rollback": frozenset({"anomaly", "detection", "vulnerability"}),
    "dependency": frozenset({"vulnerability", "detection", "license", "weakness"}),
    "configuration": frozenset({"anomaly", "misconfiguration", "detection"}),
    "infrastructure": frozenset({"anomaly", "misconfiguration", "detection"}),
    "access": frozenset({"anomaly", "detection", "misconfiguration"}),
    "policy_exception": frozenset({"vulnerability", "misconfiguration", "detection"}),
    "feature_flag": frozenset({"anomaly", "detection"}),
    "secret_rotation": frozenset({"anomaly", "secret", "detection"}),
    "code": frozenset({"weakness", "secret", "vulnerability"}),
}
"""Which kinds of signal each kind of change tends to bring about."""

BIAS: Final = -3.0
TIME: Final = 2.0
ENTITY: Final = 2.5
COMPONENT: Final = 1.5
DEPENDENCY: Final = 1.5
KIND: Final = 0.5
ACTOR: Final = 0.75
FAILED: Final = -2.5


class Subject(NamedTuple):
    """What a unit is about, as far as changes are concerned. Event times in ms."""

    first: int
    last: int
    entities: frozenset[tuple[str, str]]
    components: frozenset[str]
    kinds: frozenset[str]
    dependencies: frozenset[str]  # components that the unit's components depend on


def in_range(subject: Subject, change: ChangeRow) -> bool:
    """Whether the change lies in its kind's look-back before the first signal, or between first and last."""
    return subject.first - LOOK_BACK[change.kind] <= change.time <= subject.last


def score(subject: Subject, change: ChangeRow) -> tuple[float, tuple[Factor, ...]]:
    """Score 0..1 and its factors, largest first. The factors, with the bias, add up to the logit."""
    factors = [_time(subject, change), _entities(subject.entities, change.entities)]
    component = change.component
    if component is not None and component in subject.components:
        factors.append(Factor(name="component", value=COMPONENT, text=f"the same component, {component}"))
    elif component is not None and component in subject.dependencies:
        factors.append(Factor(name="dependency", value=DEPENDENCY, text=f"{component}, which it depends on"))
    if subject.kinds & FIT[change.kind]:
        named = ", ".join(sorted(subject.kinds & FIT[change.kind]))
        factors.append(Factor(name="kind", value=KIND, text=f"a {change.kind} change can bring about: {named}"))
    if change.actor is not None and ("principal", change.actor) in subject.entities:
        factors.append(Factor(name="actor", value=ACTOR, text=f"made by {change.actor}, who is in the unit"))
    if change.status == "failed":
        factors.append(Factor(name="failed", value=FAILED, text="the change failed"))
    kept = tuple(sorted((f for f in factors if f.value != 0), key=lambda f: (-f.value, f.name)))
    return 1 / (1 + exp(-(BIAS + sum(f.value for f in kept)))), kept


def _time(subject: Subject, change: ChangeRow) -> Factor:
    gap = subject.first - change.time
    if gap < 0:
        return Factor(name="time", value=TIME / 4, text=f"{span(-gap)} after the first signal")
    value = TIME * 0.5 ** (gap / HALF_LIFE[change.kind])
    return Factor(name="time", value=round(value, 6), text=f"{span(gap)} before the first signal")


def _entities(ours: frozenset[tuple[str, str]], theirs: Pairs) -> Factor:
    shared = sorted((e for e in set(theirs) if e in ours), key=lambda e: (-PRIOR[e[0]], e))
    strength = 0.0
    for kind, _ in shared:
        strength += (1 - strength) * PRIOR[kind]
    named = ", ".join(f"{kind} {id_}" for kind, id_ in shared[:3])
    return Factor(name="entity", value=round(ENTITY * strength, 6), text=f"shared: {named}")


def span(ms: int) -> str:
    """A duration in words: ``40 s``, ``12 min``, ``3.5 h``, ``2.1 d``."""
    if ms < _MINUTE:
        return f"{ms // 1000} s"
    if ms < _HOUR:
        return f"{ms // _MINUTE} min"
    return f"{ms / _HOUR:.1f} h" if ms < _DAY else f"{ms / _DAY:.1f} d"
