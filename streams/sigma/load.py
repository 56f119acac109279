"""Texts to compiled rules: every rule is compiled, or there is a fault that says why not and where.

pySigma reads the documents strictly: a rule that it refuses (an unknown modifier, an id that is no UUID, a date of no
calendar) is refused here, too. One rule's text is compiled once in a process (``compile_rule``), so loading a thousand
rules of which one is new costs that one.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any, NamedTuple

from sigma.filters import SigmaFilter
from sigma.rule import SigmaRule
from sigma.rule.detection import SigmaDetection, SigmaDetectionItem

from streams.sigma.cases import cases
from streams.sigma.condition import Node, all_of
from streams.sigma.correlate import Correlated, Correlation, Resolved, correlation, resolve
from streams.sigma.documents import Document, digest, documents
from streams.sigma.fields import paths_of
from streams.sigma.keys import SEVERITY, key_of
from streams.sigma.logsource import LogSource, sources_of
from streams.sigma.refused import MALFORMED, place_of, reason_of
from streams.sigma.rule import Fault, Rule
from streams.sigma.translate import Placeholders, Translation, Untranslatable


class Loaded(NamedTuple):
    """``notes`` are what a reader should know of rules that did compile: no source of ours has their log source."""

    rules: tuple[Rule, ...]
    correlations: tuple[Correlated, ...]
    filters: int
    faults: tuple[Fault, ...]
    notes: tuple[Fault, ...]

    @property
    def compiled(self) -> int:
        """Documents that can be used as they are."""
        return len(self.rules) + len(self.correlations) + self.filters

    @property
    def failed(self) -> int:
        """Documents with a fault."""
        return len({(fault.file, fault.document) for fault in self.faults})


class _Filter(NamedTuple):
    document: Document
    logsource: LogSource
    rules: frozenset[str] | None
    node: Node


def load(texts: Iterable[tuple[str, str]], placeholders: Placeholders | None = None) -> Loaded:
    """All rules of all texts, given with the names of their files.

    References of correlation rules and filters may go from any text to any other.
    """
    faults: list[Fault] = []
    rules: dict[str, tuple[Rule, Document]] = {}
    names: dict[str, Document] = {}
    filters: list[_Filter] = []
    correlations: list[tuple[Document, Correlation]] = []
    given = tuple(sorted((name, tuple(values)) for name, values in (placeholders or {}).items()))
    for file, text in texts:
        for document in documents(file, text):
            if isinstance(document, Fault):
                faults.append(document)
                continue
            if "correlation" in document.body:
                read = correlation(document)
                if isinstance(read, Correlation) and _unique(document, read.keys, names, faults):
                    correlations.append((document, read))
                elif not isinstance(read, Correlation):
                    faults += read
            elif "filter" in document.body:
                found = _filter(document, given)
                if isinstance(found, _Filter):
                    filters.append(found)
                else:
                    faults += found
            else:
                compiled = compile_rule(document.canonical, given)
                tests, wrong = cases(document)
                if isinstance(compiled, Rule) and not wrong:
                    line = document.lines.get("title", 0)
                    rule = replace(compiled, file=file, document=document.number, line=line, cases=tests)
                    if _unique(document, [rule.key, *([rule.name] if rule.name else [])], names, faults):
                        rules[rule.key] = rule, document
                else:
                    faults += wrong
                    faults += () if isinstance(compiled, Rule) else [document.fault(*each) for each in compiled]
    notes = [note for rule, document in rules.values() for note in _notes(rule, document)]
    known = {name: rule for rule, _ in rules.values() for name in (rule.key, rule.name) if name}
    resolved = resolve(correlations, known)
    faults += resolved.faults
    final = [_feeding(rule, resolved) for rule, _ in rules.values()]
    notes += [
        each.document.fault("filter.rules", "applies to none of the rules that were loaded with it")
        for each in filters
        if not any(_filtered(each, rule) for rule in final)
    ]
    return Loaded(
        tuple(_apply(filters, rule) for rule in final), resolved.rules, len(filters), tuple(faults), tuple(notes)
    )


def _feeding(rule: Rule, resolved: Resolved) -> Rule:
    """The rule, with what correlation rules want of it."""
    locates = tuple(paths_of(rule.logsource, field) for field in resolved.located.get(rule.key, ()))
    return replace(rule, silent=rule.key in resolved.fed, locates=locates)


def _unique(document: Document, keys: Iterable[str], names: dict[str, Document], faults: list[Fault]) -> bool:
    keys = list(dict.fromkeys(keys))
    for key in keys:
        first = names.get(key)
        if first is not None:
            at = f"{first.file}, document {first.number}"
            place = "id" if key == document.body.get("id") else "name" if key == document.body.get("name") else "title"
            faults.append(document.fault(place, f"{key} is in {at} already"))
            return False
    names.update(dict.fromkeys(keys, document))
    return True


def _notes(rule: Rule, document: Document) -> Iterator[Fault]:
    if not sources_of(rule.logsource):
        yield document.fault("logsource", f"no source gives events of {rule.logsource}: the rule never matches")


Wrong = tuple[tuple[str, str], ...]
"""Places and reasons."""


@lru_cache(maxsize=16_384)
def compile_rule(canonical: str, placeholders: tuple[tuple[str, tuple[str, ...]], ...] = ()) -> Rule | Wrong:
    """A detection rule from its canonical text, without its place; or all that is wrong with it."""
    body = json.loads(canonical)
    wrong = list(_detection_faults(body.get("detection")))
    try:
        parsed = SigmaRule.from_dict(body, collect_errors=True)
    except MALFORMED as error:
        return (*wrong, *(() if wrong else [("", reason_of(error))]))
    wrong += [
        (place_of(error), reason_of(error))
        for error in parsed.errors
        if not (wrong and place_of(error) == "detection")  # said above, with its place
    ]
    if wrong:
        return tuple(wrong)
    logsource = LogSource(parsed.logsource.product, parsed.logsource.service, parsed.logsource.category)
    try:
        node = Translation(parsed.detection, logsource, dict(placeholders)).condition()
    except Untranslatable as error:
        return ((f"detection.{error.place}", str(error)),)
    except MALFORMED as error:
        return (("detection.condition", reason_of(error)),)
    return Rule(
        key=key_of(parsed),
        name=parsed.name,
        title=parsed.title,
        description=parsed.description if isinstance(parsed.description, str) else "",
        level=parsed.level.name.lower() if parsed.level else None,
        severity=SEVERITY[parsed.level.name.lower()] if parsed.level else 3,
        tags=tuple(map(str, parsed.tags)),
        logsource=logsource,
        conditions=tuple(parsed.detection.condition),
        node=node,
        digest=digest(canonical),
        false_positives=tuple(map(str, parsed.falsepositives)),
        references=tuple(map(str, parsed.references)),
    )


def _detection_faults(given: object) -> Iterator[tuple[str, str]]:
    """What pySigma says of each part of the detections, one by one: it does not say where itself."""
    if not isinstance(given, Mapping):
        return
    for name, definition in given.items():
        if name == "condition":
            for number, each in enumerate(definition if isinstance(definition, list) else [definition]):
                if not isinstance(each, str):
                    place = f"detection.condition.{number}" if isinstance(definition, list) else "detection.condition"
                    yield place, "is no text"
            continue
        yield from _definition_faults(definition, f"detection.{name}")


def _definition_faults(definition: Any, place: str) -> Iterator[tuple[str, str]]:
    if isinstance(definition, Mapping):
        for key, value in definition.items():
            try:
                SigmaDetectionItem.from_mapping(key, value)
            except MALFORMED as error:
                yield f"{place}.{key}", reason_of(error)
        if definition:
            return
    if isinstance(definition, list) and any(isinstance(each, Mapping | list) for each in definition):
        for number, each in enumerate(definition):
            yield from _definition_faults(each, f"{place}.{number}")
        return
    try:
        SigmaDetection.from_definition(definition)
    except MALFORMED as error:
        yield place, reason_of(error)


def _filter(document: Document, placeholders: tuple[tuple[str, tuple[str, ...]], ...]) -> _Filter | list[Fault]:
    """A filter: a condition of its own that must hold besides that of the rules it is for."""
    given = document.body.get("filter")
    inner = {k: v for k, v in given.items() if k != "rules"} if isinstance(given, dict) else given
    wrong = [
        document.fault(place.replace("detection", "filter", 1), reason) for place, reason in _detection_faults(inner)
    ]
    try:
        parsed = SigmaFilter.from_dict(json.loads(document.canonical), collect_errors=True)
    except MALFORMED as error:
        return wrong or [document.fault("filter", reason_of(error))]
    wrong += [
        document.fault(place_of(error).replace("detection", "filter", 1), reason_of(error))
        for error in parsed.errors
        if not (wrong and place_of(error) == "detection")
    ]
    if wrong:
        return wrong
    logsource = LogSource(parsed.logsource.product, parsed.logsource.service, parsed.logsource.category)
    try:
        node = Translation(parsed.filter, logsource, dict(placeholders)).condition()
    except Untranslatable as error:
        return [document.fault(f"filter.{error.place}", str(error))]
    except MALFORMED as error:
        return [document.fault("filter.condition", reason_of(error))]
    rules = parsed.filter.rules
    wanted = None if isinstance(rules, str) else frozenset(each.reference for each in rules)
    return _Filter(document, logsource, wanted, node)


def _filtered(given: _Filter, rule: Rule) -> bool:
    if not given.logsource.covers(rule.logsource):
        return False
    return given.rules is None or not given.rules.isdisjoint((rule.key, rule.name or rule.key))


def _apply(filters: Iterable[_Filter], rule: Rule) -> Rule:
    nodes = [each.node for each in filters if _filtered(each, rule)]
    return replace(rule, node=all_of([rule.node, *nodes])) if nodes else rule
