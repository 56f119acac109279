"""From vendors' documents to a match of a Sigma correlation: detections, their findings, and the engine's rule."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from streams.correlation.rules.groups import RuleState
from streams.correlation.rules.rule_set import compile_rules
from streams.correlation.table import Table
from streams.sigma.events import finding
from streams.sigma.load import load
from streams.sigma.rule_set import RuleSet

TEXT = """
title: Failed console login
name: failed
logsource: {product: aws, service: cloudtrail}
detection: {s: {eventName: ConsoleLogin, responseElements.ConsoleLogin: Failure}, condition: s}
---
title: Console login
name: worked
logsource: {product: aws, service: cloudtrail}
detection: {s: {eventName: ConsoleLogin, responseElements.ConsoleLogin: Success}, condition: s}
---
title: Many failed console logins
name: many
correlation:
  {type: event_count, rules: [failed], group-by: [sourceIPAddress, awsRegion], timespan: 10m, condition: {gte: 3}}
---
title: Login after many failures
name: guessed
level: high
correlation:
  {type: temporal_ordered, rules: [many, worked], group-by: [sourceIPAddress, awsRegion], timespan: 10m}
"""
LOADED = load([("rules.yml", TEXT)])
DETECTIONS = RuleSet(LOADED.rules)


def matches(*logins: tuple[int, str, str, str]) -> list[tuple[str, int]]:
    """Rule and members of all matches told of logins: minute, outcome, address, region."""
    rules, faults = compile_rules(each.rule for each in LOADED.correlations)
    assert (LOADED.faults, faults) == ((), [])
    state = RuleState(lambda name: Table(name, []))
    out = []
    for number, (minute, outcome, address, region) in enumerate(logins):
        event: dict[str, Any] = {
            "eventName": "ConsoleLogin", "responseElements": {"ConsoleLogin": outcome}, "awsRegion": region
        }  # fmt: skip
        draft = {"source_id": f"e{number}", "time": "", "domain": "d", "entities": [("ip", address)]}
        for rule in DETECTIONS.detect(event, "aws.cloudtrail"):
            found = SimpleNamespace(source="aws.cloudtrail", **finding(rule, event, draft))
            time = minute * 60_000
            out += [(match.rule.split("@")[0], match.members) for match in rules.observe(state, found, time, time)]
    return out


def test_many_failures_then_one_that_works() -> None:
    """The chained correlation matches where count, order, time and both groups agree, and nowhere else."""
    failures = [(minute, "Failure", "203.0.113.9", "eu-west-1") for minute in range(3)]
    assert matches(*failures, (5, "Success", "203.0.113.9", "eu-west-1")) == [("guessed", 4)]
    assert matches(*failures[1:], (5, "Success", "203.0.113.9", "eu-west-1")) == []
    assert matches(*failures, (5, "Success", "203.0.113.8", "eu-west-1")) == []
    assert matches(*failures, (5, "Success", "203.0.113.9", "eu-west-2")) == []
    assert matches(*failures, (15, "Success", "203.0.113.9", "eu-west-1")) == []
