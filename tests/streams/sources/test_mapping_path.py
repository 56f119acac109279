"""Paths of a mapping: what they reach, what counts as missing, and where a wrong one stops."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.sources.mapping_path import BadPath, Expression, Scope, expression, template

ITEM = {"a": {"b": 1, "c.d": 2, "e": None, "f": ""}, "list": [{"x": 1}, {"x": 2}, {"y": 3}, 4], "zero": 0, "no": False}
DOCUMENT = {"meta": {"tenant": "acme"}, "items": [ITEM]}
SCOPE = Scope(ITEM, DOCUMENT, {"x-weir-received": "2026-03-02T09:13:00Z"}, "items[0]")


@pytest.mark.parametrize(
    ("path", "value", "place"),
    [
        ("a.b", 1, "items[0].a.b"),
        ('a."c.d"', 2, 'items[0].a."c.d"'),
        ('a["c.d"]', 2, 'items[0].a."c.d"'),
        ("list[-1]", 4, "items[0].list[-1]"),
        ("$.meta.tenant", "acme", "meta.tenant"),
        ("$.items[0].a.b", 1, "items[0].a.b"),
        ("$headers.x-weir-received", "2026-03-02T09:13:00Z", "$headers.x-weir-received"),
        ("$item", ITEM, "items[0]"),
        ("zero", 0, "items[0].zero"),
        ("no", False, "items[0].no"),
        ("a.e ?? a.f ?? gone ?? a.b", 1, "items[0].a.b"),
        ("gone ?? 'it''s' ", None, ""),
    ],
)
def test_a_path_reaches_its_value(path: str, value: object, place: str) -> None:
    """Keys, quoted keys, indices, roots and alternatives give the value, and say where it stands."""
    if value is None:
        with pytest.raises(BadPath):
            expression(path)
        return
    found = expression(path)
    assert found.first(SCOPE) == value
    assert found.place(SCOPE) == place


@pytest.mark.parametrize("path", ["gone", "a.e", "a.f", "a.b.c", "list.x", "list[9]", "a[0]", "list[0][0]", "$.gone"])
def test_what_is_not_there_is_missing(path: str) -> None:
    """Null, empty text, and a step into something else are all missing, and none of them raises."""
    assert expression(path).first(SCOPE) is None
    assert expression(path).all(SCOPE) == []


def test_every_element() -> None:
    """``[*]`` gives all that is there, each with its own place."""
    found = expression("list[*].x")
    assert found.several
    assert [tuple(each) for each in found.all(SCOPE)] == [("items[0].list[0].x", 1), ("items[0].list[1].x", 2)]


def test_a_constant_ends_the_alternatives() -> None:
    """A text in quotes counts where nothing before it is there."""
    assert expression("gone ?? 'it\\'s'").first(SCOPE) == "it's"


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("", "empty"),
        ("a..b", "character 3"),
        ("a.", "character 3"),
        ("a[", "after ["),
        ("a[x]", "after ["),
        ("a b", "character 3"),
        ("a ??", "character 5"),
        ("$document.a", "is no root; there are $, $item, $headers"),
        ("'open", "character 1"),
        ("a?b", "character 2"),
    ],
)
def test_a_wrong_path_says_where(text: str, part: str) -> None:
    """What is no expression is refused with its place."""
    with pytest.raises(BadPath, match=None) as caught:
        expression(text)
    assert part in str(caught.value)


def test_templates() -> None:
    """Text and expressions in braces, also quoted braces inside them, and doubled ones as text."""
    parts = template("{{x}} {a.b ?? 'y}'} end")
    assert [part.text if isinstance(part, Expression) else part for part in parts] == ["{x} ", "a.b ?? 'y}'", " end"]
    for wrong in ("{a", "a}", "{}", "{a b}"):
        with pytest.raises(BadPath):
            template(wrong)


KEYS = st.text(max_size=6)
TREES = st.recursive(
    st.integers(1, 9) | st.text(min_size=1, max_size=3),
    lambda inner: st.dictionaries(KEYS, inner, max_size=3) | st.lists(inner, max_size=3),
    max_leaves=8,
)


def places(node: Any, at: str = "$") -> list[tuple[str, Any]]:
    """Every value of a tree, by a path that is written with quotes and backslashes."""
    members: list[tuple[str, Any]] = []
    if isinstance(node, dict):
        for key, value in node.items():
            escaped = key.replace("\\", "\\\\").replace('"', '\\"')
            members.append((f'{at}["{escaped}"]', value))
    elif isinstance(node, list):
        members = [(f"{at}[{number}]", value) for number, value in enumerate(node)]
    return [(at, node), *(found for place, value in members for found in places(value, place))]


@given(TREES, st.text(max_size=12))
def test_whatever_a_document_has_a_path_can_name_it(tree: Any, text: str) -> None:
    """Any key can be quoted; the place that is told is itself a path to the value; and no text at all raises else."""
    scope = Scope(tree, tree, {})
    for path, value in places(tree):
        found = expression(path)
        assert [each.value for each in found.all(scope)] == [value]
        if place := found.place(scope):
            assert expression(place).all(scope)[0].value == value
    with suppress(BadPath):
        expression(text).all(scope)
