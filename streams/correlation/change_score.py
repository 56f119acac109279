"""How likely a change is behind a unit: additive evidence, squashed to 0..1, each part with its words. Pure.

Logistic: ``score = 1 / (1 + exp(-(bias + sum of factors)))``. Whatever is shared (an entity, the component, the actor,
content) counts the less the more changes share it at the time: where a role makes sixty changes an hour, one within
the hour says nothing. What is expected by chance is ``rate * (gap + settle time)``, and evidence is divided by one more
than that. Closeness in time and a fitting kind alone stay far below 0.5.

The weights were set on simulated scenarios; ``weir eval changes`` holds them against others.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping
from math import exp
from typing import Any, Final, NamedTuple, Protocol

from schemas.unit import Factor
from streams.correlation.change_content import INBOUND, STRENGTH, Mark, Subject, Traits, of_entities, traits
from streams.correlation.change_words import words
from streams.correlation.entity_weight import weight
from streams.correlation.rows import ChangeRow

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
    "code": 3 * _HOUR,
}
"""After how long closeness in time has gone half the way from ``TIME`` to ``FAR``; twice that, two thirds. ms."""

FIT: Final[dict[str, frozenset[str]]] = {
    "deploy": frozenset({"anomaly", "detection", "vulnerability", "misconfiguration"}),
    "rollback": frozenset({"anomaly", "detection", "vulnerability"}),
    "dependency": frozenset({"vulnerability", "detection", "license", "weakness"}),
    "configuration": frozenset({"anomaly", "misconfiguration", "detection", INBOUND}),
    "infrastructure": frozenset({"anomaly", "misconfiguration", "detection", INBOUND}),
    "access": frozenset({"anomaly", "detection", "misconfiguration"}),
    "policy_exception": frozenset({"vulnerability", "misconfiguration", "detection", INBOUND}),
    "feature_flag": frozenset({"anomaly", "detection", INBOUND}),
    "secret_rotation": frozenset({"anomaly", "secret", "detection"}),
    "code": frozenset({"weakness", "secret", "misconfiguration"}),
}
"""Which kinds of signal each kind of change tends to bring about."""

TRAVELS: Final = frozenset({"anomaly", "detection", "misconfiguration", INBOUND})
"""Kinds of signal that a change of something else can bring about; a weakness lies in what has it."""

AUTOMATION: Final = frozenset({"terraform", "pulumi", "cloudformation.amazonaws.com", "ansible", "helm", "argocd"})
"""Clients that do what was decided before, whoever's credentials they run with."""

BIAS: Final = -3.0
TIME: Final = 2.0
FAR: Final = -1.5
LATER: Final = -1.0
"""For a change after the first grave signal: it can only have brought about what came after it."""
AFTER: Final = -4.0
"""For a change after which nothing grave and new came."""
ENTITY: Final = 2.5
COMPONENT: Final = 1.75
BOTH: Final = 0.5
"""What the same component adds where an entity as good as a host is shared: that mostly is the component."""
DEPENDENCY: Final = {1: 1.0, 2: 0.5}
CONTENT: Final = 3.0
ACTOR: Final = 0.75
KIND: Final = 0.5
MISFIT: Final = -1.5
OUTSIDE: Final = -2.0
UNRELATED: Final = -2.0
RELATED: Final = 1.5
"""Relation from which on nothing is taken off for the lack of one."""
OTHER_IMAGE: Final = -1.5
REMOVES: Final = -2.0
LESSER: Final = -1.0
"""For each level by which what it explains is less severe than the rest of the unit, from the second on."""
DEED: Final = -4.5
FAILED: Final = -2.5

SETTLE_MS: Final = 15 * _MINUTE
"""Changes within this time are taken for one release; it is no coincidence that they are close to one another."""

_ELSEWHERE = frozenset({"component", "package", "vulnerability", "file", "commit"})
"""Kinds of entity that have a factor of their own. A component's repository is the component by another name."""


class Known(Protocol):
    """What is known of changes besides the one that is scored."""

    def rate(self, mark: Mark, before: int) -> float:
        """How many changes an hour bore the mark in the day until ``SETTLE_MS`` before that event time."""

    def first(self, mark: Mark) -> int | None:
        """Event time of the first change that bore the mark."""

    def history(self, kind: str) -> tuple[float, int, int]:
        """The factor that earlier verdicts give a kind of change, and how many confirmed and rejected it."""

    def traits(self, change: ChangeRow) -> Traits:
        """What can be read from the change, ``change_content.traits``."""


