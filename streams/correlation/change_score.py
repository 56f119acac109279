"""How likely a change is behind a unit: additive evidence, squashed to 0..1, each part with its words. Pure.

Logistic: ``score = 1 / (1 + exp(-(bias + sum of factors)))``. With the bias as it is, closeness in time and a fitting
kind alone stay below 0.5; it takes a shared entity, the same actor, the same component or a dependency as well.
"""

from __future__ import annotations

from math import exp
from typing import Final, NamedTuple

from schemas.unit import Factor
from streams.correlation.entity_weight import weight
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


def score(subject: Subject, change: ChangeRow, strengths: dict[Pairs, float] | None = None) -> float:
    """0..1: how likely the change is behind the subject. ``strengths`` remembers what shared entities are worth.

    Without a shared entity, component or actor it is below 0.5, however close the change.
    """
    value = BIAS + _time(subject, change)
    if not subject.entities.isdisjoint(change.entities):
        strength = None if strengths is None else strengths.get(change.entities)
        if strength is None:
            strength = _strength(_shared(subject, change))
            if strengths is not None:
                strengths[change.entities] = strength
        value += strength
    component = change.component
    if component is not None:
        if component in subject.components:
            value += COMPONENT
        elif component in subject.dependencies:
            value += DEPENDENCY
    if not subject.kinds.isdisjoint(FIT[change.kind]):
        value += KIND
    if _acted(subject, change):
        value += ACTOR
    if change.status == "failed":
        value += FAILED
    return 1 / (1 + exp(-value))


def factors(subject: Subject, change: ChangeRow) -> tuple[Factor, ...]:
    """What the score is made of, in words, largest first. With the bias they add up to its logit."""
    gap = subject.first - change.time
    words = f"{span(-gap)} after the first signal" if gap < 0 else f"{span(gap)} before the first signal"
    found = [Factor(name="time", value=_time(subject, change), text=words)]
    shared = _shared(subject, change)
    if shared:
        named = ", ".join(f"{kind} {id_}" for _, (kind, id_) in shared[:3])
        found.append(Factor(name="entity", value=_strength(shared), text=f"shared: {named}"))
    component = change.component
    if component is not None and component in subject.components:
        found.append(Factor(name="component", value=COMPONENT, text=f"the same component, {component}"))
    elif component is not None and component in subject.dependencies:
        found.append(Factor(name="dependency", value=DEPENDENCY, text=f"{component}, which it depends on"))
    if kinds := subject.kinds & FIT[change.kind]:
        words = f"a {change.kind} change can bring about: {', '.join(sorted(kinds))}"
        found.append(Factor(name="kind", value=KIND, text=words))
    if _acted(subject, change):
        found.append(Factor(name="actor", value=ACTOR, text=f"made by {change.actor}, who is in the unit"))
    if change.status == "failed":
        found.append(Factor(name="failed", value=FAILED, text="the change failed"))
    return tuple(sorted((f for f in found if f.value != 0), key=lambda f: (-f.value, f.name)))


def _time(subject: Subject, change: ChangeRow) -> float:
    gap = subject.first - change.time
    value: float = TIME / 4 if gap < 0 else TIME * 0.5 ** (gap / HALF_LIFE[change.kind])
    return round(value, 6)


def _shared(subject: Subject, change: ChangeRow) -> list[tuple[float, tuple[str, str]]]:
    """Shared entities that say something, the strongest first, each after its weight, negated."""
    weighed = [(-weight(*entity), entity) for entity in subject.entities.intersection(change.entities)]
    return sorted(entry for entry in weighed if entry[0])


def _strength(shared: list[tuple[float, tuple[str, str]]]) -> float:
    strength = 0.0
    for negative, _ in shared:
        strength -= (1 - strength) * negative
    return round(ENTITY * strength, 6)


def _acted(subject: Subject, change: ChangeRow) -> bool:
    """Whether a principal of the unit made the change; a provider's own services act for everybody."""
    actor = change.actor
    return actor is not None and ("principal", actor) in subject.entities and weight("principal", actor) > 0


def span(ms: int) -> str:
    """A duration in words: ``40 s``, ``12 min``, ``3.5 h``, ``2.1 d``."""
    if ms < _MINUTE:
        return f"{ms // 1000} s"
    if ms < _HOUR:
        return f"{ms // _MINUTE} min"
    return f"{ms / _HOUR:.1f} h" if ms < _DAY else f"{ms / _DAY:.1f} d"
