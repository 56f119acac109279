"""What is wrong with a rule, all of it at once, each fault with its place."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from schemas.entity import ENTITY_KINDS
from schemas.rule import Condition, Rule, Step, Test
from streams.correlation.rules.condition import types
from streams.correlation.rules.fields import FIELDS, TYPES

MAX_EVENTS = 256
"""Events that a sequence, or a rule of kind ``all``, may ask for; each costs time where events are late."""


class Fault(NamedTuple):
    """``rule`` is name@version, ``place`` the path inside it, for example ``steps.0.where.action``."""

    rule: str
    place: str
    message: str

    def __str__(self) -> str:
        return f"{self.rule}: {self.place}: {self.message}" if self.place else f"{self.rule}: {self.message}"


def faults(rules: Iterable[Rule]) -> list[Fault]:
    """Every fault of every rule, in the order of the rules."""
    out: list[Fault] = []
    known: set[str] = set()
    for rule in rules:
        if rule.key in known:
            out.append(Fault(rule.key, "", "is there twice; a rule that means something else has another version"))
        known.add(rule.key)
        out += [Fault(rule.key, place, message) for place, message in _rule(rule)]
    return out


def edited(before: Iterable[Rule], after: Iterable[Rule]) -> list[Fault]:
    """Rules of one name and version that say something else than before."""
    old = {rule.key: rule for rule in before}
    return [
        Fault(rule.key, "", f"differs from the {rule.key} in force; call it {rule.name}@{rule.version + 1}")
        for rule in after
        if rule.key in old and old[rule.key] != rule
    ]


Found = Iterator[tuple[str, str]]


def _rule(rule: Rule) -> Found:
    ids = [step.id for step in rule.steps]
    for number, step in enumerate(rule.steps):
        if step.id in ids[:number]:
            yield f"steps.{number}.id", f"{step.id} is there twice"
        yield from _step(rule, step, f"steps.{number}")
    for number, name in enumerate(rule.group_by):
        if name in rule.group_by[:number]:
            yield f"group_by.{number}", f"{name} is there twice"
        if name not in FIELDS:
            lacking = [step.id for step in rule.steps if name not in step.group]
            if len(lacking) == len(rule.steps):
                yield f"group_by.{number}", _unknown(name)
            elif lacking:
                yield f"group_by.{number}", f"{name} is no field; say in the group of {', '.join(lacking)} which it is"
    yield from _kind(rule)


def _kind(rule: Rule) -> Found:
    counts = rule.kind in ("count", "distinct")
    if counts and rule.at_least is None:
        yield "at_least", f"is missing: how many does a {rule.kind} rule ask for"
    if not counts and rule.at_least is not None:
        yield "at_least", f"has no meaning in a rule of kind {rule.kind}; give it in the steps"
    if rule.kind == "distinct" and rule.at_least == 1:
        yield "at_least", "one value is no distinction; use 2 or more"
    if rule.kind == "distinct" and rule.field is None:
        yield "field", "is missing: the values of which field are counted"
    if rule.kind != "distinct" and rule.field is not None:
        yield "field", f"has no meaning in a rule of kind {rule.kind}"
    if rule.kind in ("sequence", "all") and sum(step.at_least for step in rule.steps) < 2:
        yield "steps", f"a rule of kind {rule.kind} needs two events at least"
    if rule.kind in ("sequence", "all") and sum(step.at_least for step in rule.steps) > MAX_EVENTS:
        yield "steps", f"a rule of kind {rule.kind} asks for {MAX_EVENTS} events at most"
    if rule.link_only and rule.idle_close is not None:
        yield "idle_close", "has no meaning in a rule that only links: no unit holds matches of it"
    present = [step for step in rule.steps if step.absent is None]
    if rule.kind == "absence":
        if len(present) != 1:
            yield "steps", f"an absence rule has one step that is not absent; this one has {len(present)}"
        if len(present) == len(rule.steps):
            yield "steps", "an absence rule has an absent step"
    for number, step in enumerate(rule.steps):
        if step.absent is not None and rule.kind != "absence":
            yield f"steps.{number}.absent", f"has no meaning in a rule of kind {rule.kind}"
        if step.at_least > 1 and (counts or (rule.kind == "absence" and step.absent is None)):
            yield f"steps.{number}.at_least", f"has no meaning in this step of a rule of kind {rule.kind}"
        if step.field is not None and rule.kind != "distinct":
            yield f"steps.{number}.field", f"has no meaning in a rule of kind {rule.kind}"


def _step(rule: Rule, step: Step, place: str) -> Found:
    broken = list(_condition(step.where, f"{place}.where"))
    yield from broken
    if not broken and not types(step.where):
        yield f"{place}.where", "no event has all these fields at once"
    possible = TYPES if broken else types(step.where)
    reads = {f"{place}.group.{alias}": name for alias, name in step.group.items()}
    for alias in step.group:
        if alias not in rule.group_by:
            yield f"{place}.group.{alias}", f"{alias} is not in group_by"
    if rule.kind == "distinct" and step.field is not None:
        reads[f"{place}.field"] = step.field
    elif rule.kind == "distinct" and rule.field is not None:
        reads["field"] = rule.field
    for name in rule.group_by:
        if name in FIELDS and name not in step.group:
            reads[f"{place}.where"] = name if not possible & FIELDS[name].types else reads.get(f"{place}.where", name)
    for at, name in reads.items():
        if name not in FIELDS:
            yield at, _unknown(name)
        elif possible and not possible & FIELDS[name].types:
            yield at, f"no event of this step has the field {name}"


def _condition(condition: Condition, place: str) -> Found:
    for name, test in condition.tests.items():
        if name not in FIELDS:
            yield f"{place}.{name}", _unknown(name)
        else:
            yield from _test(FIELDS[name].holds, test, f"{place}.{name}")
    for word in ("all_of", "any_of", "none_of"):
        for number, part in enumerate(getattr(condition, word)):
            yield from _condition(part, f"{place}.{word}.{number}")


def _test(holds: type, test: Test, place: str) -> Found:
    if not test.model_dump().keys() - {"ignore_case"}:
        yield place, "asks for nothing"
    texts = [word for word in ("prefix", "suffix", "contains", "wildcard", "ignore_case") if getattr(test, word)]
    numbers = [word for word in ("at_least", "at_most") if getattr(test, word) is not None]
    if holds is not str and texts:
        yield place, f"{', '.join(texts)} is for text, and this is a {_NAMES[holds]}"
    if holds not in (int, float) and numbers:
        yield place, f"{', '.join(numbers)} is for numbers, and this is a {_NAMES[holds]}"
    for value in test.any_of:
        if not _fits(value, holds):
            yield place, f"{value!r} is not a {_NAMES[holds]}"
    if test.exists is False and test.model_dump() != {"exists": False}:
        yield place, "what is not there cannot be tested as well"


_NAMES = {str: "text", int: "number", float: "number", bool: "truth value"}


def _fits(value: Any, holds: type) -> bool:
    if holds is bool or isinstance(value, bool):
        return holds is bool and isinstance(value, bool)
    return isinstance(value, str if holds is str else (int, float))


def _unknown(name: str) -> str:
    close = difflib.get_close_matches(name, [*FIELDS, *ENTITY_KINDS], n=1)
    return f"there is no field {name}" + (f"; did you mean {close[0]}?" if close else "")
