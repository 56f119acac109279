"""Reading values of any type without an exception, and hashing parts without collisions."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from streams.sources.document import digest, line, mapping, number, sequence, texts

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@given(JSON)
def test_any_value_reads_as_what_was_asked_or_as_absent(value: object) -> None:
    """The type is always the one that is promised."""
    assert isinstance(mapping(value), dict)
    assert isinstance(sequence(value), list)
    assert all(isinstance(item, str) and item for item in texts(value))
    assert number(value) is None or isinstance(number(value), float)
    found = line(value, 10)
    assert found is None or 0 < len(found) <= 10


def test_a_line_is_flat_and_marked_where_it_was_cut() -> None:
    """Line breaks cannot make one title look like two."""
    assert line("a\n\tb\u2028c ") == "a b c"
    assert line("x" * 600, 512) == "x" * 511 + "…"
    assert line(" \n") is None


def test_numbers_may_be_text_but_never_infinite() -> None:
    """Scores come as numbers and as text."""
    assert number("7.5") == 7.5
    assert number(True) is None
    assert number("inf") is None
    assert number("nan") is None
    assert number(10**400) is None


@given(st.lists(st.none() | st.text(), max_size=4), st.lists(st.none() | st.text(), max_size=4))
def test_two_lists_of_parts_have_one_digest_only_if_they_are_equal(a: list[str | None], b: list[str | None]) -> None:
    """Where one part ends and the next begins is hashed, too."""
    assert (digest(a) == digest(b)) == (a == b)
