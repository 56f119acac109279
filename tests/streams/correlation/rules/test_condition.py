from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.rule import Condition
from streams.correlation.rules.condition import keys, predicate, types
from tests.streams.correlation.rules.scene import Caller, activity, compiled, finding, rule

EVENT = activity(
    "e", "GetObject", ("ip", "198.51.100.7"), ("ip", "203.0.113.9"), actor="arn:role/Deploy", read_only=True
)


@pytest.mark.parametrize(
    ("where", "held"),
    [
        ({}, True),
        ({"action": "x:GetObject"}, True),
        ({"action": ["x:PutObject", "x:GetObject"]}, True),
        ({"action": {"equals": "x:PutObject"}}, False),
        ({"action": {"prefix": "x:Get"}}, True),
        ({"action": {"suffix": ["Object", "Bucket"]}}, True),
        ({"action": {"contains": "Bucket"}}, False),
        ({"action": {"wildcard": "x:*Obj?ct"}}, True),
        ({"action": {"wildcard": "x:G?t"}}, False),
        ({"action": {"wildcard": ["[x]:*", "x.*"]}}, False),
        ({"action": {"any_of": "X:getobject", "ignore_case": True}}, True),
        ({"action": "X:getobject"}, False),
        ({"action": {"prefix": "x:", "suffix": "Bucket"}}, False),
        ({"read_only": True}, True),
        ({"read_only": False}, False),
        ({"severity": {"at_least": 1}}, False),
        ({"severity": {"at_most": 0}}, True),
        ({"severity": 0}, True),
        ({"error": {"exists": False}}, True),
        ({"actor": {"exists": False}}, False),
        ({"actor": {"exists": True}}, True),
        ({"ip": "203.0.113.9"}, True),
        ({"ip": {"prefix": "203.", "suffix": ".7"}}, False),  # one value has to hold for all of it
        ({"host": {"exists": False}}, True),
        ({"host": "a"}, False),
        ({"rule": "R1"}, False),
        ({"outcome": "success", "actor": {"contains": "Deploy"}, "ip": {"prefix": "198."}}, True),
        ({"any_of": [{"actor": "eve"}, {"ip": {"wildcard": "203.*"}}]}, True),
        ({"any_of": [{"actor": "eve"}, {"rule": "R1"}]}, False),
        ({"none_of": [{"actor": "eve"}, {"outcome": "failure"}]}, True),
        ({"none_of": [{"outcome": "success"}]}, False),
        ({"all_of": [{"outcome": "success"}, {"none_of": [{"ip": "203.0.113.9"}]}]}, False),
    ],
)
def test_a_condition_holds_or_not(where: dict[str, Any], held: bool) -> None:
    """Each operator, and their combinations, on one event."""
    assert predicate(Condition.model_validate(where))(EVENT) is held


def test_types_follow_from_fields() -> None:
    """A field that only findings have leaves only findings; fields that exclude each other leave nothing."""
    assert types(Condition.model_validate({"rule": "R"})) == {"finding"}
    assert types(Condition.model_validate({"actor": "a"})) == {"activity", "change"}
    assert types(Condition.model_validate({"actor": "a", "type": "change"})) == {"change"}
    assert types(Condition.model_validate({"rule": "R", "actor": "a"})) == frozenset()
    assert types(Condition.model_validate({"rule": {"exists": False}})) == {"activity", "finding", "change"}


def test_the_index_takes_the_most_telling_literal() -> None:
    """A rule's name before an action, an action before a source; alternatives together; nothing where one is open."""
    assert keys(Condition.model_validate({"source": "s", "action": ["a", "b"]})) == {("action", "a"), ("action", "b")}
    assert keys(Condition.model_validate({"action": {"prefix": "iam:Create"}})) == {("service", "iam")}
    assert keys(Condition.model_validate({"action": {"wildcard": "iam:*"}})) == {("service", "iam")}
    assert keys(Condition.model_validate({"action": {"wildcard": "ia*:x"}})) is None
    either = {"any_of": [{"action": "a"}, {"rule": "R"}]}
    assert keys(Condition.model_validate(either)) == {("action", "a"), ("rule", "R")}
    assert keys(Condition.model_validate({"any_of": [{"action": "a"}, {"actor": "b"}]})) is None
    assert keys(Condition.model_validate({"action": {"any_of": "a", "ignore_case": True}})) is None
    assert keys(Condition.model_validate({"none_of": [{"action": "a"}]})) is None


LEAVES = st.sampled_from(
    [
        {"action": "x:a"},
        {"action": {"prefix": ["x:", "y:"]}},
        {"source": {"wildcard": "y*"}},
        {"rule": ["R1", "R2"]},
        {"outcome": "success"},
        {"kind": "detection"},
        {"ip": "198.51.100.7"},
        {"actor": {"exists": False}},
        {"type": "finding"},
    ]
)
CONDITIONS = st.recursive(
    LEAVES,
    lambda inner: st.dictionaries(
        st.sampled_from(["all_of", "any_of", "none_of"]), st.lists(inner, min_size=1, max_size=3), min_size=1
    ),
    max_leaves=5,
)
EVENTS = [
    activity("1", "a"),
    activity("2", "b", actor="eve"),
    activity("3", "a", source="y", outcome="failure"),
    finding("4"),
    finding("5", rule="R3", kind="vulnerability"),
    activity("6", "a", type="change", kind="deploy", outcome=None),
]


@given(CONDITIONS)
def test_the_index_misses_no_event(where: dict[str, Any]) -> None:
    """An event that a condition holds for is found through the index, whatever the condition."""
    condition = Condition.model_validate(where)
    if not types(condition):
        return
    holds = predicate(condition)
    asked = rule("count", {"id": "s", "where": where}, at_least=1, group_by=[])
    for event in EVENTS:
        told = Caller(compiled(asked)).observe(event, 0)
        assert bool(told) is holds(event)
