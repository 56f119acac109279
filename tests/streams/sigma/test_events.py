"""What detection sees of a document, and what becomes of a match."""

from __future__ import annotations

from typing import Any

from schemas.check import fault
from streams.sigma.bundle import bundle, unbundle
from streams.sigma.events import finding, items, normalised
from streams.sigma.explain import explain, why
from streams.sigma.load import load
from streams.sigma.logsource import LOG_SOURCES
from streams.sigma.rule_set import RuleSet
from streams.sources.registry import SOURCES

RULE = """
title: A policy that allows everything
id: 00000000-0000-4000-8000-000000000009
name: all_allowed
level: critical
tags: [attack.privilege-escalation, attack.t1098.003]
references: [https://example.org]
logsource: {product: aws, service: cloudtrail}
detection:
  call: {eventSource: iam.amazonaws.com, eventName|startswith: [Put, Create]}
  words: ['"Action":"*"']
  service: {userIdentity.type: AWSService}
  condition: call and words and not service
"""
EVENT = {
    "eventSource": "iam.amazonaws.com",
    "eventName": "PutRolePolicy",
    "userIdentity": {"type": "IAMUser"},
    "requestParameters": {"policyDocument": '{"Action":"*"}'},
}
DRAFT: dict[str, Any] = {
    "type": "activity",
    "source_id": "e-1",
    "time": "2026-03-02T08:00:00+00:00",
    "domain": "aws:111122223333",
    "entities": [("principal", "arn:aws:iam::111122223333:user/ada"), ("ip", "203.0.113.9"), ("ip", "203.0.113.8")],
    "title": "PutRolePolicy",
    "action": "iam:PutRolePolicy",
}


def test_events_of_a_document_are_numbered_as_their_source_reads_them() -> None:
    """A list, an array under its name, a wrapped event and a single one."""
    one, two = {"eventName": "a"}, {"eventName": "b"}
    assert list(items("aws.cloudtrail", {"Records": [one, "no object", two]})) == [(0, one), (2, two)]
    assert list(items("aws.cloudtrail", [one, two])) == [(0, one), (1, two)]
    assert list(items("aws.cloudtrail", {"detail-type": "AWS API Call via CloudTrail", "detail": one})) == [(0, one)]
    assert list(items("kubernetes.audit", {"items": [one]})) == [(0, one)]
    assert (
        list(items("azure.signin", {"records": [one]})) == list(items("azure.activity", {"value": [one]})) == [(0, one)]
    )
    assert list(items("okta", {"data": {"events": [one, two]}})) == [(0, one), (1, two)]
    assert list(items("okta", {"items": [one]})) == [(0, {"items": [one]})]
    assert list(items("okta", "text")) == []


def test_a_match_is_a_finding_about_what_its_event_is_about() -> None:
    """It has the event's place, time and entities, the rule's id, title and severity, and says what was met."""
    rule = load([("r", RULE)]).rules[0]
    made = finding(rule, EVENT, DRAFT)
    assert fault({**made, "source": "aws.cloudtrail", "origin": ("raw", 0, 0, 0)}) is None
    assert (made["kind"], made["rule"], made["severity"], made["domain"]) == (
        "detection", rule.key, 5, "aws:111122223333"
    )  # fmt: skip
    assert made["source_id"] == f"e-1/{rule.key}"
    assert made["entities"] == DRAFT["entities"]
    assert made["evidence"] == (
        'eventSource iam.amazonaws.com; eventName PutRolePolicy; any value {"Action":"*"} ATT&CK: T1098.003'
    )


def test_a_rule_that_only_feeds_others_is_no_signal() -> None:
    """Its findings are informational, below what makes a signal."""
    more = "---\ntitle: c\ncorrelation: {type: event_count, rules: [all_allowed], timespan: 1h, condition: {gte: 2}}\n"
    (rule,) = load([("r", RULE + more)]).rules
    assert finding(rule, EVENT, DRAFT)["severity"] == 1


