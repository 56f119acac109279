"""Every message is read by the source that is meant for it; skipped for sources that are not registered."""

from __future__ import annotations

from collections import Counter

import pytest

from streams.simulate import Delivery, Message, Scenario, natural_key
from streams.sources.base import Malformed, Reading
from streams.sources.parse import ParseError, parse
from streams.sources.registry import SOURCES, recognise

NAMES = {
    "cloudtrail": "aws.cloudtrail",
    "github": "github",
    "cdevents": "cdevents",
    "trivy": "trivy",
    "sarif": "sarif",
    "ocsf": "ocsf",
}


def _read(message: Message) -> tuple[str | None, list[Reading]]:
    document = parse(message.value)
    headers = {name.lower(): value.decode() for name, value in message.headers}
    source = recognise(document, headers)
    return (source.name, list(source.read(document, headers))) if source else (None, [])


def _registered(kind: str) -> None:
    if not any(source.name.startswith(NAMES[kind]) for source in SOURCES):
        pytest.skip(f"no source for {kind} is registered")


@pytest.mark.parametrize("kind", NAMES)
def test_the_right_source_reads_every_good_message(kind: str, deliveries: list[Delivery]):
    """The format is recognised by content, and no item of it is malformed."""
    _registered(kind)
    for message, slot in ((delivery.message, delivery.slot) for delivery in deliveries):
        if message.source == kind and slot in ("ordinary", "duplicate", "far_late"):
            name, readings = _read(message)
            assert name is not None
            assert name.startswith(NAMES[kind])
            assert readings
            assert not [reading for reading in readings if isinstance(reading[1], Malformed)]


def test_no_source_takes_a_broken_message(deliveries: list[Delivery]):
    """Each broken message is refused: not parsed, not recognised, malformed, or above 1 MiB."""
    _registered("cloudtrail")
    for delivery in deliveries:
        if delivery.slot in ("ordinary", "duplicate", "far_late") or len(delivery.message.value) > 1024 * 1024:
            continue
        try:
            name, readings = _read(delivery.message)
        except ParseError:
            continue
        assert name is None or any(isinstance(found, Malformed) for _, found in readings), delivery.slot


def test_source_ids_lead_back_to_the_truth(scenario: Scenario, deliveries: list[Delivery]):
    """Every member, suspect and decoy is found again by its natural key, changes with the kind that the truth says."""
    for kind in NAMES:
        _registered(kind)
    incidents = [entry for entry in scenario.truth() if entry["type"] == "incident"]
    members = {source_id for entry in incidents for source_id in entry["source_ids"]}
    changes = [entry["suspect"] for entry in incidents if entry["suspect"]]
    changes += [other for suspect in changes for other in suspect["same_change"]]
    changes += [decoy for entry in incidents for decoy in entry["decoys"]]
    wanted = {change["source_id"]: change["kind"] for change in changes}
    found: Counter[str] = Counter()
    kinds: dict[str, str] = {}
    for delivery in deliveries:
        if delivery.slot != "ordinary":
            continue
        for _, draft in _read(delivery.message)[1]:
            if isinstance(draft, dict) and draft["type"] != "context":
                if key := natural_key(draft["source_id"], members):
                    found[key] += 1
                if draft["type"] == "change" and (key := natural_key(draft["source_id"], wanted)):
                    kinds[key] = draft["kind"]
    assert set(found) == members
    assert kinds == wanted
