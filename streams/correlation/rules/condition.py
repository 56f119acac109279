"""A condition as a predicate, and the literals by which an index can tell that it cannot hold."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

from schemas.rule import Condition, Test
from streams.correlation.rules.fields import FIELDS, TYPES, Event, reader

Predicate = Callable[[Event], bool]

Key = tuple[str, Any]
"""A field and one value of it; ``SERVICE`` is an action up to its colon."""

SERVICE = "service"

_RANK = {name: rank for rank, name in enumerate(("rule", "action", SERVICE, "reporter", "kind", "source", "outcome"))}
"""Fields that the index looks up, the most telling first."""


def predicate(condition: Condition) -> Predicate:
    """True for the events that the condition holds for. All fields must be known; ``check`` says which are not."""
    parts = [_field(name, test) for name, test in sorted(condition.tests.items(), key=lambda item: _cost(item[0]))]
    parts += [predicate(part) for part in condition.all_of]
    if condition.any_of:
        parts.append(_some([predicate(part) for part in condition.any_of]))
    parts += [_not(predicate(part)) for part in condition.none_of]
    return _every(parts)


def types(condition: Condition) -> frozenset[str]:
    """The types of event that the condition can hold for; empty where it can hold for none."""
    found = TYPES
    for name, test in condition.tests.items():
        if test.exists is False:
            continue
        found &= FIELDS[name].types
        if name == "type" and test.any_of and not test.ignore_case:
            found &= {str(value) for value in test.any_of}
    for part in condition.all_of:
        found &= types(part)
    if condition.any_of:
        found &= frozenset().union(*(types(part) for part in condition.any_of))
    return found


def keys(condition: Condition) -> frozenset[Key] | None:
    """An event that the condition holds for has at least one of these; None where no such set is known."""
    best: frozenset[Key] | None = None
    for candidate in _candidates(condition):
        if candidate is not None and (best is None or _worth(candidate) < _worth(best)):
            best = candidate
    return best


def _candidates(condition: Condition) -> Iterable[frozenset[Key] | None]:
    for name, test in condition.tests.items():
        if test.exists is False or test.ignore_case:
            continue
        if name in _RANK and test.any_of:
            yield frozenset((name, value) for value in test.any_of)
        elif name == "action":
            for given in (test.prefix, tuple(re.split(r"[*?]", text)[0] for text in test.wildcard)):
                if given and all(":" in text for text in given):
                    yield frozenset((SERVICE, text.partition(":")[0]) for text in given)
    for part in condition.all_of:
        yield keys(part)
    if condition.any_of:
        parts = [keys(part) for part in condition.any_of]
        yield None if None in parts else frozenset().union(*(part for part in parts if part is not None))


def _worth(found: frozenset[Key]) -> tuple[int, int, list[str]]:
    return max(_RANK[name] for name, _ in found), len(found), sorted(f"{name}={value}" for name, value in found)


def _cost(name: str) -> tuple[int, str]:
    """Cheap and telling fields are asked first; the outcome does not depend on it."""
    return (2 if FIELDS[name].entity else 0 if name in _RANK else 1), name


def _field(name: str, test: Test) -> Predicate:
    fold: Callable[[Any], Any] = str.casefold if test.ignore_case and FIELDS[name].holds is str else _same
    exact = {fold(value) for value in test.any_of}
    checks: list[Callable[[Any], bool]] = []
    if exact:
        checks.append(exact.__contains__)
    for texts, method in ((test.prefix, str.startswith), (test.suffix, str.endswith)):
        if texts:
            checks.append(_with(method, tuple(fold(text) for text in texts)))
    if test.contains:
        checks.append(_containing(tuple(fold(text) for text in test.contains)))
    if test.wildcard:
        checks.append(_like(tuple(fold(text) for text in test.wildcard)))
    if test.at_least is not None:
        checks.append(test.at_least.__le__)
    if test.at_most is not None:
        checks.append(test.at_most.__ge__)
    read = reader(name)
    if test.exists is False:
        return lambda event: not read(event)
    if not checks:
        return lambda event: bool(read(event))
    plain = not (FIELDS[name].entity or name == "aliases" or fold is not _same)
    if plain and len(checks) == 1:  # the common case, without a tuple
        return _plain(name, checks[0])
    return lambda event: any(all(check(value) for check in checks) for value in map(fold, read(event)))


def _plain(name: str, check: Callable[[Any], bool]) -> Predicate:
    def holds(event: Event) -> bool:
        value = getattr(event, name, None)
        return value is not None and check(value)

    return holds


def _same(value: Any) -> Any:
    return value


def _with(method: Callable[[str, tuple[str, ...]], bool], texts: tuple[str, ...]) -> Callable[[Any], bool]:
    return lambda value: method(value, texts)


def _containing(texts: tuple[str, ...]) -> Callable[[Any], bool]:
    return lambda value: any(text in value for text in texts)


def _like(patterns: tuple[str, ...]) -> Callable[[Any], bool]:
    translated = (re.escape(text).replace(r"\*", ".*").replace(r"\?", ".") for text in patterns)
    match = re.compile("|".join(f"(?:{text})" for text in translated), re.DOTALL).fullmatch
    return lambda value: match(value) is not None


def _every(parts: list[Predicate]) -> Predicate:
    if len(parts) == 1:
        return parts[0]
    if len(parts) == 2:
        one, two = parts
        return lambda event: one(event) and two(event)
    return lambda event: all(part(event) for part in parts)


def _some(parts: list[Predicate]) -> Predicate:
    return lambda event: any(part(event) for part in parts)


def _not(part: Predicate) -> Predicate:
    return lambda event: not part(event)
