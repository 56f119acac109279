from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest

from streams.simulate import Delivery, Message, Scenario, natural_key

START = datetime(2026, 3, 2, 8, tzinfo=UTC)


def _keys(message: Message, document: Any) -> list[str]:
    """The natural keys of the records in a message, as their vendors define them."""
    headers = dict(message.headers)
    if message.source == "cloudtrail":
        records = document["Records"] if "Records" in document else [document.get("detail", document)]
        return [record["eventID"] for record in records]
    if message.source == "github":
        return [headers["X-GitHub-Delivery"].decode()]
    if message.source == "cdevents":
        return [document.get("data", document)["context"]["id"]]
    if message.source == "trivy":
        report = document["ReportID"]
        return [f"{report}/{item['Fingerprint']}" for r in document["Results"] for item in r["Vulnerabilities"]]
    if message.source == "sarif":
        return [result["guid"] for run in document["runs"] for result in run["results"]]
    return [document["metadata"]["uid"]]


@pytest.fixture(scope="module")
def incidents(scenario: Scenario) -> list[dict[str, Any]]:
    return [entry for entry in scenario.truth() if entry["type"] == "incident"]


@pytest.fixture(scope="module")
def places(deliveries: list[Delivery]) -> dict[tuple[str, str], int]:
    """Where in the order of arrival each record comes first."""
    out: dict[tuple[str, str], int] = {}
    for place, delivery in enumerate(deliveries):
        if delivery.slot == "ordinary":
            for key in _keys(delivery.message, orjson.loads(delivery.message.value)):
                assert out.setdefault((delivery.message.source, key), place) == place
    return out


def test_the_truth_is_plain_json(scenario: Scenario):
    """Entries survive JSON unchanged, and the last one counts what was injected."""
    truth = scenario.truth()
    assert orjson.loads(orjson.dumps(truth)) == truth
    assert [entry["type"] for entry in truth[-2:]] == ["incident", "injected"]


def test_every_record_that_the_truth_names_is_delivered(
    incidents: list[dict[str, Any]], places: dict[tuple[str, str], int]
):
    """Members, suspects, the rest of the same change and decoys are all among the messages, under their source."""
    for incident in incidents:
        named = [*incident["findings"], *incident["activities"], *incident["decoys"]]
        if incident["suspect"]:
            named += [incident["suspect"], *incident["suspect"]["same_change"]]
        for reference in named:
            assert (reference["source"], reference["source_id"]) in places
        members = [*incident["findings"], *incident["activities"]]
        assert sorted(incident["source_ids"]) == sorted(reference["source_id"] for reference in members)
        assert len(set(incident["source_ids"])) == len(incident["source_ids"])


def test_no_record_belongs_to_two_incidents(incidents: list[dict[str, Any]]):
    """Incidents share no member."""
    members = Counter(source_id for incident in incidents for source_id in incident["source_ids"])
    assert set(members.values()) == {1}


def test_a_suspect_comes_before_its_incident(incidents: list[dict[str, Any]]):
    """Every incident but the changeless has a suspect of the kind that its story has, before the first member."""
    kinds = {
        "bad_deploy": "deploy",
        "leaked_key": "access",
        "bad_dependency": "dependency",
        "open_ingress": "infrastructure",
    }
    assert {incident["kind"] for incident in incidents} == {*kinds, "no_change"}
    for incident in incidents:
        suspect = incident["suspect"]
        if incident["kind"] == "no_change":
            assert suspect is None
            continue
        assert suspect["kind"] == kinds[incident["kind"]]
        assert suspect["component"] == incident["component"]
        assert suspect["time"] < incident["first"] <= incident["last"]


def test_decoys_are_about_other_components(incidents: list[dict[str, Any]]):
    """A decoy never touches the component of its incident, and most incidents have some."""
    assert sum(bool(incident["decoys"]) for incident in incidents) > len(incidents) / 2
    for incident in incidents:
        assert all(decoy["component"] != incident["component"] for decoy in incident["decoys"])


@pytest.mark.parametrize("seed", range(6))
def test_nothing_but_the_suspect_changes_the_component_before_an_incident(seed: int):
    """In the three hours before, no routine change or decoy of any incident touches it or what it depends on."""
    scenario = Scenario(seed, start=START, hours=6)
    stories = [scenario._tell(planned) for planned in scenario._plan]
    incidents = [story for story in stories if story.planned.incident]
    for incident in incidents:
        service = incident.planned.service
        for story in stories:
            if story.planned.incident or story.planned.service.name not in (service.name, *service.depends_on):
                continue
            for reference in story.change:
                before = (incident.planned.start - reference.time).total_seconds()
                assert not 0 < before < 3 * 3600, (incident.planned, reference)


@pytest.mark.parametrize("seed", range(6))
def test_before_an_incident_without_change_nothing_was_changed_at_all(seed: int):
    """Where the right suspect is none, no story, not even another incident, changed the component that day."""
    scenario = Scenario(seed, start=START, hours=6)
    stories = [scenario._tell(planned) for planned in scenario._plan]
    for quiet in (story for story in stories if story.planned.kind == "no_change"):
        for story in stories:
            for reference in (reference for part in story.parts for reference in part.references):
                if reference.role == "change" and reference.component == quiet.planned.service.name:
                    assert not 0 < (quiet.planned.start - reference.time).total_seconds() < 4 * 3600


def test_something_shows_early(incidents: list[dict[str, Any]], places: dict[tuple[str, str], int]):
    """The first incident has findings, and begins within the first 15 % of the messages."""
    first = min(incidents, key=lambda incident: incident["first"])
    assert first["findings"]
    begin = min(places[finding["source"], finding["source_id"]] for finding in first["findings"])
    assert begin < 900
    assert first["suspect"]
    assert max(finding["severity"] for finding in first["findings"]) == 5


def test_more_hours_bring_more_incidents():
    """A day has several incidents of each kind, over most of the systems."""
    truth = Scenario(5, start=START, hours=24).truth()
    kinds = Counter(entry["kind"] for entry in truth if entry["type"] == "incident")
    assert len(kinds) == 5
    assert min(kinds.values()) >= 3
    assert len({entry["domain"] for entry in truth if entry["type"] == "incident"}) >= 6


def test_expected_findings_carry_rule_and_severity(incidents: list[dict[str, Any]]):
    """A bad deploy has one critical scanner finding and alerts of the detector."""
    for incident in incidents:
        if incident["kind"] == "bad_deploy":
            scans = [finding for finding in incident["findings"] if finding["source"] == "trivy"]
            assert [finding["severity"] for finding in scans] == [5]
            assert sum(finding["source"] == "ocsf" for finding in incident["findings"]) >= 3
            assert sum(1 for _ in incident["activities"]) >= 10


@pytest.mark.parametrize(
    ("source_id", "found"),
    [
        ("a", "a"),
        ("a/2026-03-02T08:00:00Z", "a"),
        ("run/a", "a"),
        ("r/sha256:1", "r/sha256:1"),
        ("r/sha256:1/app/left", "r/sha256:1"),
        ("r/other", None),
        ("", None),
    ],
)
def test_a_natural_key_is_found_inside_a_source_id(source_id: str, found: str | None):
    """The key may be the id, or be framed by slashes; the longest one counts."""
    assert natural_key(source_id, {"a", "r/sha256:1", "sha256:1"}) == found
