"""Why a rule holds for an event, or why not: its condition part by part, with the values that were compared."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from streams.sigma.asks import Ask
from streams.sigma.checks import check
from streams.sigma.condition import All, Anywhere, Has, Named, Node, Not, Present, Same, Some, predicate, values
from streams.sigma.rule import Rule
from streams.sigma.values import Document, as_text, leaves

SHOWN = 8
"""Values of one field, and asks, that are shown."""

LONGEST = 160
"""Characters of a value that are shown."""

NOT = "not"


class Part(NamedTuple):
    """One part of a condition. ``says`` is what it asks, ``values`` what the event has there, those that met it first.

    ``field`` is empty for a part that joins others. ``met``: how many of the values met it.
    """

    says: str
    holds: bool
    field: str = ""
    values: tuple[str, ...] = ()
    met: int = 0
    parts: tuple[Part, ...] = ()

    def lines(self, depth: int = 0) -> Iterator[str]:
        """Indented text."""
        sign = "+" if self.holds else "-"
        given = f": {', '.join(self.values)}" if self.values else ""
        yield f"{'  ' * depth}{sign} {self.says}{given}"
        for part in self.parts:
            yield from part.lines(depth + 1)

    def as_dict(self) -> dict[str, Any]:
        """For JSON; what is empty is left out."""
        out: dict[str, Any] = {"says": self.says, "holds": self.holds}
        if self.field:
            out |= {"field": self.field, "values": list(self.values), "met": self.met}
        if self.parts:
            out["parts"] = [part.as_dict() for part in self.parts]
        return out


def explain(rule: Rule, document: Document) -> Part:
    """The whole condition for one event."""
    part = _part(rule.node, document)
    inner = part.parts if part.says == "all of" else (part,)
    return Part("condition: " + ", or ".join(rule.conditions), part.holds, parts=inner)


def why(rule: Rule, document: Document) -> str:
    """What an event met a rule with, in one line: the fields that were asked for and what they had.

    >>> from streams.sigma.load import load
    >>> text = "{title: T, logsource: {product: aws}, detection: {s: {eventName|contains: Key}, condition: s}}"
    >>> why(load([("t.yml", text)]).rules[0], {"eventName": "CreateAccessKey"})
    'eventName CreateAccessKey'
    """
    return "; ".join(dict.fromkeys(_met(_part(rule.node, document))))


def _met(part: Part) -> Iterator[str]:
    if part.says == NOT:
        return
    if part.holds and part.met:
        yield f"{part.field} {', '.join(part.values[: part.met])}"
    for inner in part.parts:
        yield from _met(inner)


def _part(node: Node, document: Document) -> Part:
    match node:
        case Has(field, _, asks):
            found = [value for each in values(node, document) for value in leaves(each)]
            return _compared(field, asks, found)
        case Present(field):
            found = values(node, document)
            shown = _shown(found)
            return Part(f"{field} is there", bool(found), field, shown, len(shown))
        case Same(field, _, other):
            found = values(node, document)
            how = "contains" if node.starts and node.ends else "begins with" if node.starts else "ends with"
            says = f"{field} {how if node.starts or node.ends else 'equals'} {other}"
            shown = _shown(found)
            return Part(says, predicate(node)(document), field, shown, len(shown))
        case Anywhere(asks):
            return _compared("any value", asks, list(filter(check(asks), leaves(document))))
        case Named(name, inner):
            part = _part(inner, document)
            return Part(name, part.holds, parts=part.parts if part.says == "all of" else (part,))
        case Not(inner):
            part = _part(inner, document)
            return Part(NOT, not part.holds, parts=(part,))
        case All(parts):
            made = tuple(_part(each, document) for each in parts)
            return Part("all of", all(part.holds for part in made), parts=made)
        case Some(parts):
            made = tuple(_part(each, document) for each in parts)
            return Part("one of", any(part.holds for part in made), parts=made)


def _says(field: str, asks: Sequence[Ask]) -> str:
    more = f" or {len(asks) - SHOWN} more" if len(asks) > SHOWN else ""
    return field + " or".join(str(ask) for ask in asks[:SHOWN]) + more


def _compared(field: str, asks: Sequence[Ask], found: Sequence[Any]) -> Part:
    holds = check(asks)
    met = [value for value in found if holds(value)]
    shown = _shown([*met, *(value for value in found if not holds(value))])
    return Part(_says(field, asks), bool(met), field, shown, min(len(met), len(shown)))


def _shown(found: Sequence[Any]) -> tuple[str, ...]:
    return tuple(_short(value) for value in found[:SHOWN])


def _short(value: Any) -> str:
    text = "{…}" if isinstance(value, dict) else as_text(value)
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