class _Nothing:
    def rate(self, mark: Mark, before: int) -> float:
        return 0.0

    def first(self, mark: Mark) -> int | None:
        return None

    def history(self, kind: str) -> tuple[float, int, int]:
        return 0.0, 0, 0

    def traits(self, change: ChangeRow) -> Traits:
        return traits(change)


NOTHING: Final[Known] = _Nothing()


Part = tuple[str, float, tuple[Any, ...]]
"""Name and value of a factor, and what its words are made from."""


class View(NamedTuple):
    """A subject, prepared for being compared with many changes."""

    subject: Subject
    content: Mapping[Mark, float]
    """Marks of content, with how grave the signals are that bear them."""
    images: frozenset[str]
    digests: frozenset[str]
    """Image repositories that grave signals name with a digest, and the digests."""
    starts: tuple[int, ...]
    travels: bool
    fits: Mapping[str, tuple[Part, ...]]
    """By kind of change: how it fits the kinds of signal."""
    beside: View | None


def view(subject: Subject) -> View:
    """Prepare a subject."""
    content: dict[Mark, float] = dict.fromkeys((("port", port) for port in subject.ports), 1.0)
    for mark, entity in of_entities(subject.entities):
        content[mark] = max(content.get(mark, 0.0), subject.grave.get(entity, 1.0))
    named = [
        id_.partition("@")
        for kind, id_ in subject.entities
        if kind == "image" and "@" in id_ and subject.grave.get((kind, id_), 1.0) == 1
    ]
    return View(
        subject,
        content,
        frozenset(repository for repository, _, _ in named),
        frozenset(digest for _, _, digest in named),
        subject.starts or (subject.first,),
        not subject.kinds.isdisjoint(TRAVELS),
        {kind: _fit(subject.kinds, fit) for kind, fit in FIT.items()},
        None if subject.beside is None else view(subject.beside),
    )


def score(subject: Subject | View, change: ChangeRow, known: Known = NOTHING) -> float:
    """0..1: how likely the change is behind the subject. Above 0.5 it is a suspect.

    Without a shared entity, component, dependency, content or actor it is far below, however close the change.
    """
    return max(scores(subject if isinstance(subject, View) else view(subject), change, known))


def scores(of: View, change: ChangeRow, known: Known) -> tuple[float, float]:
    """The score for what is going on and for what was found beside it; the same twice where there is only one."""
    main = _squash(_parts(of, change, known))
    return main, main if of.beside is None else _squash(_parts(of.beside, change, known))


def _squash(parts: list[Part]) -> float:
    return 1 / (1 + exp(-BIAS - sum(value for _, value, _ in parts)))


def factors(subject: Subject | View, change: ChangeRow, known: Known = NOTHING) -> tuple[Factor, ...]:
    """What the score is made of, in words, largest first, those against it last. With the bias they are its logit."""
    of = subject if isinstance(subject, View) else view(subject)
    found = [
        Factor(name=name, value=value, text=words(name, detail, of.subject, change))
        for name, value, detail in _best(of, change, known)
    ]
    return tuple(sorted(found, key=lambda f: (-f.value, f.name)))


def _best(of: View, change: ChangeRow, known: Known) -> list[Part]:
    """The factors for what is going on, or for what was found beside it, whichever the change explains better."""
    parts = _parts(of, change, known)
    if of.beside is None:
        return parts
    others = _parts(of.beside, change, known)
    return others if sum(part[1] for part in others) > sum(part[1] for part in parts) else parts


def _parts(of: View, change: ChangeRow, known: Known) -> list[Part]:
    subject = of.subject
    found = known.traits(change)
    time, gap = _time(of, change)
    rates: dict[Mark, float] = {}

    def chance(mark: Mark) -> float:
        """What is left of evidence after what is expected by chance."""
        rate = rates.get(mark)
        if rate is None:
            rate = rates[mark] = known.rate(mark, change.time)
        return 1 / (1 + rate * (max(gap, 0) + SETTLE_MS) / _HOUR)

    out: list[Part] = [("time", time, (gap,))] if time else []
    entity = _entity(subject, change, chance)
    related = 0.0
    for part in (
        entity,
        _place(of, change, 0.0 if entity is None else entity[1] / ENTITY, chance),
        _content(of, found, chance),
        _actor(subject, change, found, known, chance),
    ):
        if part is not None and part[1]:
            out.append((part[0], round(part[1], 6), part[2]))
            related += max(0.0, part[1])
    if related < RELATED:
        out.append(("unrelated", round(UNRELATED * (1 - related / RELATED), 6), (related > 0,)))
    if gap < 0:
        out.append(("after", AFTER, ()))
    elif change.time > of.starts[0]:
        out.append(("later", LATER, ()))
    out += _against(of, change, found)
    out += of.fits[change.kind]
    earlier, confirmed, rejected = known.history(change.kind)
    if earlier:
        out.append(("history", round(earlier, 6), (confirmed, rejected)))
    if subject.lesser:
        out.append(("lesser", LESSER * subject.lesser, ()))
    if change.status == "failed":
        out.append(("failed", FAILED, ()))
    return out


