"""Sigma correlations as rules of ours, and what cannot be said by one."""

from __future__ import annotations

import pytest
import yaml

from streams.correlation.rules.check import faults
from streams.sigma.events import finding
from streams.sigma.load import Loaded, load

BASE = """
title: Failed login
name: failed
logsource: {product: aws, service: cloudtrail}
detection: {s: {eventName: ConsoleLogin, errorMessage: Failed}, condition: s}
---
title: Login
name: worked
logsource: {product: aws, service: cloudtrail}
detection: {s: {eventName: ConsoleLogin}, condition: s}
---
title: Audit
name: audited
logsource: {product: github, service: audit}
detection: {s: {action: org.add_member}, condition: s}
"""


def loaded(correlation: str, more: str = "") -> Loaded:
    body = {
        "title": "C",
        "name": "c",
        "level": "high",
        "date": "2026-03-02",
        "correlation": yaml.safe_load(correlation),
    }
    result = load([("r.yml", f"{BASE}---\n{yaml.safe_dump(body)}{more}")])
    assert faults(each.rule for each in result.correlations) == []
    return result


def one(correlation: str, more: str = "") -> dict[str, object]:
    result = loaded(correlation, more)
    assert result.faults == ()
    (made,) = result.correlations
    return made.rule.model_dump(mode="json", exclude={"name", "version", "title", "severity", "lateness", "max_groups"})


def step(number: int, *keys: str, **more: object) -> dict[str, object]:
    where = {"type": {"any_of": ["finding"]}, "rule": {"any_of": list(keys)}}
    return {"id": f"step-{number}", "where": where, "at_least": 1} | more


def test_event_count_is_a_count_of_findings() -> None:
    """So many of one detection within the time, by an entity of ours; gt is one more than gte."""
    made = one("{type: event_count, rules: [failed], group-by: [sourceIPAddress], timespan: 5m, condition: {gt: 4}}")
    assert made == {
        "kind": "count", "timespan": 300_000, "group_by": ["ip"], "steps": [step(1, "failed")], "at_least": 5,
        "link_only": False,
    }  # fmt: skip


def test_version_severity_and_silence_come_from_the_documents() -> None:
    """The day of the date is the version; detections that only feed a correlation are silent, unless it generates."""
    text = "{type: event_count, rules: [failed], timespan: 5m, condition: {gte: 4}}"
    result = loaded(text)
    assert (result.correlations[0].rule.version, result.correlations[0].rule.severity) == (20_514, 4)
    assert {rule.key: rule.silent for rule in result.rules} == {"failed": True, "worked": False, "audited": False}
    result = loaded(text.replace("rules:", "generate: true, rules:"))
    assert not any(rule.silent for rule in result.rules)


def test_value_count_counts_values_of_an_entity() -> None:
    """Different users from one address, at least so many."""
    made = one(
        "{type: value_count, rules: [failed], group-by: [sourceIPAddress], timespan: 1h,"
        " condition: {gte: 9, field: userIdentity.arn}}"
    )
    assert (made["kind"], made["field"], made["at_least"]) == ("distinct", "principal", 9)


def test_temporal_is_all_and_ordered_a_sequence_with_aliases() -> None:
    """An alias names the field of each rule; where these are different entities, each step says which."""
    text = (
        "{type: temporal_ordered, rules: [failed, audited], timespan: 1h, group-by: [who],"
        " aliases: {who: {failed: userIdentity.arn, audited: actor}}}"
    )
    made = one(text)
    assert (made["kind"], made["group_by"]) == ("sequence", ["principal"])
    made = one(text.replace("temporal_ordered", "temporal").replace("actor", "repo"))
    assert (made["kind"], made["group_by"]) == ("all", ["who"])
    assert made["steps"] == [
        step(1, "failed", group={"who": "principal"}), step(2, "audited", group={"who": "repository"})
    ]  # fmt: skip


def test_extended_conditions() -> None:
    """``and`` joins steps, ``or`` is one step, ``not`` an absence: around, or after where the order counts."""
    made = one("{type: temporal, timespan: 1h, condition: (failed or worked) and audited}")
    assert (made["kind"], made["steps"]) == ("all", [step(1, "failed", "worked"), step(2, "audited")])
    made = one("{type: temporal, timespan: 1h, condition: failed and not (worked or audited)}")
    assert made["kind"] == "absence"
    assert made["steps"] == [step(1, "failed"), step(2, "worked", "audited", absent="around")]
    made = one("{type: temporal_ordered, timespan: 1h, condition: failed and not worked}")
    assert made["steps"] == [step(1, "failed"), step(2, "worked", absent="after")]


