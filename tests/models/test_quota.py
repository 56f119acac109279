"""The quota of new principals."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from models.base import Store
from models.quota import NewKeys


def test_beyond_the_limit_new_principals_are_refused_and_counted() -> None:
    """A source may bring so many in an hour, and as many in the next; the refused are counted, and the known pass."""
    quota = NewKeys({}, limit=3)
    assert [quota.admit("aws", 59, False) for _ in range(5)] == [True, True, True, False, False]
    assert quota.admit("aws", 59, True)
    assert quota.admit("github", 59, False)
    assert [quota.admit("aws", 60, False) for _ in range(4)] == [True, True, True, False]
    assert quota.refused("aws") == 3
    assert quota.refusals() == {"s|aws": 3}


def test_late_events_count_with_the_newest_hour() -> None:
    """An event of an hour that is over takes of the quota of the newest: going back in time gains nothing."""
    quota = NewKeys({}, limit=2)
    assert quota.admit("aws", 600, False)
    assert [quota.admit("aws", tick, False) for tick in (0, 540, 120)] == [True, False, False]


def test_known_principals_change_nothing() -> None:
    """No row is written for them, so they cost no changelog."""
    rows: Store = {}
    assert NewKeys(rows).admit("aws", 0, True)
    assert not rows


def test_sources_without_end_share_a_quota() -> None:
    """Made-up names of sources fill no store: beyond a thousand there is one row for all of them."""
    rows: Store = {}
    quota = NewKeys(rows, limit=2)
    admitted = [quota.admit(f"made-up-{n}", 0, False) for n in range(5000)]
    assert len(rows) == 1001
    assert sum(admitted) == 1002
    assert quota.refusals() == {"*": 3998}


@given(st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 200)), max_size=200), st.integers(1, 5))
def test_no_hour_admits_more_than_the_limit(calls: list[tuple[str, int]], limit: int) -> None:
    """In any order of times, a source has at most ``limit`` admitted for each hour that it reached as the newest."""
    quota = NewKeys({}, limit)
    newest: dict[str, set[int]] = {"a": set(), "b": set()}
    admitted = {"a": 0, "b": 0}
    for source, tick in calls:
        if not newest[source] or tick // 60 > max(newest[source]):
            newest[source].add(tick // 60)
        admitted[source] += quota.admit(source, tick, False)
    assert all(admitted[source] <= limit * len(newest[source]) for source in "ab")
    assert sum(admitted.values()) + sum(map(quota.refused, "ab")) == len(calls)
