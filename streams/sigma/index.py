"""The rules that an event may match, by what they ask of a few fields; then those, one by one.

For each field that is some rule's gate, the texts seen lately are kept with the rules they let through, each with what
of its condition is still open once that text, and that of the field asked most often beside it, are known: so an event
whose texts were there before costs a look-up a field and the few conditions that are really about it. What is kept
decides nothing; without it the answers are the same.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from streams.sigma.asks import Ask, contained, exact
from streams.sigma.checks import Check, check
from streams.sigma.condition import Anywhere, Node, Paths, Predicate, predicate
from streams.sigma.gates import Gate, assign, gates
from streams.sigma.rule import Rule
from streams.sigma.specialise import specialise, top_fields
from streams.sigma.values import Document, Finder, as_text, finder, leaves

REMEMBERED = 8_192
"""Texts of one field, and of one beside another, that are kept."""

LONGEST = 256
"""Characters of a text that is kept."""

Candidates = tuple[tuple[int, Predicate], ...]
"""Numbers of rules, and what decides each."""


class Index:
    """Rules of one log source, in their order."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self.rules = tuple(rules)
        self._once = _Once()
        self._keywords = any(_has_keywords(rule.node) for rule in rules)
        nodes = [rule.node for rule in rules]
        chosen = assign([gates(node) for node in nodes])
        by_field: dict[Paths, list[tuple[int, Gate]]] = {}
        for number, gate in enumerate(chosen):
            if gate is not None:
                by_field.setdefault(gate.paths, []).append((number, gate))
        always = [number for number, gate in enumerate(chosen) if gate is None]
        self._always = tuple((number, predicate(nodes[number], self._once.leaves)) for number in always)
        fields = [_Field(paths, by_field[paths], nodes, self._once) for paths in sorted(by_field)]
        self.fields = tuple(path for paths in sorted(by_field) for path in paths)
        self._tops = tuple((field.path, field.beside, field.known.get, field) for field in fields if field.dots == 0)
        self._seconds = tuple(
            (field.path.partition("."), field.path, field.known.get, field) for field in fields if field.dots == 1
        )
        self._deep = tuple(field for field in fields if field.dots > 1)

    def matches(self, document: Document) -> Sequence[Rule]:
        """The rules whose condition holds, in their order."""
        if self._keywords:
            self._once.forget()
        found = [number for number, holds in self._always if holds(document)]
        get = document.get
        candidates: Candidates | None
        for name, beside, known, field in self._tops:
            value = get(name)
            if value is None:
                continue
            if type(value) is str:
                by_other = known(value)
                other = get(beside)
                if by_other is None or (other is not None and type(other) is not str):
                    candidates = field.learn(value, other)
                else:
                    candidates = by_other.get(other)
                    if candidates is None:
                        candidates = field.learn(value, other)
            else:
                candidates = field.several(document)
            for number, holds in candidates:
                if holds(document):
                    found.append(number)
        for (first, _, second), name, known, field in self._seconds:
            node = get(first)
            if node is None and name not in document:
                continue
            value = node.get(second) if type(node) is dict else None
            if type(value) is str:
                by_other = known(value)
                candidates = field.learn(value, None) if by_other is None else by_other[None]
            elif value is None and type(node) is dict and name not in document:
                continue
            else:
                candidates = field.several(document)
            for number, holds in candidates:
                if holds(document):
                    found.append(number)
        for field in self._deep:
            for number, holds in field.several(document):
                if holds(document):
                    found.append(number)
        if not found:
            return ()
        found.sort()
        rules = self.rules
        return [rules[number] for number in found]


NONE: Candidates = ()
MANY = 9
"""Stands for a field that cannot be looked up by one key."""


