"""ADWIN over a row, against river's."""

from __future__ import annotations

import doctest
import json
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from river.drift import ADWIN

from models import adwin
from models.adwin import EMPTY, Settings, found, mean, update, width

LEVELS = st.lists(st.tuples(st.integers(1, 400), st.floats(-50, 50), st.floats(0, 5)), min_size=1, max_size=6)
SETTINGS = st.builds(
    Settings,
    delta=st.sampled_from([0.002, 0.05, 1e-6]),
    clock=st.sampled_from([1, 7, 32]),
    buckets=st.sampled_from([2, 5, 9]),
    shortest=st.sampled_from([1, 5, 30]),
    grace=st.sampled_from([1, 10, 60]),
)


def stream(levels: list[tuple[int, float, float]], seed: int) -> list[float]:
    """So many values of each mean and spread."""
    chance = random.Random(seed)
    return [chance.gauss(mean, spread) for count, mean, spread in levels for _ in range(count)]


def changes(values: list[float], given: Settings) -> int:
    """Compare with river after each value; the number of changes."""
    delta, clock, buckets, shortest, grace = given
    other = ADWIN(delta, clock, buckets, shortest, grace)
    row = EMPTY
    count = 0
    for value in values:
        row = update(row, value, given)
        other.update(value)
        assert (found(row), width(row), mean(row)) == (other.drift_detected, other.width, other.estimation)
        count += found(row)
    return count


@given(LEVELS, SETTINGS, st.integers(0, 2**32))
@settings(deadline=None, max_examples=200)
def test_it_answers_as_river_does(levels: list[tuple[int, float, float]], given: Settings, seed: int) -> None:
    """Over shifts of any size, after each value: the same change or none, the same width, the same mean to the bit."""
    changes(stream(levels, seed), given)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_it_finds_shifts_and_nothing_else(seed: int) -> None:
    """River and it agree on long streams: no change in 20,000 values of one law, one for each of three shifts."""
    assert changes(stream([(20_000, 1.0, 1.0)], seed), Settings()) == 0
    assert changes(stream([(3_000, level, 1.0) for level in (0.0, 2.0, -1.0, 0.5)], seed), Settings()) == 3


def test_equal_values_never_change() -> None:
    """A constant has no change, whatever its size."""
    for value in (0.0, 1e-9, 1e9):
        assert changes([value] * 2_000, Settings(clock=1)) == 0


@given(LEVELS, SETTINGS, st.integers(0, 2**32), st.integers(0, 2_000))
@settings(deadline=None, max_examples=50)
def test_the_row_is_all_it_knows(levels: list[tuple[int, float, float]], given: Settings, seed: int, at: int) -> None:
    """Flat numbers that survive JSON at any point; what goes on from these goes on as before."""
    row = again = EMPTY
    for n, value in enumerate(stream(levels, seed)):
        row, again = update(row, value, given), update(again, value, given)
        if n == at:
            again = tuple(json.loads(json.dumps(again, allow_nan=False)))
            assert all(type(number) in (int, float) for number in again)
    assert repr(again) == repr(row)


def test_the_row_is_small() -> None:
    """After 30,000 values it is shorter than 200 numbers."""
    row = EMPTY
    chance = random.Random(1)
    for _ in range(30_000):
        row = update(row, chance.random())
    assert width(row) == 30_000
    assert len(row) < 200


def test_the_example_in_the_documentation_runs() -> None:
    """The docstring example is true."""
    assert doctest.testmod(adwin) == (0, 4)
