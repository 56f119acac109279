"""Scenarios in which the change behind an incident is hard to find."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from streams.simulate import Contention, Scenario
from streams.simulate.contention import AFTER, BEFORE

START = datetime(2026, 3, 2, 8, tzinfo=UTC)
HARD = Contention(decoys=2, chatter=6, elsewhere=4)


@pytest.fixture(scope="module")
def hard() -> Scenario:
    return Scenario(7, start=START, hours=6, contention=HARD)


@pytest.fixture(scope="module")
def incidents(hard: Scenario) -> list[dict[str, Any]]:
    return [entry for entry in hard.truth() if entry["type"] == "incident"]


def test_without_contention_a_scenario_is_as_it_was():
    """None adds no story and moves no byte; an empty one neither."""
    plain = Scenario(7, start=START, hours=1)
    still = Contention(decoys=0, harder=False)
    contended = Scenario(7, start=START, hours=1, events=plain.events, contention=still)
    assert [m.value for m in plain.messages()] == [m.value for m in contended.messages()]


def test_equal_arguments_give_equal_bytes(hard: Scenario):
    """Contention is drawn from the seed like everything else."""
    again = Scenario(7, start=START, hours=6, contention=HARD)
    assert hard.truth() == again.truth()
    assert [m for m, _ in zip(hard.messages(), range(2_000), strict=False)] == [
        m for m, _ in zip(again.messages(), range(2_000), strict=False)
    ]
    assert sum(1 for _ in hard.messages()) == hard.events


def test_incidents_come_with_and_without_a_cause(incidents: list[dict[str, Any]]):
    """The harder kinds are among them, and three kinds have nothing behind them."""
    causes = {incident["kind"]: incident["suspect"] is not None for incident in incidents}
    assert causes.keys() >= {"upstream", "exploited", "bad_deploy"}
    assert {kind for kind, caused in causes.items() if not caused} <= {"no_change", "exploited", "new_advisory"}


def test_the_component_is_released_all_the_time(hard: Scenario, incidents: list[dict[str, Any]]):
    """Six releases an hour of the incident's own component around it, none of them its cause."""
    releases = Counter(story.planned.decoy_of for story in hard.stories() if story.planned.kind == "chatter")
    for incident in incidents:
        number = int(incident["id"].rpartition("-")[2])
        late = datetime.fromisoformat(incident["first"]) - START >= BEFORE + timedelta(hours=1)
        if late:
            assert releases[number] >= 6 * (BEFORE + AFTER) / timedelta(hours=1) * 0.9
        for decoy in incident["decoys"]:
            assert incident["suspect"] is None or decoy["source_id"] != incident["suspect"]["source_id"]


def test_an_upstream_incident_is_about_another_component_than_its_cause(incidents: list[dict[str, Any]]):
    """The suspect changes what the component depends on."""
    upstream = [incident for incident in incidents if incident["kind"] == "upstream"]
    assert upstream
    assert all(incident["suspect"]["component"] != incident["component"] for incident in upstream)


def test_stories_know_what_their_records_are(hard: Scenario):
    """Every story by time, with its changes apart from what is found."""
    stories = list(hard.stories())
    starts = [story.planned.start for story in stories]
    assert starts == sorted(starts)
    chatter = next(story for story in stories if story.planned.kind == "chatter")
    assert {reference.role for part in chatter.parts for reference in part.references} == {"change"}
