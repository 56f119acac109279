"""What a rule means, as plainly as it can be written: over pySigma's own condition tree, value by value.

Nothing of the compiler is used, and nothing here is fast: the tests hold the one against the other.
"""

from __future__ import annotations

import ipaddress
import re
from datetime import UTC, datetime
from typing import Any

from sigma.conditions import (
    ConditionAND,
    ConditionFieldEqualsValueExpression,
    ConditionNOT,
    ConditionOR,
    ConditionValueExpression,
)
from sigma.modifiers import SigmaEndswithModifier, SigmaStartswithModifier
from sigma.rule import SigmaRule
from sigma.rule.detection import SigmaDetection, SigmaDetectionItem
from sigma.types import (
    CompareOperators,
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
    SigmaRegularExpressionFlag,
    SigmaString,
    SigmaTimestampPart,
    SpecialChars,
)


def matches(rule: SigmaRule, document: dict[str, Any]) -> bool:
    """Whether one of the rule's conditions holds for the document, field names as the rule writes them."""
    modifiers = {
        id(value): item.modifiers for detection in rule.detection.detections.values() for item in _items(detection)
        for value in item.value
    }  # fmt: skip
    return any(_holds(condition.parsed, document, modifiers) for condition in rule.detection.parsed_condition)


def _items(detection: SigmaDetection) -> list[SigmaDetectionItem]:
    return [
        item
        for each in detection.detection_items
        for item in (_items(each) if isinstance(each, SigmaDetection) else [each])
    ]


def _holds(node: Any, document: dict[str, Any], modifiers: dict[int, list[Any]]) -> bool:
    if isinstance(node, ConditionAND):
        return all(_holds(each, document, modifiers) for each in node.args)
    if isinstance(node, ConditionOR):
        return any(_holds(each, document, modifiers) for each in node.args)
    if isinstance(node, ConditionNOT):
        return not _holds(node.args[0], document, modifiers)
    if isinstance(node, ConditionValueExpression):
        return any(_keyword(node.value, value) for value in _scalars(document))
    assert isinstance(node, ConditionFieldEqualsValueExpression)
    found = _find(document, node.field.split("."))
    return _field(node.value, found, document, modifiers.get(id(node.value), []))


def _field(asked: Any, found: list[Any], document: dict[str, Any], modifiers: list[Any]) -> bool:
    if isinstance(asked, SigmaExpansion):
        return any(_field(each, found, document, modifiers) for each in asked.values)
    if isinstance(asked, SigmaNull):
        return not found
    if isinstance(asked, SigmaExists):
        return bool(found) == asked.exists
    scalars = [value for each in found for value in _scalars(each)]
    if isinstance(asked, SigmaFieldReference):
        others = [v for each in _find(document, asked.field.split(".")) for v in _scalars(each)]
        for one in (_text(value).lower() for value in scalars):
            for other in (_text(value).lower() for value in others):
                if asked.starts_with and asked.ends_with:
                    good = other in one
                elif asked.starts_with:
                    good = one.startswith(other)
                elif asked.ends_with:
                    good = one.endswith(other)
                else:
                    good = one == other
                if good:
                    return True
        return False
    return any(_value(asked, value, modifiers) for value in scalars)


