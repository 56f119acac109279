"""The evaluation of change suspects: its arithmetic on literal cases, and a small run of the whole."""

from __future__ import annotations

from pathlib import Path

import pytest

from streams.evaluation import changes
from streams.evaluation.changes import SEEDS, TUNED_ON, Case, figures, recorded, reliability, report, simulated

DATA = Path(__file__).resolve().parents[3].parent / "shared" / "data" / "cloudtrail-invictus"


def case(rank: int | None, *, caused: bool = True, units: int = 1, false: int = 0, setting: str = "s") -> Case:
    return Case(setting, "name", "kind", caused, units, rank, false, 0)


def test_hits_and_false_suspects_are_shares() -> None:
    """Hits of those with a cause and a unit, false suspects of those without a cause."""
    cases = [case(1), case(1), case(5), case(6), case(None), case(None, units=0)]
    cases += [case(None, caused=False), case(None, caused=False, false=2)]
    found = figures(cases)
    assert (found["hit@1"], found["hit@5"], found["false suspects"]) == (0.4, 0.6, 0.5)
    assert (found["caused"], found["without cause"], found["no unit"]) == (5, 2, 1)
    assert "hit@1" not in figures([case(None, caused=False)])


def test_what_is_not_met_is_named() -> None:
    """By setting and measure; all met is passed."""
    good = report([case(1), case(None, caused=False)], (1,))
    assert (good["passed"], good["failed"]) == (True, [])
    bad = report([case(2, setting="one"), case(None, caused=False, false=1, setting="two")], (1,))
    assert not bad["passed"]
    assert bad["failed"] == [
        "one: hit@1 is 0.000, should be >= 0.9",
        "two: false suspects is 1.000, should be <= 0.08",
    ]
    assert changes.tables(bad)


def test_reliability_counts_by_tenths() -> None:
    """Mean score and share of causes of each tenth that has any; 1.0 belongs to the last."""
    assert reliability([(0.61, True), (0.69, False), (1.0, True)]) == [
        {"from": 0.6, "changes": 2, "mean score": 0.65, "causes": 0.5},
        {"from": 0.9, "changes": 1, "mean score": 1.0, "causes": 1.0},
    ]


def test_judged_seeds_are_not_those_of_the_tuning() -> None:
    """No figure is measured on what the weights were set on."""
    assert set(SEEDS).isdisjoint(TUNED_ON)


def test_a_scenario_is_judged_by_its_truth(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two hours of it: each incident is a case, causes are found, and the changeless have no suspect."""
    monkeypatch.setattr(changes, "HOURS", 4.0)
    cases = list(simulated("plain", 1, None))
    assert len(cases) >= 4
    assert all(c.rank == 1 for c in cases if c.caused and c.units)
    assert all(not c.false for c in cases if not c.caused)
    assert all(c.scored for c in cases if c.units)


@pytest.mark.skipif(not DATA.is_dir(), reason="the recording cloudtrail-invictus is not beside the repository")
def test_each_recorded_attack_is_led_back_to_its_own_run() -> None:
    """Eleven runs of one user: the first suspect of each was made by the same run, not by one of the ten others."""
    cases = list(recorded(DATA))
    assert len(cases) == 11
    assert [c.rank for c in cases] == [1] * 11