def _time(of: View, change: ChangeRow) -> tuple[float, int]:
    """What closeness counts, and the gap in ms to the next grave start; -1 where nothing grave and new comes after."""
    place = bisect_left(of.starts, change.time)
    if place == len(of.starts):
        return 0.0, -1
    # Before the first grave signal nothing has gone wrong yet, whatever of little weight was seen earlier.
    gap = of.starts[place] - change.time
    return round(FAR + (TIME - FAR) / (1 + gap / HALF_LIFE[change.kind]), 6), gap


_Chance = Callable[[Mark], float]


def _entity(subject: Subject, change: ChangeRow, chance: _Chance) -> Part | None:
    shared = []
    same = change.component in subject.components
    for entity in subject.entities.intersection(change.entities):
        if entity[0] in _ELSEWHERE or (same and entity[0] == "repository"):
            continue
        strength = weight(*entity)
        if strength:
            strength *= subject.grave.get(entity, 1.0)
            shared.append((-strength * chance(entity), entity, strength))
    if not shared:
        return None
    shared.sort()
    named = tuple((*entity, -found < strength / 2) for found, entity, strength in shared[:3])
    return "entity", ENTITY * _either(-found for found, _, _ in shared), named


def _place(of: View, change: ChangeRow, shared: float, chance: _Chance) -> Part | None:
    """Component or dependency; ``shared`` is how good the shared entities are, 0 to 1."""
    component = change.component
    if component is None:
        return None
    if component in of.subject.components:
        left = chance(("component", component))
        return "component", (COMPONENT + (BOTH - COMPONENT) * shared) * left, (component, left < 0.5)
    distance = of.subject.dependencies.get(component)
    if distance is None or not of.travels:
        return None
    left = chance(("component", component))
    return "dependency", DEPENDENCY.get(distance, 0.0) * left, (component, distance)


def _content(of: View, change: Traits, chance: _Chance) -> Part | None:
    shared = [
        (-STRENGTH[mark[0]] * of.content[mark] * chance(mark), mark) for mark in of.content.keys() & change.content
    ]
    if not shared:
        return None
    shared.sort()
    return "content", CONTENT * _either(-found for found, _ in shared), tuple(mark for _, mark in shared[:3])


def _actor(subject: Subject, change: ChangeRow, found: Traits, known: Known, chance: _Chance) -> Part | None:
    """Who made it is in the unit: a trace of the cause, or, from a place where no change ever came from, a deed."""
    actor = change.actor
    if actor is None or ("principal", actor) not in subject.entities or not weight("principal", actor):
        return None
    if AUTOMATION.isdisjoint(found.agents):
        for entity in change.entities:
            if entity[0] == "ip" and entity in subject.entities:
                first = known.first(entity)
                if first is not None and first >= min(subject.first, change.time) - _HOUR:
                    return "deed", DEED, (actor, entity[1])
    return "actor", ACTOR * chance(("principal", actor)), (actor,)


def _against(of: View, change: ChangeRow, found: Traits) -> list[Part]:
    """What speaks against it: the signals name another image than it brought, or the very version it took away."""
    out: list[Part] = []
    brought = {value for kind, value in found.content if kind == "digest"}
    if brought and of.digests and brought.isdisjoint(of.digests):
        same = change.component in of.subject.components or not of.images.isdisjoint(found.images)
        if same:
            out.append(("other_image", OTHER_IMAGE, (min(of.digests),)))
    gone = found.removed
    if gone is not None and gone in of.content:
        out.append(("removes", REMOVES, (gone[1],)))
    return out


def _fit(kinds: frozenset[str], fit: frozenset[str]) -> tuple[Part, ...]:
    both = kinds & fit
    if not both:
        return (("misfit", MISFIT, tuple(sorted(kinds))),)
    fits: Part = ("kind", KIND, tuple(sorted(both)))
    return (fits, ("outside", OUTSIDE, ())) if INBOUND in kinds and INBOUND not in fit else (fits,)


def _either(strengths: Iterable[float]) -> float:
    """Several pieces of evidence of the same kind: one minus what each leaves open."""
    left = 1.0
    for strength in strengths:
        left *= 1 - strength
    return 1 - left
