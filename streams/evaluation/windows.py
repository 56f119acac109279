"""``weir eval windows``: published correlation cases, written as rules of this engine, in many orders of arrival.

The cases (``rule-tests-panther/correlation_rules.json`` of the data folder) say which outputs of which detections, at
which minutes or instants and with which value of a field, must or must not make a match within a look-back window. Each
output becomes a finding of that detection; the field becomes a kind of entity, another one for each field name, so that
rules have to name it by step. A group is a rule of kind ``all`` with its minimum counts, or of kind ``absence`` around
the event where one of its detections is absent: the cases expect this of what came before as of what came after.

Each case runs in the order of time, reversed, and in permutations, with a watermark that follows the newest event, and
with the state written out and read back after every event. A case is right if all of them give what is expected.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from hashlib import blake2b
from itertools import permutations
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from schemas.rule import Rule
from streams.correlation.rows import tuples
from streams.correlation.rules.groups import RuleState
from streams.correlation.rules.rule_set import RuleSet, compile_rules
from streams.correlation.rules.words import why
from streams.correlation.table import Table

CASES = Path("rule-tests-panther") / "correlation_rules.json"
ORDERS = 50
"""Permutations tried of each case; all of them where there are no more."""

_MINUTE = 60_000
_LATENESS = 7 * 24 * 60 * _MINUTE
_KINDS = ("principal", "resource", "host", "workload")
_SEVERITIES = {"info": 1, "low": 2, "medium": 3, "high": 4, "critical": 5}

Arrival = tuple[SimpleNamespace, int]
"""A finding and its event time, ms."""


def run(data: Path, progress: Callable[[str], None]) -> dict[str, Any]:
    """``passed``, how many cases and tests are right, and each with what was expected and found.

    Raises ``FileNotFoundError`` where the data folder has no such cases, ``ValueError`` where one cannot be written as
    a rule.
    """
    cases = json.loads((data / CASES).read_text(encoding="utf-8"))
    shown = []
    orders = 0
    for case in cases:
        rule, kinds = rule_of(case)
        rules, faults = compile_rules([rule])
        if faults:
            raise ValueError("; ".join(map(str, faults)))
        tests = []
        for test in case["Tests"]:
            events = list(_events(test, case, kinds))
            results = [_matches(rules, order) for order in _orders(events)]
            orders += len(results)
            tests.append(
                {
                    "test": test["Name"],
                    "expected": test["ExpectedResult"],
                    "right": all(bool(found) == test["ExpectedResult"] for found in results),
                    "same_in_all_orders": len({tuple(sorted(found)) for found in results}) == 1,
                    "orders": len(results),
                    "why": next(iter(results[0].values()), []),
                }
            )
        right = all(each["right"] and each["same_in_all_orders"] for each in tests)
        shown.append({"case": case["RuleID"], "kind": rule.kind, "right": right, "tests": tests})
        progress(f"{case['RuleID']}: {'right' if right else 'WRONG'}")
    tested = [each for case in shown for each in case["tests"]]
    return {
        "passed": all(case["right"] for case in shown) and bool(shown),
        "cases": len(shown),
        "cases_right": sum(bool(case["right"]) for case in shown),
        "tests": len(tested),
        "tests_right": sum(each["right"] and each["same_in_all_orders"] for each in tested),
        "orders": orders,
        "results": shown,
    }


def rule_of(case: dict[str, Any]) -> tuple[Rule, dict[str, str]]:
    """A case as a rule, and the kind of entity that stands for each of its field names."""
    (detection,) = case["Detection"]
    match = {each["GroupID"]: each["Match"] for each in detection["MatchCriteria"]["field_name"]}
    kinds = dict(zip(sorted(set(match.values())), _KINDS, strict=False))
    steps = []
    for member in detection["Group"]:
        step: dict[str, Any] = {
            "id": re.sub(r"[^A-Za-z0-9._-]+", "-", member["ID"]),
            "where": {"type": "finding", "rule": member["RuleID"]},
            "group": {"subject": kinds[match[member["ID"]]]},
            "at_least": member.get("MinMatchCount", 1),
        }
        if member.get("Absence"):
            step["absent"] = "around"
        steps.append(step)
    rule = Rule.model_validate(
        {
            "name": case["RuleID"],
            "version": 1,
            "title": case["DisplayName"],
            "severity": _SEVERITIES[case["Severity"].lower()],
            "kind": "absence" if any("absent" in step for step in steps) else "all",
            "timespan": detection["LookbackWindowMinutes"] * _MINUTE,
            "lateness": _LATENESS,
            "group_by": ["subject"],
            "steps": steps,
        }
    )
    return rule, kinds


def _events(test: dict[str, Any], case: dict[str, Any], kinds: dict[str, str]) -> Iterator[Arrival]:
    (detection,) = case["Detection"]
    detections = {member["ID"]: member["RuleID"] for member in detection["Group"]}
    number = 0
    for output in test["RuleOutputs"]:
        for name, by_value in output["Matches"].items():
            for value, times in by_value.items():
                for time in times:
                    finding = SimpleNamespace(
                        type="finding",
                        source="cases",
                        source_id=f"{number}",
                        kind="detection",
                        rule=detections[output["ID"]],
                        entities=((kinds[name], value),),
                    )
                    yield finding, _instant(time)
                    number += 1


def _instant(time: float | str) -> int:
    """Minutes, or an RFC 3339 instant, in ms."""
    if isinstance(time, str):
        return int(datetime.fromisoformat(time).timestamp() * 1000)
    return int(time * _MINUTE)


def _orders(events: Sequence[Arrival]) -> Iterator[list[Arrival]]:
    """In order, reversed, and then all permutations, or as many by the hash of number and event."""
    in_order = sorted(events, key=lambda arrival: arrival[1])
    yield in_order
    yield in_order[::-1]
    if len(events) <= 4:
        yield from map(list, permutations(in_order))
        return
    for number in range(ORDERS):
        yield [events[at] for at in sorted(range(len(events)), key=_place(number))]


def _place(permutation: int) -> Callable[[int], bytes]:
    return lambda at: blake2b(f"{permutation}:{at}".encode()).digest()


def _matches(rules: RuleSet, arrivals: Sequence[Arrival]) -> dict[str, list[str]]:
    """The matches that stand at the end, by id, each with why. The state goes through JSON after every event."""
    found: dict[str, list[str]] = {}
    tables: dict[str, Table] = {}
    newest = 0
    state = _state(tables)

    def hear(matches: Sequence[Any]) -> None:
        for match in matches:
            for gone in match.replaces:
                del found[gone]
            if match.withdrawn:
                del found[match.id]
            else:
                found[match.id] = list(why(rules.rule(match.rule), match))

    for event, time in arrivals:
        tables = _restored(tables)
        state = _state(tables)
        newest = max(newest, time)
        hear(rules.observe(state, event, time, newest - _LATENESS))
        hear(rules.advance(state, newest - _LATENESS // 2))
    longest = max(plan.timespan for plan in rules.plans.values())
    hear(rules.advance(state, newest + longest + 1))
    return found


def _state(tables: dict[str, Table]) -> RuleState:
    state = RuleState(lambda name: tables.setdefault(name, Table(name, [])))
    state.index()
    return state


def _restored(tables: dict[str, Table]) -> dict[str, Table]:
    out = {}
    for name, table in tables.items():
        out[name] = Table(name, [])
        for key, row in table.items():
            out[name].load(key, tuples(json.loads(json.dumps(tuple(row)))))
    return out
