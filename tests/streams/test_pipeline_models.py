"""Model sets in the fold: a second one in the shadow, switches as records of the log, verdicts that move levels."""

from __future__ import annotations

from typing import Any, Literal

import pytest

from models.state import StateMismatch
from models.suite import UNTESTED, Verdict
from schemas.events import Activity
from schemas.parameters import Parameters
from schemas.unit import ModelHealth, Unit
from streams.cli.unit_page import page
from streams.correlation.state import Domain
from streams.pipeline import Pipeline
from streams.records import LogRecord
from streams.scoring import Scoring
from streams.shadow import NOTED, TABLE, Counts, note, read
from tests.streams.correlation.build import (
    DAY,
    DOMAIN,
    HOUR,
    MINUTE,
    T0,
    Doc,
    activity,
    config,
    fold,
    iso,
    letters,
    record,
    restored,
    tables,
    tick,
    units,
)

KEEN = {"name": "keen", "parameters": {"burst": {"guard": 0.01}}}
"""A set whose burst detector says other things."""


def calls() -> list[Doc]:
    """Three hours of one call a minute, then many in a minute."""
    quiet = [activity(f"a{minute}", minute * MINUTE, "role/a") for minute in range(180)]
    return quiet + [activity(f"b{n}", 180 * MINUTE + n, "role/a") for n in range(200)]


