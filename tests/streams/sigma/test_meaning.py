"""What each modifier and condition means, by examples: the words of the Sigma specification made true or false."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from streams.sigma.condition import predicate
from streams.sigma.load import load


def holds(detection: str, event: dict[str, Any], logsource: str = "product: aws") -> bool:
    """Whether a rule with this detection (YAML of one mapping, or whole with a condition) holds for the event."""
    given = yaml.safe_load(detection)
    if not (isinstance(given, dict) and "condition" in given):
        given = {"s": given, "condition": "s"}
    text = yaml.safe_dump({"title": "t", "logsource": yaml.safe_load(f"{{{logsource}}}"), "detection": given})
    loaded = load([("t", text)])
    assert not loaded.faults, loaded.faults
    return predicate(loaded.rules[0].node)(event)


CASES: tuple[tuple[str, Any, Any], ...] = (
    ("f: abc", "ABC", "abcd"),
    ("f: 'a*c'", "aXXc", "abd"),
    ("f: 'a?c'", "abc", "abbc"),
    (r"f: 'a\*c'", "a*c", "abc"),
    (r"f: 'a\\*'", r"a\bc", "a*"),
    (r"f: '\a'", r"\a", "a"),
    ("f: ''", "", "x"),
    ("f|contains: bc", "aBCd", "b c"),
    ("f|startswith: ab", "Abc", "cab"),
    ("f|endswith: bc", "aBC", "bca"),
    ("f|contains|all: [a, b]", "bXa", "a"),
    ("f|cased: Ab", "Ab", "ab"),
    ("f|contains|cased: Ab", "xAbx", "xabx"),
    ("f|re: '^a.c$'", "abc", "ABC"),
    ("f|re|i: '^a.c$'", "ABC", "abcd"),
    ("f|re|s: 'a.c'", "a\nc", "ac"),
    ("f|re|m: '^b'", "a\nb", "ab"),
    ("f|re: b", "abc", "ac"),
    ("f|re|startswith: 'a|b'", "bx", "xa"),
    ("f|re|endswith: 'a|b'", "xa", "ax"),
    ("f|cidr: 10.0.0.0/8", "10.9.8.7", "11.0.0.1"),
    ("f|cidr: '2001:db8::/32'", "2001:db8:1::", "2001:db9::"),
    ("f|cidr: 10.0.0.0/8", "10.9.8.7", "not an address"),
    ("f|base64: foo", "Zm9v", "foo"),
    ("f|base64offset|contains: foobar", "eGZvb2Jhcg==", "eGZvb2Jh"),
    ("f|wide|base64offset|contains: ping", "cABpAG4AZwA=", "cGluZw=="),
    ("f|utf16|base64: a", "//5hAA==", "YQ=="),
    ("f|utf16be|base64: a", "AGE=", "YQA="),
    ("f|windash|contains: '-x'", "cmd /x", "cmd x"),
    ("f|exists: true", 0, None),
    ("f|exists: false", [], ""),
    ("f: null", None, ""),
    ("f: [null, a]", "a", "b"),
    ("f|neq: a", "b", "A"),
    ("f|neq: [a, b]", None, ["c", "b"]),
    ("f|gt: 5", 5.5, 5),
    ("f|gte: 5", "5", "4.9"),
    ("f|lt: 5", -1, True),
    ("f|lte: 5", 5, "five"),
    ("f: 22", "22", 23),
    ("f: 22", 22.0, True),
    ("f: true", "TRUE", 1),
    ("f: 'true'", True, "yes"),
    ("f: '22'", 22, 220),
    ("f|hour: 21", "2026-03-02T23:10:00+02:00", "2026-03-02T23:10:00Z"),
    ("f|minute|gte: 30", 1772451000, 1772449260),
    ("f|week: 10", "2026-03-02", "2026-03-09"),
    ("f|day: 2", 1772451000000, "never"),
    ("f|month: 3", "2026-03-02 08:00:00", "2026-04-02"),
    ("f|year: 2026", "2026-03-02T08:00:00.0000000Z", "2025-03-02"),
    ("f|fieldref: g", "GVALUE", "other"),
    ("f|fieldref|startswith: g", "gvalue and more", "more gvalue"),
    ("f|fieldref|endswith: g", "more gvalue", "gvalue more"),
    ("f|fieldref|contains: g", "a gvalue b", "value"),
    ("f: [a, 'b*']", ["x", ["B1"]], ["x"]),
    ("f|contains: deep", {"any": [{"below": "so deep"}]}, {"deep": "key"}),
    ("f.a.b: 1", {"a": [{"b": 2}, {"b": 1}]}, {"a": {"c": 1}}),
    ("f.0: x", ["x", "y"], ["y", "x"]),
    ("f.k/8s.io: x", {"k/8s.io": "x"}, {"k/8s": {"o": "x"}}),
)


@pytest.mark.parametrize(("detection", "good", "bad"), CASES, ids=[f"{n}-{case[0]}" for n, case in enumerate(CASES)])
def test_a_field_is_asked_as_sigma_says(detection: str, good: Any, bad: Any) -> None:
    """Of two values of one field, the condition holds for the first and not for the second."""
    assert holds(detection, {"f": good, "g": "gvalue"})
    assert not holds(detection, {"f": bad, "g": "gvalue"})


def test_a_flat_document_has_the_same_fields() -> None:
    """A key with dots is the field of that name."""
    assert holds("a.b.c: x", {"a.b.c": "x"})
    assert holds("a.b.c: x", {"a": {"b.c": "x"}})
    assert holds("a.b.c: x", {"a.b": {"c": ["x"]}})


def test_keywords_are_looked_for_in_every_value() -> None:
    """A keyword without a field is found inside of any value, never in a key."""
    event = {"a": {"key": ["some Text", 4625]}}
    assert holds("[nothing, 'some*ext']", event)
    assert holds("[462]", event)
    assert holds("{'|all': [some, text]}", event)
    assert not holds("{'|all': [some, other]}", event)
    assert not holds("[key]", event)


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("a and b", False),
        ("a or b", True),
        ("a and not b", True),
        ("not a or b", False),
        ("not (a and b)", True),
        ("(a or b) and c1", True),
        ("1 of c*", True),
        ("all of c*", False),
        ("any of c*", True),
        ("1 of them", True),
        ("all of them", False),
        ("not 1 of c*", False),
        ("a and not all of c*", True),
        ("[b, a]", True),
        ("[b, c2]", False),
    ],
)
def test_conditions_join_detections(condition: str, expected: bool) -> None:
    """``and``, ``or``, ``not``, parentheses, ``1 of``, ``all of``, ``them``; of a list of conditions one must hold."""
    detections = "{a: {x: 1}, b: {x: 2}, c1: {y: 1}, c2: {y: 2}, condition: CONDITION}".replace("CONDITION", condition)
    assert holds(detections, {"x": 1, "y": 1}) is expected


def test_a_list_of_mappings_is_any_of_them() -> None:
    """In a mapping all items must hold, in a list one of its mappings."""
    assert holds("[{a: 1, b: 1}, {c: 1}]", {"c": 1})
    assert not holds("[{a: 1, b: 1}, {c: 1}]", {"a": 1})


@pytest.mark.parametrize(
    ("logsource", "detection", "event"),
    [
        ("product: gcp, service: gcp.audit", "gcp.audit.method_name: m", {"protoPayload": {"methodName": "m"}}),
        (
            "product: gcp, service: gcp.audit",
            "gcp.audit.request.source_ranges: r",
            {"protoPayload": {"request": {"sourceRanges": ["q", "r"]}}},
        ),
        ("product: azure, service: activitylogs", "operationName: o", {"operationName": {"value": "O"}}),
        ("product: azure, service: activitylogs", "OperationNameValue: o", {"operationName": "O"}),
        ("product: azure, service: signinlogs", "HomeTenantId: t", {"properties": {"homeTenantId": "t"}}),
        ("product: okta, service: okta", "eventtype: e", {"eventType": "e"}),
        (
            "product: kubernetes, service: audit",
            "hostPath: '*'",
            {"requestObject": {"spec": {"volumes": [{"name": "v", "hostPath": {"path": "/"}}]}}},
        ),
    ],
)
def test_names_of_sigmahq_are_those_of_the_document(logsource: str, detection: str, event: dict[str, Any]) -> None:
    """A field under the name that SigmaHQ's rules use is found where the vendor's document has it."""
    assert holds(detection, event, logsource)
    assert not holds(detection, {"other": event}, logsource)