def test_a_field_that_is_no_entity_is_the_location_of_the_findings() -> None:
    """The correlation groups by the location, and each detection says which of its fields that is."""
    result = loaded(
        "{type: temporal, rules: [failed, audited], timespan: 1h, group-by: [role, sourceIPAddress],"
        " aliases: {role: {failed: requestParameters.roleName, audited: team}, sourceIPAddress: {audited: actor_ip}}}"
    )
    assert result.correlations[0].rule.group_by == ("location", "ip")
    rules = {rule.key: rule for rule in result.rules}
    assert rules["failed"].locates == (("requestParameters.roleName",),)
    assert rules["audited"].locates == (("team",),)
    draft = {"source_id": "e", "time": "2026-03-02T08:00:00Z", "domain": "d", "entities": []}
    event = {"requestParameters": {"roleName": "admin"}}
    assert finding(rules["failed"], event, draft)["location"] == "admin"
    assert finding(rules["failed"], {}, draft)["location"] is None
    assert "location" not in finding(rules["worked"], event, draft)


def test_several_fields_that_are_no_entity_are_one_location() -> None:
    """Equal exactly where each of them is; a finding that lacks one has none, so it takes no part."""
    result = loaded("{type: event_count, rules: [failed], group-by: [a.x, b], timespan: 5m, condition: {gte: 4}}")
    assert result.correlations[0].rule.group_by == ("location",)
    draft = {"source_id": "e", "time": "2026-03-02T08:00:00Z", "domain": "d", "entities": []}
    assert finding(result.rules[0], {"a": {"x": 1}, "b": "two"}, draft)["location"] == "1; two"
    assert finding(result.rules[0], {"a": {"x": 1}}, draft)["location"] is None


MANY = """
---
title: Many
name: many
correlation: {type: event_count, rules: [failed], group-by: [sourceIPAddress], timespan: 1h, condition: {gte: 5}}
"""


def test_a_chain_is_one_rule() -> None:
    """Many failures, then one that works: the inner count is a step of the sequence, and no rule of its own."""
    made = one("{type: temporal_ordered, rules: [many, worked], timespan: 1h, group-by: [sourceIPAddress]}", MANY)
    assert (made["kind"], made["group_by"]) == ("sequence", ["ip"])
    assert made["steps"] == [step(1, "failed") | {"at_least": 5}, step(2, "worked")]


@pytest.mark.parametrize(
    ("correlation", "place", "said"),
    [
        ("{type: event_count, rules: [failed], timespan: 5m, condition: {lt: 4}}", "correlation.condition", "lt 4"),
        (
            "{type: event_count, rules: [none], timespan: 5m, condition: {gte: 4}}",
            "correlation.rules",
            "no rule 'none'",
        ),
        ("{type: event_count, rules: [many], timespan: 5m, condition: {gte: 4}}", "correlation.rules", "no events"),
        ("{type: event_count, rules: [failed], timespan: 1y, condition: {gte: 4}}", "correlation.timespan", "31 days"),
        ("{type: event_count, rules: [failed], timespan: 5q, condition: {gte: 4}}", "correlation.timespan", "invalid"),
        (
            "{type: value_count, rules: [failed], group-by: [awsRegion], timespan: 5m, condition: {gte: 4, field: x}}",
            "correlation.condition.field",
            "x of 'Failed login' is no entity, and their place has awsRegion already",
        ),
        (
            "{type: value_sum, rules: [failed], timespan: 5m, condition: {gte: 4, field: x}}",
            "correlation.type",
            "value_sum",
        ),
        (
            "{type: temporal, rules: [failed, worked], timespan: 5m, condition: {gte: 1}}",
            "correlation.condition",
            "asks for a part",
        ),
        (
            "{type: temporal, timespan: 1h, condition: (failed and worked) or audited}",
            "correlation.condition",
            "none of",
        ),
        (
            "{type: temporal_ordered, rules: [many, worked], timespan: 2h, group-by: [sourceIPAddress]}",
            "correlation.rules",
            "shorter timespan",
        ),
        (
            "{type: temporal_ordered, rules: [many, worked], timespan: 1h, group-by: [userIdentity.arn]}",
            "correlation.group-by",
            "differs",
        ),
        ("{type: temporal, rules: [c, failed], timespan: 1h}", "correlation.rules", "itself"),
        ("{type: strange, rules: [failed], timespan: 1h, condition: {gte: 1}}", "correlation.type", "no valid"),
    ],
)
def test_what_no_rule_of_ours_says_is_a_fault(correlation: str, place: str, said: str) -> None:
    """Each has its place and what is missing, and silences no detection."""
    result = loaded(correlation, MANY)
    (fault,) = result.faults
    assert (fault.document, fault.place) == (4, place)
    assert said in fault.reason