def run(*configs: Doc, events: list[Doc] | None = None) -> tuple[Pipeline, list[Unit], list[Doc]]:
    """The fold of configs, each before its part of the events, and a tick."""
    pipeline = Pipeline(0)
    given = events or calls()
    size = -(-len(given) // max(1, len(configs)))
    records: list[LogRecord] = []
    for number, each in enumerate(configs or (config(),)):
        part = given[number * size : (number + 1) * size]
        records.append(record(len(records), 4 * HOUR + number, each, *part))
    records.append(record(len(records), 5 * HOUR, tick()))
    outputs = fold(records, pipeline)
    return pipeline, units(outputs), letters(outputs)


def rows(pipeline: Pipeline, models: str) -> dict[str, Any]:
    """What a set has learnt, by table without its name."""
    return {
        table.partition("/")[2]: found
        for (domain, table), found in tables(pipeline).items()
        if domain == DOMAIN and table.startswith(models + "/")
    }


def test_a_shadow_has_no_effect() -> None:
    """Units are the same but for the name of the settings; what it would have said is counted."""
    alone, with_it = run(config()), run(config(shadow=KEEN))
    plain = [[unit.model_copy(update={"provenance": None}) for unit in found] for _, found, _ in (alone, with_it)]
    assert plain[0] == plain[1] != []
    counts, _ = read(with_it[0].state.domains[DOMAIN].tables[TABLE])
    assert counts.events == len(calls())
    assert counts.both + counts.active == sum(signal.count for signal in with_it[1][-1].signals) > 0


def test_a_set_learns_and_says_the_same_in_either_role() -> None:
    """Rows of both sets, and the counts, mirrored, do not depend on which of them acts."""
    one, _, _ = run(config(shadow=KEEN))
    other, _, _ = run(config(models=KEEN, shadow={"name": "standard"}))
    for name in ("standard", "keen"):
        assert rows(one, name) == rows(other, name) != {}
    mine, theirs = (read(each.state.domains[DOMAIN].tables[TABLE])[0] for each in (one, other))
    assert mine == theirs._replace(active=theirs.shadow, shadow=theirs.active)


def test_a_switch_and_its_roll_back_are_places_in_the_log() -> None:
    """From the record on units name the other set, and nothing that either has learnt is lost."""
    there = config(models=KEEN, shadow={"name": "standard"})
    pipeline, found, refused = run(config(shadow=KEEN), there, config(shadow=KEEN))
    assert refused == []
    assert found[-1].provenance.models[0] == "standard"
    straight, _, _ = run(config(shadow=KEEN))
    assert rows(pipeline, "keen") == rows(straight, "keen")
    assert rows(pipeline, "standard") == rows(straight, "standard")
    _, found, _ = run(config(shadow=KEEN), there)
    assert found[-1].provenance.models[0] == "keen"


def test_a_set_that_is_in_neither_role_is_forgotten() -> None:
    """Its tables are emptied, for the changelog too."""
    pipeline, _, _ = run(config(shadow=KEEN), config())
    assert rows(pipeline, "keen") == {}
    assert (DOMAIN, TABLE) not in tables(pipeline)
    gone = {key for key, value in pipeline.drain() if value is None}
    assert any(b"keen/" in key for key in gone)


WIDE = {"name": "wide", "detectors": ["burst", "rarity", "frequency", "ratio", "surge", "tokens"]}
"""The standard detectors and all options."""


def test_options_score_in_a_set_that_names_them_and_nowhere_else() -> None:
    """Surge and tokens learn in the tables of a shadow that has them, tokens from the fields of records; what the
    standard set learns and says is what it is without."""
    alone, said, _ = run(config())
    beside, found, _ = run(config(shadow=WIDE))
    assert {"surge", "tokens"}.isdisjoint(rows(alone, "standard"))
    assert rows(beside, "standard") == rows(alone, "standard")
    assert [unit.signals for unit in found] == [unit.signals for unit in said]
    wide = rows(beside, "wide")
    assert wide["surge"]["p|role/a"][1] == 200
    assert set(wide["tokens"]["!|aws.cloudtrail"][::2]) >= {"action", "entities", "error", "outcome"}


def test_fields_are_put_together_only_for_those_who_read_them() -> None:
    """With the standard set in both roles or none beside it there are none; with tokens in either there are."""
    scoring = Scoring()
    reads = []
    for sets in (
        {},
        {"shadow": KEEN},
        {"shadow": WIDE},
        {"models": WIDE},
        {"shadow": {"name": "s", "detectors": ["surge"]}},
    ):
        scoring.adopt(Parameters.model_validate(sets))
        reads.append(scoring.with_fields)
    assert reads == [False, False, True, True, False]


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"shadow": {"name": "keen", "detectors": ["bust"]}}, "no detector is called bust; there are"),
        ({"shadow": {"name": "keen", "parameters": {"burst": {"gard": 1}}}}, "gard"),
        ({"shadow": {"name": "standard"}}, "both named standard"),
        ({"models": {"name": "standard", "detectors": ["burst"]}}, "give it another name"),
    ],
)
def test_a_set_that_cannot_be_is_refused_with_the_reason(settings: Doc, said: str) -> None:
    """The record is a dead letter, and the sets in force stay."""
    pipeline, found, (letter,) = run(config(), config(**settings))
    assert said in letter["reason"]
    assert found
    assert pipeline.state.parameters.shadow is None
    assert pipeline.scoring.shadow is None


def test_rows_of_other_models_are_refused_by_name() -> None:
    """A restore under parameters that the rows were not learnt with says which, where, and both values."""
    pipeline, _, _ = run(config(shadow=KEEN))
    changelog: dict[bytes, bytes | None] = dict(pipeline.drain())
    fold([record(9, 6 * HOUR, tick())], restored(changelog, changelog))
    for key, value in changelog.items():
        if b'"standard/burst"' in key and b"#header" in key and value is not None:
            changelog[key] = value.replace(b"0.001", b"0.002")
    with pytest.raises(StateMismatch, match=f"{DOMAIN}, model set standard: burst: .*0.002"):
        restored(changelog, changelog).next_due()


def verdict_of(unit_id: str, reviewer: str, verdict: str) -> Doc:
    """A reviewer's word."""
    return {
        "type": "review", "source_id": f"{verdict}-{reviewer}", "time": iso(T0), "domain": DOMAIN, "unit_id": unit_id,
        "reviewer": reviewer, "kind": "verdict", "verdict": verdict,
    }  # fmt: skip


