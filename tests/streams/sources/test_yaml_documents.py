"""YAML that cannot hurt: types of JSON, bounded, with the line of what is wrong."""

from __future__ import annotations

from itertools import pairwise

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.sources.yaml_documents import documents_from_yaml


def test_documents_are_plain_and_scalars_stay_as_written() -> None:
    """What YAML 1.1 turns into dates, booleans, numbers or merged keys is text."""
    content = "a: no\nb: 2024-05-01\nc: 1.20\nd: true\ne: ~\n---\n---\nx: &x {y: 1}\nz: {<<: *x}\n"
    assert documents_from_yaml(content) == [
        {"a": "no", "b": "2024-05-01", "c": "1.20", "d": True, "e": None},
        {"x": {"y": "1"}, "z": {"<<": {"y": "1"}}},
    ]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("a: 1\nb: [1,\nc: 2\n", "line 4"),
        ("a: b: c", "line 1 column 5"),
        ("a: 1\nb: !!python/object:os.system x", "line 2 column 4"),
        ("a: !!int 7", "line 1 column 4"),
        ("? {a: 1}\n: 2", "line 1 column 3"),
        ("a: 1\n~: 2", "line 2 column 1"),
        ("a: *b", "line 1"),
        ("a: &a [*a]", "line 1"),
        ("x: 1\n" + "[" * 100_000, "line 2"),
        ("a: !!bool maybe", "not YAML"),
        ("a: \x00", "not YAML"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_line(content: str, expected: str) -> None:
    """Syntax, foreign tags, odd keys, cycles and depth all end in one ValueError with the place."""
    with pytest.raises(ValueError, match=expected):
        documents_from_yaml(content)


def test_aliases_of_aliases_are_refused_before_they_are_built() -> None:
    """Ten lines that stand for a billion nodes cost nothing."""
    names = "abcdefghij"
    lines = ["a: &a [x, x, x, x, x, x, x, x, x]"]
    lines += [f"{new}: &{new} [{', '.join([f'*{old}'] * 9)}]" for old, new in pairwise(names)]
    with pytest.raises(ValueError, match="aliases written out"):
        documents_from_yaml("\n".join(lines))


@given(st.text(st.characters(categories=["L", "N", "P", "S", "Zs"], include_characters="\n\t"), max_size=200))
def test_any_text_gives_json_or_value_error(content: str) -> None:
    """No other exception escapes, and what comes out can be written as JSON."""
    try:
        found = documents_from_yaml(content)
    except ValueError:
        return
    orjson.dumps(found)
