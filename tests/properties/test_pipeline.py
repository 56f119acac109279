"""What holds of every fold, whatever is in the log."""

from __future__ import annotations

import itertools

import orjson
from hypothesis import given, settings

from schemas.unit import Unit
from streams.correlation.changes import SUSPECT
from streams.pipeline import Pipeline
from streams.records import LogRecord
from tests.properties.test_state import logs
from tests.streams.correlation.build import letters, units

INTERVAL_MS = 5_000


@given(logs())
@settings(deadline=None, max_examples=60)
def test_every_event_has_one_outcome_and_every_refusal_its_letter(log: list[LogRecord]) -> None:
    """The counts add up to the events of the log; failed, invalid and too late ones are the dead letters."""
    pipeline = Pipeline(0)
    outputs = [output for each in log for output in pipeline.step(each)]
    assert sum(pipeline.counts.values()) == sum(len(orjson.loads(each.value)) for each in log)
    stages = [letter["stage"] for letter in letters(outputs)]
    counts = pipeline.counts
    assert stages.count("late") == counts["too_late"]
    assert stages.count("validate") == counts["invalid"]
    assert stages.count("correlate") >= counts["failed"]  # and reviews of units that are gone
    assert sum(pipeline.revisions.values()) == len(units(outputs))


def came_in(unit: Unit) -> int:
    """Members that are records; a rule's match may be replaced by another one."""
    return unit.signal_count - sum(signal.count for signal in unit.signals if signal.source == "weir.rules")


@given(logs())
@settings(deadline=None, max_examples=60)
def test_every_unit_lives_one_orderly_life(log: list[LogRecord]) -> None:
    """Opened first, revisions rising by one, an interval apart, nothing after the end; members are never lost."""
    pipeline = Pipeline(0)
    pipeline.keep_members()
    outputs = [output for each in log for output in pipeline.step(each)]
    pipeline.flush(outputs)
    lives: dict[str, list[Unit]] = {}
    for unit in units(outputs):
        lives.setdefault(unit.unit_id, []).append(unit)
    held = 0
    for life in lives.values():
        assert [unit.revision for unit in life] == list(range(1, len(life) + 1))
        assert life[0].reason in ("opened", "split", "closed")
        assert all((unit.status == "open") == (unit.closed_at is None) for unit in life)
        assert {unit.opened_at for unit in life} == {life[0].opened_at}
        for before, after in itertools.pairwise(life):
            assert (after.updated_at - before.updated_at).total_seconds() * 1000 >= INTERVAL_MS
            if not (before.truncated or after.truncated):
                assert came_in(after) >= came_in(before) or "split" in (before.reason, after.reason)
            for name in set(before.aliases) - set(after.aliases):  # a unit again
                assert lives[name][-1].revision > 1
                assert any(unit.status == "merged" for unit in lives[name][:-1])
            if before.status == "merged":
                assert after.reason in ("split", "merged", "closed")
            if before.status == "closed" and after.status == "open":
                assert after.reason in ("reopened", "merged")
            assert after.reason != "change" or after.digest != before.digest
        last = life[-1]
        assert (last.status == "merged") == (last.merged_into is not None)
        if last.status == "merged":
            assert last.merged_into is not None
            assert last.unit_id in lives[last.merged_into][-1].aliases
        else:
            held += came_in(last)
        for unit in life:
            if not unit.truncated and unit.status != "merged":
                assert sum(signal.count for signal in unit.signals) == unit.signal_count
            assert unit.first_at <= unit.last_at <= unit.updated_at
            suspects = [change.score > SUSPECT for change in unit.changes]
            assert suspects == sorted(suspects, reverse=True)
    assert held == pipeline.counts["member"] <= len(pipeline.members)  # a rule's match is kept there, too
    alive = {name: life[-1] for name, life in lives.items() if life[-1].status != "merged"}
    filled = {name for name, unit in alive.items() if came_in(unit)}
    assert filled <= {unit_id for unit_id, _ in pipeline.members_by_unit()} <= alive.keys()
