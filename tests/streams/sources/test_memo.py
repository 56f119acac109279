"""Remembering: the same answers as the function, never more or larger keys than allowed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.sources.memo import Memo


@given(st.lists(st.text(max_size=6) | st.tuples(st.text(max_size=6), st.none() | st.text(max_size=3)), max_size=60))
def test_it_answers_as_the_function_within_bounds(keys):
    """Whatever is asked, the answer is the function's, and what is kept stays within both bounds."""
    memo = Memo(repr, limit=4, size=5)
    for key in keys:
        assert memo[key] == repr(key)
        assert len(memo) <= 4
        assert all(len("".join(k if isinstance(k, str) else [p for p in k if p])) <= 5 for k in memo)


def test_a_kept_key_is_not_computed_again():
    """The function is asked once for a key that fits, each time for one that is too large."""
    asked = []
    memo = Memo(lambda key: asked.append(key), size=3)
    for key in ("abc", "abc", "abcd", "abcd", ("ab", "c"), ("ab", "c")):
        memo[key]
    assert asked == ["abc", "abcd", "abcd", ("ab", "c")]


def test_an_unhashable_key_is_a_type_error():
    """A list cannot be a key, and says so."""
    with pytest.raises(TypeError):
        Memo(repr)["a", ["b"]]
