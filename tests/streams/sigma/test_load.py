"""Texts become rules, or there is a fault with file, document, line, place and reason."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from streams.sigma.load import compile_rule, load
from streams.sigma.rule_set import RuleSet

GOOD = """
title: A user was made
id: 00000000-0000-4000-8000-000000000001
name: user_made
logsource: {product: aws, service: cloudtrail}
detection:
  call:
    eventName: CreateUser
  condition: call
level: high
tags: [attack.t1136.003]
"""


def lines(text: str) -> list[str]:
    loaded = load([("r.yml", text)])
    assert loaded.failed == len({fault.document for fault in loaded.faults})
    return [str(fault) for fault in loaded.faults]


def test_a_rule_keeps_what_it_says() -> None:
    """Id, level as OCSF severity, log source, tags and conditions are those of the document."""
    (rule,) = load([("r.yml", GOOD)]).rules
    assert (rule.key, rule.severity, rule.tags) == ("00000000-0000-4000-8000-000000000001", 4, ("attack.t1136.003",))
    assert (str(rule.logsource), rule.conditions, rule.file, rule.line) == ("aws/cloudtrail/*", ("call",), "r.yml", 2)


def test_every_fault_of_a_detection_has_its_place() -> None:
    """Each item that cannot be read is named with its line, not the first one only."""
    text = GOOD.replace("eventName: CreateUser", "a|foo: 1\n    b|cidr: x\n    c|re: '(?=x)'")
    one, two, three = lines(text)
    assert one == "r.yml:8: document 1: detection.call.a|foo: Unknown modifier 'foo'"
    assert two.startswith("r.yml:9: document 1: detection.call.b|cidr: Invalid CIDR expression")
    assert three.startswith("r.yml:10: document 1: detection.call.c|re: Regular expression")


def test_documents_fail_one_by_one() -> None:
    """A bad document among good ones takes nothing else with it."""
    bad = GOOD.replace("0001", "0002").replace("user_made", "bad").replace("condition: call", "condition: nothing")
    last = GOOD.replace("0001", "0003").replace("user_made", "last")
    loaded = load([("r.yml", f"{GOOD}---{bad}---{last}")])
    assert [rule.name for rule in loaded.rules] == ["user_made", "last"]
    assert [(f.document, f.line, f.place, f.reason) for f in loaded.faults] == [
        (2, 20, "detection.condition", "there is no detection 'nothing'")
    ]


def test_broken_yaml_is_a_fault_and_what_was_before_it_is_kept() -> None:
    """What stands before a mistake in the YAML is read; the mistake has its line."""
    loaded = load([("r.yml", f"{GOOD}---\na: [1\nb: 2\n")])
    assert len(loaded.rules) == 1
    assert loaded.faults[0].document == 2
    assert loaded.faults[0].reason.startswith("is no YAML")


def test_odd_documents_are_faults() -> None:
    """Empty texts, lists, keys that are no text, keys twice, dates of no calendar, alias bombs: each is said."""
    bomb = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
        f"{chr(98 + n)}: &{chr(98 + n)} [{','.join([f'*{chr(97 + n)}'] * 9)}]\n" for n in range(6)
    )
    for text, said in (
        ("", "no rule in it"),
        ("- a\n- b\n", "is no mapping of keys to values"),
        (GOOD.replace("call:", "1:"), "the key 1 is no text; quote it"),
        (GOOD.replace("eventName: CreateUser", "eventName: a\n    eventName: b"), "Duplicate key"),
        (GOOD + "date: 2026-13-41\n", "is no YAML"),
        (GOOD + bomb, "aliases expand to too many nodes"),
        (GOOD.replace("00000000-0000-4000-8000-000000000001", "no-uuid"), "must be an UUID"),
        (GOOD.replace("level: high", "level: urgent"), "is not a valid Sigma rule level"),
        (GOOD.replace("title: A user was made", "titel: x"), "must have a title"),
        (GOOD.replace("condition: call", "condition: call | count() > 5"), "deprecated"),
        (GOOD.replace("condition: call", "condition: call and"), "condition"),
        (GOOD.replace("condition: call", "condition: 1 of nothing_*"), "no detection is meant by"),
        (GOOD.replace("condition: call", "condition: 5"), "is no text"),
        (GOOD.replace("eventName: CreateUser", "eventName: {a: b}"), ""),
        (GOOD.replace("eventName: CreateUser", "eventName|expand: '%names%'"), "the placeholder %names% has no values"),
        ("action: something\n" + GOOD, "is no action"),
    ):
        found = lines(text)
        assert found, text
        assert said in found[0], found


def test_a_rule_that_is_there_twice_is_refused_the_second_time() -> None:
    """Two rules of one id are two meanings of one name: the later is a fault that names the first."""
    loaded = load([("a.yml", GOOD), ("b.yml", GOOD)])
    assert len(loaded.rules) == 1
    assert "is in a.yml, document 1 already" in str(loaded.faults[0])


def test_a_rule_for_no_source_of_ours_compiles_with_a_note() -> None:
    """It cannot match, which is said; it is no failure of the rule."""
    loaded = load([("r.yml", GOOD.replace("product: aws, service: cloudtrail", "product: windows"))])
    assert (loaded.faults, len(loaded.rules)) == ((), 1)
    assert "no source gives events of windows/*/*" in str(loaded.notes[0])


def test_placeholders_take_their_values() -> None:
    """A placeholder stands for each of its values, in which wildcards count."""
    text = GOOD.replace("eventName: CreateUser", "eventName|expand: '%verbs%User'")
    rules = RuleSet(load([("r.yml", text)], {"verbs": ["Create", "De*te"]}).rules)
    names = ["CreateUser", "DeleteUser", "ListUser"]
    assert [bool(rules.detect({"eventName": name}, "aws.cloudtrail")) for name in names] == [True, True, False]


def test_templates_of_a_collection_are_applied() -> None:
    """``action: global`` gives what the rules after it share, ``repeat`` a variant of the last one."""
    text = """
