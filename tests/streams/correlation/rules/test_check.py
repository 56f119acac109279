from __future__ import annotations

from schemas.rule import Rule
from streams.correlation.rules.rule_set import compile_rules
from tests.streams.correlation.rules.scene import Caller, activity, rule, step

WRONG = [
    (rule("count", step("a")), "at_least", "is missing"),
    (rule("sequence", step("a"), step("b"), at_least=3), "at_least", "no meaning"),
    (rule("distinct", step("a"), at_least=1, field="ip"), "at_least", "no distinction"),
    (rule("distinct", step("a"), at_least=2), "field", "is missing"),
    (rule("distinct", step("a"), at_least=2, field="rule"), "field", "no event of this step has the field rule"),
    (rule("count", step("a"), at_least=2, field="ip"), "field", "no meaning"),
    (rule("sequence", step("a")), "steps", "two events at least"),
    (rule("all", step("a", 200), step("b", 200)), "steps", "256 events at most"),
    (rule("absence", step("a")), "steps", "has an absent step"),
    (rule("absence", step("a"), step("b"), step("c", absent="after")), "steps", "one step that is not absent"),
    (rule("absence", step("a", 2), step("b", absent="after")), "steps.0.at_least", "no meaning"),
    (rule("all", step("a"), step("b", absent="after")), "steps.1.absent", "no meaning"),
    (rule("count", step("a", 2), at_least=2), "steps.0.at_least", "no meaning"),
    (rule("count", step("a", field="ip"), at_least=2), "steps.0.field", "no meaning"),
    (rule("all", step("a"), step("a")), "steps.1.id", "there twice"),
    (rule("count", step("a"), at_least=2, group_by=["ip", "ip"]), "group_by.1", "there twice"),
    (rule("count", step("a"), at_least=2, group_by="adress"), "group_by.0", "no field adress"),
    (rule("count", step("a"), at_least=2, group_by="rule"), "steps.0.where", "has the field rule"),
    (rule("all", step("a", group={"who": "actor"}), step("b"), group_by="who"), "group_by.0", "in the group of b"),
    (rule("count", step("a", group={"x": "ip"}), at_least=2), "steps.0.group.x", "not in group_by"),
    (rule("count", step("a", group={"ip": "i p"}), at_least=2), "steps.0.group.ip", "no field i p"),
    (rule("count", {"id": "s", "where": {"actoin": "x"}}, at_least=2), "steps.0.where.actoin", "did you mean action"),
    (rule("count", {"id": "s", "where": {"severity": "high"}}, at_least=2), "steps.0.where.severity", "not a number"),
    (rule("count", {"id": "s", "where": {"severity": True}}, at_least=2), "steps.0.where.severity", "not a number"),
    (rule("count", {"id": "s", "where": {"read_only": 1}}, at_least=2), "steps.0.where.read_only", "truth value"),
    (rule("count", {"id": "s", "where": {"cvss": {"prefix": "9"}}}, at_least=2), "steps.0.where.cvss", "for text"),
    (rule("count", {"id": "s", "where": {"ip": {"at_least": 9}}}, at_least=2), "steps.0.where.ip", "for numbers"),
    (rule("count", {"id": "s", "where": {"ip": {}}}, at_least=2), "steps.0.where.ip", "asks for nothing"),
    (
        rule("count", {"id": "s", "where": {"ip": {"exists": False, "prefix": "1"}}}, at_least=2),
        "steps.0.where.ip",
        "not there",
    ),
    (rule("count", {"id": "s", "where": {"action": "a", "rule": "R"}}, at_least=2), "steps.0.where", "no event has"),
    (
        rule("count", {"id": "s", "where": {"any_of": [{"none_of": [{"q": 1}]}]}}, at_least=2),
        "steps.0.where.any_of.0.none_of.0.q",
        "no field q",
    ),
]


def test_each_fault_has_its_place() -> None:
    """Every kind of fault alone is found, once, where it is."""
    for broken, place, words in WRONG:
        rules, faults = compile_rules([broken])
        assert [fault.place for fault in faults] == [place], (broken.steps, faults)
        assert words in faults[0].message
        assert str(faults[0]).startswith(f"r@1: {place}: ")
        assert not rules.plans


def test_all_faults_are_reported_at_once_and_sound_rules_run() -> None:
    """Faults of several rules come together; the rules without one are compiled."""
    sound = rule("count", step("a"), at_least=1, name="sound")
    named: list[Rule] = [
        broken.model_copy(update={"name": f"r{number}"}) for number, (broken, _, _) in enumerate(WRONG)
    ]
    rules, faults = compile_rules([*named[:10], sound, *named[10:]])
    assert [fault.rule for fault in faults] == [f"r{number}@1" for number in range(len(WRONG))]
    assert Caller(rules).observe(activity("e", "a"), 0)


def test_a_version_is_there_once() -> None:
    """Two rules of one name and version are a fault; two versions of a name are not."""
    one = rule("count", step("a"), at_least=1)
    rules, faults = compile_rules([one, one.model_copy(update={"version": 2}), one])
    assert [(fault.rule, fault.place) for fault in faults] == [("r@1", "")]
    assert list(rules.plans) == ["r@2"]
