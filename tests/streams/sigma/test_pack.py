"""The rules that Weir brings: each compiles, is for a source of ours, and decides its own test events."""

from __future__ import annotations

import pytest

from streams.correlation.rules.check import faults
from streams.sigma.bundle import bundle
from streams.sigma.cases import run
from streams.sigma.load import load
from streams.sigma.logsource import sources_of
from streams.sigma.rule import Rule
from streams.sigma.rule_set import RuleSet
from streams.sigma_files import pack

LOADED = load(pack())
MAX_RECORD = 1_500_000


def test_the_whole_pack_compiles() -> None:
    """There is no fault and no note in it, in its correlation rules neither, and every file is one rule or more."""
    assert (LOADED.faults, LOADED.notes) == ((), ())
    assert faults(each.rule for each in LOADED.correlations) == []
    assert {rule.file for rule in LOADED.rules} | {each.document.file for each in LOADED.correlations} == {
        name for name, _ in pack()
    }


@pytest.mark.parametrize("rule", LOADED.rules, ids=lambda rule: rule.name or rule.key)
def test_every_rule_decides_its_own_events(rule: Rule) -> None:
    """A rule of the pack has events that it must match and events that it must not, and is right about each."""
    assert {case.match for case in rule.cases} == {True, False}
    assert [outcome.case.name for outcome in run([rule]) if not outcome.right] == []


@pytest.mark.parametrize("rule", LOADED.rules, ids=lambda rule: rule.name or rule.key)
def test_every_rule_is_found_through_the_index(rule: Rule) -> None:
    """Among all others, an event of a rule's tests gives that rule or does not, as its tests say."""
    rules = RuleSet(LOADED.rules)
    for source in sources_of(rule.logsource):
        for case in rule.cases:
            assert (rule in rules.detect(case.event, source)) is case.match, case.name


@pytest.mark.parametrize("rule", LOADED.rules, ids=lambda rule: rule.name or rule.key)
def test_every_rule_says_what_an_analyst_needs(rule: Rule) -> None:
    """A rule of the pack has a name, an id of its own, a level, a description and an ATT&CK technique."""
    assert rule.name
    assert rule.key != rule.name
    assert rule.level
    assert rule.description
    assert any(tag.startswith("attack.t") for tag in rule.tags)


def test_the_pack_fits_into_a_record() -> None:
    """As a bundle it is small enough to travel with the parameters."""
    texts, wrong = bundle(pack())
    assert wrong == []
    assert sum(len(each.text) for each in texts) < MAX_RECORD