def test_rules_over_normalised_events_hold_for_every_source() -> None:
    """With ``product: weir`` a rule asks for our fields and for entities by their kind."""
    text = """
title: From the outside
logsource: {product: weir, service: activity}
detection: {s: {action|startswith: 'iam:', entity.ip|cidr: 203.0.113.8/32, source: aws.*}, condition: s}
"""
    rules = RuleSet(load([("r", text)]).rules)
    assert rules.wants("weir.activity")
    assert not rules.wants("weir.change")
    assert not rules.wants("aws.cloudtrail")
    assert len(rules.detect(normalised(DRAFT, "aws.cloudtrail"), "weir.activity")) == 1
    assert len(rules.detect(normalised(DRAFT, "okta"), "weir.activity")) == 0


def test_an_explanation_shows_each_part_with_what_was_compared() -> None:
    """What holds and what does not, under the names of the rule's detections."""
    (rule,) = load([("r", RULE)]).rules
    event = EVENT | {"userIdentity": {"type": "AWSService"}}
    assert list(explain(rule, event).lines()) == [
        "- condition: call and words and not service",
        "  + call",
        "    + eventSource 'iam.amazonaws.com': iam.amazonaws.com",
        "    + eventName|startswith 'Put' or|startswith 'Create': PutRolePolicy",
        "  + words",
        """    + any value '*"Action":"*"*': {"Action":"*"}""",
        "  - not",
        "    + service",
        "      + userIdentity.type 'AWSService': AWSService",
    ]
    assert "userIdentity" not in why(rule, EVENT)


def test_what_must_not_be_is_no_evidence() -> None:
    """A part below a ``not`` may hold where the whole of it does not; it is no reason for the match."""
    text = "{title: t, logsource: {product: aws}, detection: {s: {a: 1}, f: {b: 2, c: 3}, condition: s and not f}}"
    assert why(load([("r", text)]).rules[0], {"a": 1, "b": 2, "c": 4}) == "a 1"


def test_a_bundle_gives_the_same_rules_back() -> None:
    """Text, key and digest are all it takes; what no machine needs is left behind, and does not alter the digest."""
    texts, faults = bundle([("r", RULE)])
    assert faults == []
    assert texts[0].key == "00000000-0000-4000-8000-000000000009"
    assert "example.org" not in texts[0].text
    again = bundle([("other name", "# a remark\n" + RULE.replace("example.org", "example.com"))])[0]
    assert again == texts
    assert again[0].digest != bundle([("r", RULE.replace("IAMUser", "x").replace("Put,", "Set,"))])[0][0].digest
    (rule,) = unbundle(texts).rules
    assert rule.node == load([("r", RULE)]).rules[0].node
    assert RuleSet([rule]).detect(EVENT, "aws.cloudtrail") == [rule]


def test_a_document_that_changed_is_read_anew() -> None:
    """Nothing of an event is remembered under the object that held it."""
    text = "{title: t, logsource: {product: aws}, detection: {s: [word], condition: s}}"
    rules = RuleSet(load([("r", text)]).rules)
    event = {"a": "no"}
    assert not rules.detect(event, "aws.cloudtrail")
    event["a"] = "a word"
    assert rules.detect(event, "aws.cloudtrail")


def test_a_field_that_holds_an_empty_object_is_there() -> None:
    """Through the index as without it."""
    text = "{title: TITLE, logsource: {product: aws}, detection: {s: {ASKED}, condition: s}}"
    asked = ["a|exists: true", *(f"a: x{number}" for number in range(9))]
    texts = [(each, text.replace("TITLE", each.replace(":", "")).replace("ASKED", each)) for each in asked]
    rules = RuleSet(load(texts).rules)
    assert rules.fields("aws.cloudtrail") == ("a",)
    assert [rule.title for rule in rules.detect({"a": {}}, "aws.cloudtrail")] == ["a|exists true"]
    assert len(rules.detect({"a": {"b": "x3"}}, "aws.cloudtrail")) == 2
    assert not rules.detect({"a": []}, "aws.cloudtrail")


def test_the_digest_of_a_set_does_not_depend_on_order() -> None:
    """And differs when a rule does."""
    one, two = (load([("r", RULE.replace("0009", number))]).rules[0] for number in ("0009", "0008"))
    assert RuleSet([one, two]).digest == RuleSet([two, one]).digest != RuleSet([one]).digest


def test_every_log_source_is_of_a_source_that_there_is() -> None:
    """The table names no source that Weir does not have, but for normalised events."""
    known = {source.name for source in SOURCES} | {"weir.activity", "weir.finding", "weir.change"}
    assert set(LOG_SOURCES) <= known