def test_reviewers_move_the_level_of_a_detector() -> None:
    """Rejected by three people, less is told of it, by a fifth a day at most, and all of it again when they take it
    back; of no other detector."""
    pipeline, (unit, *_), _ = run(config(idle_close_ms=60 * DAY))
    domain = pipeline.state.domains[DOMAIN]
    detector = min((row.p, row.detector) for row in domain.signals.values())[1]

    def said(verdict: str) -> float:
        words = [verdict_of(unit.unit_id, who, verdict) for who in ("ann", "bob", "eve")]
        assert letters(fold([record(100, DAY, *words)], pipeline)) == []
        return pipeline.scoring.level(domain, detector, T0 + DAY, 1e-3)

    assert 1e-3 / 1.26 <= said("false_positive") < 1e-3
    assert pipeline.scoring.level(domain, "other", T0 + DAY, 1e-3) == 1e-3
    assert said("insufficient_data") == 1e-3


def test_differences_are_kept_up_to_a_bound() -> None:
    """The newest of them, in order."""
    kept: dict[str, Any] = {}
    loud = Verdict(1e-6, 1.0, False, ())
    for n in range(NOTED + 5):
        event = Activity.model_validate(activity(f"x{n}", n, "role/a"))
        note(kept, event, n, UNTESTED, loud, 1e-3)
    counts, found = read(kept)
    assert counts == Counts(NOTED + 5, 0, 0, NOTED + 5)
    assert [each.source_id for each in found] == [f"x{n}" for n in range(NOTED + 4, 4, -1)]


def test_what_models_learnt_is_kept_as_a_file_and_gone_on_with() -> None:
    """A fold that begins with the file scores as the one that went on; of another set or damaged, it is refused."""
    quiet, loud = calls()[:180], calls()[180:]
    whole = Pipeline(0)
    fold([record(0, 4 * HOUR, config(), *quiet)], whole)
    data = whole.scoring.dump(whole.state.domains[DOMAIN], {0: 1})
    fresh = Pipeline(0)
    fold([record(0, 4 * HOUR, config())], fresh)
    assert fresh.scoring.load(fresh.state, data) == DOMAIN
    told = [units(fold([record(1, 4 * HOUR, *loud), record(2, 5 * HOUR, tick())], each)) for each in (whole, fresh)]
    assert [[signal.why for signal in unit.signals] for unit in told[0]] == [
        [signal.why for signal in unit.signals] for unit in told[1]
    ]
    assert told[0]
    assert rows(whole, "standard")["burst"] == rows(fresh, "standard")["burst"]
    with pytest.raises(StateMismatch, match="checksum"):
        fresh.scoring.load(fresh.state, data.replace(b'"guard":0.001', b'"guard":0.002'))
    other = Pipeline(0)
    fold([record(0, 4 * HOUR, config(models=KEEN))], other)
    with pytest.raises(StateMismatch, match=r"parameter guard: 0\.001 there, 0\.01 here"):
        other.scoring.load(other.state, data)


class Drifting(Scoring):
    """Models of which one state is told, whatever they are in."""

    def __init__(self, state: Literal["good", "drift"]) -> None:
        super().__init__()
        self.found = (ModelHealth(model="all", state=state, text=f"all: {state} since noon"),)

    def health(self, domain: Domain) -> tuple[ModelHealth, ...]:
        return self.found


def test_a_model_in_drift_is_said_and_believed_less() -> None:
    """The signals of a domain whose models drift say so and count half; the unit's confidence and risk fall."""
    told = []
    states: tuple[Literal["good", "drift"], ...] = ("good", "drift")
    for state in states:
        pipeline = Pipeline(0)
        pipeline.scoring = Drifting(state)
        told.append(units(fold([record(0, 4 * HOUR, *calls()), record(1, 5 * HOUR, tick())], pipeline))[-1])
    good, drift = told
    assert drift.provenance.model_health[0].state == "drift"
    assert drift.confidence < good.confidence
    assert drift.risk.score < good.risk.score
    assert [signal.why[-1] for signal in drift.signals] == ["model in drift: all: drift since noon"] * len(good.signals)
    assert drift.digest == good.digest
    assert any("model in drift" in str(line) for line in page(drift))
