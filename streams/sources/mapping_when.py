"""Conditions of a mapping: whether they hold for a document or an item, and in words what does not."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

from streams.sources.mapping_model import When
from streams.sources.mapping_path import Expression, Scope, expression

LONGEST = 4096
"""Characters of a text that ``matches`` looks at; a longer one does not match."""


class Test(NamedTuple):
    """One part of a condition: in words, ``says`` what it wants, ``lack`` what is so where it does not hold."""

    holds: Callable[[Scope], bool]
    says: str
    lack: str


def tests_of(when: When | None) -> tuple[Test, ...]:
    """The parts of a condition, in the order of the keys; none for no condition."""
    if when is None:
        return ()
    return (
        *(Test(_exists(path), f"{path.text} is there", f"{path.text} is missing") for path in when.exists or ()),
        *(Test(_missing(path), f"{path.text} is missing", f"{path.text} is there") for path in when.missing or ()),
        *(_equals(path, wanted if isinstance(wanted, tuple) else (wanted,)) for path, wanted in when.equals.items()),
        *(_matches(path, pattern) for path, pattern in when.matches.items()),
    )


def lack(tests: tuple[Test, ...], scope: Scope) -> str | None:
    """What is so where the condition does not hold: its first part that fails; None if all hold."""
    for test in tests:
        if not test.holds(scope):
            return test.lack
    return None


def _exists(path: Expression) -> Callable[[Scope], bool]:
    return lambda scope: bool(path.values(scope))


def _missing(path: Expression) -> Callable[[Scope], bool]:
    return lambda scope: not path.values(scope)


def _equals(text: str, wanted: tuple[object, ...]) -> Test:
    path = expression(text)
    typed = [(type(each), each) for each in wanted]  # 1 is not true
    shown = " or ".join(map(repr, wanted))

    def holds(scope: Scope) -> bool:
        return any((type(value), value) in typed for value in path.values(scope))

    return Test(holds, f"{text} is {shown}", f"{text} is not {shown}")


def _matches(text: str, pattern: str) -> Test:
    path, compiled = expression(text), re.compile(pattern)

    def fits(value: object) -> bool:
        return isinstance(value, str) and len(value) <= LONGEST and compiled.fullmatch(value) is not None

    def holds(scope: Scope) -> bool:
        return any(map(fits, path.values(scope)))

    return Test(holds, f"{text} matches {pattern}", f"{text} does not match {pattern}")