class _Field:
    """The gates on one field. ``beside``: the field of the first level that its rules ask most often, besides it."""

    def __init__(self, paths: Paths, given: Sequence[tuple[int, Gate]], nodes: Sequence[Node], once: _Once) -> None:
        self.path = paths[0]
        self.dots = self.path.count(".") if len(paths) == 1 else MANY
        self.known: dict[str, dict[str | None, Candidates]] = {}
        self.beside = ""
        others = Counter(name for number, _ in given for name in top_fields(nodes[number]) if name != self.path)
        if others and self.dots == 0:
            self.beside, _ = min(others.items(), key=lambda item: (-item[1], item[0]))
        self._kept = 0
        self._nodes = nodes
        self._once = once
        self._whole: dict[int, Predicate] = {}
        self._finders: tuple[Finder, ...] = tuple(map(finder, paths))
        self._exact: dict[str, list[int]] = {}
        self._there: list[int] = []
        self._values: dict[tuple[type, Any], frozenset[int]] = {}
        asks: dict[Ask, list[int]] = {}
        for number, gate in given:
            if gate.asks is None:
                self._there.append(number)
                continue
            for ask in gate.asks:
                text = exact(ask)
                if text is None:
                    asks.setdefault(ask, []).append(number)
                else:
                    self._exact.setdefault(text, []).append(number)
        inside = {ask: contained(ask) for ask in asks}
        self._contained = [(text, asks[ask]) for ask, text in inside.items() if text is not None]
        self._checks: list[tuple[Check, list[int]]] = [
            (check((ask,)), asks[ask]) for ask, text in inside.items() if text is None
        ]

    def learn(self, value: str, other: Any) -> Candidates:
        """What a text lets through, with the text of the field beside it; kept for the next time."""
        numbers = self._let_through(value)
        if other is not None and type(other) is not str:
            return self._made(numbers)
        texts: dict[str, str | None] = {self.path: value}
        if self.beside:
            texts[self.beside] = other
        found = NONE
        for number in sorted(numbers):
            left = specialise(self._nodes[number], texts)
            if left is True:
                found += ((number, _holds),)
            elif left is not False:
                found += ((number, predicate(left, self._once.leaves)),)
        if len(value) <= LONGEST and len(other or "") <= LONGEST:
            if self._kept >= REMEMBERED:
                self.known.clear()
                self._kept = 0
            self._kept += 1
            self.known.setdefault(value, {})[other] = found
        return found

    def several(self, document: Document) -> Candidates:
        """The rules that any of the document's values in the field lets through."""
        numbers: set[int] = set()
        for find in self._finders:
            for node in find(document):
                numbers.update(self._there)
                for value in leaves(node):
                    numbers |= self._let_through(value)
        return self._made(numbers)

    def _let_through(self, value: Any) -> frozenset[int]:
        key = type(value), value  # 1, 1.0 and True are equal in Python and not here
        found = self._values.get(key)
        if found is None:
            lowered = as_text(value).lower()
            numbers = {*self._there, *self._exact.get(lowered, ())}
            for text, those in self._contained:
                if text in lowered:
                    numbers.update(those)
            for holds, those in self._checks:
                if holds(value):
                    numbers.update(those)
            found = frozenset(numbers)
            if type(value) is not str or len(value) <= LONGEST:
                if len(self._values) >= REMEMBERED:
                    self._values.clear()
                self._values[key] = found
        return found

    def _made(self, numbers: set[int] | frozenset[int]) -> Candidates:
        """The rules with their whole condition."""
        return tuple((number, self._predicate(number)) for number in sorted(numbers)) if numbers else NONE

    def _predicate(self, number: int) -> Predicate:
        found = self._whole.get(number)
        if found is None:
            found = self._whole[number] = predicate(self._nodes[number], self._once.leaves)
        return found


def _holds(document: Document) -> bool:
    return True


class _Once:
    """The scalars of the document at hand, taken once for all rules that look at all of them."""

    def __init__(self) -> None:
        self._document: Document | None = None
        self._found: Sequence[Any] = ()

    def forget(self) -> None:
        self._document = None

    def leaves(self, document: Document) -> Sequence[Any]:
        if document is not self._document:
            self._document, self._found = document, leaves(document)
        return self._found


def _has_keywords(node: Node) -> bool:
    if isinstance(node, Anywhere):
        return True
    parts: Sequence[Node] = getattr(node, "parts", None) or ([node.part] if hasattr(node, "part") else [])
    return any(map(_has_keywords, parts))
