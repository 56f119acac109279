"""Published correlation cases as Sigma correlation rules: what comes of them decides as the rules written by hand do.

Each detection of a case becomes a Sigma detection over documents of its vendor, each output a document that goes the
whole way: detection, finding with its entities or location, correlation. A minimum count is an ``event_count`` within
the ``temporal`` rule, an absence is ``and not``, and a field that is called differently in each detection an alias.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from schemas.rule import Rule
from streams.correlation.rules.rule_set import RuleSet, compile_rules
from streams.evaluation.windows import _LATENESS, CASES, _instant, _matches, _orders, rule_of
from streams.sigma.condition import predicate
from streams.sigma.events import finding
from streams.sigma.fields import entity_of
from streams.sigma.load import Loaded, load

DATA = Path(__file__).resolve().parents[3].parent / "shared" / "data"
PUBLISHED = json.loads((DATA / CASES).read_text()) if (DATA / CASES).is_file() else []

VENDORS = {
    "AWS": {"product": "aws", "service": "cloudtrail"},
    "Azure": {"product": "azure", "service": "activitylogs"},
    "GCP": {"product": "gcp", "service": "gcp.audit"},
    "GitHub": {"product": "github", "service": "audit"},
    "Okta": {"product": "okta", "service": "okta"},
    "Retrieve": {"product": "aws", "service": "cloudtrail"},
    "Sign-in": {"product": "aws", "service": "cloudtrail"},
}
"""By how the name of a detection begins. Of another vendor, the first part of the name is the product."""

OURS: dict[str, Any] = {
    "RuleID": "Role.Made.And.Used",
    "DisplayName": "A role that was made twice, and used",
    "Severity": "High",
    "Detection": [
        {
            "Group": [
                {"ID": "made", "RuleID": "AWS.Role.Made", "MinMatchCount": 2},
                {"ID": "used", "RuleID": "Okta.Role.Used"},
            ],
            "MatchCriteria": {
                "field_name": [{"GroupID": "made", "Match": "role"}, {"GroupID": "used", "Match": "actor.alternateId"}]
            },
            "LookbackWindowMinutes": 60,
        }
    ],
    "Tests": [
        {
            "Name": f"used after {minutes} minutes",
            "ExpectedResult": expected,
            "RuleOutputs": [
                {"ID": "made", "Matches": {"role": {"ops": made}}},
                {"ID": "used", "Matches": {"actor.alternateId": {who: [minutes]}}},
            ],
        }
        for minutes, made, who, expected in [
            (50, [0, 5], "ops", True),
            (61, [0, 5], "ops", False),
            (50, [0], "ops", False),
            (50, [0, 5], "dev", False),
        ]
    ],
}
"""A case of our own, with a count and two names for one thing."""


def logsource(detection: str) -> dict[str, str]:
    vendor = detection.split(".")[0]
    return VENDORS.get(vendor, {"product": vendor.lower()})


def sigma_of(case: dict[str, Any]) -> list[dict[str, Any]]:
    """A case as Sigma documents: its detections, counts of those that are to come several times, the correlation."""
    (detection,) = case["Detection"]
    match = {each["GroupID"]: each["Match"] for each in detection["MatchCriteria"]["field_name"]}
    timespan = f"{detection['LookbackWindowMinutes']}m"
    documents: list[dict[str, Any]] = []
    parts, aliases = [], {}
    for member in detection["Group"]:
        name = part = re.sub(r"\W+", "_", member["ID"].lower())
        documents.append(
            {
                "title": member["ID"],
                "name": name,
                "logsource": logsource(member["RuleID"]),
                "detection": {"output": {"detected": member["RuleID"]}, "condition": "output"},
            }
        )
        count = member.get("MinMatchCount", 1)
        if count > 1:
            part = f"{name}_{count}_times"
            counted: dict[str, Any] = {"type": "event_count", "rules": [name], "group-by": [match[member["ID"]]]}
            counted |= {"timespan": timespan, "condition": {"gte": count}}
            documents.append({"title": part, "name": part, "correlation": counted})
        parts.append(f"not {part}" if member.get("Absence") else part)
        aliases[part] = match[member["ID"]]
    correlation = {
        "type": "temporal",
        "timespan": timespan,
        "group-by": ["subject"],
        "aliases": {"subject": aliases},
        "condition": " and ".join(sorted(parts, key=lambda part: part.startswith("not "))),
    }
    title, level = case["DisplayName"][:256], case["Severity"].lower()
    return [*documents, {"title": title, "name": "case", "level": level, "correlation": correlation}]


def compiled(case: dict[str, Any]) -> tuple[Loaded, RuleSet]:
    loaded = load([(f"{number}.yml", json.dumps(each)) for number, each in enumerate(sigma_of(case))])
    assert loaded.faults == ()
    (made,) = loaded.correlations
    rules, faults = compile_rules([made.rule.model_copy(update={"lateness": _LATENESS})])
    assert not faults
    return loaded, rules


def arrivals(case: dict[str, Any], test: dict[str, Any], loaded: Loaded) -> Iterator[tuple[SimpleNamespace, int]]:
    """The findings of a test's outputs, each with its time, as Sigma detections make them of documents."""
    (detection,) = case["Detection"]
    detections = {member["ID"]: member["RuleID"] for member in detection["Group"]}
    number = 0
    for output in test["RuleOutputs"]:
        for field, by_value in output["Matches"].items():
            for value, times in by_value.items():
                document = {"detected": detections[output["ID"]], field: value}
                for time in times:
                    number += 1
                    for rule in loaded.rules:
                        if predicate(rule.node)(document):
                            kind = entity_of(rule.logsource, field)
                            draft: dict[str, Any] = {"source_id": str(number), "time": "", "domain": "cases"}
                            draft["entities"] = ((kind, value),) if kind else ()
                            made = {"location": None} | finding(rule, document, draft)
                            yield SimpleNamespace(**made, source="cases"), _instant(time)


def asked(rule: Rule) -> list[tuple[int, str]]:
    """How often each step is to come, or where it must not."""
    return sorted((step.at_least, str(step.absent)) for step in rule.steps)


@pytest.mark.parametrize("case", [OURS, *PUBLISHED], ids=lambda case: case["RuleID"])
def test_a_case_as_sigma_decides_as_written_by_hand(case: dict[str, Any]) -> None:
    """Kind, window and counts are those of the rule by hand, and each test gives what is expected in every order."""
    loaded, rules = compiled(case)
    by_hand, _ = rule_of(case)
    (made,) = (each.rule for each in loaded.correlations)
    assert (made.kind, made.timespan) == (by_hand.kind, by_hand.timespan)
    assert asked(made) == asked(by_hand)
    for test in case["Tests"]:
        for order in _orders(list(arrivals(case, test, loaded))):
            assert bool(_matches(rules, order)) is test["ExpectedResult"], test["Name"]


@pytest.mark.skipif(not PUBLISHED, reason="no shared data beside the repository")
def test_all_published_cases_are_tried() -> None:
    """There are 14, and each of them can be said in Sigma."""
    assert len(PUBLISHED) == 14
