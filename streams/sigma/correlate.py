"""Sigma's correlation rules as ``schemas.rule.Rule``: over the findings that the detections they name give.

| Sigma | here |
|---|---|
| ``event_count`` with gte, gt | ``count`` |
| ``value_count`` with gte, gt | ``distinct`` |
| ``temporal``; ``a and (b or c)`` | ``all``, one step for each part |
| ``temporal_ordered`` | ``sequence`` |
| ``temporal`` with ``a and not b`` | ``absence``, around; ordered: after |
| a correlation of event counts or temporal ones | their steps in its own, where that is the same |

``group-by`` names entities of ours (``fields.entity_of``); of a kind that an event has several of, each counts. A field
that is no entity becomes the ``location`` of the detection's findings, by its first value, several such joined: the
same ones for a detection in all correlation rules. What a rule of ours cannot say is a fault, with what is missing.

The version is the day of ``modified``, else of ``date``, counted from 1970: a rule that changes needs a later day.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal, NamedTuple

from pydantic import ValidationError
from sigma.correlations import (
    CorrelationConditionAND,
    CorrelationConditionNOT,
    CorrelationConditionOR,
    SigmaCorrelationCondition,
    SigmaCorrelationConditionOperator,
    SigmaCorrelationRule,
    SigmaExtendedCorrelationCondition,
    SigmaRuleReference,
)
from sigma.exceptions import SigmaError

from schemas.rule import Rule as CorrelationRule
from streams.sigma.documents import Document
from streams.sigma.fields import entity_of
from streams.sigma.keys import SEVERITY, key_of, same_key, version_of
from streams.sigma.refused import MALFORMED, place_of, reason_of
from streams.sigma.rule import Fault, Rule

LOCATION = "location"
"""Field of a finding with what is no entity."""

NESTED = 8
"""Correlations of correlations, at most."""


class Correlation(NamedTuple):
    """A correlation rule as pySigma read it. ``keys``: what it may be referred to by."""

    key: str
    keys: tuple[str, ...]
    parsed: SigmaCorrelationRule


class Correlated(NamedTuple):
    """A rule of ours, and the document it comes from."""

    rule: CorrelationRule
    document: Document


class _Missing(ValueError):
    def __init__(self, place: str, reason: str) -> None:
        super().__init__(reason)
        self.place = place


def correlation(document: Document) -> Correlation | list[Fault]:
    """A correlation rule, or what is wrong with it."""
    try:
        parsed = SigmaCorrelationRule.from_dict(json.loads(document.canonical), collect_errors=True)
    except MALFORMED as error:
        place = place_of(error) if isinstance(error, SigmaError) else "correlation"
        return [document.fault(place, reason_of(error))]
    if parsed.errors:
        return [document.fault(place_of(error), reason_of(error)) for error in parsed.errors]
    key = key_of(parsed)
    return Correlation(key, (key, *([parsed.name] if parsed.name else [])), parsed)


class Resolved(NamedTuple):
    """``fed``: keys of detections that only feed correlation rules; ``located``: fields that are a location."""

    rules: tuple[Correlated, ...]
    faults: list[Fault]
    fed: frozenset[str]
    located: Mapping[str, tuple[str, ...]]


def resolve(given: Sequence[tuple[Document, Correlation]], rules: Mapping[str, Rule]) -> Resolved:
    """The correlation rules of ours. ``rules``: detections by id and name.

    A correlation that is part of another stands for itself only if that one says ``generate``.
    """
    known = {key: each for _, each in given for key in each.keys}
    made: list[tuple[Document, Correlation, CorrelationRule]] = []
    faults: list[Fault] = []
    used: set[str] = set()
    located: dict[str, tuple[str, ...]] = {}
    for document, each in given:
        compiling = _Compiling(known, rules, located)
        try:
            made.append((document, each, compiling.rule(each)))
        except _Missing as missing:
            faults.append(document.fault(missing.place, str(missing)))
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            place = ".".join(map(str, first["loc"]))
            faults.append(document.fault("correlation", f"{place}: {first['msg']}"))
        else:
            located = compiling.located
            if not each.parsed.generate:
                used.update(same_key(name) for name in _references(each.parsed))
    fed = frozenset(rules[name].key for name in used if name in rules)
    inner = {known[name].key for name in used if name in known}
    final = tuple(Correlated(rule, document) for document, each, rule in made if each.key not in inner)
    return Resolved(final, faults, fed, located)


def _references(parsed: SigmaCorrelationRule) -> list[str]:
    if parsed.rules is not None:
        return [each.reference for each in parsed.rules]
    condition = parsed.condition
    return condition.get_referenced_rules() if isinstance(condition, SigmaExtendedCorrelationCondition) else []


class _Leaf(NamedTuple):
    """A detection, and the correlations on the way to it, each with the name it has for the next."""

    rule: Rule
    way: tuple[tuple[SigmaCorrelationRule, str], ...]


class _Part(NamedTuple):
    """One step: any of these detections, ``at_least`` times, or never."""

    leaves: tuple[_Leaf, ...]
    at_least: int = 1
    absent: bool = False


class _Compiling:
    """One correlation rule with what it refers to."""

    def __init__(
        self, known: Mapping[str, Correlation], rules: Mapping[str, Rule], located: Mapping[str, tuple[str, ...]]
    ) -> None:
        self._known = known
        self._rules = rules
        self.located = dict(located)

    def rule(self, given: Correlation) -> CorrelationRule:
        """The rule of ours.

        Raises:
            _Missing: where it cannot be said.
            ValidationError: where a figure is out of range.
        """
        parsed = given.parsed
        kind = parsed.type.name.lower()
        body: dict[str, Any] = {
            "name": given.key,
            "version": version_of(parsed),
            "title": parsed.title,
            "severity": SEVERITY[parsed.level.name.lower()] if parsed.level else 3,
            "description": parsed.description or "",
            "tags": tuple(map(str, parsed.tags)),
            "timespan": _milliseconds(parsed),
        }
        if kind in ("event_count", "value_count"):
            parts = [_Part((leaf,)) for name in _references(parsed) for leaf in self._leaves(parsed, name)]
            body["kind"] = "count" if kind == "event_count" else "distinct"
            body["at_least"] = _at_least(parsed)
        elif kind in ("temporal", "temporal_ordered"):
            parts = list(self._parts(parsed, 0))
            absent = any(part.absent for part in parts)
            body["kind"] = "absence" if absent else "sequence" if kind == "temporal_ordered" else "all"
        else:
            raise _Missing("correlation.type", f"no kind of rule counts a {kind}: it would need sums over a field")
        steps = [_step(parts, number, kind) for number in range(len(parts))]
        self._group(parsed, parts, steps, body)
        if kind == "value_count":
            self._distinct(parsed, parts, steps, body)
        return CorrelationRule.model_validate({**body, "steps": steps})

    def _target(self, name: str) -> Rule | Correlation:
        key = same_key(name)
        found = self._rules.get(key) or self._known.get(key)
        if found is None:
            raise _Missing("correlation.rules", f"there is no rule {name!r} among those that compiled")
        return found

    def _leaves(self, parsed: SigmaCorrelationRule, name: str) -> tuple[_Leaf, ...]:
        target = self._target(name)
        if isinstance(target, Correlation):
            raise _Missing(
                "correlation.rules",
                f"{name!r} is a correlation rule: matches of one rule are no events of another, so they cannot be "
                "counted",
            )
        return (_Leaf(target, ((parsed, name),)),)

    def _parts(self, parsed: SigmaCorrelationRule, depth: int) -> Iterator[_Part]:
        """The steps of a temporal rule, those of rules inside of it in place."""
        if depth > NESTED:
            raise _Missing("correlation.rules", "refers to itself, or is nested too deeply")
        condition = parsed.condition
        if isinstance(condition, SigmaCorrelationCondition):
            names = _references(parsed)
            if condition.op is not SigmaCorrelationConditionOperator.GTE or condition.count != len(names):
                raise _Missing(
                    "correlation.condition",
                    "asks for a part of the rules only; a rule of ours asks for all of its steps",
                )
            for name in names:
                yield from self._part(parsed, (name,), depth, absent=False)
            return
        for each in _conjunction(condition.parsed):
            names_of = _disjunction(each)
            if names_of is None:
                raise _Missing(
                    "correlation.condition", "is none of: rules, or-ed rules, and their negation, joined by and"
                )
            yield from self._part(parsed, names_of, depth, absent=isinstance(each, CorrelationConditionNOT))

    def _part(
        self, parsed: SigmaCorrelationRule, names: tuple[str, ...], depth: int, *, absent: bool
    ) -> Iterator[_Part]:
        targets = [self._target(name) for name in names]
        if len(names) == 1 and isinstance(targets[0], Correlation):
            inner = targets[0].parsed
            self._same(parsed, names[0], inner, absent=absent)
            for part in self._inner(inner, depth + 1):
                ways = tuple(leaf._replace(way=((parsed, names[0]), *leaf.way)) for leaf in part.leaves)
                yield part._replace(leaves=ways, absent=absent or part.absent)
            return
        yield _Part(
            tuple(leaf for name in names for leaf in self._leaves(parsed, name)),
            absent=absent,
        )

    def _inner(self, inner: SigmaCorrelationRule, depth: int) -> Iterator[_Part]:
        if inner.type.name == "EVENT_COUNT":
            names = _references(inner)
            yield _Part(tuple(leaf for name in names for leaf in self._leaves(inner, name)), _at_least(inner))
        else:
            yield from self._parts(inner, depth)

    def _same(self, outer: SigmaCorrelationRule, name: str, inner: SigmaCorrelationRule, *, absent: bool) -> None:
        """The steps of ``inner`` may stand in ``outer`` only if that asks for the same."""
        missing = f"; a step of ours has no timespan of its own, which {name!r} would need"
        if inner.type.name not in ("EVENT_COUNT", "TEMPORAL", "TEMPORAL_ORDERED"):
            raise _Missing("correlation.rules", f"{name!r} is a {inner.type.name.lower()}: no step of ours is one")
        if inner.timespan.seconds < outer.timespan.seconds:
            raise _Missing("correlation.rules", f"{name!r} has the shorter timespan ({inner.timespan.spec}){missing}")
        if inner.type.name != "EVENT_COUNT" and (inner.type is not outer.type or absent):
            raise _Missing("correlation.rules", f"{name!r} is of another type{missing}")

    def _group(
        self, parsed: SigmaCorrelationRule, parts: Sequence[_Part], steps: list[dict[str, Any]], body: dict[str, Any]
    ) -> None:
        names: list[str] = []
        leaves = [leaf for part in parts for leaf in part.leaves]
        given = parsed.group_by or []
        none = [name for name in given if all(_meant(leaf, leaf.way, name)[0] == "field" for leaf in leaves)]
        if none:
            names.append(LOCATION)
            for leaf in leaves:
                self._locate(leaf, tuple(_meant(leaf, leaf.way, name)[1] for name in none), "correlation.group-by")
        for number, name in enumerate(given):
            if name in none:
                continue
            kinds = [self._entity(part, name, f"correlation.group-by.{number}") for part in parts]
            if len(set(kinds)) == 1:
                if kinds[0] not in names:
                    names.append(kinds[0])
                continue
            alias = re.sub(r"\W+", "_", name)
            names.append(alias)
            for step, kind in zip(steps, kinds, strict=True):
                step.setdefault("group", {})[alias] = kind
        body["group_by"] = names
        for part in parts:
            for leaf in part.leaves:
                for inner, _ in leaf.way[1:]:
                    ours = {_meant(leaf, leaf.way, name) for name in parsed.group_by or ()}
                    at = [each for each, _ in leaf.way].index(inner)
                    if ours != {_meant(leaf, leaf.way[at:], name) for name in inner.group_by or ()}:
                        raise _Missing(
                            "correlation.group-by", "differs from that of a rule inside; each step has the same groups"
                        )

    def _entity(self, part: _Part, name: str, place: str) -> str:
        """Our field for a name of group-by: the same one in all detections of a step."""
        kinds = set()
        for leaf in part.leaves:
            what, meant = _meant(leaf, leaf.way, name)
            if what == "field":
                self._locate(leaf, (meant,), place)
                meant = LOCATION
            kinds.add(meant)
        if len(kinds) > 1:
            raise _Missing(place, f"{name} is of several kinds in one step: {', '.join(sorted(kinds))}")
        return str(kinds.pop())

    def _locate(self, leaf: _Leaf, fields: tuple[str, ...], place: str) -> None:
        """Have the fields be the location of a detection's findings."""
        other = self.located.setdefault(leaf.rule.key, fields)
        if other != fields:
            both = f"{', '.join(fields)} of {leaf.rule.title!r} is no entity, and their place has {', '.join(other)}"
            raise _Missing(place, f"{both} already: a finding has one")

    def _distinct(
        self, parsed: SigmaCorrelationRule, parts: Sequence[_Part], steps: list[dict[str, Any]], body: dict[str, Any]
    ) -> None:
        condition = parsed.condition
        given = condition.fieldref if isinstance(condition, SigmaCorrelationCondition) else None
        names = given if isinstance(given, list) else [given]
        if len(names) != 1 or not isinstance(names[0], str):
            raise _Missing("correlation.condition.field", "names several fields; a rule of ours counts values of one")
        kinds = [self._entity(part, names[0], "correlation.condition.field") for part in parts]
        body["field"] = kinds[0]
        for step, kind in zip(steps, kinds, strict=True):
            if kind != kinds[0]:
                step["field"] = kind


