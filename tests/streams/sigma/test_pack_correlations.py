"""The correlation rules that Weir brings: each gives a match for as much as it asks, and none for less."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from schemas.rule import Rule
from streams.correlation.rules.rule_set import compile_rules
from streams.evaluation.windows import _matches
from streams.sigma.correlate import LOCATION, Correlated
from streams.sigma.load import load
from streams.sigma_files import pack

LOADED = load(pack())
PRESENT = [each for each in LOADED.correlations if each.rule.kind in ("count", "distinct", "all", "sequence")]


def asked(rule: Rule) -> list[SimpleNamespace]:
    """Just as many findings as the rule asks for, in the order of its steps, all about the same."""
    found: list[SimpleNamespace] = []
    for step in rule.steps:
        key = step.where.model_dump()["rule"]["any_of"][0]
        groups = [step.group.get(name, name) for name in rule.group_by]
        times = rule.at_least or step.at_least
        for number in range(times):
            entities = [(kind, "the same") for kind in groups if kind != LOCATION]
            if rule.kind == "distinct" and rule.field != LOCATION:
                entities.append((str(step.field or rule.field), f"number {number}"))
            several = rule.kind == "distinct" and rule.field == LOCATION
            found.append(
                SimpleNamespace(
                    type="finding",
                    kind="detection",
                    source="pack",
                    source_id=f"{len(found)}",
                    rule=key,
                    entities=tuple(entities),
                    location=f"place {number}" if several else "the same",
                )
            )
        if rule.kind in ("count", "distinct"):
            break
    return found


@pytest.mark.parametrize("made", PRESENT, ids=lambda made: made.document.body.get("name", made.rule.name))
def test_a_correlation_asks_for_neither_more_nor_less_than_it_says(made: Correlated) -> None:
    """Its findings within its time are a match; with any one of them missing, or spread over twice the time, none."""
    rule = made.rule.model_copy(update={"lateness": 7 * 86_400_000})
    rules, faults = compile_rules([rule])
    assert not faults
    findings = asked(rule)
    apart = rule.timespan // max(len(findings), 2)
    near = [(each, 1_000 + number * (apart // 2)) for number, each in enumerate(findings)]
    assert len(_matches(rules, near)) == 1
    for missing in range(len(near)):
        assert _matches(rules, near[:missing] + near[missing + 1 :]) == {}
    far = [(each, 1_000 + number * (rule.timespan + 1)) for number, each in enumerate(findings)]
    assert _matches(rules, far) == {}


def test_most_correlations_of_the_pack_are_tried() -> None:
    """Those that ask for an absence are tried with the published cases; the rest is here."""
    assert len(PRESENT) >= len(LOADED.correlations) - 2
