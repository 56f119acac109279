from __future__ import annotations

import textwrap
import tomllib

import pytest
from pydantic import TypeAdapter, ValidationError

import schemas.rule
from schemas.rule import Rule, Test
from streams.correlation.rules.check import faults

RULES = TypeAdapter(tuple[Rule, ...])


def example() -> tuple[Rule, ...]:
    """The rule file of the module's own documentation."""
    _, _, rest = (schemas.rule.__doc__ or "").partition("::\n")
    text, _, _ = rest.partition("\nA field is")
    return RULES.validate_python(tomllib.loads(textwrap.dedent(text))["rules"])


def test_the_documented_file_is_sound() -> None:
    """What the documentation shows can be used as it stands."""
    rules = example()
    assert [rule.kind for rule in rules] == ["sequence", "all", "absence"]
    assert not faults(rules)
    assert rules[0].key == "console-brute-force@1"
    assert rules[0].timespan == 600_000


def test_a_rule_survives_the_log() -> None:
    """Written into a config record and read back, a rule is equal, and what was not given is not written."""
    rules = (*example(), *RULES.validate_python([minimal(severity=0, lateness=0)]))
    assert RULES.validate_json(RULES.dump_json(rules)) == rules
    assert RULES.validate_python(RULES.dump_python(rules)) == rules
    assert b"null" not in RULES.dump_json(rules)
    assert RULES.dump_python(rules)[-1]["severity"] == 0


def minimal(**more: object) -> dict[str, object]:
    fixed = {"name": "n", "version": 1, "title": "t", "kind": "count", "at_least": 2, "timespan": "1s"}
    return fixed | {"steps": [{"id": "s", "where": {"severity": {"at_least": 0}, "error": {"exists": False}}}]} | more


@pytest.mark.parametrize(("text", "ms"), [("90s", 90_000), ("10 m", 600_000), ("24h", 86_400_000), ("5ms", 5), (7, 7)])
def test_durations(text: object, ms: int) -> None:
    """Text with a unit, or ms."""
    assert Rule.model_validate(minimal(timespan=text)).timespan == ms


@pytest.mark.parametrize("text", ["10", "1 week", "-1s", "0s", "32d", "1.5h", None])
def test_bad_durations(text: object) -> None:
    """Anything else is refused, and so is more than a month or nothing."""
    with pytest.raises(ValidationError):
        Rule.model_validate(minimal(timespan=text))


def test_a_bare_value_is_any_of() -> None:
    """Scalars, lists and ``equals`` say the same."""
    forms = ["a", ["a"], {"equals": "a"}, {"any_of": "a"}, {"any_of": ["a"]}]
    assert {Test.model_validate(form).any_of for form in forms} == {("a",)}


def test_what_is_unknown_is_refused() -> None:
    """Keys and operators that mean nothing are errors, all of them at once."""
    wrong = minimal(colour="red", steps=[{"id": "s", "where": {"action": {"prefx": "a"}}, "weight": 1}])
    with pytest.raises(ValidationError) as caught:
        Rule.model_validate(wrong)
    places = {".".join(map(str, error["loc"])) for error in caught.value.errors()}
    assert {"colour", "steps.0.weight", "steps.0.where.action.prefx"} <= places