def _conjunction(node: Any) -> Iterator[Any]:
    if isinstance(node, CorrelationConditionAND):
        for each in node.args:
            yield from _conjunction(each)
    else:
        yield node


def _disjunction(node: Any) -> tuple[str, ...] | None:
    """The names in a reference, an ``or`` of such, or the negation of either."""
    if isinstance(node, CorrelationConditionNOT):
        node = node.args[0]
    if isinstance(node, SigmaRuleReference):
        return (node.reference,)
    if isinstance(node, CorrelationConditionOR):
        names = [_disjunction(each) for each in node.args if not isinstance(each, CorrelationConditionNOT)]
        if len(names) == len(node.args) and None not in names:
            return tuple(name for each in names if each is not None for name in each)
    return None


def _step(parts: Sequence[_Part], number: int, kind: str) -> dict[str, Any]:
    part = parts[number]
    keys = list(dict.fromkeys(leaf.rule.key for leaf in part.leaves))
    step: dict[str, Any] = {
        "id": f"step-{number + 1}",
        "where": {"type": "finding", "rule": keys[0] if len(keys) == 1 else keys},
        "at_least": part.at_least,
    }
    if part.absent:
        step["absent"] = "after" if kind == "temporal_ordered" else "around"
    return step


def _meant(
    leaf: _Leaf, way: Iterable[tuple[SigmaCorrelationRule, str]], name: str
) -> tuple[Literal["entity", "field"], str]:
    """What a name of group-by is in a detection: an entity of ours, or a field that is none."""
    for parsed, reference in way:
        alias = parsed.aliases.aliases.get(name)
        if alias is not None:
            name = next((f for ref, f in alias.mapping.items() if ref.reference == reference), name)
    kind = entity_of(leaf.rule.logsource, name)
    return ("field", name) if kind is None else ("entity", kind)


def _at_least(parsed: SigmaCorrelationRule) -> int:
    condition = parsed.condition
    assert isinstance(condition, SigmaCorrelationCondition)
    operator = condition.op.name.lower()
    if operator not in ("gte", "gt") or condition.count != int(condition.count):
        raise _Missing(
            "correlation.condition", f"asks for {operator} {condition.count}; a rule of ours asks for gte or gt, whole"
        )
    return int(condition.count) + (operator == "gt")


def _milliseconds(parsed: SigmaCorrelationRule) -> int:
    ms = parsed.timespan.seconds * 1_000
    if ms > 31 * 86_400_000:
        raise _Missing("correlation.timespan", f"{parsed.timespan.spec} is longer than 31 days")
    return ms
