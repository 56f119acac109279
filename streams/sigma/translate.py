"""What pySigma has parsed, as the conditions of ``streams.sigma.condition``. Used while rules are compiled only.

pySigma applies the modifiers to the values (``contains`` puts wildcards around a text, ``base64offset`` and
``windash`` give several values, and so on), and this reads what comes of it. The names of detections are kept, so that
a match can be explained in the words of the rule.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

from sigma.conditions import (
    ConditionAND,
    ConditionIdentifier,
    ConditionItem,
    ConditionNOT,
    ConditionOR,
    ConditionSelector,
)
from sigma.modifiers import SigmaEndswithModifier, SigmaStartswithModifier
from sigma.rule.detection import SigmaDetection, SigmaDetectionItem, SigmaDetections
from sigma.types import (
    CompareOperators,
    Placeholder,
    SigmaBool,
    SigmaCasedString,
    SigmaCIDRExpression,
    SigmaCompareExpression,
    SigmaExists,
    SigmaExpansion,
    SigmaFieldReference,
    SigmaNull,
    SigmaNumber,
    SigmaRegularExpression,
    SigmaString,
    SigmaTimestampPart,
    SigmaType,
    SpecialChars,
)

from streams.sigma.asks import Ask, Compare, Network, Number, Operator, Regex, Text, TimeIs, TimePart, Truth
from streams.sigma.condition import Anywhere, Has, Named, Node, Not, Present, Same, all_of, any_of
from streams.sigma.fields import paths_of
from streams.sigma.logsource import LogSource
from streams.sigma.wildcards import Pattern, Wild, pattern

Placeholders = Mapping[str, Sequence[str]]
"""Values for ``%name%`` in what ``expand`` modifies; wildcards in them count."""


class Untranslatable(ValueError):
    """What the rule says has no meaning here; ``place`` is inside the rule's ``detection``."""

    def __init__(self, place: str, reason: str) -> None:
        super().__init__(reason)
        self.place = place


class Translation:
    """Of the detections of one rule."""

    def __init__(self, detections: SigmaDetections, logsource: LogSource, placeholders: Placeholders) -> None:
        self._detections = detections
        self._logsource = logsource
        self._placeholders = placeholders
        self._named: dict[str, Named] = {}

    def condition(self) -> Node:
        """The rule's condition; of several, that one of them holds.

        Raises:
            Untranslatable: with the place.
            ValueError: SigmaConditionError of pySigma, for a condition that cannot be read.
        """
        return any_of([self._node(each.parse(postprocess=False)) for each in self._detections.parsed_condition])

    def detection(self, name: str) -> Named:
        """One detection by its name."""
        known = self._named.get(name)
        if known is None:
            found = self._detections.detections.get(name)
            if found is None:
                raise Untranslatable("condition", f"there is no detection {name!r}")
            known = self._named[name] = Named(name, self._detection(found, name))
        return known

    def _node(self, item: Any) -> Node:
        match item:
            case ConditionIdentifier():
                return self.detection(item.identifier)
            case ConditionSelector():
                found = [each.identifier for each in item.resolve_referenced_detections(self._detections)]
                if not found:
                    raise Untranslatable("condition", f"no detection is meant by {' of '.join(item.args)!r}")
                parts = [self.detection(name) for name in found]
                return any_of(parts) if item.cond_class is ConditionOR else all_of(parts)
            case ConditionNOT():
                return Not(self._node(item.args[0]))
            case ConditionAND():
                return all_of([self._node(each) for each in item.args])
            case ConditionOR():
                return any_of([self._node(each) for each in item.args])
        raise Untranslatable("condition", f"{type(item).__name__} is not known")

    def _detection(self, given: SigmaDetection, place: str) -> Node:
        parts = []
        for number, item in enumerate(given.detection_items):
            if isinstance(item, SigmaDetection):
                parts.append(self._detection(item, f"{place}.{number}"))
            else:
                parts.append(self._item(item, f"{place}.{item.field}" if item.field else place))
        return all_of(parts) if given.item_linking is ConditionAND else any_of(parts)

    def _item(self, item: SigmaDetectionItem, place: str) -> Node:
        given = item.value or [SigmaNull()]
        parts = [self._value(item, value, place) for value in given]
        together = cast("type[ConditionItem]", item.value_linking)
        node = all_of(parts) if together is ConditionAND else any_of(parts)
        return Not(node) if item.negated else node

    def _value(self, item: SigmaDetectionItem, value: SigmaType, place: str) -> Node:
        if isinstance(value, SigmaExpansion):
            if not value.values:
                raise Untranslatable(place, "nothing is left of the value")
            return any_of([self._value(item, each, place) for each in value.values])
        if isinstance(value, SigmaString | SigmaRegularExpression) and value.contains_placeholder():
            return any_of([self._value(item, each, place) for each in self._expanded(value, place)])
        field = item.field
        if field is None:
            return Anywhere((_somewhere(_ask(item, value, place), place),))
        paths = paths_of(self._logsource, field)
        match value:
            case SigmaNull():
                return Not(Present(field, paths))
            case SigmaExists():
                return Present(field, paths) if value.exists else Not(Present(field, paths))
            case SigmaFieldReference():
                others = paths_of(self._logsource, value.field)
                return Same(field, paths, value.field, others, value.starts_with, value.ends_with)
        return Has(field, paths, (_ask(item, value, place),))

    def _expanded(self, value: SigmaString | SigmaRegularExpression, place: str) -> list[SigmaType]:
        def values(found: Placeholder) -> Iterator[SigmaString]:
            given = self._placeholders.get(found.name)
            if not given:
                raise Untranslatable(place, f"the placeholder %{found.name}% has no values")
            yield from map(SigmaString, given)

        out: list[SigmaType] = []
        for each in value.replace_placeholders(values):
            if isinstance(value, SigmaCasedString) and isinstance(each, SigmaString):
                each = SigmaCasedString.from_sigma_string(each)
            out.append(each)
        return out