action: global
logsource: {product: aws, service: cloudtrail}
---
title: one
detection: {s: {eventName: A}, condition: s}
---
action: repeat
title: two
detection: {s: {eventName: B}}
"""
    loaded = load([("r.yml", text)])
    assert [rule.title for rule in loaded.rules] == ["one", "two"]
    rules = RuleSet(loaded.rules)
    assert [r.title for r in rules.detect({"eventName": "B"}, "aws.cloudtrail")] == ["two"]


def test_a_filter_takes_away_from_the_rules_it_names() -> None:
    """A filter's condition must hold besides the rule's; rules that it is not for stay as they are."""
    other = GOOD.replace("0001", "0002").replace("user_made", "other")
    filtering = """
title: Not the pipeline
logsource: {product: aws}
filter:
  rules: [user_made]
  selection: {userAgent|startswith: pipeline}
  condition: not selection
"""
    loaded = load([("r.yml", f"{GOOD}---{other}---{filtering}")])
    assert (loaded.faults, loaded.filters) == ((), 1)
    event = {"eventName": "CreateUser", "userAgent": "pipeline/1"}
    assert [rule.name for rule in RuleSet(loaded.rules).detect(event, "aws.cloudtrail")] == ["other"]
    elsewhere = load([("r.yml", f"{GOOD}---{filtering.replace('product: aws', 'product: gcp')}")])
    assert len(RuleSet(elsewhere.rules).detect(event, "aws.cloudtrail")) == 1
    assert "applies to none" in str(elsewhere.notes[0])


def test_tests_are_no_part_of_what_a_rule_means() -> None:
    """A rule with other tests is the same rule: its digest stays."""
    tested = GOOD + "tests: [{match: true, event: {eventName: CreateUser}}]\n"
    one, two = load([("r", GOOD)]).rules[0], load([("r", tested)]).rules[0]
    assert one.digest == two.digest
    assert (len(one.cases), len(two.cases)) == (0, 1)


def test_a_rule_text_is_compiled_once() -> None:
    """Loading the same rules again gives the same conditions without compiling."""
    compile_rule.cache_clear()
    one, two = load([("a.yml", GOOD)]).rules[0], load([("b.yml", GOOD)]).rules[0]
    assert one.node is two.node
    assert compile_rule.cache_info().misses == 1


_JSON: st.SearchStrategy[Any] = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-9, 9), st.floats(), st.text(max_size=5)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=8), inner, max_size=3)),
    max_leaves=8,
)
_KEYS = (
    "title",
    "id",
    "name",
    "logsource",
    "detection",
    "correlation",
    "filter",
    "level",
    "tags",
    "date",
    "tests",
    "action",
)


@given(st.dictionaries(st.sampled_from(_KEYS), st.one_of(_JSON, st.fixed_dictionaries({
    "condition": _JSON, "type": st.sampled_from(("event_count", "temporal")), "rules": _JSON, "timespan": _JSON,
    "a": _JSON, "group-by": _JSON, "aliases": _JSON,
})), max_size=6))  # fmt: skip
def test_no_document_brings_the_loader_down(body: dict[str, Any]) -> None:
    """Whatever a document holds, it compiles or is a fault."""
    import json

    loaded = load([("x", json.dumps(body)), ("good", GOOD)])
    assert loaded.compiled + loaded.failed >= 1
    assert any(rule.file == "good" for rule in loaded.rules) or loaded.faults