def _value(asked: Any, value: Any, modifiers: list[Any]) -> bool:
    if isinstance(asked, SigmaString):
        if isinstance(asked, SigmaCasedString):
            return _like(list(asked), _text(value))
        return _like(_lowered(asked), _text(value).lower())
    if isinstance(asked, SigmaRegularExpression):
        flags = 0
        for flag in asked.flags:
            flags |= {
                SigmaRegularExpressionFlag.IGNORECASE: re.IGNORECASE,
                SigmaRegularExpressionFlag.MULTILINE: re.MULTILINE,
                SigmaRegularExpressionFlag.DOTALL: re.DOTALL,
            }[flag]
        begin = r"\A" if SigmaStartswithModifier in modifiers else ""
        end = r"\Z" if SigmaEndswithModifier in modifiers else ""
        return re.search(f"{begin}(?:{asked.regexp}){end}", _text(value), flags) is not None
    if isinstance(asked, SigmaTimestampPart):
        return _part(value, asked.timestamp_part.name) == asked.number
    if isinstance(asked, SigmaNumber):
        if isinstance(value, str):
            return value == str(asked.number)
        return not isinstance(value, bool) and value == asked.number
    if isinstance(asked, SigmaBool):
        return _text(value).lower() == str(asked.boolean).lower()
    if isinstance(asked, SigmaCIDRExpression):
        try:
            return isinstance(value, str) and ipaddress.ip_address(value) in asked.network
        except ValueError:
            return False
    assert isinstance(asked, SigmaCompareExpression)
    if isinstance(asked.number, SigmaTimestampPart):
        given = _part(value, asked.number.timestamp_part.name)
    else:
        given = _number(value)
    if given is None:
        return False
    limit = asked.number.number
    return {
        CompareOperators.LT: given < limit,
        CompareOperators.LTE: given <= limit,
        CompareOperators.GT: given > limit,
        CompareOperators.GTE: given >= limit,
    }[asked.op]


def _keyword(asked: Any, value: Any) -> bool:
    if isinstance(asked, SigmaExpansion):
        return any(_keyword(each, value) for each in asked.values)
    if isinstance(asked, SigmaNumber):
        return str(asked.number) in _text(value)
    if isinstance(asked, SigmaString):
        many = [SpecialChars.WILDCARD_MULTI]
        if isinstance(asked, SigmaCasedString):
            return _like([*many, *asked, *many], _text(value))
        return _like([*many, *_lowered(asked), *many], _text(value).lower())
    return _value(asked, value, [])


def _lowered(asked: SigmaString) -> list[Any]:
    out: list[Any] = []
    for part in asked.s:
        out += part.lower() if isinstance(part, str) else [part]
    return out


def _like(wanted: list[Any], text: str) -> bool:
    """The table of all prefixes against all prefixes."""
    reached = {0}
    for part in wanted:
        if part is SpecialChars.WILDCARD_MULTI:
            reached = {at for start in reached for at in range(start, len(text) + 1)}
        elif part is SpecialChars.WILDCARD_SINGLE:
            reached = {at + 1 for at in reached if at < len(text)}
        else:
            reached = {at + 1 for at in reached if text[at : at + 1] == part}
    return len(text) in reached


def _find(node: Any, parts: list[str]) -> list[Any]:
    if isinstance(node, list):
        found = [v for each in _flat(node) if isinstance(each, dict) for v in _find(each, parts)]
        if not found and parts[0].isdigit() and int(parts[0]) < len(node):
            inner = node[int(parts[0])]
            found = _flat(inner) if len(parts) == 1 else _find(inner, parts[1:])
        return found
    if not isinstance(node, dict):
        return []
    for taken in range(1, len(parts) + 1):
        inner = node.get(".".join(parts[:taken]))
        found = _flat(inner) if taken == len(parts) else _find(inner, parts[taken:])
        if found:
            return found
    return []


def _flat(value: Any) -> list[Any]:
    if isinstance(value, list):
        return [inner for each in value for inner in _flat(each)]
    return [] if value is None else [value]


def _scalars(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [inner for each in value.values() for inner in _scalars(each)]
    if isinstance(value, list):
        return [inner for each in value for inner in _scalars(each)]
    return [] if value is None else [value]


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _number(value: Any) -> int | float | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return value
    if re.fullmatch(r"[+-]?\d+(\.\d+)?([eE][+-]?\d+)?", value, re.ASCII) is None:
        return None
    return int(value) if re.fullmatch(r"[+-]?\d+", value) else float(value)


def _part(value: Any, unit: str) -> int | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, str):
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            number = _number(value)
            if number is None:
                return None
            value = number
        else:
            moment = moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    if not isinstance(value, str):
        moment = datetime.fromtimestamp(value / (1 if abs(value) < 1e11 else 1000), UTC)
    return moment.isocalendar()[1] if unit == "WEEK" else int(getattr(moment, unit.lower()))
