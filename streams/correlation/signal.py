"""One occurrence of a signal, out of a finding or of unusual activity. Times in event ms."""

from __future__ import annotations

from collections.abc import Sequence
from math import log10

from schemas.entity import ENTITY_KINDS
from schemas.events import Activity, Finding
from schemas.rule import Rule
from streams.correlation import member_hash
from streams.correlation.finding_identity import Key
from streams.correlation.rows import Hook, Pairs, SignalRow, pairs
from streams.correlation.rules.match import Match
from streams.correlation.rules.words import why as why_it_fired

_TITLE = 512

_MATCHED = 400
"""Characters of what a detection rule matched that are said: the fields and their values."""

SIGMA = "sigma"
"""The reporter of findings that our own detection rules make; the evidence of others is prose of their own."""

RULES = "weir.rules"
"""The source of what rules say."""


def with_component(entities: Pairs, component: str | None) -> Pairs:
    """The entities, and the component as one of them."""
    if component is None or ("component", component) in entities:
        return entities
    return (*entities, ("component", component))


def finding_signal(event: Finding, time: int, keys: Sequence[Key] = ()) -> SignalRow:
    """A finding: as severe as it says, with a score from CVSS where there is one. ``keys``: its identity."""
    score = event.cvss / 10 if event.cvss is not None else min(1.0, event.severity / 5)
    why = [f"{event.reporter} reports {event.rule}"]
    if event.cvss is not None:
        why.append(f"CVSS {event.cvss:g}")
    if event.reporter == SIGMA and event.evidence:
        why.append(f"matched {event.evidence[:_MATCHED]}")
    if event.location:
        why.append(f"in {event.location}")
    if event.fix:
        why.append(f"fixed by {event.fix}")
    return SignalRow(
        source=event.source,
        source_id=event.source_id,
        kind=event.kind,
        first=time,
        last=time,
        times=1,
        title=event.title or event.rule[:_TITLE],
        severity=event.severity,
        score=score,
        why=tuple(why),
        entities=with_component(pairs(event.entities), event.component),
        component=event.component,
        members=member_hash.add(member_hash.EMPTY, event.source, event.source_id),
        cvss=event.cvss,
        fix=event.fix,
        rule=event.rule,
        reporter=event.reporter,
        epss=event.epss,
        kev=bool(event.kev),
        aliases=event.aliases,
        status=event.status,
        keys=pairs(keys),
    )


def anomaly_signal(
    event: Activity, time: int, p: float, maturity: float, why: tuple[str, ...], detector: str, *, learning: bool
) -> SignalRow:
    """Activity of tail probability ``p``, most of which ``detector`` says.

    From 1e-4 on it is of medium severity, from 1e-7 on high, unless ``learning``; an immature history (0 to 1) halves
    the score at most.
    """
    strength = 1.0 if p <= 1e-10 else -log10(p) / 10
    return SignalRow(
        source=event.source,
        source_id=event.source_id,
        kind="anomaly",
        first=time,
        last=time,
        times=1,
        title=(f"unusual {event.action}" + (f" by {event.actor}" if event.actor else ""))[:_TITLE],
        severity=2 if learning or strength < 0.4 else 3 if strength < 0.7 else 4,
        score=strength * (0.5 + 0.5 * maturity),
        why=why,
        entities=with_component(pairs(event.entities), event.component),
        component=event.component,
        members=member_hash.add(member_hash.EMPTY, event.source, event.source_id),
        action=event.action,
        actor=event.actor,
        p=p,
        detector=detector,
    )


def rule_hook(line: str, window: int) -> Hook:
    """What links the members of a rule's group, as far as they are signals, with its matches."""
    return f"rule\x1f{line}", window, False


def rule_signal(rule: Rule, match: Match) -> SignalRow:
    """A match of a rule, about the entities that it is grouped by; what they are not, its title names.

    Its kind is ``anomaly``: its entities link it for as long as it lasts, as they do any sign of an attack. A
    ``detection`` would be placed by its beginning alone, and by being there would part the detections next to it.
    """
    entities: list[tuple[str, str]] = []
    title = rule.title
    for name, value in match.group:
        kinds = {_ENTITY.get(step.group.get(name, name), "") for step in rule.steps if step.absent is None} - {""}
        entities += [(kind, value) for kind in sorted(kinds)]
        if not kinds:
            title += f", {name} {value}"
    return SignalRow(
        source=RULES,
        source_id=match.id,
        kind="anomaly",
        first=match.first,
        last=match.last,
        times=1,
        title=title[:_TITLE],
        severity=rule.severity,
        score=min(1.0, rule.severity / 5),
        why=why_it_fired(rule, match),
        entities=tuple(entities),
        component=next((value for kind, value in entities if kind == "component"), None),
        members=member_hash.add(member_hash.EMPTY, RULES, match.id),
        rule=rule.key,
        hooks=(rule_hook(match.line, 0),),
        idle=rule.idle_close or 0,
    )


_ENTITY = {kind: kind for kind in ENTITY_KINDS} | {"actor": "principal"}