_OPERATORS: Mapping[CompareOperators, Operator] = {
    CompareOperators.LT: "lt",
    CompareOperators.LTE: "lte",
    CompareOperators.GT: "gt",
    CompareOperators.GTE: "gte",
}
_WILD = {SpecialChars.WILDCARD_MULTI: Wild.MANY, SpecialChars.WILDCARD_SINGLE: Wild.ONE}


def _ask(item: SigmaDetectionItem, value: SigmaType, place: str) -> Ask:
    match value:
        case SigmaString():
            return Text(_pattern(value), isinstance(value, SigmaCasedString))
        case SigmaRegularExpression():
            flags = 0
            for flag in value.flags:
                flags |= int(value.sigma_to_python_flags[flag])
            begin = SigmaStartswithModifier in item.modifiers
            return Regex(str(value.regexp), flags, begin, SigmaEndswithModifier in item.modifiers)
        case SigmaTimestampPart():
            return TimeIs(_part(value), int(value.number))
        case SigmaNumber():
            return Number(value.number)
        case SigmaBool():
            return Truth(value.boolean)
        case SigmaCIDRExpression():
            return Network(str(value.network))
        case SigmaCompareExpression() if value.op in _OPERATORS:
            part = _part(value.number) if isinstance(value.number, SigmaTimestampPart) else None
            return Compare(_OPERATORS[value.op], value.number.number, part)
        case SigmaNull():
            raise Untranslatable(place, "null has a meaning in a field only")
    raise Untranslatable(place, f"{type(value).__name__} has no meaning here")


def _part(value: SigmaTimestampPart) -> TimePart:
    return cast("TimePart", value.timestamp_part.name.lower())


def _pattern(value: SigmaString) -> Pattern:
    parts: list[str | Wild] = []
    for part in value.s:
        if isinstance(part, str):
            parts.append(part)
        elif isinstance(part, SpecialChars):
            parts.append(_WILD[part])
    return pattern(parts)


def _somewhere(ask: Ask, place: str) -> Ask:
    """A keyword is looked for inside of every value."""
    match ask:
        case Text(given, cased):
            return Text(pattern([Wild.MANY, *given, Wild.MANY]), cased)
        case Number(number):
            return Text(pattern([Wild.MANY, str(number), Wild.MANY]))
        case Regex() | Network():
            return ask
        case Truth():
            raise Untranslatable(place, "a truth value is no keyword; quote it")
    raise Untranslatable(place, "a comparison has a meaning in a field only")
