"""The alert budget in the fold: what rests on models alone is shown as far as the domain can afford it."""

from __future__ import annotations

import pytest

from schemas.unit import Unit
from streams.correlation.suppression.held import BUDGET
from streams.pipeline import Pipeline
from streams.records import Output
from tests.streams.correlation.build import (
    DOMAIN,
    HOUR,
    MINUTE,
    T0,
    Doc,
    activity,
    config,
    finding,
    fold,
    iso,
    record,
    restored,
    tick,
)

AT = 180 * MINUTE
"""Event time of the bursts."""


def habits(*principals: str) -> list[Doc]:
    """Three hours of one call a minute by each."""
    return [
        activity(f"{who}-{minute}", minute * MINUTE, who, "s3:GetObject") for minute in range(180) for who in principals
    ]


def burst(who: str, at: int = AT, calls: int = 400) -> list[Doc]:
    """Very many of them in one minute."""
    return [activity(f"{who}-{at}-{n}", at + n, who, "s3:GetObject") for n in range(calls)]


def review(unit_id: str, kind: str) -> Doc:
    """A reviewer's word."""
    return {
        "type": "review", "source_id": f"r-{kind}", "time": iso(T0), "domain": DOMAIN, "unit_id": unit_id,
        "reviewer": "ann", "kind": kind,
    }  # fmt: skip


def told(outputs: list[Output]) -> list[tuple[str, Unit]]:
    """Each revision with the topic it went to."""
    return [(o.role, Unit.model_validate_json(o.value)) for o in outputs if o.role in ("units", "suppressed")]


def test_beyond_the_cap_of_the_day_units_are_ranked_and_kept() -> None:
    """Of two units that rest on models alone a cap of one shows the first; the other is held back, with its rank."""
    pipeline = Pipeline(0)
    events = [*habits("role/a", "role/b"), *burst("role/a"), *burst("role/b", AT + MINUTE)]
    found = told(fold([record(0, AT + HOUR, config(alert_cap=1), *events), record(1, AT + 2 * HOUR, tick())], pipeline))
    assert sorted(place for place, _ in found) == ["suppressed", "units"]
    (unit,) = [unit for place, unit in found if place == "suppressed"]
    assert unit.suppression is not None
    assert unit.suppression.pattern == BUDGET
    assert "number 1 of the overflow" in unit.suppression.reason
    assert {factor.name for factor in unit.suppression.evidence} == {"p", "rank"}


def test_a_finding_brings_it_back() -> None:
    """What no longer rests on models alone is shown at once, in both places, after a restore too."""
    pipeline = Pipeline(0)
    before = [record(0, AT + HOUR, config(alert_cap=0), *habits("role/a"), *burst("role/a"))]
    (first,) = told(fold([*before, record(1, AT + 2 * HOUR, tick())], pipeline))
    assert first[0] == "suppressed"
    changelog: dict[bytes, bytes | None] = dict(pipeline.drain())
    pipeline = restored(changelog, changelog)
    more = finding("f", AT, ("principal", "role/a"))
    found = told(fold([record(2, AT + 2 * HOUR, more), record(3, AT + 3 * HOUR, tick())], pipeline))
    assert [place for place, _ in found] == ["units", "suppressed"]
    assert found[0][1] == found[1][1]
    assert found[0][1].suppression is None
    assert found[0][1].diff is not None
    assert "does not rest on models alone" in found[0][1].diff.text


@pytest.mark.parametrize("kind", ["unsuppress", "escalate"])
def test_a_person_brings_it_back(kind: str) -> None:
    """Asked for, or escalated, it is shown."""
    pipeline = Pipeline(0)
    before = [record(0, AT + HOUR, config(alert_cap=0), *habits("role/a"), *burst("role/a"))]
    ((place, unit),) = told(fold([*before, record(1, AT + 2 * HOUR, tick())], pipeline))
    assert place == "suppressed"
    word = review(unit.unit_id, kind)
    found = told(fold([record(2, AT + 2 * HOUR, word), record(3, AT + 3 * HOUR, tick())], pipeline))
    assert [place for place, _ in found] == ["units", "suppressed"]


def test_what_is_not_improbable_enough_is_held_back_until_it_is() -> None:
    """Above the level of the test it is held back; ruled on again when its p has fallen by a decade, and shown then."""
    pipeline = Pipeline(0)
    asked: list[float] = []

    def rule(_domain: object, _unit: str, p: float, _day: int) -> tuple[bool, float, int | None]:
        asked.append(p)
        return p <= 1e-9, 1e-9, None

    pipeline.state.rule = rule
    calls = habits("role/a")
    small, large = burst("role/a", calls=12), burst("role/a", AT + MINUTE, calls=4000)
    found = told(fold([record(0, AT + HOUR, *calls, *small), record(1, AT + 2 * HOUR, tick())], pipeline))
    assert [place for place, _ in found] == ["suppressed"]
    assert found[0][1].suppression is not None
    assert "is more than the 1e-09 that may be shown" in found[0][1].suppression.reason
    again = told(fold([record(2, AT + 2 * HOUR, *large), record(3, AT + 3 * HOUR, tick())], pipeline))
    assert len(asked) == 2
    assert asked[1] <= asked[0] / 10
    assert [place for place, _ in again] == ["units", "suppressed"]
    assert again[0][1].diff is not None
    assert "improbable enough now" in again[0][1].diff.text


def test_as_long_as_no_p_is_calibrated_the_cap_alone_decides() -> None:
    """In a domain's first day no level holds, so a first burst is shown."""
    pipeline = Pipeline(0)
    records = [record(0, AT + HOUR, *habits("role/a"), *burst("role/a")), record(1, AT + 2 * HOUR, tick())]
    assert [place for place, _ in told(fold(records, pipeline))] == ["units"]
    assert pipeline.scoring.tests(pipeline.state.domains[DOMAIN]) is None


def test_findings_are_never_held_back() -> None:
    """The budget is about models: with a cap of none, a finding alone is shown as ever."""
    pipeline = Pipeline(0)
    records = [record(0, 0, config(alert_cap=0), finding("f", 0, ("host", "i-1"))), record(1, HOUR, tick())]
    assert [place for place, _ in told(fold(records, pipeline))] == ["units"]
