from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.simulate.chance import Chance, chance, hexadecimal, uuid


def test_a_stream_is_fixed_for_ever():
    """The draws of a named stream are the same on every machine and in every version: this one is written down."""
    rng = chance(7, "golden", 1)
    assert [rng.word() for _ in range(2)] == [14991475082887752974, 5758899249689052662]
    assert [rng.randrange(0, 100) for _ in range(600)][-4:] == [14, 82, 57, 10]


def test_paths_name_different_streams():
    """Another seed, another name and another number give other draws."""
    words = {chance(*path).word() for path in ((1, "a"), (2, "a"), (1, "b"), (1, "a", 0), (1, "a", 1))}
    assert len(words) == 5


@given(st.integers(), st.integers(-1000, 1000), st.integers(1, 1000))
def test_whole_numbers_stay_in_their_range(seed: int, low: int, width: int):
    """``randrange`` never leaves its half-open range."""
    rng = chance(seed, "range")
    assert all(low <= rng.randrange(low, low + width) < low + width for _ in range(20))


@given(st.integers(), st.lists(st.integers(), max_size=30, unique=True), st.data())
def test_a_sample_has_no_repeats(seed: int, options: list[int], data: st.DataObject):
    """``sample`` gives different members, as many as asked for."""
    number = data.draw(st.integers(0, len(options)))
    taken = chance(seed, "sample").sample(options, number)
    assert len(taken) == len(set(taken)) == number
    assert set(taken) <= set(options)


def test_draws_are_spread_as_their_distributions_say():
    """Means over many draws are near the expected ones."""
    rng = chance(3, "means")
    number = 20_000
    assert sum(rng.random() for _ in range(number)) / number == pytest.approx(0.5, abs=0.01)
    assert sum(rng.expovariate(0.25) for _ in range(number)) / number == pytest.approx(4.0, rel=0.05)
    heavy = sum(rng.weighted("ab", (3.0, 1.0)) == "a" for _ in range(number)) / number
    assert heavy == pytest.approx(0.75, abs=0.02)


def test_identifiers_have_their_form():
    """A UUID is version 4, hex text has its length."""
    rng = chance(1, "ids")
    assert re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-a[0-9a-f]{3}-[0-9a-f]{12}", uuid(rng))
    assert [len(hexadecimal(rng, digits)) for digits in (1, 16, 17, 40, 64)] == [1, 16, 17, 40, 64]
    assert isinstance(rng, Chance)
