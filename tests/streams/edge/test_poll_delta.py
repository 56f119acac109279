"""What a look has to write, and what it must leave alone."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from streams.edge.poll_delta import Held, Subject, content_of, delta

A: Subject = ("catalog", "component:default/a")
B: Subject = ("catalog", "component:default/b")
ONE: dict[str, Any] = {"owner": "x"}
TWO: dict[str, Any] = {"owner": "y"}


def held(record: dict[str, Any] | None, feed: str | None = "mine") -> Held:
    return Held(None if record is None else content_of(record), feed, 0)


def test_only_what_differs_is_written() -> None:
    """New and changed records are written, equal ones counted, whoever wrote them and in whatever order of fields."""
    there = {A: held({"a": 1, "b": 2}, None), B: held(ONE)}
    found = delta("mine", {A: {"b": 2, "a": 1}, B: TWO}, there, whole=True, feeds=["mine"])
    assert found == ({B: TWO}, 1, (), 0)


def test_a_whole_feed_withdraws_its_own_records_only() -> None:
    """What it wrote and does not have any more is withdrawn; what others wrote, and what is withdrawn already, not."""
    c, d = ("catalog", "c"), ("catalog", "d")
    there = {A: held(ONE), B: held(ONE, "other"), c: held(ONE, None), d: held(None)}
    assert delta("mine", {}, there, whole=True, feeds=["mine", "other"]).write == {A: None}
    assert delta("mine", {}, there, whole=False, feeds=["mine", "other"]).write == {}


def test_a_feed_may_say_itself_what_is_withdrawn() -> None:
    """A record of null is written once, and never for what is not there."""
    assert delta("mine", {A: None, B: None}, {A: held(ONE)}, whole=False, feeds=["mine"]).write == {A: None}
    assert delta("mine", {A: None}, {A: held(None)}, whole=False, feeds=["mine"]).unchanged == 1


def test_two_feeds_do_not_write_over_each_other() -> None:
    """The one that has the record keeps it, and the other is told; one that is no more in the settings has nothing."""
    there = {A: held(ONE, "other")}
    assert delta("mine", {A: TWO}, there, whole=True, feeds=["mine", "other"]) == ({}, 0, (A,), 0)
    assert delta("mine", {A: TWO}, there, whole=True, feeds=["mine"]).write == {A: TWO}
    assert delta("mine", {A: TWO}, {A: held(None, "other")}, whole=True, feeds=["mine", "other"]).write == {A: TWO}


def test_most_of_a_feed_is_not_withdrawn_at_once() -> None:
    """More than half of more than a few is held back and counted, unless somebody asks for it; the rest is written."""
    there = {("catalog", str(number)): held(ONE) for number in range(40)}
    kept = {("catalog", str(number)): ONE for number in range(19)}
    found = delta("mine", {**kept, A: ONE}, there, whole=True, feeds=["mine"])
    assert (found.write, found.held_back) == ({A: ONE}, 21)
    assert len(delta("mine", kept, there, whole=True, feeds=["mine"], anyway=True).write) == 21
    kept["catalog", "19"] = ONE
    assert len(delta("mine", kept, there, whole=True, feeds=["mine"]).write) == 20


records = st.dictionaries(
    st.tuples(st.sampled_from(["catalog", "kev"]), st.sampled_from("abcdef")),
    st.none() | st.dictionaries(st.sampled_from("xy"), st.integers(0, 2)),
)


@given(records, records, st.booleans())
def test_a_second_look_writes_nothing(before: Any, says: Any, whole: bool) -> None:
    """Once a difference is written there is none, and the topic then says what the feed says."""
    there = {subject: held(record) for subject, record in before.items()}
    first = delta("mine", says, there, whole=whole, feeds=["mine"])
    after = there | {subject: held(record) for subject, record in first.write.items()}
    assert delta("mine", says, after, whole=whole, feeds=["mine"]).write == {}
    for subject, record in says.items():
        assert (after[subject].content if subject in after else None) == (record and content_of(record)) or record == {}
