"""Rules and events drawn from few names and values, so that they meet often and in odd ways."""

from __future__ import annotations

from random import Random
from typing import Any

FIELDS = ("a", "a", "b", "a.b", "c.d", "c.d.e", "l.0", "l.x")
KEYS = ("a", "a", "b", "c", "l", "a.b", "c.d", "c.d.e")
INNER = ("b", "d", "e", "x", "d.e", "0")
TEXTS = (
    "x",
    "X",
    "xy",
    "x*y",
    "*x",
    "y*",
    "?",
    "x?",
    "a*b?c",
    "",
    "1",
    "true",
    r"x\*y",
    r"\\x",
    "Äx",
    "ß*",
    "*",
    "x*xy",
)
VALUES = (
    "x",
    "x",
    "X",
    "xy",
    "xY",
    "xzy",
    "yx",
    "aXbYc",
    "1",
    "22",
    "1.5",
    "true",
    "x*y",
    r"\x",
    "äX",
    "ßß",
    "",
    "-x y",
)
OTHERS = (0, 1, 1, 22, 1.0, 1.5, -3, True, True, False, None, None)
SPECIAL = ("10.1.2.3", "10.2.0.1", "2001:db8::1", "2026-03-02T08:15:00Z", "2026-03-02 23:59:00+02:00", "eA==", "IHg=")

_NUMBERS = (0, 1, 22, 1.5, -3)
MODIFIED: tuple[tuple[str, tuple[Any, ...]], ...] = (
    ("", TEXTS),
    ("", TEXTS),
    ("", (*_NUMBERS, True, False, None)),
    ("|contains", TEXTS),
    ("|startswith", TEXTS),
    ("|endswith", TEXTS),
    ("|cased", TEXTS),
    ("|contains|cased", TEXTS),
    ("|neq", TEXTS),
    ("|windash|contains", ("-x", "x -y", "/x")),
    ("|base64offset|contains", ("x", "xy")),
    ("|base64", ("x", "xy")),
    ("|re", ("^x", "y$", "x.?y", "[a-z]+", "a(X|Y)b", "")),
    ("|re|i", ("^X", "Y$")),
    ("|re|startswith", ("x|y", "a")),
    ("|re|endswith", ("x|y", "c")),
    ("|cidr", ("10.1.0.0/16", "10.0.0.0/8", "2001:db8::/32")),
    ("|lt", _NUMBERS),
    ("|lte", _NUMBERS),
    ("|gt", _NUMBERS),
    ("|gte", _NUMBERS),
    ("|hour", (8, 21)),
    ("|minute|gte", (15, 30)),
    ("|week", (10, 11)),
)
NAMES = ("sel_a", "sel_b", "filter_c")
WORDS = (*NAMES, *NAMES, "1 of sel_*", "all of sel_*", "1 of them", "all of them", "any of filter_*")


def event(chance: Random) -> dict[str, Any]:
    """A document."""
    return {chance.choice(KEYS): _node(chance, 0) for _ in range(chance.randint(0, 5))}


def _node(chance: Random, depth: int) -> Any:
    kind = chance.random()
    if depth > 3 or kind < 0.6:
        return chance.choice(chance.choices((VALUES, OTHERS, SPECIAL), (6, 3, 1))[0])
    if kind < 0.75:
        return [_node(chance, depth + 1) for _ in range(chance.randint(0, 3))]
    return {chance.choice(INNER): _node(chance, depth + 1) for _ in range(chance.randint(0, 3))}


def rule(chance: Random) -> dict[str, Any]:
    """The body of a rule; pySigma may still refuse it."""
    conditions: Any = [_condition(chance, 0) for _ in range(chance.choice((1, 1, 1, 2)))]
    return {
        "title": "drawn",
        "logsource": {"product": "test"},
        "detection": {
            **{name: _detection(chance) for name in NAMES},
            "condition": conditions[0] if len(conditions) == 1 else conditions,
        },
    }


def _condition(chance: Random, depth: int) -> str:
    kind = chance.random()
    if depth > 2 or kind < 0.4:
        return chance.choice(WORDS)
    if kind < 0.6:
        return f"not ({_condition(chance, depth + 1)})"
    return f"({_condition(chance, depth + 1)} {chance.choice(('and', 'or'))} {_condition(chance, depth + 1)})"


def _detection(chance: Random) -> Any:
    kind = chance.random()
    if kind < 0.75:
        return _mapping(chance)
    if kind < 0.9:
        return [_mapping(chance) for _ in range(chance.randint(1, 2))]
    return chance.choice(
        ([chance.choice(("x", "X*y", "aXb", 22))], {"|contains": "y?"}, {"|all": ["x", "y"]}, ["zz", "ä"])
    )


def _mapping(chance: Random) -> dict[str, Any]:
    return dict(_item(chance) for _ in range(chance.choice((1, 1, 2, 3))))


def _item(chance: Random) -> tuple[str, Any]:
    field = chance.choice(FIELDS)
    kind = chance.random()
    if kind < 0.06:
        return f"{field}|exists", chance.random() < 0.5
    if kind < 0.12:
        how = chance.choice(("", "|contains", "|startswith", "|endswith"))
        return f"{field}|fieldref{how}", chance.choice(FIELDS)
    modifiers, values = chance.choice(MODIFIED)
    if chance.random() < 0.5:
        return field + modifiers, chance.choice(values)
    joined = "|all" if chance.random() < 0.25 else ""
    return field + modifiers + joined, [chance.choice(values) for _ in range(chance.randint(1, 3))]
